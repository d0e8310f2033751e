"""Writes down a call: the request of whoever called, as an inbound row like any other.

Ingest makes the ticket of it, with category, priority, routing and clocks. A caller without a mail address is known by
the number; nothing is mailed to them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime

from desk.channels import Channel
from desk.mail.inbound_request import Attachment, Cut, Envelope, InboundRequest, Party, ThreadKeys, to_json
from desk.mail.stored_file import StoredFile
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.mail import inbound
from storage.mail.inbound import Arrival
from storage.people.addresses import canonical

NUMBERS = "phone.invalid"
"""The domain of callers who are known by their number only (RFC 2606)."""
CUT_REASON = "call"
LONGEST_TEXT = 100_000
_ADDRESS = re.compile(r"[^\s@<>,;\"]{1,100}@[^\s@<>,;\"]{1,200}\Z")
_NO_DIGIT = re.compile(r"[\s()./–-]+")
_NUMBER = re.compile(r"\+?[0-9]{3,20}\Z")


@dataclass(frozen=True, slots=True)
class Call:
    """What an agent wrote down. `caller` is a mail address or a number; `minutes` is how long it took, 0 if unknown.

    `mailbox` is the address for which it counts; `confirm`: the caller gets the acknowledgement by mail.
    """

    caller: str
    name: str = ""
    subject: str = ""
    text: str = ""
    minutes: int = 0
    outgoing: bool = False
    mailbox: str = ""
    confirm: bool = False
    files: tuple[StoredFile, ...] = ()
    key: str = ""


def log_call(session: Session, call: Call, agent: str, now: datetime) -> int:
    """Stores the call and returns its inbound id; the same key gives the same id. Raises NotAllowed."""
    request = _request(call, agent, now)
    arrival = Arrival(request.channel, request.source, request.external_id, request.content_hash, now, to_json(request))
    return inbound.store_one(session, arrival)


def caller_address(caller: str) -> str:
    """The address under which a caller is known: their own, or their number's. Raises NotAllowed."""
    text = caller.strip()
    if _ADDRESS.fullmatch(text):
        return canonical(text)
    number = _NO_DIGIT.sub("", text)
    number = f"+{number[2:]}" if number.startswith("00") else number
    if not _NUMBER.fullmatch(number):
        raise NotAllowed("the caller needs a mail address or a telephone number")
    return f"{number}@{NUMBERS}"


def _request(call: Call, agent: str, now: datetime) -> InboundRequest:
    address, words = caller_address(call.caller), call.text.strip()
    if not words and not call.subject.strip():
        raise NotAllowed("say in a subject or a text what it is about")
    if len(words) > LONGEST_TEXT:
        raise NotAllowed(f"a text has at most {LONGEST_TEXT} characters")
    by_number = address.endswith(f"@{NUMBERS}")
    name = call.name.strip() or (call.caller.strip() if by_number else "")
    request = InboundRequest(
        channel=Channel.PHONE,
        source=f"written down by {agent}",
        external_id=call.key,
        content_hash="-",
        received_at=now,
        sender=Party(address, name),
        subject=call.subject.strip() or _first_line(words),
        text=words,
        reply=words,
        cut=(Cut(CUT_REASON, _facts(call, agent)),),
        sent_at=now,
        attachments=tuple(Attachment(file.name, file.media_type, file.size, file.sha256) for file in call.files),
        thread=ThreadKeys(delivered_to=(call.mailbox,) if call.mailbox else ()),
        envelope=Envelope(mail_from=address, rcpt_to=(call.mailbox,) if call.mailbox else ()),
        no_answer="" if call.confirm and not by_number else "an agent wrote the call down",
    )
    content = json.dumps([address, call.name, call.subject, words, [file.sha256 for file in call.files]])
    return replace(request, content_hash=hashlib.sha256(content.encode()).hexdigest())


def _facts(call: Call, agent: str) -> str:
    """One line about the call itself."""
    kind = "We called" if call.outgoing else "They called"
    length = f", {call.minutes} min" if call.minutes else ""
    return f"{kind} ({call.caller.strip()}{length}). Written down by {agent}."


def _first_line(words: str) -> str:
    line = next((line.strip() for line in words.split("\n") if line.strip()), "")
    return line if len(line) <= 100 else f"{line[:99].rstrip()}…"
