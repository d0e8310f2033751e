"""Two questions about a mail, judged without any I/O: did a machine write it, and may it be answered automatically?

It takes the header fields that `signs.wants`, the subject and what the envelope said, and returns the kind of automatic
mail with the sign that decided (none for a person's), and why no automatic answer should go out (empty where it may).
The headers of lists, groups and Exchange stand on people's mail too: they answer the second question only. Delivery
reports are read elsewhere; whether a mail is our own echo is proven elsewhere and comes in as a value.
"""

from __future__ import annotations

import re

from desk.mail.author import is_form, is_unattended
from desk.mail.automatic import answerable, subject, words
from desk.mail.automatic.signs import (
    ANSWER_FIELD,
    BULK,
    DESKS,
    MADE_FIELD,
    NO,
    NOTICE_FIELDS,
    PRESENT,
    SERVICES,
    TALK,
    Judgement,
    Signs,
)
from desk.mail.inbound_request import AutoKind
from desk.text import mail_words

_ANSWERS = frozenset({"auto_reply", "auto-reply", "autoreply"})
_DAEMONS = re.compile(r"(?:mailer-?daemon|mail-?daemon|postmaster|bounces?)(?:[+-][^@]*)?")
_ANSWERERS = re.compile(r"(?:auto-?reply|autoresponder|autoresponse)(?:[+-][^@]*)?")
_ANSWERING_MAILER = re.compile(r"auto-?repl|auto-?respon|vacation", re.IGNORECASE)
_VALUES = {
    # Groups and rules of Exchange write the first on people's mail, too, with other values.
    "x-ms-exchange-generated-message-source": re.compile(r"quarantine|quota|group mailbox|journal", re.IGNORECASE),
    "x-amazon-mail-relay-type": re.compile(r"notification", re.IGNORECASE),
}
"""Fields of which only some values are a machine's."""
_NONE = (AutoKind.NONE, "")


def judge(signs: Signs) -> Judgement:
    """Who wrote it, and whether it may be answered automatically."""
    if signs.own:
        return Judgement(AutoKind.OWN, "our own Message-ID", "our own Message-ID")
    by_form = _is_by_form(signs)
    for rule in (_receipt, _answered, _titled, *(() if by_form else (_submitted, _newsletter, _notice))):
        kind, reason = rule(signs)
        if kind is not AutoKind.NONE:
            return Judgement(kind, reason, reason)
    return Judgement(AutoKind.NONE, "", "" if by_form else answerable.reason_against(signs))


def judge_words(signs: Signs, reply: str) -> Judgement:
    """What the new words of a mail say that nothing else makes a machine's; a form brings a visitor's words."""
    passed_on = signs.is_forward and "in-reply-to" not in signs.headers
    reason = "" if passed_on or _is_by_form(signs) else words.reason(reply)
    return Judgement(AutoKind.REPLY, reason, reason) if reason else Judgement(AutoKind.NONE)


def _is_by_form(signs: Signs) -> bool:
    """Whether a site sent what a visitor typed: the headers are the site's, the words a person's."""
    person = signs.reply_to
    if not person or person == signs.sender or is_unattended(person) or signs.headers.get("in-reply-to"):
        return False
    local, _, domain = person.partition("@")
    if "+" in local and signs.sender.endswith(f"@{domain}"):
        # The service's own address for answers to one thing.
        return False
    return not _is_notice(signs) and not _newsletter_name(signs.sender) and is_form(signs.sender, signs.headers)


def _receipt(signs: Signs) -> tuple[AutoKind, str]:
    content = signs.headers.get("content-type", "").lower()
    if content.startswith("multipart/report") and "disposition-notification" in content:
        return AutoKind.RECEIPT, "a disposition notification"
    if "x-mdn-original-message-id" in signs.headers or content.startswith("message/disposition-notification"):
        return AutoKind.RECEIPT, "a disposition notification"
    if content.startswith("multipart/report") and "feedback-report" in content:
        return AutoKind.RECEIPT, "a feedback report"
    return _NONE


def _answered(signs: Signs) -> tuple[AutoKind, str]:
    """Signs of a program that answers each mail that it gets."""
    value = signs.submitted
    if value.startswith("auto-replied") and "x-list-administrivia" not in signs.headers:
        return AutoKind.REPLY, f"Auto-Submitted: {value}"[:80]
    for name in ("precedence", "x-precedence", "preference"):
        if signs.word(name) in _ANSWERS:
            return AutoKind.REPLY, f"Precedence: {signs.word(name)}"
    for name in PRESENT:
        if name in signs.headers and signs.word(name) not in NO - {""} and not _is_generated(signs, name):
            return AutoKind.REPLY, f"{name} is set"
    if "autoresponder" in signs.headers.get("x-post-messageclass", "").lower():
        return AutoKind.REPLY, "x-post-messageclass says autoresponder"
    if _ANSWERING_MAILER.search(signs.headers.get("x-mailer", "")):
        return AutoKind.REPLY, "x-mailer is an answering program"
    if signs.headers.get("delivered-to", "").strip().lower() == "autoresponder":
        return AutoKind.REPLY, "delivered-to says autoresponder"
    if signs.null_sender and signs.headers.get("in-reply-to"):
        return AutoKind.REPLY, "null envelope sender"
    named = next((name for name in signs.headers if ANSWER_FIELD.search(name)), "")
    if named and signs.word(named) not in NO - {""}:
        return AutoKind.REPLY, f"{named} is set"[:80]
    local = signs.sender.partition("@")[0].lower()
    return (AutoKind.REPLY, f"written by {local}"[:80]) if _ANSWERERS.fullmatch(local) else _NONE


def _is_generated(signs: Signs, name: str) -> bool:
    """Whether a field that answers and notices share stands on a notice."""
    return name in ("x-otrs-loop", "x-znuny-loop", "x-autogenerated") and signs.submitted.startswith("auto-generated")


def _titled(signs: Signs) -> tuple[AutoKind, str]:
    reason = subject.reason(signs.subject)
    return (AutoKind.REPLY, reason) if reason else _NONE


def _submitted(signs: Signs) -> tuple[AutoKind, str]:
    value = signs.submitted
    if value in NO or _is_passed_on(signs) or _is_desk_answer(signs):
        return _NONE
    if "x-ms-exchange-inbox-rules-loop" in signs.headers:
        # A rule of Exchange that answers with a template.
        return AutoKind.REPLY, f"Auto-Submitted: {value}"[:80]
    many = "list-unsubscribe" in signs.headers and signs.word("precedence") in BULK
    kind = AutoKind.LIST if many or _is_campaign(signs) else AutoKind.NOTICE
    return kind, f"Auto-Submitted: {value}"[:80]


def _is_passed_on(signs: Signs) -> bool:
    """A rule of a person's mailbox passed on what somebody wrote."""
    ruled = "x-ms-exchange-inbox-rules-loop" in signs.headers or "auto-forwarded" in signs.submitted
    return ruled and (signs.is_forward or "auto-forwarded" in signs.submitted)


def _is_desk_answer(signs: Signs) -> bool:
    """What another desk's agent says in a thread, where that desk marks all its mail as generated."""
    return any(name in signs.headers for name in DESKS) and _is_answer(signs)


def _newsletter(signs: Signs) -> tuple[AutoKind, str]:
    answers = signs.headers.get("in-reply-to") or subject.ANSWER.match(signs.subject.casefold())
    if answers or not _is_campaign(signs):
        return _NONE
    return AutoKind.LIST, "a newsletter: it can be unsubscribed from and was sent to many"


def _is_campaign(signs: Signs) -> bool:
    """Mail that one sends to many: a way out of it, and a second sign, which lists of people do not have."""
    if "list-unsubscribe" not in signs.headers or _is_talk(signs):
        return False
    if _is_notice(signs) and not signs.bulk_field:
        return False
    return (
        bool(signs.bulk_field)
        or "list-unsubscribe-post" in signs.headers
        or "feedback-id" in signs.headers
        or is_unattended(signs.sender)
        or _newsletter_name(signs.sender)
    )


def _is_talk(signs: Signs) -> bool:
    """Whether people write to the list; a newsletter that is also a page has a List-Post of that page."""
    present = [name for name in TALK if name in signs.headers]
    return bool(present) if present != ["list-post"] else "mailto:" in signs.headers["list-post"]


def _is_notice(signs: Signs) -> bool:
    return not NOTICE_FIELDS.isdisjoint(signs.headers)


def _newsletter_name(sender: str) -> bool:
    return sender.partition("@")[0] in mail_words.texts("machine_senders", "newsletter")


def _notice(signs: Signs) -> tuple[AutoKind, str]:
    """Signs of a system that tells of something: monitoring, shops, other desks."""
    if signs.null_sender or signs.headers.get("return-path", "").replace(" ", "") == "<>":
        return AutoKind.NOTICE, "null envelope sender"
    local = signs.sender.partition("@")[0].lower()
    name = local.partition("+")[0].rstrip("0123456789")
    if (_DAEMONS.fullmatch(local) and not _is_answer(signs)) or name in mail_words.texts("machine_senders", "local"):
        return AutoKind.NOTICE, f"written by {local}"[:80]
    if subject.is_report(signs.subject):
        return AutoKind.NOTICE, "an aggregate report by its subject"
    if _is_desk_answer(signs):
        return _NONE
    valued = next((name for name, value in _VALUES.items() if value.search(signs.headers.get(name, ""))), "")
    if valued:
        return AutoKind.NOTICE, f"{valued}: {signs.headers[valued]}"[:80]
    written = next((field for field in signs.headers if _is_notice_field(field)), "")
    if written and not _is_passed_on(signs):
        return AutoKind.NOTICE, f"{written} is set"
    nobody = is_unattended(signs.sender) or name in mail_words.texts("machine_senders", "generic")
    if nobody and _is_mass_mail(signs):
        return AutoKind.NOTICE, f"written by {local}, to many"[:80]
    return _NONE


def _is_answer(signs: Signs) -> bool:
    """Whether a postmaster answers a mail, as a person does."""
    return bool(signs.headers.get("in-reply-to")) and subject.ANSWER.match(signs.subject.casefold()) is not None


def _is_notice_field(name: str) -> bool:
    return name in NOTICE_FIELDS or MADE_FIELD.search(name) is not None


def _is_mass_mail(signs: Signs) -> bool:
    bulk = signs.word("precedence") in BULK or bool(signs.suppressed)
    return bulk or any(name in signs.headers for name in (*SERVICES, "list-unsubscribe"))
