"""Parses the raw bytes of a mail into an InboundRequest and the bytes of its files, without any I/O.

It raises Unreadable where a mail passes a limit, and nothing else on any bytes. It does not evaluate trust: it records
who the header names, how strictly, and what the receiving servers noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desk.channels import Channel
from desk.mail import author as behind
from desk.mail import automatic, out_of_office, reply_text
from desk.mail.inbound_request import (
    MAX_LINE,
    Attachment,
    AutoKind,
    Bounce,
    Envelope,
    InboundRequest,
    Party,
    ThreadKeys,
    Unreadable,
)
from desk.tickets import subject
from gateway.email.formats import calendar, signed_or_encrypted
from gateway.email.mime import addresses, body, content_hash, files, forwarded_mail, header, loop_header, spam_and_loop
from gateway.email.mime import parts as mime_parts
from gateway.email.mime.header import Header
from gateway.email.mime.parts import Part
from gateway.email.parse import authentication_results, text
from gateway.email.reports import bounces, feedback_report

MAX_ORIGIN = 300
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")


@dataclass(frozen=True, slots=True)
class Normalised:
    """The request, and (sha256 hex, bytes) of each of its files."""

    request: InboundRequest
    files: tuple[tuple[str, bytes], ...]


def normalise(
    raw: bytes, envelope: Envelope, source: str, received_at: datetime, own_domains: frozenset[str] = frozenset()
) -> Normalised:
    """The mail as a request. `request.raw` is left empty for the caller, who stores the bytes.

    `own_domains` are those of our Message-IDs; they tell which of the ids in a bounce is our mail's.
    """
    try:
        return _normalise(raw, envelope, source, received_at, own_domains)
    except RecursionError as error:
        raise Unreadable("nested too deep") from error


def _normalise(
    raw: bytes, envelope: Envelope, source: str, received_at: datetime, own_domains: frozenset[str]
) -> Normalised:
    root = signed_or_encrypted.with_signed_content(mime_parts.parse(raw))
    head = root.header
    chosen = body.choose(root)
    found = text.read(chosen.text, chosen.html, chosen.files)
    kept, contents = _files(chosen.files, found.files)
    keys = _thread(head)
    author, defect = addresses.sender(head.all("from"))
    request = InboundRequest(
        channel=Channel.EMAIL,
        source=source,
        external_id=keys.message_id,
        content_hash=content_hash.content_hash(head, raw, root.start),
        received_at=received_at,
        sender=author.party(),
        sender_strict=author.strict and not defect,
        sender_clear=author.clear,
        subject=head.text("subject"),
        text=found.text,
        html=found.html,
        to=_parties(head, "to"),
        cc=_parties(head, "cc"),
        reply_to=_parties(head, "reply-to"),
        sent_at=header.date(head.first("date")),
        attachments=kept,
        thread=keys,
        envelope=envelope,
        authentication=authentication_results.fields(root),
        origin=tuple((name, head.text(name)[:MAX_ORIGIN]) for name in sorted(behind.WANTED) if head.has(name)),
        defects=_remarks(
            defect,
            found.defects,
            signed_or_encrypted.protection_of(root, found.text),
            spam_and_loop.remarks(head, envelope),
        ),
    )
    return Normalised(_understood(request, root, chosen.files, own_domains), contents)


def _remarks(defect: str, *more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, [defect, *(one for group in more for one in group)])))


def _understood(
    request: InboundRequest, root: Part, parts: Sequence[Part], own_domains: frozenset[str]
) -> InboundRequest:
    """The request with its meaning: the new reply, a bounce, automatic mail, a forwarded mail."""
    author, null_sender = request.sender.address, _is_null(request.envelope, root.header)
    bounce = bounces.read(root, request.text, author, null_sender=null_sender, own_domains=own_domains)
    signs = _signs(root.header, request, null_sender=null_sender)
    judged = _automatic(root, request, bounce, signs)
    auto = judged.kind
    titled, passed_on = _is_titled_forward(request.subject, root.header), None
    if auto is AutoKind.NONE:
        passed_on = forwarded_mail.original_sender(request.text, parts, titled=titled)
    # A forwarded mail is kept whole; in an answer, only the new text is the reply.
    reply, cut = (request.text.strip("\n"), ()) if passed_on and titled else reply_text.split(request.text)
    if auto is AutoKind.NONE and passed_on is None:
        judged = _by_words(request, signs, reply, judged)
        auto = judged.kind
    request = replace(request, reply=reply, cut=cut, bounce=bounce, forwarded=passed_on)
    return replace(request, auto=auto, auto_reason=judged.reason, no_answer=judged.no_answer)


def _files(
    parts: Sequence[Part], inner: Sequence[text.InnerFile]
) -> tuple[tuple[Attachment, ...], tuple[tuple[str, bytes], ...]]:
    made = [files.attachment(part, number) for number, part in enumerate(parts, 1)]
    made += [
        files.inner_attachment(one.name, one.data, one.media_type, one.content_id, number)
        for number, one in enumerate(inner, len(made) + 1)
    ]
    contents = {kept.sha256: data for kept, data in made}
    return tuple(kept for kept, _ in made), tuple(contents.items())


def _is_null(envelope: Envelope, head: Header) -> bool:
    """MAIL FROM:<>. Mail that was fetched came from no peer; there the Return-Path that delivery wrote says it."""
    if envelope.peer:
        return envelope.mail_from.strip("<> ") == ""
    return head.has("return-path") and head.first("return-path").strip(b"<> ") == b""


def _automatic(
    root: Part, request: InboundRequest, bounce: Bounce | None, signs: automatic.Signs
) -> automatic.Judgement:
    if bounce is not None:
        return _of_kind(AutoKind.BOUNCE, "a delivery report")
    recipients = (*request.envelope.rcpt_to, *request.thread.delivered_to)
    if loop_header.came_back(root.header, request.sender.address, recipients):
        return _of_kind(AutoKind.OWN, "from this mailbox, with our own header")
    author = request.sender.address
    receipt = bounces.success(root, request.text, author, null_sender=signs.null_sender) or calendar.answer(root)
    if receipt:
        return _of_kind(AutoKind.RECEIPT, receipt)
    judged = automatic.judge(signs)
    if judged.kind is AutoKind.REPLY:
        return _with_absence(request, judged)
    if judged.kind is AutoKind.RECEIPT:
        return replace(judged, reason=feedback_report.reason(root) or judged.reason)
    return judged


def _by_words(
    request: InboundRequest, signs: automatic.Signs, reply: str, judged: automatic.Judgement
) -> automatic.Judgement:
    """The judgement on a mail of which only its words could say that it is an automatic answer."""
    worded = automatic.judge_words(signs, reply)
    return judged if worded.kind is AutoKind.NONE else _with_absence(request, worded)


def _with_absence(request: InboundRequest, judged: automatic.Judgement) -> automatic.Judgement:
    away = out_of_office.read(request.subject, request.text, (request.sent_at or request.received_at).date())
    return replace(judged, reason=f"{away} ({judged.reason})") if away else judged


def _of_kind(kind: AutoKind, reason: str) -> automatic.Judgement:
    return automatic.Judgement(kind, reason, reason)


def _signs(head: Header, request: InboundRequest, *, null_sender: bool) -> automatic.Signs:
    present = {name: head.text(name) for name, _ in head.fields if automatic.wants(name)}
    answer_to = request.reply_to[0].address if request.reply_to else ""
    passed_on = subject.is_forward(request.subject)
    return automatic.Signs(present, request.subject, request.sender.address, answer_to, null_sender, passed_on)


def _is_titled_forward(title: str, head: Header) -> bool:
    """Whether the subject says that a mail is passed on; one that means both only if nothing is answered."""
    return subject.is_surely_forward(title) or (subject.is_forward(title) and not head.has("in-reply-to"))


def _parties(head: Header, name: str) -> tuple[Party, ...]:
    if not head.has(name):
        return ()
    return tuple(box.party() for box in addresses.mailboxes(head.all(name)) if box.address)


def _thread(head: Header) -> ThreadKeys:
    references = header.ids(b" ".join(head.all("references"))) if head.has("references") else ()
    answered = _answered(head, references) if head.has("in-reply-to") else ()
    own = header.ids(head.first("message-id"))
    return ThreadKeys(
        message_id=own[0] if own else _odd_id(head),
        in_reply_to=answered,
        references=references,
        delivered_to=_delivered(head.all(name) for name in _DELIVERED if head.has(name)),
    )


def _answered(head: Header, references: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of In-Reply-To, unless it is prose ("Your message of Monday") and References knows better."""
    value = head.first("in-reply-to")
    found = header.ids(value)
    bare = value.strip().startswith(b"<") or b"<" not in value
    if not references or bare:
        return found
    return tuple(name for name in found if name in references)


def _odd_id(head: Header) -> str:
    """A Message-ID that has no @ or no brackets is still an id."""
    value = "".join(head.text("message-id").strip("<> ").split())
    return value[:MAX_LINE]


def _delivered(groups: Iterable[list[bytes]]) -> tuple[str, ...]:
    boxes = addresses.mailboxes(value for values in groups for value in values)
    return tuple(dict.fromkeys(box.address for box in boxes if "@" in box.address))
