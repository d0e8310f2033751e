"""The mails of the benchmark, the same for the same seed: about 2 kB of text, three in ten a reply to an earlier one.

It takes a count and a seed, and returns mails as bytes with CR LF, each with the place of the mail that began its
thread.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

MAILBOX = "support@bench.example"
REPLIES = 0.3
SENDERS = 400
ATTACHED_BYTES = 200 * 1024
_FIRST_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_WIDTH = 72

_TOPICS = (
    "password login account locked reset token expired sign-in authenticator denied portal code",
    "invoice payment refund card charged receipt tax amount subscription order discount balance",
    "laptop monitor printer keyboard battery charger cable dock speaker camera paper toner",
    "network wireless vpn router connection slow timeout gateway signal proxy address certificate",
    "application update crash error version install export import report window plugin licence",
    "question meeting room visit calendar parking badge holiday lunch form translation photo",
)
_COMMON_WORDS = (
    "the a our my this that it they we you is was has had will would can could since after before while again still "
    "because although with without from into about under morning afternoon week yesterday tomorrow colleague manager "
    "office branch floor team department help please thanks kindly need want tried looked called wrote found changed "
    "works stopped began shows opens closes fails never always often twice only every other same different new old"
)
_COMMON = _COMMON_WORDS.split()


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it goes over the wire. `root` is the place in its list of the mail that began the thread.

    `references` are the ids that a reply to it names in References: half of the writers keep the whole chain, the rest
    only the mail that they answer.
    """

    raw: bytes
    sender: str
    message_id: str
    subject: str
    root: int
    references: str


def plain(count: int, seed: int) -> list[Mail]:
    """Mails of about 2 kB; three in ten answer an earlier one."""
    draw = random.Random(seed)
    made: list[Mail] = []
    opened: list[int] = []
    for place in range(count):
        if len(opened) > 5 and draw.random() < REPLIES:
            made.append(_reply(draw, seed, place, made[draw.choice(opened)]))
        else:
            opened.append(place)
            made.append(_opening(draw, seed, place))
    return made


def threads(count: int, seed: int) -> list[Mail]:
    """Threads whose replies come right behind their parents: an opening, its reply, and for some a reply to that."""
    draw = random.Random(seed)
    made: list[Mail] = []
    for _ in range(count):
        made.append(_opening(draw, seed, len(made)))
        for _ in range(draw.choice((1, 1, 2))):
            made.append(_reply(draw, seed, len(made), made[-1]))
    return made


def with_files(count: int, seed: int) -> list[Mail]:
    """Mails with one attachment of 200 kB each."""
    draw = random.Random(seed)
    return [_opening(draw, seed, place, lambda text: _multipart(draw, text)) for place in range(count)]


def _opening(draw: random.Random, seed: int, place: int, wrap: Callable[[str], str] | None = None) -> Mail:
    topic = draw.choice(_TOPICS).split()
    subject = f"{draw.choice(topic).capitalize()} {draw.choice(_COMMON)} {draw.choice(topic)} {place:05d}"
    sender = f"person{draw.randrange(SENDERS)}@requester.example"
    text = f"Hello,\r\n\r\n{_prose(draw, topic, 1150)}\r\n\r\nKind regards\r\n{sender.partition('@')[0]}\r\n"
    return _mail(draw, seed, place, sender, subject, "", (wrap or _single)(text), place)


def _reply(draw: random.Random, seed: int, place: int, parent: Mail) -> Mail:
    topic = draw.choice(_TOPICS).split()
    quoted = "\r\n".join(f"> {line}" for line in _prose(draw, topic, 350).split("\r\n"))
    text = f"{_prose(draw, topic, 700)}\r\n\r\nOn Mon, 2 Mar 2026 at 08:00, Support wrote:\r\n{quoted}\r\n"
    subject = "Re: " + parent.subject.removeprefix("Re: ")
    chain = parent.references if draw.random() < 0.5 else parent.message_id
    head = f"In-Reply-To: {parent.message_id}\r\nReferences: {chain}\r\n"
    made = _mail(draw, seed, place, parent.sender, subject, head, _single(text), parent.root)
    return replace(made, references=f"{chain}\r\n\t{made.message_id}")


def _mail(
    draw: random.Random, seed: int, place: int, sender: str, subject: str, thread: str, rest: str, root: int
) -> Mail:
    at = format_datetime(_FIRST_AT + timedelta(seconds=place))
    message_id = f"<{seed}.{place}.{draw.getrandbits(48):x}@mail.requester.example>"
    head = (
        f"Return-Path: <{sender}>\r\n"
        f"Received: from mx.requester.example (mx.requester.example [192.0.2.{place % 250 + 1}])\r\n"
        f"\tby mail.bench.example with ESMTPS id {draw.getrandbits(40):X}\r\n\tfor <{MAILBOX}>; {at}\r\n"
        f"From: {sender.partition('@')[0].capitalize()} <{sender}>\r\nTo: {MAILBOX}\r\nSubject: {subject}\r\n"
        f"Date: {at}\r\nMessage-ID: {message_id}\r\n{thread}"
        "User-Agent: Mozilla Thunderbird\r\nMIME-Version: 1.0\r\n"
    )
    return Mail((head + rest).encode(), sender, message_id, subject, root, message_id)


def _single(text: str) -> str:
    return f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{text}"


def _multipart(draw: random.Random, text: str) -> str:
    mark = f"part-{draw.getrandbits(64):x}"
    coded = base64.encodebytes(draw.randbytes(ATTACHED_BYTES)).decode().replace("\n", "\r\n")
    file_head = 'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="log.bin"\r\n'
    return (
        f'Content-Type: multipart/mixed; boundary="{mark}"\r\n\r\n--{mark}\r\n{_single(text)}\r\n'
        f"--{mark}\r\n{file_head}Content-Transfer-Encoding: base64\r\n\r\n{coded}\r\n--{mark}--\r\n"
    )


def _prose(draw: random.Random, topic: list[str], size: int) -> str:
    """Sentences of the topic's words among common ones, in lines and paragraphs, about `size` characters."""
    lines, line, written = [], "", 0
    while written < size:
        count = draw.randint(6, 14)
        words = [draw.choice(topic) if draw.random() < 0.3 else draw.choice(_COMMON) for _ in range(count)]
        for word in (" ".join(words).capitalize() + ".").split(" "):
            if len(line) + len(word) > _WIDTH:
                lines.append(line)
                line = ""
            line = f"{line} {word}".strip()
            written += len(word) + 1
        if draw.random() < 0.2:
            lines += [line, ""]
            line = ""
    return "\r\n".join([*lines, line])
