"""The report of a replay: counted from what became of each mail, in an order that depends on nothing else.

In: (label, hash) of each mail in order, and the outcomes. Out: sums and lines, without times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli import output
from desk.mail.states import InboundState
from storage.operations.replay import Outcome

_COLUMNS = ("mail", "became", "ticket", "thread", "category", "probability", "subject", "reason")
_MOST_REASONS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What was made of the mails."""

    mails: int
    states: Mapping[str, int]
    copies: int
    tickets: int
    threads: Mapping[str, int]
    categories: Mapping[str, int]
    needs_human: int
    automatic: Mapping[str, int]
    quarantined: Mapping[str, int]
    lines: Sequence[Mapping[str, Any]]


def made(labels: Sequence[tuple[str, str]], found: Iterable[Outcome]) -> Report:
    """Count. A mail without a row of its own is a copy of an earlier one."""
    rows = list(found)
    opened = [row for row in rows if row.state == InboundState.TICKETED]
    return Report(
        mails=len(labels),
        states=_counted(row.state for row in rows),
        copies=len(labels) - len(rows),
        tickets=len({row.ticket_id for row in opened}),
        threads=_counted(row.signal or "" for row in rows if row.state == InboundState.APPENDED),
        categories=_counted(row.category for row in opened if row.category),
        needs_human=sum(1 for row in opened if not row.category),
        automatic=_counted(row.reason or row.signal or "" for row in rows if row.state == InboundState.AUTOMATIC),
        quarantined=_counted(row.reason for row in rows if row.state == InboundState.QUARANTINED),
        lines=_lines(labels, {row.raw: row for row in rows}),
    )


def as_dict(report: Report, *, verbose: bool) -> dict[str, Any]:
    """For JSON; the lines only when they are asked for."""
    names = [name for name in Report.__dataclass_fields__ if verbose or name != "lines"]
    return {name: getattr(report, name) for name in names}


def show_report(report: Report, *, verbose: bool, for_real: bool) -> None:
    if verbose:
        output.table(report.lines, _COLUMNS)
        print()
    print("kept; nothing was sent" if for_real else "nothing was kept, nothing was sent")
    output.fields({"mails": report.mails, "tickets": report.tickets, **report.states, "copies": report.copies})
    _part("threads, by what decided", report.threads)
    _part("categories", {**report.categories, "needs a human": report.needs_human})
    _part("automatic mail, never answered", report.automatic)
    _part("quarantined", report.quarantined)


def _part(title: str, counted: Mapping[str, int]) -> None:
    if any(counted.values()):
        print(f"\n{title}")
        output.fields(dict(list(counted.items())[:_MOST_REASONS]) if title == "quarantined" else counted)


def _lines(labels: Sequence[tuple[str, str]], rows: dict[str, Outcome]) -> list[dict[str, Any]]:
    lines, seen = [], set[str]()
    for label, digest in labels:
        row = rows.get(digest)
        if row is None or digest in seen:
            lines.append({"mail": label, "became": "copy"})
            continue
        seen.add(digest)
        line: dict[str, Any] = {"mail": label, "became": row.state, "ticket": row.ticket_id, "thread": row.signal or ""}
        chance = None if row.probability is None else round(row.probability, 3)
        words = {"category": row.category, "probability": chance, "subject": row.subject or "", "reason": row.reason}
        lines.append(line | words)
    return lines


def _counted(values: Iterable[str]) -> dict[str, int]:
    """Most frequent first, then by name."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
