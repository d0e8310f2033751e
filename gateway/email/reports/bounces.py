"""Recognises delivery reports (bounces): which recipients of which mail could not be reached; None for any other mail.

First the machine-readable report (RFC 3464), then rules for the many programs that write prose, then flufl.bounce for
mail that only a machine can have sent. A person's mail about a bounce, or with one attached, is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from desk.mail.inbound_request import Bounce, clean_line
from gateway.email.mime import header
from gateway.email.mime.parts import Part, read_header
from gateway.email.reports import bounce_words

MAX_RECIPIENTS = 100
MAX_REPORT = 200_000

_ADDRESS = re.compile(r"[^\s<>\"(),;:\[\]@]{1,128}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}[A-Za-z0-9]")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.:-])([45])\d\d[ -]")
_MESSAGE_ID = re.compile(r"^[ \t>|]{0,6}message-id:\s{0,4}<([^<>\s]{3,250})>", re.I | re.M)
_FAILED = frozenset({"failed", "delayed", "failure", "undeliverable", "expired", "hard", "soft", "fail", "error", ""})
_SOFT_ACTIONS = frozenset({"delayed", "soft"})
_REPORTS = frozenset({"delivery-status", "global-delivery-status", ""})
_DELIVERED = frozenset({"delivered", "relayed", "expanded"})
_RETURNED = frozenset({
    "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers",
})  # fmt: skip
_STATUS_PARTS = frozenset({"message/delivery-status", "message/global-delivery-status", "text/delivery-status"})


def read(
    root: Part, text: str, author: str, *, null_sender: bool, own_domains: frozenset[str] = frozenset()
) -> Bounce | None:
    """What a delivery report says; None where the mail is no report of a failure.

    A report may name several ids; one made by our own domains is the mail that we sent.
    """
    bounce = _read(root, text, author, null_sender=null_sender)
    if bounce is None:
        return None
    candidates = _original_ids(root, text)
    ours = (found for found in candidates if found.rpartition("@")[2].lower() in own_domains)
    return replace(bounce, original_message_id=next(ours, candidates[0] if candidates else ""))


def success(root: Part) -> str:
    """What a report says that names nobody who did not get the mail: it arrived, or went on; empty for other mail."""
    if root.media_type != "multipart/report" or root.params.get("report-type", "").lower() not in _REPORTS:
        return ""
    status = next((part for part in root.walk() if part.media_type in _STATUS_PARTS), None)
    if status is None:
        return ""
    actions = [group.text("action") for group in _groups(status.content()[:MAX_REPORT]) if group.has("action")]
    words = {action.split("(")[0].split(";")[0].strip().lower() for action in actions}
    return "a report that the mail was delivered" if words and words <= _DELIVERED else ""


def _read(root: Part, text: str, author: str, *, null_sender: bool) -> Bounce | None:
    report = _is_report(root)
    author = author or bounce_words.account(root.header.text("from"))
    machine = bounce_words.is_machine(author)
    if not (report or null_sender or machine or root.header.has("x-failed-recipients") or bounce_words.is_notice(text)):
        return None
    if root.media_type == "multipart/report" and "disposition" in root.params.get("report-type", "").lower():
        return None
    status = next((part for part in root.walk() if part.media_type in _STATUS_PARTS), None)
    if status is not None and (report or machine or null_sender):
        return _from_report(root, status, text)
    subject = root.header.text("subject")
    failed = root.header.has("x-failed-recipients")
    if bounce_words.is_failure(subject, text, author, null_sender=null_sender, failed=failed):
        return _from_prose(root, text)
    if report and bounce_words.speaks_of_failure(text):
        return _from_prose(root, text)
    return _from_flufl(root) if machine else None


def _is_report(root: Part) -> bool:
    kind = root.params.get("report-type", "").lower()
    return root.media_type == "multipart/report" and kind in _REPORTS


def _from_report(root: Part, status: Part, text: str) -> Bounce | None:
    """RFC 3464: one group of fields for the mail, then one for each recipient."""
    recipients: list[str] = []
    actions: set[str] = set()
    arrived = False
    code = diagnostic = ""
    for group in _groups(status.content()[:MAX_REPORT]):
        address = group.text("final-recipient") or group.text("original-recipient")
        action = group.text("action").split("(")[0].split(";")[0].strip().lower()
        if not address and not action:
            continue
        if action in _DELIVERED:
            arrived = True
            continue
        actions.add(action)
        recipients += _ADDRESS.findall(address)[:1]
        code = code or "".join(_STATUS.findall(group.text("status"))[:1])
        diagnostic = diagnostic or group.text("diagnostic-code")
    if not actions and arrived:
        return None
    recipients = recipients or _recipients(root, text)
    soft = (bool(actions) and actions <= _SOFT_ACTIONS) or code.startswith("4")
    return _bounce(recipients, code, diagnostic, permanent=not soft)


def _groups(data: bytes) -> Iterator[header.Header]:
    for block in re.split(rb"\n\s*\n", data.replace(b"\r\n", b"\n")):
        yield header.fields(block)


def _from_prose(root: Part, text: str) -> Bounce:
    shown = text[:20_000]
    codes = _STATUS.findall(shown)
    code = next((found for found in codes if not found.startswith("2")), "")
    digit = code[:1] or next(iter(_REPLY_CODE.findall(shown)), "")
    soft = bounce_words.is_delay(root.header.text("subject")) or (digit == "4" and not bounce_words.is_final(shown))
    return _bounce(_recipients(root, text), code, bounce_words.diagnostic(shown), permanent=not soft)


def _bounce(recipients: Iterable[str], code: str, diagnostic: str, *, permanent: bool) -> Bounce:
    return Bounce(
        recipients=tuple(dict.fromkeys(address.lower() for address in recipients))[:MAX_RECIPIENTS],
        permanent=permanent,
        status=code,
        diagnostic=clean_line(diagnostic)[:500],
    )


def _recipients(root: Part, text: str) -> list[str]:
    """Who did not get the mail, from fields or from the lines that programs write."""
    named = _ADDRESS.findall(root.header.text("x-failed-recipients"))
    if named:
        return named[:MAX_RECIPIENTS]
    return bounce_words.recipients(text[:50_000])


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


def _from_flufl(root: Part) -> Bounce | None:
    # Imported late and asked last: it knows rare programs, is slow to load and takes human mail for bounces.
    from email import message_from_bytes
    from logging import CRITICAL, getLogger

    from flufl.bounce import all_failures

    # It logs a traceback for each of its detectors that fails, which on hostile mail is most of them.
    getLogger("flufl.bounce").setLevel(CRITICAL)
    try:
        temporary, permanent = all_failures(message_from_bytes(root.raw[:MAX_REPORT]))
    except Exception:  # noqa: BLE001 - a foreign parser on hostile mail; what it cannot read is no bounce
        return None
    found = [address.decode("ascii", "replace") for address in sorted(permanent or temporary)]
    return _bounce(found, "", "", permanent=bool(permanent)) if found else None
