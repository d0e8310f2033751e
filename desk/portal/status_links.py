"""The signed links by which requesters see their requests without a password: made and read side by side.

A token is its numbers and 130 bits of HMAC-SHA256, `12-5-0-29500000-mac`: nothing in it can be guessed or changed. A
link of a ticket names the ticket and the person, the version of that person's links (a new version makes the old ones
void) and the minute after which it is over; a link to all requests the same without a ticket, for half an hour; a
receipt the accepted request of a form, whose address nobody has proven. It refuses to know pages and rows.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from desk.config.settings import Settings
from desk.signed.reply_address import sign

ENTRY_FOR = timedelta(minutes=30)
RECEIPT_FOR = timedelta(days=30)
_STATUS, _ENTRY, _RECEIPT = "status-link", "requests-link", "receipt"
_LINKED = re.compile(r"(/(?:status|my/open)/)(?:[0-9]{1,18}-){3,4}[a-z2-7]{26}")
_TOKEN = re.compile(r"((?:(?:0|[1-9][0-9]{0,17})-){1,4})([a-z2-7]{26})")


@dataclass(frozen=True, slots=True)
class StatusLink:
    """What a genuine link of a ticket says. Expired ones are read too, so that the refusal can say so."""

    ticket_id: int
    person_id: int
    version: int
    expired: bool


@dataclass(frozen=True, slots=True)
class EntryLink:
    """What a genuine link to all requests of a person says."""

    person_id: int
    version: int
    expired: bool


def status_token(
    ticket_id: int, person_id: int, version: int, lifetime: timedelta, secret: bytes, now: datetime
) -> str:
    """What the link of one ticket for one person carries."""
    return _made(_STATUS, (ticket_id, person_id, version, _minute(now + lifetime)), secret)


def read_status_token(text: str, secret: bytes, now: datetime) -> StatusLink | None:
    """None for everything that we did not make."""
    numbers = _read(_STATUS, text, 4, secret)
    return StatusLink(numbers[0], numbers[1], numbers[2], _minute(now) > numbers[3]) if numbers else None


def entry_token(person_id: int, version: int, secret: bytes, now: datetime) -> str:
    """What the mail with the link to all requests carries."""
    return _made(_ENTRY, (person_id, version, _minute(now + ENTRY_FOR)), secret)


def read_entry_token(text: str, secret: bytes, now: datetime) -> EntryLink | None:
    numbers = _read(_ENTRY, text, 3, secret)
    return EntryLink(numbers[0], numbers[1], _minute(now) > numbers[2]) if numbers else None


def receipt_token(inbound_id: int, secret: bytes, now: datetime) -> str:
    """What the page after a form carries: it proves that the form was sent, and nothing about its address."""
    return _made(_RECEIPT, (inbound_id, _minute(now + RECEIPT_FOR)), secret)


def read_receipt_token(text: str, secret: bytes, now: datetime) -> int | None:
    """The accepted request; None for what we did not make, and for what is over."""
    numbers = _read(_RECEIPT, text, 2, secret)
    return numbers[0] if numbers and _minute(now) <= numbers[1] else None


def mailed_link(settings: Settings, ticket_id: int, person_id: int, version: int, secret: bytes, now: datetime) -> str:
    """The link as a mail has it; empty where the desk puts none into its mails."""
    if not (settings.status_pages and settings.status_links and settings.public_url):
        return ""
    lifetime = timedelta(days=settings.status_link_days)
    return (
        f"{settings.public_url.rstrip('/')}/status/{status_token(ticket_id, person_id, version, lifetime, secret, now)}"
    )


def hidden(text: str) -> str:
    """A text that others read, without the links in it: whoever has one acts in the requester's name."""
    return _LINKED.sub(r"\1…", text)


def _made(purpose: str, numbers: tuple[int, ...], secret: bytes) -> str:
    text = "-".join(map(str, numbers))
    return f"{text}-{sign(purpose, text, secret)}"


def _read(purpose: str, text: str, count: int, secret: bytes) -> tuple[int, ...] | None:
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    numbers = match[1][:-1]
    if not hmac.compare_digest(match[2], sign(purpose, numbers, secret)) or numbers.count("-") != count - 1:
        return None
    return tuple(map(int, numbers.split("-")))


def _minute(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) // 60
