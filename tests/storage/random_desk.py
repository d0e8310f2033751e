"""A desk of many tickets with random histories, for what is counted from events; and somebody who counts slowly.

The recount shares no code with `desk/reports/ticket_figures.py`: it reads the raw rows of one ticket, again for each
figure.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import sqlalchemy as sa

from desk.mail.inbound_request import Party
from desk.mail.thanks import Courtesy
from desk.priority.levels import Priority
from desk.tickets import transitions
from desk.tickets.event_data import SlaTarget
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, NotAllowed, Status, Ticket
from storage.db.session import Session
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.desk import clocks, ratings
from storage.tables.tickets import events
from storage.tickets import tickets

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CATEGORIES = ("Billing / Invoice", "Access / Password", "Shipping", "")


@dataclass
class RandomDesk:
    """`step` lets something happen to one of the tickets; time goes on by itself."""

    store: Store
    seed: int
    agents: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    count: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.now = START
        with self.store.database.transaction() as session:
            self.teams = tuple(people.add_team(session, name).id for name in ("Support", "Billing"))
            made = [
                people.add_agent(session, NewAgent(f"a{n}@corp.example.test", "", "agent"), START) for n in range(3)
            ]
            self.agents = tuple(one.id for one in made)
            person = people.ensure_people(session, [Party("carol@home.example.test")], START)["carol@home.example.test"]
            self.carol = Actor(ActorKind.REQUESTER, person.id, "Carol")

    def open(self, most: int = 1) -> None:
        with self.store.database.transaction() as session:
            for number in tickets.reserve(session, most):
                self.now += timedelta(seconds=self.dice.randrange(1, 20_000))
                dice = self.dice
                ticket = Ticket(
                    number,
                    f"random {number}",
                    int(self.carol.id or 0),
                    self.now,
                    self.now,
                    priority=dice.choice(list(Priority)),
                    category=dice.choice(CATEGORIES) or None,
                    team_id=dice.choice([None, *self.teams]),
                    channel=dice.choice(["email", "form", "slack"]),
                )
                tickets.insert_many(session, [ticket])
                tickets.add_events(session, transitions.opened(ticket, self.carol, "a test").events, react=False)
                self.count = max(self.count, number)
                if dice.random() < 0.6:
                    self._promise(session, number)

    def step(self) -> None:
        self.now += timedelta(seconds=self.dice.randrange(1, 50_000))
        with self.store.database.transaction() as session:
            ticket = tickets.get(session, self.dice.randrange(1, self.count + 1), lock=True)
            if ticket is None or ticket.merged_into is not None:
                return
            try:
                tickets.save(session, self._deed(session, ticket), react=False)
            except NotAllowed:
                return

    def _deed(self, session: Session, ticket: Ticket) -> Change:
        dice, at = self.dice, self.now
        agent = Actor(ActorKind.AGENT, dice.choice(self.agents), "Agent")
        deeds: list[Callable[[], Change]] = [
            lambda: transitions.receive(ticket, self.carol, at, courtesy=dice.choice(list(Courtesy))),
            lambda: transitions.receive(ticket, self.carol, at),
            lambda: transitions.reply(ticket, agent, at),
            lambda: transitions.reply(ticket, agent, at),
            lambda: transitions.set_status(ticket, dice.choice(list(Status)[1:]), agent, at),
            lambda: transitions.resolve(ticket, agent, at),
            lambda: transitions.assign(ticket, agent.id, "Agent", DESK, at),
            lambda: transitions.to_team(ticket, dice.choice(self.teams), "Team", agent, at),
            lambda: transitions.set_category(ticket, dice.choice(CATEGORIES) or None, agent, at),
            lambda: transitions.note(ticket, agent, at),
            lambda: self._rated(session, ticket, at),
            lambda: self._late(ticket, at),
            lambda: self._merged(ticket, at),
        ]
        return dice.choices(deeds, [3, 3, 4, 4, 4, 3, 2, 1, 1, 1, 1, 1, 0.2])[0]()

    def _merged(self, ticket: Ticket, at: datetime) -> Change:
        other = replace(ticket, id=ticket.id % self.count + 1)
        return transitions.merge(ticket, other, DESK, at)[0]

    def _late(self, ticket: Ticket, at: datetime) -> Change:
        target = self.dice.choice(["first_response", "next_response", "resolution"])
        words, data = target.replace("_", " "), SlaTarget(target=target)
        event = Event(ticket.id, at, "sla_breached", DESK, after=words, data=data)
        return Change(ticket, (event,))

    def _rated(self, session: Session, ticket: Ticket, at: datetime) -> Change:
        score = self.dice.randrange(1, 6)
        session.execute(
            sa.insert(ratings).values(ticket_id=ticket.id, asked_at=at, rated_at=at, score=score, comment="")
        )
        return Change(ticket, (Event(ticket.id, at, "rated", self.carol, after=str(score)),))

    def _promise(self, session: Session, number: int) -> None:
        rows = [
            {"ticket_id": number, "kind": kind, "target_seconds": 3600, "started_at": self.now}
            for kind in ("first_response", "next_response", "resolution")
        ]
        session.execute(sa.insert(clocks), rows)


def recount(session: Session, number: int) -> dict[str, Any] | None:
    """One ticket's figures, each looked up in the raw rows anew; None if it was merged."""
    rows = session.execute(sa.select(events).where(events.c.ticket_id == number).order_by(events.c.id)).all()
    if any(row.kind == "merged_into" for row in rows):
        return None
    statuses = _statuses(rows)
    opened, current = rows[0].at, statuses[-1][1]
    replies = [row.at for row in rows if row.kind == "replied"]
    done = [at for at, status in statuses if status in ("resolved", "closed")]
    undone = [at for at, status in statuses if status not in ("resolved", "closed")]
    resolved = None
    if current in ("resolved", "closed"):
        resolved = next(at for at in done if at >= undone[-1])
    waits = _waits(rows, statuses)
    return {
        "opened_at": opened,
        "status": current,
        "resolved_at": resolved,
        "first_response_seconds": _seconds(opened, replies[0]) if replies else None,
        "next_response_seconds": round(median(waits)) if waits else None,
        "resolution_seconds": _seconds(opened, resolved) if resolved else None,
        "replies": len(replies),
        "reopened": sum(row.kind == "reopened" for row in rows),
        "one_touch": bool(resolved) and len(replies) == 1 and all(row.kind != "reopened" for row in rows),
        **{f"seconds_{name}": _spent(statuses, name) for name in ("new", "open", "pending", "on_hold")},
    }


def _statuses(rows: Sequence[Any]) -> list[tuple[datetime, str]]:
    return [(row.at, row.after) for row in rows if row.kind in ("opened", "status_changed", "reopened")]


def _spent(statuses: Sequence[tuple[datetime, str]], name: str) -> int:
    pairs = pairwise(statuses)
    return round(sum((after[0] - before[0]).total_seconds() for before, after in pairs if before[1] == name))


def _waits(rows: Sequence[Any], statuses: Sequence[tuple[datetime, str]]) -> list[float]:
    """From each reply back to the first question after whatever ended the one before it."""
    found = []
    ends = [row.id for row in rows if row.kind == "replied"]
    solved = [
        row.id for row in rows if row.kind in ("status_changed", "reopened") and row.after in ("resolved", "closed")
    ]
    for before, this in pairwise(ends):
        since = max([before, *(one for one in solved if before < one < this)])
        asked = [
            row.at
            for row in rows
            if since < row.id < this and row.kind == "requester_replied" and "not reopened" not in row.why
        ]
        if asked:
            found.append((next(row.at for row in rows if row.id == this) - asked[0]).total_seconds())
    return found


def _seconds(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds())
