"""A request from the form or the API: checks its texts and files, and makes the InboundRequest of it.

Anybody can type any address, so the field `verified` says "no".
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from desk.channels import Channel
from desk.mail.inbound_request import Attachment, Envelope, InboundRequest, Party, clean_line
from desk.tickets.form_fields import Answers
from gateway.intake import Incoming
from gateway.web import texts as web_texts
from storage.people.addresses import canonical

MOST_LETTERS: Mapping[str, int] = {"name": 200, "email": 254, "subject": 300, "body": 100_000}
_LINES = ("name", "email", "subject")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]{1,64}"
_ADDRESS = re.compile(
    rf"{_ATOM}(?:\.{_ATOM}){{0,20}}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,20}[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")


class InvalidFields(ValueError):
    """Some fields cannot be taken; `problems` has a sentence for each."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name} {why}" for name, why in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class File:
    """One file as it came: the name and type are the sender's claims."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """The texts of a request, as typed."""

    name: str = ""
    email: str = ""
    subject: str = ""
    body: str = ""
    answers: Answers = field(default_factory=Answers)
    """The topic and the custom fields."""


def checked(
    typed: Submission,
    own_addresses: Collection[str],
    *,
    subject_needed: bool,
    also: Mapping[str, str] | None = None,
) -> Submission:
    """The texts trimmed; raises Wrong where one cannot be taken, or where `also` names something else that is wrong.

    `own_addresses` are the desk's mailboxes.
    """
    texts = {name: getattr(typed, name).replace("\r\n", "\n").strip(" \t") for name in MOST_LETTERS}
    needed = {"email", "body"} | ({"subject"} if subject_needed else set())
    problems = {name: why for name, text in texts.items() if (why := _problem(name, text, name in needed))}
    texts["email"] = canonical(texts["email"])
    if "email" not in problems and texts["email"] in own_addresses:
        problems["email"] = web_texts.OWN_ADDRESS
    problems |= also or {}
    if problems:
        raise InvalidFields(problems)
    return Submission(**texts, answers=typed.answers)


def is_address(text: str) -> bool:
    """Whether mail could go there."""
    address = canonical(text)
    # Letters of any script may stand before the @ (RFC 6531), marks and signs that nobody sees may not.
    wide = (letter for letter in address if not letter.isascii())
    return _ADDRESS.fullmatch(address) is not None and all(unicodedata.category(one)[0] in "LMN" for one in wide)


@dataclass(frozen=True, slots=True)
class Way:
    """How a submission came: `key` makes it one even if it is sent twice; `peer` is the address of its sender."""

    channel: Channel
    source: str
    key: str
    peer: str


def incoming(sent: Submission, files: Collection[File], way: Way, now: datetime) -> Incoming:
    """The request of a checked submission."""
    named = [_attachment(file) for file in files]
    request = InboundRequest(
        channel=way.channel,
        source=way.source,
        external_id=way.key,
        content_hash=_content_hash(sent, named),
        received_at=now,
        sender=Party(sent.email, clean_line(sent.name)),
        subject=sent.subject,
        text=sent.body,
        reply=sent.body,
        sent_at=now,
        attachments=tuple(named),
        envelope=Envelope(mail_from=sent.email, peer=way.peer),
        fields=(("verified", "no"), *sent.answers.pairs()),
    )
    return Incoming(request, tuple((one.sha256, file.content) for one, file in zip(named, files, strict=True)))


def _problem(name: str, text: str, needed: bool) -> str:
    if not text.strip():
        return web_texts.NEEDED if needed else ""
    if len(text) > MOST_LETTERS[name]:
        return web_texts.TOO_LONG.format(most=MOST_LETTERS[name])
    if name in _LINES and any(_is_control(letter) for letter in text):
        return web_texts.NO_CONTROL
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        return web_texts.NO_NUL
    if name == "email" and not is_address(text):
        return web_texts.NOT_AN_ADDRESS
    return ""


def _is_control(letter: str) -> bool:
    return letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" or "\ud800" <= letter <= "\udfff"


def _attachment(file: File) -> Attachment:
    digest = hashlib.sha256(file.content).hexdigest()
    return Attachment(_file_name(file.name), _media_type(file.media_type), len(file.content), digest)


def _file_name(claimed: str) -> str:
    """The last part of a path, one line; a name is only shown, never opened."""
    return clean_line(re.split(r"[/\\]", claimed)[-1])[:200].strip(" .") or "file"


def _media_type(claimed: str) -> str:
    kind = claimed.partition(";")[0].strip().lower()
    return kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream"


def _content_hash(sent: Submission, named: Collection[Attachment]) -> str:
    parts: list[object] = [sent.name, sent.email, sent.subject, sent.body, [[one.name, one.sha256] for one in named]]
    answered = [list(sent.answers.pairs())] if sent.answers.pairs() else []
    return hashlib.sha256(json.dumps(parts + answered).encode()).hexdigest()
