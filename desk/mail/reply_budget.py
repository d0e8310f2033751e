"""Whose mailbox an automatic mail fills: spellings of one address are one victim, addresses of one domain one domain.

Somebody who fills a stranger's mailbox through the desk writes `victim+1@`, `victim+2@`, or any name at a domain
that takes all of them. Nothing else may be told from these names: they are for counting only, never for writing to.
"""

from __future__ import annotations

from desk.people.organisations import is_shared

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Where dots in the local part mean nothing."""
_SHORT_LABEL, _COUNTRY = 3, 2


def victim(address: str) -> str:
    """The mailbox behind the spellings of an address: without what follows a plus, without Gmail's dots."""
    local, _, domain = address.strip().lower().rpartition("@")
    domain = domain.rstrip(".")
    base = local.partition("+")[0] or local
    if domain in _DOTLESS:
        base, domain = base.replace(".", "") or base, "gmail.com"
    return f"{base}@{domain}"


def victim_domain(address: str) -> str:
    """The domain whose owner would get it all, subdomains too; "" where strangers to each other have addresses."""
    domain = address.lower().rpartition("@")[2].rstrip(".")
    labels = domain.split(".")
    # Without the list of public suffixes: under a country's domain a short second label (co.uk) is no owner.
    wide = len(labels) > 2 and len(labels[-1]) == _COUNTRY and len(labels[-2]) <= _SHORT_LABEL
    owner = ".".join(labels[-3:] if wide else labels[-2:])
    return "" if is_shared(domain) or is_shared(owner) else owner
