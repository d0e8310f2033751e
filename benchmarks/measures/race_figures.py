"""P15: replies sent right behind their parents, by many sessions, to two workers: does each end on its thread's ticket?

It takes a lab, and returns lines. Counted are messages on a wrong ticket, lost ones and doubled ones; each must be 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from benchmarks import desks, mails
from benchmarks.desks import NO_LETTERS, POSTGRESQL, SQLITE, Desk
from benchmarks.figures import Line
from benchmarks.lab import Lab
from benchmarks.mails import Mail
from storage.tables.tickets import messages, tickets

SESSIONS = 20
WORKERS = 2
THREADS = 300


def measure(lab: Lab) -> list[Line]:
    lines = []
    for kind, word in ((POSTGRESQL, "PostgreSQL"), (SQLITE, "SQLite")):
        faults, count = {"wrong": 0, "lost": 0, "doubled": 0}, 0
        for _ in range(lab.rounds):
            with desks.running(lab, kind, NO_LETTERS, workers=WORKERS) as desk:
                load = mails.threads(THREADS, next(lab.seeds))
                lab.send(desk.smtp, load, SESSIONS)
                desk.wait_quiet()
                count += len(load)
                for name, number in _faults(desk, load).items():
                    faults[name] += number
        what = f"{WORKERS} workers, {SESSIONS} sessions, {lab.rounds} × {THREADS} threads, {word}"
        lines.append(Line("P15", what, sum(faults.values()), "P15", {"mails": count, **faults}))
    return lines


def _faults(desk: Desk, load: Sequence[Mail]) -> dict[str, int]:
    found = _places(desk)
    of = [found[mail.message_id.strip("<>")] for mail in load]
    wrong = sum(1 for mail, places in zip(load, of, strict=True) if places and places[:1] != of[mail.root][:1])
    return {
        "wrong": wrong,
        "lost": sum(1 for places in of if not places),
        "doubled": sum(1 for places in of if len(places) > 1),
    }


def _places(desk: Desk) -> dict[str, list[int]]:
    """The tickets on which each Message-ID is; a merged ticket counts as the one that it became."""
    ticket = sa.func.coalesce(tickets.c.merged_into, tickets.c.id)
    query = sa.select(messages.c.external_id, ticket).join(tickets, tickets.c.id == messages.c.ticket_id)
    found: dict[str, list[int]] = defaultdict(list)
    with desk.database.reading() as session:
        rows: Any = session.execute(query)
        for message_id, number in rows:
            found[message_id].append(number)
    return found
