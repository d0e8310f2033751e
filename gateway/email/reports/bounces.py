"""Recognises delivery reports (bounces): which recipients of which mail could not be reached; None for any other mail.

First the machine-readable report (RFC 3464) and the notifications of mail services, then rules for the many programs
that write prose, then flufl.bounce for mail that only a machine can have sent. A person's mail about a bounce, or with
one attached, is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from desk.mail import author as authors
from desk.mail.inbound_request import Bounce, clean_line
from gateway.email.mime import header
from gateway.email.mime.addresses import mailboxes
from gateway.email.mime.parts import Part, read_header
from gateway.email.reports import bounce_words, failed_recipients, rare_formats, service_events
from gateway.email.reports.service_events import NoticeKind, ServiceEvent

MAX_RECIPIENTS = 100
MAX_REPORT = 200_000

_ADDRESS = re.compile(r"[^\s<>\"(),;:\[\]@]{1,128}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.:-])([45])\d\d[ -]")
_MESSAGE_ID = re.compile(r"^[ \t>|]{0,6}message-id:\s{0,4}<([^<>\s]{3,250})>", re.I | re.M)
_VERP = re.compile(r"[^@=]{0,100}?[+-]([^@=+]{1,100}=[A-Za-z0-9][A-Za-z0-9.-]{0,200}\.[A-Za-z]{2,24})@")
_SOFT_ACTIONS = frozenset({"delayed", "soft"})
_REPORTS = frozenset({"delivery-status", "global-delivery-status", ""})
_DELIVERED = frozenset({"delivered", "relayed", "expanded"})
_RETURNED = frozenset({
    "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers",
})  # fmt: skip
_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status", "text/delivery-status"})
_SERVICE_FIELDS = ("x-amz-sns-message-id", "x-amz-sns-subscription-arn")


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail as the rules for reports see it."""

    root: Part
    text: str
    author: str
    null_sender: bool

    @property
    def machine(self) -> bool:
        return bounce_words.is_machine(self.author) or bounce_words.is_named_machine(self.root.header.text("from"))

    @property
    def is_by_person(self) -> bool:
        """Whether somebody behind a server's address passes a mail on or answers one."""
        subject = self.root.header.text("subject")
        answers = subject[:4].lower().startswith(("re:", "aw:", "sv:"))
        quotes = "\n>" in self.text or self.text.startswith(">")
        return bounce_words.is_forward(subject) or (answers and quotes and self.root.header.has("in-reply-to"))


def read(
    root: Part, text: str, author: str, *, null_sender: bool, own_domains: frozenset[str] = frozenset()
) -> Bounce | None:
    """What a delivery report says; None where the mail is no report of a failure.

    A report may name several ids; one made by our own domains is the mail that we sent.
    """
    author = author or bounce_words.account(root.header.text("from"))
    mail = _Mail(root, text, author, null_sender)
    event = _event(mail)
    bounce = _from_event(event) if event else _read(mail)
    if bounce is None:
        return None
    candidates = [*([bounce.original_message_id] if bounce.original_message_id else []), *_original_ids(root, text)]
    ours = (found for found in candidates if found.rpartition("@")[2].lower() in own_domains)
    return replace(bounce, original_message_id=next(ours, candidates[0] if candidates else ""))


def success(root: Part, text: str, author: str, *, null_sender: bool) -> str:
    """What a report says that names nobody who did not get the mail: it arrived, or went on; empty for other mail."""
    event = _event(_Mail(root, text, author, null_sender))
    if event is not None:
        return "a mail service's notice that the mail was delivered" if event.kind is NoticeKind.ARRIVED else ""
    if root.media_type != "multipart/report" or root.params.get("report-type", "").lower() not in _REPORTS:
        return ""
    status = next((part for part in root.walk() if part.media_type in _STATUS_PARTS), None)
    if status is None:
        return ""
    words = {_action(group) for group in _groups(status.content()[:MAX_REPORT]) if group.has("action")}
    return "a report that the mail was delivered" if words and words <= _DELIVERED else ""


def _event(mail: _Mail) -> ServiceEvent | None:
    """A mail service's notification, where no person sent it on."""
    if not mail.text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    served = any(mail.root.header.has(name) for name in _SERVICE_FIELDS)
    if served or mail.null_sender or mail.machine or authors.is_unattended(mail.author):
        return service_events.read(mail.text)
    return service_events.read(mail.text) if bounce_words.is_service(mail.author) else None


def _from_event(event: ServiceEvent) -> Bounce | None:
    if event.kind is NoticeKind.ARRIVED:
        return None
    bounce = _bounce(event.recipients, event.status, event.diagnostic, permanent=event.kind is not NoticeKind.DELAYED)
    return replace(bounce, original_message_id=clean_line(event.original_message_id))


def _read(mail: _Mail) -> Bounce | None:
    root, failed = mail.root, mail.root.header.has("x-failed-recipients")
    report = _is_report(root)
    if not (report or mail.null_sender or mail.machine or failed):
        return None
    if root.media_type == "multipart/report" and "disposition" in root.params.get("report-type", "").lower():
        return None
    status = next((part for part in root.walk() if part.media_type in _STATUS_PARTS), None)
    if status is not None and (report or mail.machine or mail.null_sender):
        return _from_report(mail, status)
    subject = root.header.text("subject")
    if mail.is_by_person and not (mail.null_sender or failed):
        return None
    if bounce_words.is_failure(
        subject, mail.text, mail.author, null_sender=mail.null_sender, sure=mail.machine or failed
    ):
        return _from_prose(mail)
    if report and bounce_words.speaks_of_failure(mail.text):
        return _from_prose(mail)
    temporary, permanent = rare_formats.failures(root.raw) if mail.machine else ((), ())
    return _bounce(permanent or temporary, "", "", permanent=bool(permanent)) if permanent or temporary else None


def _is_report(root: Part) -> bool:
    kind = root.params.get("report-type", "").lower()
    return root.media_type == "multipart/report" and kind in _REPORTS


def _from_report(mail: _Mail, status: Part) -> Bounce | None:
    """RFC 3464: one group of fields for the mail, then one for each recipient."""
    named: dict[bool, list[str]] = {False: [], True: []}
    actions: set[str] = set()
    arrived = False
    code = diagnostic = ""
    for group in _groups(status.content()[:MAX_REPORT]):
        addresses = _addresses(group)
        action = _action(group)
        if not addresses and not action:
            continue
        if action in _DELIVERED:
            arrived = True
            continue
        actions.add(action)
        named[action in _SOFT_ACTIONS] += addresses
        code = code or "".join(_STATUS.findall(group.text("status"))[:1])
        diagnostic = diagnostic or group.text("diagnostic-code")
    if not actions and arrived:
        return None
    soft = (bool(actions) and actions <= _SOFT_ACTIONS) or code.startswith("4")
    return _bounce(named[False] or named[True] or _recipients(mail), code, diagnostic, permanent=not soft)


def _addresses(group: header.Header) -> list[str]:
    """Whom a group is about: as the sender wrote it, since a mail may have been sent on, else as it arrived."""
    for name in ("original-recipient", "final-recipient"):
        found = failed_recipients.of_field(group.text(name))
        if found:
            return found
    return []


def _action(group: header.Header) -> str:
    return group.text("action").split("(")[0].split(";")[0].strip().lower()


def _groups(data: bytes) -> Iterator[header.Header]:
    for block in re.split(rb"\n\s*\n", data.replace(b"\r\n", b"\n")):
        yield header.fields(block)


def _from_prose(mail: _Mail) -> Bounce:
    shown = mail.text[:20_000]
    codes = _STATUS.findall(shown)
    code = next((found for found in codes if not found.startswith("2")), "")
    digit = code[:1] or next(iter(_REPLY_CODE.findall(shown)), "")
    delayed = bounce_words.is_delay(mail.root.header.text("subject")) or bounce_words.is_waiting(shown)
    soft = delayed or (digit == "4" and not bounce_words.is_final(shown))
    return _bounce(_recipients(mail), code, bounce_words.diagnostic(shown), permanent=not soft)


def _bounce(recipients: Iterable[str], code: str, diagnostic: str, *, permanent: bool) -> Bounce:
    return Bounce(
        recipients=tuple(dict.fromkeys(address.lower() for address in recipients))[:MAX_RECIPIENTS],
        permanent=permanent,
        status=code,
        diagnostic=clean_line(diagnostic)[:500],
    )


def _recipients(mail: _Mail) -> list[str]:
    """Who did not get the mail: from fields, from the words, from flufl.bounce, or from whom the mail was to."""
    head = mail.root.header
    named = [found for value in head.all("x-failed-recipients") for found in _ADDRESS.findall(header.text(value))]
    if named:
        return named
    told = [box.address for box in mailboxes(head.all("to")[:1])]
    words = [mail.text, *(words for words in _other_words(mail.root) if words.strip() not in mail.text)]
    for text in words:
        found = failed_recipients.fields(text) or failed_recipients.prose(text[:50_000], told, mail.author)
        if found:
            return found
    temporary, permanent = rare_formats.failures(mail.root.raw)
    return [*(permanent or temporary)] or _addressed(mail.root, told)


def _other_words(root: Part) -> Iterator[str]:
    """The text of the parts that a mail program would show as files, such as the details of an old server."""
    for part in list(root.walk())[:20]:
        if part is not root and not part.children and part.main == "text" and part.media_type not in _RETURNED:
            yield part.content()[:50_000].decode("utf-8", "replace")


def _addressed(root: Part, told: list[str]) -> list[str]:
    """Whom the returned mail was written to, or whom its envelope sender names (kim=example.org)."""
    for part in root.walk():
        if part is not root and part.media_type in _RETURNED:
            boxes = mailboxes(read_header(part.content()[:MAX_REPORT]).all("to")[:1])
            return [box.address for box in boxes if "@" in box.address] if len(boxes) == 1 else []
    match = next((match for each in told if (match := _VERP.match(each))), None)
    return [match[1].replace("=", "@")] if match else []


def _original_ids(root: Part, text: str) -> list[str]:
    """The ids that could be the returned mail's, the likeliest first: in its header, then anywhere in words."""
    parts = [part for part in root.walk() if not part.children and part is not root][:20]
    found = [
        name
        for part in parts
        if part.media_type in _RETURNED
        for name in header.ids(read_header(part.content()[:MAX_REPORT]).first("message-id"))[:1]
    ]
    for part in parts:
        if part.main in ("text", "message"):
            found += _MESSAGE_ID.findall(part.content()[:MAX_REPORT].decode("utf-8", "replace"))
    return (found + _MESSAGE_ID.findall(text[:MAX_REPORT]))[:50]
