"""Our signed addresses and Message-IDs: made and read side by side, so that both ends always agree.

A signed reply address is `local+TOKEN@domain`. TOKEN is `PURPOSEticket-person-DAYMAC` in lower-case base 36: purpose
`a` (agent) or `r` (requester), the day (since 1970, UTC) after which it is void, and 129 bits of HMAC-SHA256.
A third party answers into a side conversation at `sticket-side-…`, an agent at `bside-person-…`. Reports of failed
deliveries come to `local+zOUTBOUND-MAC@domain`, the envelope sender of one mail to one recipient.
A signed Message-ID is `fd.TICKET.UNIQUE.MAC@domain`; in those of a side conversation, UNIQUE begins with `sSIDE-`.
Addresses of the form `purpose-ticket-person-day-mac` were made before, and stay valid.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

AGENT, REQUESTER = "a", "r"
SIDE, SIDE_AGENT = "s", "b"
NO_VERSION = 0
"""The key version of a third party's address: whether it is heard is said by who takes part, not by the address."""
LIFETIME = timedelta(days=180)
MOST_OCTETS = 64
"""What RFC 5321 (section 4.5.3.1.1) allows before the @."""
TOKEN_OCTETS = 40
"""The longest token of the first 60 million tickets and 1.6 million people."""
LONGEST_NAME = MOST_OCTETS - 1 - TOKEN_OCTETS
"""Letters of a mailbox's name that leave room for a token."""
_MAC_LETTERS = 26
_SHORT_MAC_LETTERS = 25
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"([arsb])-([0-9a-z]{1,13})-([0-9a-z]{1,13})-([0-9a-z]{1,6})-([a-z2-7]{26})\Z")
_SHORT_TOKEN = re.compile(r"([arsb])([0-9a-z]{1,13})-([0-9a-z]{1,13})-([0-9a-z]{3})([0-9a-z]{25})\Z")
_BOUNCE_TOKEN = re.compile(r"z([0-9a-z]{1,13})-([0-9a-z]{25})\Z")
_MESSAGE_ID = re.compile(r"fd\.([0-9a-z]{1,13})\.([0-9a-z-]{1,40})\.([a-z2-7]{26})@")
_SIDE = re.compile(r"s([0-9a-z]{1,13})-")


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """What a genuine signed address says. `expired` tokens are read too, so that the refusal can say so."""

    purpose: str
    ticket_id: int
    person_id: int
    expired: bool


@dataclass(frozen=True, slots=True)
class ReplyRight:
    """What a reply address permits: one person answers on one ticket; `key_version` revokes a person's tokens."""

    purpose: str
    ticket_id: int
    person_id: int
    key_version: int


def reply_address(mailbox: str, right: ReplyRight, secret: bytes, now: datetime) -> str:
    """The address under which this one person answers on this one ticket."""
    local, _, domain = mailbox.rpartition("@")
    day = _base36((int(now.timestamp()) // 86400) + LIFETIME.days).rjust(3, "0")
    body = f"{right.purpose}{_base36(right.ticket_id)}-{_base36(right.person_id)}-{day}"
    return f"{local}+{body}{_short_mac(secret, 'reply', body, str(right.key_version))}@{domain}"


def bounce_address(mailbox: str, outbound_id: int, secret: bytes) -> str:
    """The envelope sender of one outbound row: who reports to it has had that mail."""
    local, _, domain = mailbox.rpartition("@")
    body = f"z{_base36(outbound_id)}"
    return f"{local}+{body}-{_short_mac(secret, 'bounce', body, '')}@{domain}"


def outbound_of_bounce_address(address: str, secret: bytes) -> int | None:
    """The outbound row that a genuine address for reports names."""
    match = _BOUNCE_TOKEN.match(_extension(address))
    if match is None or not hmac.compare_digest(match[2], _short_mac(secret, "bounce", f"z{match[1]}", "")):
        return None
    return int(match[1], 36)


def has_room(mailbox: str) -> bool:
    """Whether a token fits behind the mailbox's name."""
    return len(mailbox.rpartition("@")[0].encode()) <= LONGEST_NAME


def carrier(mailbox: str, others: Iterable[str], *, any_domain: bool = False) -> str:
    """The mailbox whose name carries the tokens of `mailbox`: itself, or the shortest of its domain; empty for none."""
    if has_room(mailbox):
        return mailbox
    domain = mailbox.rpartition("@")[2]
    fitting = [one for one in others if has_room(one) and (any_domain or one.rpartition("@")[2] == domain)]
    return min(fitting, key=lambda one: (one.rpartition("@")[2] != domain, len(one), one), default="")


def token_of(address: str) -> tuple[str, int, int, str, str] | None:
    """The parts (purpose, ticket, person, day, mac) of an address that has the shape of ours; proves nothing yet."""
    token = _extension(address)
    match = _SHORT_TOKEN.match(token) or _TOKEN.match(token)
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
    if not hmac.compare_digest(mac, _reply_mac(parts, key_version, secret)):
        return None
    expired = int(now.timestamp()) // 86400 > int(day, 36)
    return ReplyToken(purpose, ticket_id, person_id, expired)


def _reply_mac(parts: tuple[str, int, int, str, str], key_version: int, secret: bytes) -> str:
    """The signature that such a token has to have, in the form in which it was made."""
    purpose, ticket_id, person_id, day, mac = parts
    numbers = f"{_base36(ticket_id)}-{_base36(person_id)}-{day}"
    if len(mac) == _SHORT_MAC_LETTERS:
        return _short_mac(secret, "reply", f"{purpose}{numbers}", str(key_version))
    return _mac(secret, "reply", f"{purpose}-{numbers}", str(key_version))


def without_token(address: str) -> str:
    """The mailbox behind an address: `support+anything@d` is `support@d`, and `help+eu+TOKEN@d` is `help+eu@d`."""
    local, at, domain = address.rpartition("@")
    ours = token_of(address) is not None or _BOUNCE_TOKEN.match(_extension(address)) is not None
    kept = local.rpartition("+")[0] if ours else local.partition("+")[0]
    return f"{kept}{at}{domain}"


def _extension(address: str) -> str:
    """What stands behind the last plus of the local part."""
    local = address.rpartition("@")[0].lower()
    return local.rpartition("+")[2] if "+" in local else ""


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


def _short_mac(secret: bytes, use: str, body: str, extra: str) -> str:
    """129 bits in 25 letters, for addresses, whose room is small."""
    digest = hmac.digest(secret, f"{use}\0{body}\0{extra}".encode(), hashlib.sha256)
    number = int.from_bytes(digest) % 36**_SHORT_MAC_LETTERS
    return _base36(number).rjust(_SHORT_MAC_LETTERS, "0")


def _base36(number: int) -> str:
    out = ""
    while True:
        number, rest = divmod(number, 36)
        out = _DIGITS[rest] + out
        if not number:
            return out
