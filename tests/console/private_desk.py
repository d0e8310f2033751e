"""A furnished desk with a private team on it: a ticket whose every word is planted, and all that hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from desk.mail.content import MailContent
from desk.mail.inbound_request import Party
from desk.mail.stored_file import StoredFile
from desk.priority.levels import Priority
from desk.tickets.ticket import DESK, Actor, ActorKind, Event, Message, MessageKind, Status, Ticket
from desk.tickets.transitions import opened
from storage.db.session import Session
from storage.mail import inbound, outbound
from storage.mail.inbound import Arrival
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.learning import incident_tickets, incidents, solved
from storage.tables.tickets import teams
from storage.tables.tickets import tickets as rows
from storage.tickets import tickets
from tests.console.fixtures_desk import PIXEL, hashed

WORD = "zwetschge"
"""It stands in everything that is private, and nowhere else."""
VICTIM = f"victim-{WORD}@corp.example.test"
MAILBOX = "hr@desk.example.test"
RAW = f"From: {VICTIM}\r\nTo: {MAILBOX}\r\nSubject: {WORD}\r\n\r\n{WORD}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Private:
    """What of it has which number."""

    team: int
    hannah: int
    adam: int
    ticket: int
    messages: tuple[int, ...]
    inbound: tuple[int, ...]
    outbound: int
    incident: int
    sha256: str


def furnish_private(store: Store, beside: int, now: datetime) -> Private:
    """The private team HR with Hannah in it, the admin Adam who is not, and one ticket, linked to the one `beside`."""
    at = now - timedelta(hours=1)
    with store.database.transaction() as session:
        team = people.add_team(session, "HR").id
        session.execute(sa.update(teams).where(teams.c.id == team).values(private=True))
        hannah = people.add_agent(
            session, NewAgent("hannah@corp.example.test", "Hannah", "lead", hashed(), [team]), now
        )
        adam = people.add_agent(session, NewAgent("adam@corp.example.test", "Adam", "admin", hashed()), now)
        people.add_mailbox(session, MAILBOX, "HR", team)
        victim = people.ensure_people(session, [Party(VICTIM, f"Vic {WORD}")], now)[VICTIM]
        number = tickets.reserve(session, 4000)[-1]
        subject = f"Harassment {WORD}"
        kind = f"HR / {WORD}"
        ticket = Ticket(number, subject, victim.id, at, at, Status.RESOLVED, Priority.HIGH, kind, team, hannah.id)
        tickets.insert_many(session, [ticket])
        raw, picture = store.blobs.put_many(session, [RAW, PIXEL + WORD.encode()], at)
        messages = _conversation(session, ticket, victim.id, hannah.id, raw, picture, at)
        _guess(session, ticket, messages[0], at)
        _history(session, ticket, beside, at)
        return Private(
            team, hannah.id, adam.id, number, messages, _ledger(store, session, ticket, raw, at),
            _letter(session, ticket, raw, now), _incident(session, ticket, at), raw,
        )  # fmt: skip


def _conversation(
    session: Session, ticket: Ticket, victim: int, agent: int, raw: str, picture: str, at: datetime
) -> tuple[int, ...]:
    who, staff = Actor(ActorKind.REQUESTER, victim, f"Vic {WORD}"), Actor(ActorKind.AGENT, agent, "Hannah")
    files = (StoredFile(f"{WORD}.png", "image/png", 9, picture, "p", inline=True),)
    asked = Message(
        ticket.id, MessageKind.REPLY, True, who, at, author_address=VICTIM, subject=ticket.subject, text=WORD,
        reply=f"please help me with {WORD} today", html=f"<p>{WORD}</p>", attachments=files, raw=raw,
        external_id=f"{WORD}@corp.example.test",
    )  # fmt: skip
    answer = Message(ticket.id, MessageKind.REPLY, False, staff, at, text=WORD, reply=f"we talk about {WORD} in person")
    note = Message(ticket.id, MessageKind.NOTE, False, staff, at, text=WORD, reply=f"take {WORD} seriously")
    tickets.add_participants(session, [(ticket.id, VICTIM, "requester")])
    return tuple(tickets.add_message(session, one) for one in (asked, answer, note))


def _guess(session: Session, ticket: Ticket, message: int, at: datetime) -> None:
    row = {"ticket_id": ticket.id, "message_id": message, "model_version": "starter-1", "category": ticket.category}
    row |= {"probability": 0.4, "outcome": "unsure", "runners_up": [["x", 0.2]], "reasons": [[WORD, 1.0]]}
    tickets.add_predictions(session, [row | {"created_at": at}])
    values = {
        "ticket_id": ticket.id,
        "category": "billing",
        "subject": f"invoice wrong {WORD}",
        "text": f"invoice {WORD}",
    }
    session.execute(sa.insert(solved).values(**values, resolution=WORD, resolved_at=at))


def _history(session: Session, ticket: Ticket, beside: int, at: datetime) -> None:
    happened = [*opened(ticket, DESK, f"mail about {WORD}").events]
    happened.append(Event(beside, at, "linked", DESK, after=str(ticket.id), why=f"same {WORD}"))
    tickets.link(session, beside, ticket.id, "related")
    session.execute(sa.update(rows).where(rows.c.id == ticket.id).values(parent_id=beside))
    tickets.add_events(session, happened, react=False)


def _ledger(store: Store, session: Session, ticket: Ticket, raw: str, at: datetime) -> tuple[int, ...]:
    aside = Arrival("email", MAILBOX, WORD, "p1", at, "", raw, 9, {"rcpt_to": [MAILBOX]}, quarantine=f"odd {WORD}")
    token = Arrival("email", "imap:sales", "", "p2", at, "", raw, 9, {"rcpt_to": ["hr+r.1.2.3@desk.example.test"]})
    return tuple(inbound.store_one(session, one) for one in (aside, token))


def _letter(session: Session, ticket: Ticket, raw: str, at: datetime) -> int:
    content = MailContent(MAILBOX, subject=f"Re: {ticket.subject}", text=WORD)
    outbound.store(session, [OutboundMessage("p1", "reply", VICTIM, "p@desk", content, ticket.id, state="caught")], at)
    found = next(row for row in outbound.list_captured(session) if row["ticket_id"] == ticket.id)
    outbound.mark(session, found["id"], "caught", at, raw=raw)
    return int(found["id"])


def _incident(session: Session, ticket: Ticket, at: datetime) -> int:
    values = {"category": "billing", "opened_at": at, "last_at": at, "people": 5}
    number = session.execute(sa.insert(incidents).values(**values).returning(incidents.c.id)).scalar_one()
    session.execute(sa.insert(incident_tickets).values(incident_id=number, ticket_id=ticket.id, at=at))
    return int(number)
