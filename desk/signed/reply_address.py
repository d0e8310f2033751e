"""Our signed addresses and Message-IDs: made and read side by side, so that both ends always agree.

A signed reply address is `local+TOKEN@domain`. TOKEN is `purpose-ticket-person-day-mac` in lower-case base 32:
purpose `a` (agent) or `r` (requester), the day (since 1970, UTC) after which it is void, and 130 bits of HMAC-SHA256.
A third party answers into a side conversation at `s-ticket-side-day-mac`, an agent at `b-side-person-day-mac`.
A signed Message-ID is `fd.TICKET.UNIQUE.MAC@domain`; in those of a side conversation, UNIQUE begins with `sSIDE-`.
Tokens fit RFC 5321's 64 octets of local part for a mailbox name of up to 20 letters.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta

AGENT, REQUESTER = "a", "r"
SIDE, SIDE_AGENT = "s", "b"
NO_VERSION = 0
"""The key version of a third party's address: whether it is heard is said by who takes part, not by the address."""
LIFETIME = timedelta(days=180)
_MAC_LETTERS = 26
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"([arsb])-([0-9a-z]{1,13})-([0-9a-z]{1,13})-([0-9a-z]{1,6})-([a-z2-7]{26})\Z")
_MESSAGE_ID = re.compile(r"fd\.([0-9a-z]{1,13})\.([0-9a-z-]{1,40})\.([a-z2-7]{26})@")
_SIDE = re.compile(r"s([0-9a-z]{1,13})-")


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """What a genuine signed address says. `expired` tokens are read too, so that the refusal can say so."""

    purpose: str
    ticket_id: int
    person_id: int
    expired: bool


def reply_address(
    mailbox: str, purpose: str, ticket_id: int, person_id: int, key_version: int, secret: bytes, now: datetime
) -> str:
    """The address under which this one person answers on this one ticket; `key_version` revokes a person's tokens."""
    local, _, domain = mailbox.rpartition("@")
    day = _base36((int(now.timestamp()) // 86400) + LIFETIME.days)
    body = f"{purpose}-{_base36(ticket_id)}-{_base36(person_id)}-{day}"
    return f"{local}+{body}-{_mac(secret, 'reply', body, str(key_version))}@{domain}"


def token_of(address: str) -> tuple[str, int, int, str, str] | None:
    """The parts (purpose, ticket, person, day, mac) of an address that has the shape of ours; proves nothing yet."""
    local = address.rpartition("@")[0].lower()
    match = _TOKEN.match(local.rpartition("+")[2]) if "+" in local else None
    if match is None:
        return None
    purpose, ticket, person, day, mac = match.groups()
    return purpose, int(ticket, 36), int(person, 36), day, mac


def read_reply_address(address: str, key_version: int, secret: bytes, now: datetime) -> ReplyToken | None:
    """The token of an address, if it is genuine for that person's `key_version`; None for anything else."""
    parts = token_of(address)
    if parts is None:
        return None
    purpose, ticket_id, person_id, day, mac = parts
    body = f"{purpose}-{_base36(ticket_id)}-{_base36(person_id)}-{day}"
    if not hmac.compare_digest(mac, _mac(secret, "reply", body, str(key_version))):
        return None
    expired = int(now.timestamp()) // 86400 > int(day, 36)
    return ReplyToken(purpose, ticket_id, person_id, expired)


def without_token(address: str) -> str:
    """The mailbox behind an address: `support+anything@d` is `support@d`, and `help+eu+TOKEN@d` is `help+eu@d`."""
    local, at, domain = address.rpartition("@")
    kept = local.rpartition("+")[0] if token_of(address) else local.partition("+")[0]
    return f"{kept}{at}{domain}"


def message_id(ticket_id: int, unique: str, secret: bytes, domain: str) -> str:
    """A Message-ID of ours without brackets; `unique` (base 36 letters) is fixed before the first try to send."""
    body = f"{_base36(ticket_id)}.{unique}"
    return f"fd.{body}.{_mac(secret, 'message-id', body, '')}@{domain}"


def side_unique(side_id: int, unique: str) -> str:
    """The part of a Message-ID that names a side conversation; no other one begins so."""
    return f"s{_base36(side_id)}-{unique}"


def ticket_of_message_id(value: str, secret: bytes) -> int | None:
    """The ticket that a genuine Message-ID of ours names. The domain is not part of it: relays rewrite it."""
    match = _MESSAGE_ID.search(value.lower())
    if match is None:
        return None
    ticket, unique, mac = match.groups()
    if not hmac.compare_digest(mac, _mac(secret, "message-id", f"{ticket}.{unique}", "")):
        return None
    return int(ticket, 36)


def side_of_message_id(value: str, secret: bytes) -> int | None:
    """The side conversation that a genuine Message-ID of ours names."""
    match = _MESSAGE_ID.search(value.lower())
    named = _SIDE.match(match[2]) if match else None
    return int(named[1], 36) if named and ticket_of_message_id(value, secret) is not None else None


def sign(purpose: str, text: str, secret: bytes) -> str:
    """A signature for links; `purpose` keeps the uses apart."""
    return _mac(secret, purpose, text, "")


def _mac(secret: bytes, use: str, body: str, extra: str) -> str:
    digest = hmac.digest(secret, f"{use}\0{body}\0{extra}".encode(), hashlib.sha256)
    return b32encode(digest).decode().lower()[:_MAC_LETTERS]


def _base36(number: int) -> str:
    out = ""
    while True:
        number, rest = divmod(number, 36)
        out = _DIGITS[rest] + out
        if not number:
            return out
