"""Renders pages: Jinja templates with everything escaped, and filters that turn values into readable text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from console.web import mail_warnings, sla_badges
from desk.mail.inbound_request import Cut
from desk.mail.stored_file import StoredFile
from desk.mail.trust import MessageTrust
from desk.tickets.event_data import FieldChange
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that are nothing but pictures; an SVG is a page that runs scripts."""
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_CODE = re.compile(r"(?<!\w)(?:https?://[!-~]+|[A-Za-z0-9]+(?:[-_./:+#@]+[A-Za-z0-9]+)+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*[+]00:00$")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_HAPPENED: Mapping[str, str] = {
    EventKind.OPENED: "opened the ticket",
    EventKind.REQUESTER_REPLIED: "wrote",
    EventKind.REPLIED: "replied",
    EventKind.NOTED: "added a note",
    EventKind.MESSAGE_EDITED: "changed a message",
    EventKind.MESSAGE_WITHDRAWN: "marked a message as withdrawn",
    EventKind.FILE_FETCHED: "attached the file {after} to its message",
    EventKind.FILE_MISSING: "could not fetch the file {after}",
    EventKind.REPLY_SCHEDULED: "scheduled a reply",
    EventKind.WATCHED: "added the watcher {after}",
    EventKind.UNWATCHED: "removed the watcher {before}",
    EventKind.REPLY_UNDONE: "cancelled a reply before it was sent",
    EventKind.REPLY_RETURNED: "did not send a scheduled reply",
    EventKind.ASSIGNED: "assigned it to {after}",
    EventKind.TEAM_CHANGED: "moved it to team {after}",
    EventKind.STATUS_CHANGED: "set the status from {before} to {after}",
    EventKind.REOPENED: "reopened it",
    EventKind.NOT_RESOLVED: "could not resolve it",
    EventKind.ARTICLE_DRAFTED: "drafted article {after} from it",
    EventKind.RATING_ASKED: "sent a CSAT survey",
    EventKind.RATING_REMINDED: "sent a CSAT reminder",
    EventKind.RATED: "rated it {after} of 5",
    EventKind.UNROUTABLE: "found no available agent for it",
    EventKind.UNROUTABLE_ESCALATED: "escalated to the leads that no agent is available",
    EventKind.PRIORITY_CHANGED: "set the priority from {before} to {after}",
    EventKind.CATEGORY_CHANGED: "set the category from {before} to {after}",
    EventKind.CATEGORY_CONFIRMED: "confirmed the category {after}",
    EventKind.TAGGED: "added the tags {after}",
    EventKind.AUTOMATION_FIRED: "ran an automation",
    EventKind.INCIDENT_ORDER_FAILED: "could not {after} it with the incident",
    EventKind.AUTOMATION_FAILED: "could not run an automation",
    EventKind.AUTOMATIC_KEPT: "kept an automatic mail",
    EventKind.SNOOZED: "snoozed it until {after}",
    EventKind.WOKEN: "ended the snooze",
    EventKind.REMINDED: "reminded the requester",
    EventKind.UNTAGGED: "removed the tags {before}",
    EventKind.ANSWER_NOT_KEPT: "answered {before}: {after}",
    EventKind.FIELD_CHANGED: "set {field} from {before} to {after}",
    EventKind.PARENT_CHANGED: "set its parent from {before} to {after}",
    EventKind.COPY_ADDED: "added {after} to CC",
    EventKind.COPY_SUGGESTED: "saw {after} in the conversation, who is not in CC",
    EventKind.REQUESTER_CHANGED: "changed the requester from {before} to {after}",
    EventKind.ALIAS_SEEN: "kept a mail that {before} sent to the signed address of {after}",
    EventKind.COPY_REMOVED: "removed {before} from CC",
    EventKind.UNLINKED: "removed its link with #{before}",
    EventKind.UNMERGED: "undid the merge with #{before}",
    EventKind.SPLIT_UNDONE: "undid the split into #{before}",
    EventKind.SPLIT: "split a message off into #{after}",
    EventKind.MERGED_INTO: "merged this ticket into #{after}",
    EventKind.MERGED_FROM: "merged #{after} into this ticket",
    EventKind.LINKED: "linked it with #{after}",
    EventKind.INCIDENT_OPENED: "opened incident {after} with this ticket",
    EventKind.INCIDENT_JOINED: "added it to incident {after}",
    EventKind.INCIDENT_LEFT: "removed it from incident {before}",
    EventKind.INCIDENT_DISMISSED: "dismissed incident {before}",
    EventKind.SLA_WARNED: "noticed that the {after} breaches soon",
    EventKind.SLA_BREACHED: "noticed the breach of the {after}",
    EventKind.SLA_ESCALATED: "escalated: {after}",
    EventKind.SIDE_OPENED: "started a side conversation with {after}",
    EventKind.SIDE_SENT: "wrote to {after} in a side conversation",
    EventKind.SIDE_ANSWERED: "answered in a side conversation",
    EventKind.SIDE_CLOSED: "closed the side conversation with {after}",
    EventKind.SIDE_REOPENED: "reopened the side conversation with {after}",
    EventKind.UNDELIVERABLE: "could not deliver a mail to {after}",
    EventKind.DELIVERY_FAILED: "received a bounce of the mail to {after}",
    EventKind.DELIVERY_DELAYED: "received a delay notice for the mail to {after}",
    EventKind.OPENED_ANYWAY: "opened this private ticket without being in its team",
    EventKind.NOT_PERMITTED: "was not permitted to do this; the text was kept as a note",
    EventKind.UNVERIFIED_NOTE: "kept an unverified mail in the name of {after} as a note",
}
_SIGNALS: Mapping[str, str] = {
    "new": "it opened this ticket",
    "signed-address": "sent to the signed reply address",
    "signed-message-id": "answers a mail of ours",
    "references": "names a message of this thread",
    "conversation": "same conversation",
    "subject-tag": "ticket number in the subject",
    "named-by-a-reply": "a reply that came earlier names it",
    "foreign-number": "carries a ticket number of the other side's desk that is known here",
    "written": "written here",
}
_VOUCHED: Mapping[str, str] = {
    "pass": "vouched for by our mail server",
    "fail": "not verified: forged, or changed or sent on on its way",
    "none": "nobody vouches for the address",
}


def event_sentence(event: Event) -> str:
    """An event as a sentence without its subject."""
    sentence = _HAPPENED.get(event.kind)
    if sentence is None:
        rest = " → ".join(part for part in (event.before, event.after) if part)
        return " ".join([event.kind.replace("_", " "), rest]).strip()
    field = label(event.data_as(FieldChange).name)
    return sentence.format(before=_word(event.before), after=_word(event.after), field=field)


def thread_signal(name: str) -> str:
    """Why a message was threaded to its ticket."""
    return _SIGNALS.get(name, label(name))


def sender_trust(trust: MessageTrust) -> str:
    """What is known about the authenticity of the sender."""
    verdict = _VOUCHED.get(str(trust.verdict or ""), "")
    if trust.sender_strict is not False:
        return verdict
    return f"{verdict}; the address was not written plainly".lstrip("; ")


def _word(value: str) -> str:
    if _MOMENT.match(value):
        return f"{value[:10]} {value[11:16]} UTC"
    return label(value) if value else "nothing"


def label(value: object) -> str:
    """`on_hold` reads "on hold"."""
    return str(value).replace("_", " ")


_CUT: Mapping[str, str] = {
    "quote": "Earlier mail, quoted",
    "signature": "Signature",
    "footer": "Footer",
    "forward-header": "Header of a forward",
    "call": "Call",
}


def cut_summary(part: Cut) -> str:
    """Which part was cut off a message (quote, signature, …), and how long it is."""
    count = sum(1 for line in part.text.split("\n") if line.strip("> \t"))
    name = _CUT.get(part.reason, label(part.reason))
    return f"{name} ({count} line{'' if count == 1 else 's'})"


def sentence(text: str) -> str:
    """A reason with a capital and a full stop."""
    plain = text.strip() or "it looks like a machine's"
    return f"{plain[0].upper()}{plain[1:]}{'' if plain[-1] in '.!?' else '.'}"


def excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    plain = " ".join(text[:400].split())
    return plain if len(plain) <= 120 else f"{plain[:119].rstrip()}…"


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name or address."""
    words = [word for word in re.split(r"[\s._+-]+", name.partition("@")[0]) if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def hue(name: str) -> str:
    """The class that colours somebody's avatar; the same name has always the same."""
    return f"hue-{zlib.crc32(name.encode()) % 8}"


def is_picture(attachment: StoredFile) -> bool:
    return attachment.media_type in PICTURES


def is_shown(attachment: StoredFile) -> bool:
    """Whether an attachment is shown inline, as a picture."""
    return attachment.inline and is_picture(attachment)


def pictures(attachments: Sequence[StoredFile]) -> list[tuple[int, StoredFile]]:
    """The attachments that are shown below a text: its inline pictures."""
    return [(place, file) for place, file in enumerate(attachments) if is_shown(file)]


def percent(value: float | None) -> str:
    """A probability; never 0 % or 100 %, because a prediction is not a fact."""
    if value is None:
        return ""
    return ">99%" if value > 0.995 else "<1%" if value < 0.005 else f"{value:.0%}"


def rate(value: float | None) -> str:
    """A counted share; 0 % and 100 % are facts here."""
    return "–" if value is None else f"{value:.1%}" if 0.995 <= value < 1 or 0 < value < 0.005 else f"{value:.0%}"


def size(count: int) -> str:
    """Bytes in readable units."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def moment(at: datetime | None) -> Markup:
    """A time in UTC; the page's script shows it in the reader's time zone."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M} UTC")


def age(at: datetime, now: datetime) -> Markup:
    """How long ago, with the time as its title."""
    when = f"{at:%Y-%m-%d %H:%M} UTC"
    text = '<time datetime="{}" title="{}" data-age>{}</time>'
    return Markup(text).format(f"{at:%Y-%m-%dT%H:%M:%SZ}", when, ago((now - at).total_seconds()))


def ago(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return "now"


def pairs(value: Any) -> list[tuple[str, float]]:
    """Names with numbers, as predictions store them."""
    return [(str(item[0]), float(item[1])) for item in value or () if len(item) == 2]


def lines(text: str) -> Markup:
    """Text as it was written. Web addresses are not made into links on purpose: mail lies about them.

    In right-to-left text, "4711-AB" would be shown as "AB-4711"; such codes and addresses keep their order.
    """
    escaped = escape(text.strip("\n"))
    return Markup(_CODE.sub(r'<bdi dir="ltr">\g<0></bdi>', str(escaped))) if _RIGHT_TO_LEFT.search(text) else escaped


def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("console"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.tests["shown"] = is_shown
    environment.filters |= {
        "age": age,
        "cut_summary": cut_summary,
        "due_badge": sla_badges.due_badge,
        "event_sentence": event_sentence,
        "excerpt": excerpt,
        "hue": hue,
        "initials": initials,
        "label": label,
        "lines": lines,
        "mail_warnings": mail_warnings.warnings,
        "moment": moment,
        "pairs": pairs,
        "percent": percent,
        "pictures": pictures,
        "rate": rate,
        "remarks": mail_warnings.remarks,
        "sender_trust": sender_trust,
        "sentence": sentence,
        "size": size,
        "thread_signal": thread_signal,
    }
    return environment


_jinja = _environment()


def render(template: str, values: Mapping[str, object]) -> str:
    """The HTML of a page."""
    return _jinja.get_template(template).render(**values)
