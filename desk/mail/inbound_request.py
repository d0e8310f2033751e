"""InboundRequest, the one request schema: every channel's adapter makes it, all that follows reads only it.

Checked once, here, when it is made; after that no one checks again. JSON there and back (`to_json`, `from_json`);
`VERSION` rises when a field changes its meaning, and `from_json` reads every version that was ever written.
"""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from desk.channels import Channel

VERSION = 1

MAX_TEXT = 1_000_000
"""Characters of text kept in a request; longer text stays whole in the raw blob."""
MAX_LINE = 998
"""Characters of a subject, a name or an id that are kept."""


class AutoKind(StrEnum):
    """What kind of automatic mail this is; NONE is a person's.

    REPLY answers by itself (an absence, an acknowledgement), NOTICE tells of something (an alarm, an order), LIST is a
    newsletter.
    """

    NONE = "none"
    REPLY = "auto-reply"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    LIST = "list"
    NOTICE = "notice"
    OWN = "own-echo"


class Unreadable(ValueError):
    """The bytes cannot become a request within the limits; the text is the reason that the quarantine shows."""


UNKNOWN_SENDER = "nobody@sender.invalid"
"""Who wrote without any address: no mail can reach it (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class Party:
    """One mail address (lower case) or one Slack user (`slack:T1:U1`) with the name it gives itself."""

    address: str
    name: str = ""

    def __post_init__(self) -> None:
        _clean_lines(self, ("address", "name"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the request; its bytes are the blob `sha256` (hex)."""

    name: str
    media_type: str
    size: int
    sha256: str
    content_id: str = ""
    inline: bool = False

    def __post_init__(self) -> None:
        _clean_lines(self, ("name", "media_type", "sha256", "content_id"))


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the text that is not the new reply: why ("quote", "signature", "forward-header"…), and the words."""

    reason: str
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean_text(self.text))


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says (RFC 3464): who did not get it, for good or for now, and which mail it was."""

    recipients: tuple[str, ...] = ()
    permanent: bool = True
    status: str = ""
    diagnostic: str = ""
    original_message_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipients", _clean_all(self.recipients))
        _clean_lines(self, ("status", "diagnostic", "original_message_id"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the transport said (RFC 5321), apart from what the header claims. `peer` is the address that connected."""

    mail_from: str = ""
    rcpt_to: tuple[str, ...] = ()
    peer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rcpt_to", _clean_all(self.rcpt_to))
        _clean_lines(self, ("mail_from", "peer"))


@dataclass(frozen=True, slots=True)
class ThreadKeys:
    """All that could say which thread this belongs to; ids are without angle brackets.

    `addresses` are To, Cc, Delivered-To, X-Original-To (lower case). `conversation` is the channel's own thread,
    such as `slack:T1:C1:1700000000.000100`.
    """

    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    delivered_to: tuple[str, ...] = ()
    conversation: str = ""

    def __post_init__(self) -> None:
        for name in ("in_reply_to", "references", "delivered_to"):
            object.__setattr__(self, name, _clean_all(getattr(self, name)))
        _clean_lines(self, ("message_id", "conversation"))


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One request of one person by one channel.

    `source` names where it came in (accepted recipients joined by a comma, a mailbox and folder, a Slack workspace,
    a form).
    `external_id` is the channel's own id (Message-ID without brackets, event id, Idempotency-Key).
    `content_hash` is the SHA-256 (hex) of the content without trace headers, so that two copies are recognised.
    `sender` proves something only if `sender_strict`: exactly one address that parsed strictly. `sender_clear` is less:
    the field is odd, but nobody would take its one address for another; that is enough for a requester.
    `auto` says whether a machine wrote it; `no_answer` why no automatic answer should go out (empty: it may).
    `origin` holds the header fields that tell who is behind a mail which something else sent (`desk/author.py`).
    `text` is all the readable text, `reply` the new words in it, `cut` what was set aside with the reason.
    `html` is sanitised. `raw` is the blob of the original bytes. `authentication` holds the Authentication-Results
    headers, topmost first, unfolded. `fields` are the further answers of a form.
    """

    channel: Channel
    source: str
    external_id: str
    content_hash: str
    received_at: datetime
    sender: Party
    subject: str = ""
    text: str = ""
    reply: str = ""
    cut: tuple[Cut, ...] = ()
    html: str = ""
    sender_strict: bool = True
    sender_clear: bool = True
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    reply_to: tuple[Party, ...] = ()
    sent_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    thread: ThreadKeys = field(default_factory=ThreadKeys)
    envelope: Envelope = field(default_factory=Envelope)
    auto: AutoKind = AutoKind.NONE
    auto_reason: str = ""
    no_answer: str = ""
    origin: tuple[tuple[str, str], ...] = ()
    bounce: Bounce | None = None
    authentication: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    forwarded: Party | None = None
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at must know its time zone")
        _clean_lines(self, ("source", "external_id", "content_hash", "subject", "auto_reason", "no_answer", "raw"))
        if not self.content_hash:
            raise ValueError("content_hash must not be empty")
        if not self.source:
            raise ValueError("source must not be empty")
        for name in ("text", "reply", "html"):
            object.__setattr__(self, name, clean_text(getattr(self, name)))
        object.__setattr__(self, "fields", tuple((clean_line(k), clean_text(v)) for k, v in self.fields))
        object.__setattr__(self, "origin", tuple((clean_line(k), clean_line(v)) for k, v in self.origin))
        for name in ("authentication", "defects"):
            object.__setattr__(self, name, _clean_all(getattr(self, name)))


def clean_text(text: str) -> str:
    """Text that every database takes: no NUL, no lone surrogates, at most MAX_TEXT characters."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text[:MAX_TEXT]


def clean_line(text: str) -> str:
    """One line of at most MAX_LINE characters, without control characters and marks that turn the direction.

    Joiners stay: Persian and Indian words and joined emoji are spelled with them.
    """
    if not text.isprintable():
        text = " ".join("".join(map(_printable, text)).split())
    return clean_text(text)[:MAX_LINE]


def _printable(letter: str) -> str:
    if letter.isprintable() or letter in "\u200c\u200d":
        return letter
    return "" if unicodedata.category(letter) == "Cf" else " "


def _clean_all(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(clean_text(text) for text in texts)


def _clean_lines(part: object, names: tuple[str, ...]) -> None:
    """The named fields of a part, each one line; most are already, and then nothing is written."""
    for name in names:
        text = getattr(part, name)
        if not text.isprintable() or len(text) > MAX_LINE:
            object.__setattr__(part, name, clean_line(text))


def to_json(request: InboundRequest) -> str:
    """The request as JSON text; times in ISO 8601 with UTC offset, empty fields left out."""
    return json.dumps(_as_dict(request), ensure_ascii=False, separators=(",", ":"))


def from_json(text: str | bytes) -> InboundRequest:
    """The request that `to_json` wrote, by this or an earlier version. Raises ValueError where it is not one."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("a request is a JSON object")
        if data.get("version", 0) > VERSION:
            raise ValueError(f"this request was written by a newer version ({data['version']} > {VERSION})")
        return InboundRequest(**_fields_from(data))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a request: {error}") from error


def _as_dict(request: InboundRequest) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for f in _FIELDS:
        value = getattr(request, f)
        if value or f == "version" or value is False:
            out[f] = _plain(value)
    return out


def _plain(value: Any) -> Any:
    if isinstance(value, (StrEnum, str, bool, int)):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    names = value.__dataclass_fields__
    return {name: _plain(item) for name in names if (item := getattr(value, name)) not in ("", (), None)}


def _fields_from(data: dict[str, Any]) -> dict[str, Any]:
    known = {"external_id": ""} | {key: value for key, value in data.items() if key in _FIELDS}
    known.setdefault("sender_clear", known.get("sender_strict", True))
    for key, read in _READERS.items():
        if key in known:
            known[key] = read(known[key])
    return known


def _party(data: dict[str, str]) -> Party:
    return Party(data.get("address", ""), data.get("name", ""))


def _parties(data: list[dict[str, str]]) -> tuple[Party, ...]:
    return tuple(_party(item) for item in data)


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


_FIELDS = tuple(f.name for f in dataclasses.fields(InboundRequest))
_READERS: dict[str, Any] = {
    "channel": Channel,
    "received_at": datetime.fromisoformat,
    "sent_at": datetime.fromisoformat,
    "sender": _party,
    "forwarded": _party,
    "to": _parties,
    "cc": _parties,
    "reply_to": _parties,
    "cut": lambda rows: tuple(Cut(row.get("reason", ""), row.get("text", "")) for row in rows),
    "attachments": lambda rows: tuple(Attachment(**_with_defaults(row)) for row in rows),
    "thread": lambda row: ThreadKeys(**_tuples(row)),
    "envelope": lambda row: Envelope(**_tuples(row)),
    "auto": AutoKind,
    "bounce": lambda row: Bounce(**_tuples(row)),
    "authentication": tuple,
    "defects": tuple,
    "origin": lambda rows: tuple((key, value) for key, value in rows),
    "fields": lambda rows: tuple((key, value) for key, value in rows),
}


def _with_defaults(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": "", "media_type": "", "size": 0, "sha256": ""} | row
