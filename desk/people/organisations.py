"""The organisation behind a mail address: its domain, or the address itself where the domain belongs to everybody.

It takes an address, and returns what two addresses of one organisation have in common. It asks no network, knows no
people, and trusts nobody: who may write in an organisation's name is decided elsewhere.
"""

from __future__ import annotations

from functools import cache

from desk.text import mail_words


def organisation(address: str) -> str:
    """`helpdesk.example` for `a@helpdesk.example`; `a@gmail.com` for itself, because Gmail's users have no desk."""
    domain = address.rpartition("@")[2].lower().strip(".")
    return address.lower() if is_shared(domain) else domain


def is_shared(domain: str) -> bool:
    """Whether strangers to each other have addresses there: free mail, providers, platforms that host many desks."""
    return domain in _shared()


@cache
def _shared() -> frozenset[str]:
    return frozenset(text for _, _, text in mail_words.rows("shared_domains"))
