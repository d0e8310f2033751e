"""A calendar part of a mail as text: invitation, change, cancellation or answer; when, where, by whom.

The part (RFC 5545, 5546) may be broken in any way. Times are written as they stand in the invitation, with its time
zone; nothing is converted, and nothing is put into a calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from desk.mail.inbound_request import clean_line
from gateway.email.mime import charset
from gateway.email.mime.parts import Part

MAX_BYTES = 200_000
MAX_EVENTS = 10
MAX_LINES = 4_000
MAX_PEOPLE = 20
MAX_DESCRIPTION = 2_000

_LINE = re.compile(r"([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:\"[^\"\n]{0,300}\"|[^\";:\n]{0,300})){0,20}):(.{0,8000})")
_PARAMETER = re.compile(r";([A-Za-z-]{1,40})=(?:\"([^\"]*)\"|([^;]*))")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?")
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:\d{1,6}S)?)?")
_METHODS = {
    "REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to the invitation", "ADD": "Invitation",
    "COUNTER": "Another time proposed", "DECLINECOUNTER": "Proposal declined",
    "REFRESH": "Invitation asked for again",
}  # fmt: skip
_ANSWERS = {
    "ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "accepted tentatively", "DELEGATED": "passed it on",
}  # fmt: skip
_REPEATS = {
    "DAILY": "every day", "WEEKLY": "every week", "MONTHLY": "every month", "YEARLY": "every year",
    "HOURLY": "every hour",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Property:
    value: str
    params: dict[str, str]

    def words(self) -> str:
        """The value with its escapes undone."""
        return re.sub(r"\\([nN,;\\])", lambda match: "\n" if match[1] in "nN" else match[1], self.value).strip()

    def line(self) -> str:
        return clean_line(self.words())[:300]


@dataclass(slots=True)
class _Event:
    single: dict[str, _Property] = field(default_factory=dict)
    attendees: list[_Property] = field(default_factory=list)


def in_words(content: bytes, declared: str, method: str) -> str:
    """The calendar part as lines to read; `method` is what the part's header says."""
    source = charset.decode(content[:MAX_BYTES], declared).replace("\r\n", "\n").replace("\r", "\n")
    lines = source.replace("\n ", "").replace("\n\t", "").split("\n")[:MAX_LINES]
    stated, events = _events(lines)
    method = (stated or method).strip().upper()
    return "\n\n".join(filter(None, (_event(event, method) for event in events)))


def answer(root: Part) -> str:
    """The answer to an invitation as text, if it has no comment of a person; else empty."""
    part = next((part for part in root.walk() if part.media_type == "text/calendar"), None)
    if part is None:
        return ""
    source = charset.decode(part.content()[:MAX_BYTES], part.params.get("charset", "")).replace("\r\n", "\n")
    stated, events = _events(source.replace("\n ", "").replace("\n\t", "").split("\n")[:MAX_LINES])
    method = (stated or part.params.get("method", "")).strip().upper()
    if method != "REPLY" or any(_commented(event) for event in events):
        return ""
    said = next((_answer(one) for event in events for one in event.attendees), "answered")
    return f"an answer to an invitation: {said}"


def _commented(event: _Event) -> bool:
    """Whether somebody wrote a word with the answer. Exchange puts it into the description, others into a comment."""
    comment = event.single.get("COMMENT")
    return comment is not None and bool(comment.words())


def start(content: bytes, declared: str) -> tuple[date, time | None] | None:
    """When the first event begins, to check whether the mail's text says so already."""
    source = charset.decode(content[:MAX_BYTES], declared).replace("\r\n", "\n").replace("\n ", "")
    _, events = _events(source.split("\n")[:MAX_LINES])
    found = events[0].single.get("DTSTART") if events else None
    return _moment(found.value) if found else None


def _events(lines: list[str]) -> tuple[str, list[_Event]]:
    """The METHOD and the events; properties of alarms and time zones inside or beside them do not count."""
    method, events, inside = "", list[_Event](), list[str]()
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        name, value = match[1].upper(), match[3]
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside[-1] in ("VEVENT", "VTODO") and len(events) < MAX_EVENTS:
                events.append(_Event())
        elif name == "END":
            del inside[-1:]
        elif name == "METHOD":
            method = value
        elif (inside and inside[-1] in ("VEVENT", "VTODO")) or (inside == ["VCALENDAR"] and name in _SHOWN):
            _keep(events, name, _Property(value, _parameters(match[2])))
    return method, events


_SHOWN = frozenset({"SUMMARY", "DTSTART", "DTEND", "LOCATION", "ORGANIZER", "DESCRIPTION"})


def _keep(events: list[_Event], name: str, found: _Property) -> None:
    if not events:
        events.append(_Event())
    if name == "ATTENDEE":
        if len(events[-1].attendees) < MAX_PEOPLE:
            events[-1].attendees.append(found)
    else:
        events[-1].single.setdefault(name, found)


def _parameters(source: str) -> dict[str, str]:
    return {match[1].upper(): match[2] or match[3] or "" for match in _PARAMETER.finditer(source)}


def _event(event: _Event, method: str) -> str:
    single = event.single
    cancelled = method == "CANCEL" or ("STATUS" in single and single["STATUS"].value.strip() == "CANCELLED")
    kind = "Cancelled" if cancelled else _METHODS.get(method, "Event")
    summary = single["SUMMARY"].line() if "SUMMARY" in single else ""
    lines = [f"{kind}: {summary or 'without a title'}"]
    if method in ("REPLY", "COUNTER"):
        lines += [f"Answer: {_person(one)} {_answer(one)}" for one in event.attendees[:3]]
    lines += _labelled("When", _when(single))
    lines += _labelled("Repeats", _repeats(single["RRULE"].value) if "RRULE" in single else "")
    lines += _labelled("Where", single["LOCATION"].line() if "LOCATION" in single else "")
    lines += _labelled("Organiser", _person(single["ORGANIZER"]) if "ORGANIZER" in single else "")
    if method not in ("REPLY", "COUNTER"):
        lines += _labelled("Invited", ", ".join(map(_person, event.attendees)))
    if "DESCRIPTION" in single and method != "REPLY":
        lines += ["", single["DESCRIPTION"].words()[:MAX_DESCRIPTION].strip()]
    return "\n".join(lines).strip() if len(lines) > 1 or summary else ""


def _labelled(label: str, value: str) -> list[str]:
    return [f"{label}: {value}"] if value else []


def _person(found: _Property) -> str:
    address = re.sub(r"(?i)^mailto:", "", found.value.strip())
    name = found.params.get("CN", "").strip("\"' ")
    return clean_line(f"{name} <{address}>" if name and name != address else address)[:200]


def _answer(found: _Property) -> str:
    return _ANSWERS.get(found.params.get("PARTSTAT", "").upper(), "has not decided")


def _when(single: dict[str, _Property]) -> str:
    begin = single.get("DTSTART") or single.get("DUE")
    first = _moment(begin.value) if begin else None
    if begin is None or first is None:
        return begin.line() if begin else ""
    zone = "UTC" if begin.value.strip().endswith("Z") else clean_line(begin.params.get("TZID", ""))[:80]
    last = _end(single, first)
    day, clock = first
    if clock is None:
        # The end of an all-day event is the day after it.
        until = last[0] - timedelta(days=1) if last and last[1] is None else day
        return f"{_day(day)} (all day)" if until <= day else f"{_day(day)} to {_day(until)} (all day)"
    text = f"{_day(day)}, {clock:%H:%M}"
    if last and last[1] is not None and last != first:
        text += f"–{last[1]:%H:%M}" if last[0] == day else f" to {_day(last[0])}, {last[1]:%H:%M}"
    return f"{text} ({zone})" if zone else text


def _end(single: dict[str, _Property], first: tuple[date, time | None]) -> tuple[date, time | None] | None:
    if "DTEND" in single:
        return _moment(single["DTEND"].value)
    match = _DURATION.fullmatch(single["DURATION"].value.strip()) if "DURATION" in single else None
    if match is None:
        return None
    weeks, days, hours, minutes = (int(part or 0) for part in match.groups())
    try:
        moment = datetime.combine(*_timed(first)) + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    except OverflowError:
        return None
    return moment.date(), moment.time() if first[1] is not None else None


def _timed(first: tuple[date, time | None]) -> tuple[date, time]:
    return first[0], first[1] or time()


def _moment(value: str) -> tuple[date, time | None] | None:
    match = _MOMENT.match(value.strip())
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        return day, time(int(match[4]), int(match[5])) if match[4] else None
    except ValueError:
        return None


def _day(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _repeats(rule: str) -> str:
    parts = dict(part.split("=", 1) for part in rule.strip().upper().split(";")[:20] if "=" in part)
    text = _REPEATS.get(parts.get("FREQ", ""), clean_line(rule)[:100])
    if parts.get("INTERVAL", "1") != "1":
        text += f", each {clean_line(parts['INTERVAL'])[:10]}th time"
    if "BYDAY" in parts:
        text += f" on {clean_line(parts['BYDAY'])[:60]}"
    if "COUNT" in parts:
        text += f", {clean_line(parts['COUNT'])[:10]} times"
    last = _moment(parts["UNTIL"]) if "UNTIL" in parts else None
    return f"{text}, until {_day(last[0])}" if last else text
