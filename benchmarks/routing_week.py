"""A week of a desk with three teams, bursts, absences and a departure: does any ticket strand, who gets how many?

`python -m benchmarks.routing_week [--days 7] [--seed 1] [--step 10]` prints a section of docs/benchmarks.md. Time is
simulated; rules, strategies, rows and the search for owners are the real ones. It takes days and a seed, and returns
a Report.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import sqlalchemy as sa

from classifier.starter import shipped
from desk.channels import Channel
from desk.config.settings import Settings
from desk.mail.inbound_request import InboundRequest, Party
from desk.routing.routing import Options, Strategy, hindrance
from desk.sla.business_hours import between
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind, Event
from gateway.intake import Incoming, accept
from storage.open_store import Store, open_store
from storage.people import availability, people
from storage.people.people import NewAgent
from storage.routing import rules as routing_rules
from storage.routing import unassigned
from storage.sla import calendars
from storage.sla.calendars import CalendarRow
from storage.tables.tickets import events
from storage.tables.tickets import tickets as table
from storage.tickets import tickets
from usecases.routing import assign as assignment
from usecases.routing.dry_run import explain_ticket
from workers.inbound import ingest
from workers.runtime.context import Context
from workers.timers import reassign

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(minutes=10)
TEAMS = {"Support": Strategy.LEAST_LOADED, "Billing": Strategy.ROUND_ROBIN, "IT": Strategy.SKILL}
HOURS = {
    "Support": ("mon-fri", "08:00", "18:00"),
    "Billing": ("mon-fri", "09:00", "17:00"),
    "IT": ("mon-sun", "00:00", "24:00"),
}
SHIFTS = (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00"))
TEXTS = {
    "Support": ("Question", "How can I change the colour of my page? I have looked everywhere and cannot find it."),
    "Billing": ("Invoice", "The invoice of this month is missing. Could you please send it to me once more?"),
    "IT": (
        "Computer",
        "Guten Tag, mein Rechner startet nicht mehr und ich kann leider nicht arbeiten. Bitte helfen Sie mir.",
    ),
}
HANDLING = {"Support": 16.0, "Billing": 14.0, "IT": 20.0}
"""Minutes of work a ticket, on average."""
A_DAY = {"Support": 100, "Billing": 55, "IT": 60}
BURSTS = ((timedelta(days=1, hours=10), "Support", 120), (timedelta(days=3, hours=14), "Billing", 60))


@dataclass
class Report:
    """What came of it. `silent` are tickets without owner and without flag after a look for owners; `stranded` those
    that keep a flag although somebody could take them."""

    days: int
    given: dict[str, dict[str, int]] = field(default_factory=dict)
    room: dict[str, dict[str, float]] = field(default_factory=dict)
    waits: dict[str, list[float]] = field(default_factory=dict)
    count: int = 0
    reassigned: int = 0
    flagged: int = 0
    escalated: int = 0
    silent: int = 0
    stranded: int = 0
    left: int = 0
    reasons: list[str] = field(default_factory=list)

    def gini(self, team: str) -> float:
        """Of the tickets an hour of presence and weight: 0 is the same for everybody."""
        shares = sorted(n / self.room[team][a] for a, n in self.given[team].items() if self.room[team][a] > 1)
        total = sum(shares)
        return sum((2 * place - len(shares) - 1) * one for place, one in enumerate(shares, 1)) / (len(shares) * total)


class Week:
    """The simulated desk."""

    def __init__(self, store: Store, days: int, seed: int, step: timedelta) -> None:
        self.store, self.random, self.now, self.step = store, random.Random(seed), MONDAY, step
        self.context = Context(store, shipped(), now=lambda: self.now, react=False)
        self.report = Report(days)
        self.busy_until: dict[int, datetime] = {}
        self.agents: dict[str, int] = {}
        with store.database.transaction() as session:
            self._furnish(session)

    def run(self) -> Report:
        end = MONDAY + timedelta(days=self.report.days)
        while self.now < end + timedelta(hours=24):
            self._happen()
            if self.now < end:
                self._arrive()
            ingest.drain(self.context)
            self._work()
            reassign.drain(self.context)
            self._look()
            self.now += self.step
        with self.store.database.reading() as session:
            self._sum_up(session)
        return self.report

    def _furnish(self, session: Any) -> None:
        for name, (days, since, until) in HOURS.items():
            hours = calendars.save(session, CalendarRow(name, "UTC", [{"days": days, "from": since, "to": until}]))
            team = people.add_team(session, name)
            options = Options(previous=name == "IT", escalate_minutes=30)
            availability.set_team(session, team.id, TEAMS[name], options, hours.id)
            people.add_mailbox(session, f"{name.lower()}@desk.example.test", name, team.id)
            for number in range({"Support": 6, "Billing": 3, "IT": 6}[name]):
                self._hire(session, f"{name} {number + 1}", team.id)
        for name, since, until in SHIFTS:
            slots = [{"days": "mon-sun", "from": since, "to": until}]
            shift = calendars.save(session, CalendarRow(name, "UTC", slots))
            place = [one[0] for one in SHIFTS].index(name)
            for number in (place * 2 + 1, place * 2 + 2):
                skills = ["German"] if number % 2 else ["French", "Computer"]
                availability.set_agent(session, self.agents[f"IT {number}"], calendar_id=shift.id, skills=skills)
        availability.set_agent(session, self.agents["Support 1"], weight=1, capacity=8)
        for name, (subject, _text) in TEXTS.items():
            condition = [{"field": "subject", "contains": subject}]
            routing_rules.save(session, f"{name} by subject", condition, {"team": name})

    def _hire(self, session: Any, name: str, team_id: int) -> None:
        address = f"{name.lower().replace(' ', '.')}@corp.example.test"
        agent = people.add_agent(session, NewAgent(address, name, "agent", "", [team_id]), self.now)
        availability.set_agent(session, agent.id, weight=2, capacity=16)
        self.agents[name] = agent.id

    def _happen(self) -> None:
        """Absences and a departure, at their time."""
        at = self.now - MONDAY
        with self.store.database.transaction() as session:
            for when, name, days, hands_over in ABSENCES:
                if at == when:
                    until = self.now + timedelta(days=days)
                    availability.set_away(session, self.agents[name], self.now, until, hands_over=hands_over)
            if at == timedelta(days=2, hours=11):
                people.set_active(session, self.agents["Support 3"], active=False)

    def _arrive(self) -> None:
        made = []
        for team, a_day in A_DAY.items():
            hour = self.now.hour + self.now.minute / 60
            busy = 0.3 if self.now.weekday() > 4 else 1.0
            usual = a_day * busy * (2.2 if 8 <= hour < 18 else 0.2) * (self.step / timedelta(days=1))
            made += [self._request(team) for _ in range(_poisson(self.random, usual))]
        for when, team, count in BURSTS:
            if timedelta() <= self.now - MONDAY - when < timedelta(minutes=10):
                made += [self._request(team) for _ in range(count // 2)]
        self.report.count += len(made)
        accept(self.store, made, self.now)

    def _request(self, team: str) -> Incoming:
        subject, text = TEXTS[team]
        unique, who = self.random.getrandbits(64), self.random.randrange(400)
        sender = Party(f"p{who}@home{who % 7}.example.test")
        key = f"{unique:x}"
        request = InboundRequest(
            Channel.API, "week", key, key, self.now, sender, f"{subject} {unique % 1000}", text, text
        )
        return Incoming(request)

    def _work(self) -> None:
        """Whoever is there and free finishes the ticket that waits longest."""
        with self.store.database.transaction() as session:
            by = assignment.load_setup(session)
            teams = availability.load_availability(session, by.teams).teams.values()
            for team in teams:
                for one in team.members:
                    against, _ = hindrance(one, self.now)
                    if against and not against.startswith("has "):
                        continue
                    self._present(team.name, one)
                    while self.busy_until.get(one.id, self.now) <= self.now:
                        if not self._finish(session, team.name, one.id, one.name):
                            break

    def _present(self, team: str, one: Any) -> None:
        hours = self.report.room.setdefault(team, defaultdict(float))
        hours[one.name] += one.weight * self.step.total_seconds() / 3600

    def _finish(self, session: Any, team: str, agent_id: int, name: str) -> bool:
        c = table.c
        mine = sa.select(c.id).where(c.assignee_id == agent_id, c.status.in_(("new", "open"))).order_by(c.id).limit(1)
        number = session.execute(mine).scalar()
        if number is None:
            return False
        held = tickets.get(session, number, lock=True)
        assert held is not None
        who = Actor(ActorKind.AGENT, agent_id, name)
        tickets.save(session, transitions.resolve(held, who, self.now), react=False)
        begun = max(self.busy_until.get(agent_id, self.now), self.now - self.step)
        self.busy_until[agent_id] = begun + timedelta(minutes=self.random.expovariate(1 / HANDLING[team]))
        return True

    def _look(self) -> None:
        """After every look for owners nothing may be without one silently; hourly, nothing may keep a flag in vain."""
        with self.store.database.reading() as session:
            automatic = assignment.load_setup(session).automatic
            self.report.silent += len(unassigned.list_unowned(session, automatic, self.now, 1000))
            if self.now.minute == 0:
                flags = tickets.get_many(session, [one.id for one in unassigned.list_flags(session)])
                found = [explain_ticket(session, ticket, self.now).choice for ticket in flags.values()]
                self.report.stranded += sum(one is not None and one.member is not None for one in found)

    def _sum_up(self, session: Any) -> None:
        report = self.report
        report.reasons = [one.why for one in unassigned.list_flags(session)]
        report.left = len(unassigned.list_flags(session)) + len(
            unassigned.list_unowned(session, assignment.load_setup(session).automatic, self.now, 1000)
        )
        rows = session.execute(sa.select(table.c.id, table.c.team_id, table.c.created_at)).all()
        by = availability.team_settings(session)
        for row in rows:
            team = by[row.team_id]
            told = tickets.history(session, row.id)
            given = [event for event in told if event.kind == "assigned" and event.data.to_id]
            self._count(team.name, told, given)
            if given:
                waited = between(team.calendar, row.created_at, given[0].at) / 60
                report.waits.setdefault(team.name, []).append(waited)
        where = events.c.kind == "unroutable_escalated"
        report.escalated = session.execute(sa.select(sa.func.count()).select_from(events).where(where)).scalar_one()

    def _count(self, team: str, told: Sequence[Event], given: Sequence[Event]) -> None:
        self.report.flagged += any(event.kind == "unroutable" for event in told)
        self.report.reassigned += max(0, len(given) - 1)
        counted = self.report.given.setdefault(team, defaultdict(int))
        for event in given:
            counted[event.after] += 1


ABSENCES = (
    (timedelta(hours=12), "Support 2", 2, True),
    (timedelta(days=1, hours=9), "Billing 1", 1, False),
    (timedelta(days=1, hours=8), "IT 1", 2, True),
    (timedelta(days=3, hours=9), "Support 5", 1, False),
    (timedelta(days=3, hours=13), "Billing 2", 1, True),
)
"""When after Monday's first minute, who, for how many days, and whether open tickets go to others."""


def simulate(days: int, seed: int, step: timedelta = STEP) -> Report:
    with tempfile.TemporaryDirectory(prefix="fd-week-") as folder:
        settings = Settings(data_dir=str(Path(folder) / "data"), secret_key="a key of the simulation, known to all")
        store = open_store(settings, migrate=True)
        try:
            return Week(store, days, seed, step).run()
        finally:
            store.close()


def lines(report: Report) -> list[str]:
    """The section's table."""
    head = "| team | strategy | tickets given | least–most a head | Gini by presence | wait, median | p95 | longest |"
    told = [head, "|---|---|---|---|---|---|---|---|"]
    for team, strategy in TEAMS.items():
        given, waits = report.given[team], report.waits[team]
        spread = f"{min(given.values())}–{max(given.values())}"
        late = f"{quantiles(waits, n=20)[-1]:.0f} min | {max(waits):.0f} min"
        row = f"| {team} | {strategy} | {sum(given.values())} | {spread} | {report.gini(team):.3f} |"
        told.append(f"{row} {median(waits):.0f} min | {late} |")
    whole = (
        f"{report.count} tickets in {report.days} days; {report.flagged} carried a flag for a while,",
        f"{report.escalated} of them until leads were told again; {report.reassigned} changed hands.",
        f"Without owner and without flag after a look: {report.silent}. With a flag although somebody could take it:",
        f"{report.stranded}. Without owner at the end: {report.left}.",
    )
    told += ["", *whole, *(f"- left: {why}" for why in report.reasons)]
    return told


def _poisson(source: random.Random, mean: float) -> int:
    count, left = 0, source.expovariate(1.0)
    while left < mean:
        count, left = count + 1, left + source.expovariate(1.0)
    return count


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--days", type=int, default=7)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--step", type=int, default=10, metavar="MINUTES", help="so often owners are looked for")
    given = words.parse_args()
    print("\n".join(lines(simulate(given.days, given.seed, timedelta(minutes=given.step)))))


if __name__ == "__main__":
    main()
