"""A desk of a million tickets and two years: a thousand tickets with their conversation and history, many times over.

It takes an empty, migrated store and how many tickets, and returns the desk with its figures. The history of a ticket
is only there for the first thousand, and what no page reads (raw mail, the ledger of what came in, letters) not at
all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes

from benchmarks import mails
from benchmarks.multiply import multiply
from desk.mail.inbound_request import Party
from desk.priority.levels import Priority
from desk.reports.ticket_figures import SLOT_SECONDS, slot
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Message, MessageKind, Status, Ticket
from storage.db.session import Session
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent, Person
from storage.reports import daily_rollup
from storage.tickets import tickets
from workers.timers import report_rollup

SMALL = 1_000
SPAN = timedelta(days=730)
TABLES = ("people", "tickets", "predictions", "messages", "ticket_facts")
CATEGORIES = ("Billing / Invoice", "Access / Password", "Access / Email", "Hardware", "Network", "Software", "Other")
TEAMS, AGENTS = 6, 24
LENGTH = 700
LOOSE = 14
_OPEN = 0.02


def furnish(store: Store, count: int, now: datetime) -> None:
    """`count` tickets (a multiple of a thousand), opened over two years until now."""
    copies = max(1, count // SMALL)
    # Whole quarters of an hour, by which reports count.
    apart = timedelta(seconds=SPAN.total_seconds() / copies // SLOT_SECONDS * SLOT_SECONDS)
    with store.database.transaction() as session:
        _small(session, now - apart * copies, apart)
    report_rollup.rebuild(store, now)
    multiply(store.database, copies - 1, apart, TABLES)
    _sum_up(store, now)


def arrive(store: Store, count: int, now: datetime) -> list[int]:
    """So many more tickets now, each with an owner; returns their numbers."""
    with store.database.transaction() as session:
        asked = people.ensure_people(session, [Party("requester0@home.example")], now)["requester0@home.example"]
        agent = people.by_address(session, "agent1@bench.example")
        assert agent is not None
        numbers = tickets.reserve(session, count)
        made = [
            transitions.opened(
                Ticket(number, "", asked.id, now, now, category="Other"), Actor(ActorKind.REQUESTER), "email"
            )
            for number in numbers
        ]
        made = [
            one.then(transitions.assign(one.ticket, agent.id, agent.name, DESK, now, "round robin")) for one in made
        ]
        tickets.insert_many(session, [one.ticket for one in made])
        tickets.add_events(session, [event for one in made for event in one.events], react=False)
    return numbers


def _sum_up(store: Store, now: datetime) -> None:
    """All days, but for the last ones: on a real desk something changes in them all the time."""
    with store.database.transaction() as session:
        daily_rollup.start_zone(session, store.settings.time_zone)
    report_rollup.sum_up(store, now)
    quarters = [slot(now - timedelta(days=shift)) for shift in range(LOOSE)]
    with store.database.transaction() as session:
        daily_rollup.mark_loose(session, quarters, now)


def _small(session: Session, start: datetime, apart: timedelta) -> None:
    dice = random.Random(7)
    teams, agents = _staff(session, start)
    parties = [Party(f"requester{n}@home.example", f"Requester {n}") for n in range(400)]
    persons = list(people.ensure_people(session, parties, start).values())
    letters = _texts(SMALL)
    numbers = tickets.reserve(session, SMALL)
    made: list[Change] = []
    for place, number in enumerate(numbers):
        person, agent = dice.choice(persons), dice.choice(agents)
        at = start + apart * place / SMALL
        asked = Actor(ActorKind.REQUESTER, person.id, person.name)
        subject, text = next(letters)
        ticket = Ticket(
            number,
            subject,
            person.id,
            at,
            at,
            priority=dice.choices(list(Priority), [1, 3, 10, 4])[0],
            category=dice.choice(CATEGORIES),
            team_id=teams[agent.id % TEAMS],
            channel=dice.choices(["email", "form", "slack"], [8, 1, 2])[0],
        )
        made.append(_lived(ticket, asked, Actor(ActorKind.AGENT, agent.id, agent.name), dice))
        message = Message(
            number, MessageKind.REPLY, True, asked, at, author_address=person.address, subject=subject, reply=text
        )
        tickets.insert_many(session, [made[-1].ticket])
        tickets.add_message(session, message)
        tickets.add_participants(session, [(number, person.address, "requester")])
    tickets.add_events(session, [event for change in made for event in change.events], react=False)


def _staff(session: Session, start: datetime) -> tuple[list[int], list[Person]]:
    """The teams, and their agents in turn; the first is an admin."""
    teams = [people.add_team(session, f"Team {n + 1}").id for n in range(TEAMS)]
    agents = [_agent(session, n, teams[n % TEAMS], start) for n in range(AGENTS)]
    return teams, agents


def _agent(session: Session, number: int, team: int, start: datetime) -> Person:
    role = "agent" if number else "admin"
    return people.add_agent(
        session, NewAgent(f"agent{number}@bench.example", f"Agent {number}", role, "", [team]), start
    )


def _lived(ticket: Ticket, asked: Actor, agent: Actor, dice: random.Random) -> Change:
    """What happened to it: taken, answered, perhaps asked again, solved, closed; few are still open."""
    at = ticket.created_at

    def later(hours: float) -> datetime:
        nonlocal at
        at += timedelta(hours=dice.lognormvariate(0, 1) * hours)
        return at

    change = transitions.opened(ticket, asked, "email")
    change = change.then(transitions.assign(change.ticket, agent.id, agent.name, DESK, later(0.1), "round robin"))
    change = change.then(transitions.reply(change.ticket, agent, later(2)))
    while dice.random() < 0.4:
        change = change.then(transitions.receive(change.ticket, asked, later(5)))
        change = change.then(transitions.reply(change.ticket, agent, later(3)))
    if dice.random() < _OPEN:
        return change.then(transitions.receive(change.ticket, asked, later(5))) if dice.random() < 0.5 else change
    change = change.then(transitions.resolve(change.ticket, agent, later(8)))
    if dice.random() < 0.05:
        change = change.then(transitions.receive(change.ticket, asked, later(20)))
        change = change.then(transitions.resolve(change.ticket, agent, later(8)))
    return change.then(transitions.set_status(change.ticket, Status.CLOSED, DESK, later(70)))


def _texts(count: int) -> Iterator[tuple[str, str]]:
    for mail in mails.plain(count, 7):
        read = message_from_bytes(mail.raw)
        text = read.get_payload(decode=True)
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(read.get_payload(0))
        yield str(read["subject"]), words[:LENGTH]
