"""Signs of spam and of mail loops in a mail's header: a mail server marked it as spam, or it was delivered here before.

Such a mail is quarantined with its reason and never lost: an agent may release it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from desk.mail.inbound_request import Envelope
from desk.web.client_ip import is_within
from gateway.email.mime.header import Header

CAME_BACK = "came back"
SPAM = "marked as spam by the mail server"

_UNIX = "unix"
_ADDRESS = re.compile(r"[^\s<>\"(),;:]{1,200}@[^\s<>\"(),;:]{1,200}")
_YES = re.compile(r"\s*(?:yes|true)\b", re.I)
_FLAGS = ("x-spam-flag", "x-spam", "x-spam-status")


def remarks(head: Header, envelope: Envelope) -> Iterator[str]:
    """What an agent should know about the way that a mail took."""
    for name in ("x-loop", *(("delivered-to",) if envelope.peer not in ("", _UNIX) else ())):
        # A folder that is fetched, and the last server before a socket, write Delivered-To where it belongs.
        if head.has(name) and _names(head, name) & {address.lower() for address in envelope.rcpt_to}:
            yield f"{CAME_BACK}: {'X-Loop' if name == 'x-loop' else 'Delivered-To'} names this mailbox already"
            break
    if any(_YES.match(head.text(name)) for name in _FLAGS if head.has(name)):
        yield SPAM


def why_set_aside(defects: Sequence[str], envelope: Envelope, source: str, relays: Sequence[str]) -> str:
    """The reason for which nobody need see the mail before they look for it; empty for all other mail.

    Only our own servers' word about spam counts; what a stranger wrote into the header is a remark.
    """
    returned = next((defect for defect in defects if defect.startswith(CAME_BACK)), "")
    if returned or SPAM not in defects:
        return returned
    ours = source.startswith("imap:") or envelope.peer == _UNIX or is_within(envelope.peer, relays)
    return SPAM if ours else ""


def _names(head: Header, name: str) -> set[str]:
    return {address.lower() for value in head.all(name)[:50] for address in _ADDRESS.findall(value.decode("latin-1"))}
