"""How pages are rendered: templates with everything escaped, and the words that turn values into what people read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from console.web import mail_warnings, sla_badges
from desk.tickets.ticket import Event

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that are nothing but pictures; an SVG is a page that runs scripts."""
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_CODE = re.compile(r"(?<!\w)(?:https?://[!-~]+|[A-Za-z0-9]+(?:[-_./:+#@]+[A-Za-z0-9]+)+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*[+]00:00$")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_HAPPENED: Mapping[str, str] = {
    "opened": "opened the ticket",
    "requester_replied": "wrote",
    "replied": "replied",
    "noted": "added a note",
    "message_edited": "changed a message",
    "message_withdrawn": "marked a message as taken back",
    "file_fetched": "put the file {after} on its message",
    "file_missing": "could not fetch the file {after}",
    "reply_scheduled": "wrote a reply that waits to be sent",
    "watched": "lets {after} watch it",
    "unwatched": "lets {before} watch it no more",
    "reply_undone": "took a reply back before it was sent",
    "reply_returned": "did not send a reply that waited",
    "assigned": "assigned it to {after}",
    "team_changed": "gave it to team {after}",
    "status_changed": "set the status from {before} to {after}",
    "reopened": "reopened it",
    "not_resolved": "could not resolve it",
    "article_drafted": "made article {after} of it",
    "rating_asked": "asked the requester how it went",
    "rating_reminded": "asked the requester once more how it went",
    "rated": "rated it {after} of 5",
    "unroutable": "found nobody who can take it now",
    "unroutable_escalated": "told the leads again that nobody can take it",
    "priority_changed": "set the priority from {before} to {after}",
    "category_changed": "set the category from {before} to {after}",
    "category_confirmed": "confirmed the category {after}",
    "tagged": "added the tags {after}",
    "automation_fired": "did what the rule says",
    "incident_order_failed": "could not {after} it with the others of the incident",
    "automation_failed": "could not do what the rule says",
    "automatic_kept": "kept an automatic mail",
    "snoozed": "put it aside until {after}",
    "woken": "brought it back",
    "reminded": "reminded the requester",
    "untagged": "took off the tags {before}",
    "answer_not_kept": "answered {before}: {after}",
    "field_changed": "set {field} from {before} to {after}",
    "parent_changed": "set its parent from {before} to {after}",
    "copy_added": "put {after} in copy",
    "copy_suggested": "wrote to {after} as well, who is not in copy of answers",
    "requester_changed": "made it a ticket of {after} instead of {before}",
    "alias_seen": "kept a mail that {before} sent to the signed address of {after}",
    "copy_removed": "took {before} out of copy",
    "unlinked": "took away its link with #{before}",
    "unmerged": "took the merge with #{before} back",
    "split_undone": "took the split into #{before} back",
    "split": "split a message off into #{after}",
    "merged_into": "merged this ticket into #{after}",
    "merged_from": "merged #{after} into this ticket",
    "linked": "linked it with #{after}",
    "incident_opened": "noticed incident {after} by this ticket",
    "incident_joined": "made it part of incident {after}",
    "incident_left": "took it out of incident {before}",
    "incident_dismissed": "dismissed incident {before}",
    "sla_warned": "noticed that the {after} is due soon",
    "sla_breached": "noticed that the {after} is late",
    "sla_escalated": "escalated: {after}",
    "side_opened": "asked {after} aside",
    "side_sent": "wrote to {after} aside",
    "side_answered": "answered aside",
    "side_closed": "closed the side conversation with {after}",
    "side_reopened": "opened the side conversation with {after} again",
    "undeliverable": "could not deliver a mail to {after}",
    "delivery_failed": "got the mail to {after} back",
    "delivery_delayed": "heard that the mail to {after} is delayed",
    "opened_anyway": "opened this private ticket without being in its team",
    "not_permitted": "asked for more than the role allows; the words were kept",
    "unverified_note": "kept, but did not obey, a mail in the name of {after}",
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
    field = label(event.data.get("field", ""))
    return sentence.format(before=_word(event.before), after=_word(event.after), field=field)


def thread_signal(name: str) -> str:
    """Why a message is on its ticket, in words."""
    return _SIGNALS.get(name, label(name))


def sender_trust(trust: Mapping[str, Any]) -> str:
    """What is known of a sender, in words."""
    verdict = _VOUCHED.get(str(trust.get("verdict", "")), "")
    return (
        verdict if trust.get("sender_strict", True) else f"{verdict}; the address was not written plainly".lstrip("; ")
    )


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
}


def cut_summary(part: Mapping[str, str]) -> str:
    """What was set aside, in words, and how much that is."""
    count = sum(1 for line in part["text"].split("\n") if line.strip("> \t"))
    name = _CUT.get(part["reason"], label(part["reason"]))
    return f"{name} ({count} line{'' if count == 1 else 's'})"


def sentence(text: str) -> str:
    """A reason with a capital and a full stop."""
    plain = text.strip() or "it looks like a machine's"
    return f"{plain[0].upper()}{plain[1:]}{'' if plain[-1] in '.!?' else '.'}"


def excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    plain = " ".join(text[:400].split())
    return plain if len(plain) <= 120 else f"{plain[:119].rstrip()}…"


def is_picture(attachment: Mapping[str, Any]) -> bool:
    return attachment.get("media_type") in PICTURES


def is_shown(attachment: Mapping[str, Any]) -> bool:
    """Whether a file stands in the text as a picture."""
    return bool(attachment.get("inline")) and is_picture(attachment)


def pictures(attachments: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """The files that are shown below a text: pictures that stand in it."""
    return [(place, file) for place, file in enumerate(attachments) if is_shown(file)]


def percent(value: float | None) -> str:
    """Never 0 % or 100 %: a guess is not a fact."""
    if value is None:
        return ""
    return ">99%" if value > 0.995 else "<1%" if value < 0.005 else f"{value:.0%}"


def rate(value: float | None) -> str:
    """A share that was counted, with its true ends: 0 % and 100 % are facts here."""
    return "–" if value is None else f"{value:.1%}" if 0.995 <= value < 1 or 0 < value < 0.005 else f"{value:.0%}"


def size(count: int) -> str:
    """Bytes as people say them."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def moment(at: datetime | None) -> Markup:
    """A moment in UTC; the page's script shows it in the reader's own time."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M} UTC")


def age(at: datetime, now: datetime) -> Markup:
    """How long ago, with the moment as its title."""
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
    """Text as it was written; addresses of the web are not made into links on purpose: mail lies about them.

    Among words from right to left, "4711-AB" would be shown as "AB-4711"; such codes and addresses stay in their order.
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
