"""A desk with something on it: agents, a team, mailboxes, tickets of several kinds, mail caught or set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa

from console.access import passwords
from desk.mail.content import MailContent
from desk.mail.inbound_request import Cut, Party
from desk.mail.stored_file import StoredFile
from desk.priority.levels import Priority
from desk.tickets.ticket import DESK, Actor, ActorKind, Event, Message, MessageKind, Status, Ticket
from desk.tickets.transitions import opened, tag
from storage.db.session import Session
from storage.mail import imap_folders, inbound, outbound
from storage.mail.inbound import Arrival
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.tickets import agents
from storage.tickets import tickets

PASSWORD = "correct horse battery"
CAROL = "carol@customer.example.test"
HTML = (
    '<p>Hello,</p><p>the <b>invoice</b> is wrong. <img src="cid:logo" alt="logo"><img src="http://127.0.0.1:1/pixel.png">'
    '</p><script>document.title="owned"</script><a href="https://example.org/">a link</a>'
)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cf"
    "c0f01f0005000155a2e6ce0000000049454e44ae426082"
)
RAW = b"From: carol@customer.example.test\r\nTo: support@desk.example.test\r\nSubject: Invoice 7\r\n\r\nHello\r\n"


@dataclass(frozen=True, slots=True)
class Furnished:
    """Who and what is there."""

    alice: int
    bob: int
    reader: int
    ticket: int
    other: int
    quarantined: int
    caught: int


def hashed() -> str:
    """The same hash each time, as for an agent whose password stays."""
    return _hashed_once(passwords._hasher)


@cache
def _hashed_once(hasher: object) -> str:
    return passwords.hash_password(PASSWORD)


def furnish(store: Store, now: datetime) -> Furnished:
    """Put everything on the desk, as of `now`."""
    with store.database.transaction() as session:
        team = people.add_team(session, "Billing")
        people.add_team(session, "IT")
        staff = [
            people.add_agent(
                session, NewAgent(f"{name}@corp.example.test", name.capitalize(), role, hashed(), [team.id]), now
            )
            for name, role in (("alice", "agent"), ("bob", "lead"), ("rita", "read-only"))
        ]
        box = people.add_mailbox(session, "support@desk.example.test", "Support", team.id)
        fetched = people.add_mailbox(session, "sales@desk.example.test", "Sales", None, {"host": "imap.example.test"})
        imap_folders.record_failure(session, fetched.id, "INBOX", "the server refused the password", now)
        first = _invoice(store, session, team.id, box.id, staff[0].id, now - timedelta(hours=3))
        other = _hostile(session, now - timedelta(days=2))
        return Furnished(
            staff[0].id,
            staff[1].id,
            staff[2].id,
            first,
            other,
            _aside(store, session, now),
            _letters(session, first, now),
        )


def revoke(session: Session, agent_id: int) -> None:
    people.set_active(session, agent_id, active=False)


def promote(session: Session, agent_id: int, role: str) -> None:
    session.execute(sa.update(agents).where(agents.c.id == agent_id).values(role=role))


def plain_ticket(session: Session, address: str, subject: str, text: str, at: datetime) -> Ticket:
    """A ticket of one message."""
    person = people.ensure_people(session, [Party(address)], at)[address]
    (number,) = tickets.reserve(session, 1)
    ticket = Ticket(number, subject, person.id, at, at)
    tickets.insert_many(session, [ticket])
    author = Actor(ActorKind.REQUESTER, person.id, person.name)
    said = Message(
        number, MessageKind.REPLY, True, author, at, author_address=address, subject=subject, text=text, reply=text
    )
    tickets.add_message(session, said)
    tickets.add_events(session, opened(ticket, DESK, "mail to support@desk.example.test").events, react=False)
    return ticket


def _invoice(store: Store, session: Session, team: int, box: int, agent: int, at: datetime) -> int:
    carol = people.ensure_people(session, [Party(CAROL, "Carol")], at)[CAROL]
    (number,) = tickets.reserve(session, 1)
    subject = "Invoice 7 is wrong"
    ticket = Ticket(number, subject, carol.id, at, at, Status.OPEN, Priority.HIGH, "billing", team, agent, box)
    tickets.insert_many(session, [ticket])
    who, staff = Actor(ActorKind.REQUESTER, carol.id, "Carol"), Actor(ActorKind.AGENT, agent, "Alice")
    logo, raw = store.blobs.put_many(session, [PIXEL, RAW], at)
    for message in (_asked(number, who, at, logo, raw), *_said(number, who, staff, at)):
        tickets.add_message(session, message)
    tickets.add_participants(session, [(number, CAROL, "requester"), (number, "dan@customer.example.test", "cc")])
    guess = {"ticket_id": number, "model_version": "starter-1", "category": "billing", "probability": 0.91}
    named = {"outcome": "automatic", "runners_up": [["refund", 0.05], ["account", 0.02]], "reasons": [["invoice", 1.4]]}
    tickets.add_predictions(session, [guess | named])
    tickets.add_events(session, opened(ticket, who, "mail to support@desk.example.test").events, react=False)
    tickets.add_events(session, [Event(number, at, "assigned", DESK, "", "Alice", "replied first")], react=False)
    return tickets.save(session, tag(ticket, ("vip",), staff, at), react=False).id


def _asked(number: int, who: Actor, at: datetime, logo: str, raw: str) -> Message:
    quoted = "> On Monday you wrote:\n> all is well"
    new = "Hello,\n\nthe invoice is wrong: we were charged twice in October. Could you look at it before Friday?"
    return Message(
        number,
        MessageKind.REPLY,
        True,
        who,
        at,
        author_address=CAROL,
        subject="Invoice 7 is wrong",
        text=f"{new}\n\n{quoted}",
        reply=new,
        html=HTML,
        cut=(Cut("quote", quoted),),
        attachments=(
            StoredFile("logo.png", "image/png", len(PIXEL), logo, "logo"),
            StoredFile('../evil"\r\n<b>.html', "text/html", len(RAW), raw),
        ),
        signal="new",
        signal_detail="nothing in it names a thread",
        raw=raw,
        external_id="invoice-7@customer.example.test",
    )


def _said(number: int, who: Actor, staff: Actor, at: datetime) -> list[Message]:
    signed = {"signal": "signed-address", "signal_detail": "signed for Carol and this ticket", "author_address": CAROL}

    def said(text: str, kind: MessageKind, author: Actor, minutes: int, **more: str) -> Message:
        came_in = author is who
        return Message(
            number,
            kind,
            came_in,
            author,
            at + timedelta(minutes=minutes),
            text=text,
            reply=text,
            **more,  # type: ignore[arg-type]
        )

    return [
        said("Which number?", MessageKind.REPLY, staff, 20),
        said("Here is the number: 4711.", MessageKind.REPLY, who, 40, **signed),
        said("Known bug.", MessageKind.NOTE, staff, 50),
    ]


def _hostile(session: Session, at: datetime) -> int:
    subject = "<script>alert(1)</script> {{ 7 * 7 }} " + "long " * 20
    return plain_ticket(session, "mallory@other.example.test", subject, "<img src=x onerror=alert(1)>", at).id


def _aside(store: Store, session: Session, now: datetime) -> int:
    raw = store.blobs.put(session, RAW, now)
    envelope = {"mail_from": "x@other.example.test"}
    why = "took longer than 10 seconds to read"
    rows = [
        Arrival("email", "support@desk.example.test", "", "h1", now, "", raw, len(RAW), envelope, quarantine=why),
        Arrival("email", "support@desk.example.test", "", "h2", now, "{}", raw, len(RAW)),
    ]
    first, _ = (inbound.store_one(session, row) for row in rows)
    return first


def _letters(session: Session, ticket: int, now: datetime) -> int:
    text = "Thank you. It is ticket #1.\n\nSee https://desk.example.test/status?a=1&b=2 <b>now</b>\n"
    content = MailContent("support@desk.example.test", subject="Re: Invoice 7 is wrong", text=text)
    to = "carol@customer.example.test"
    outbound.store(
        session,
        [
            OutboundMessage("k1", "acknowledgement", to, "a@desk", content, ticket, state="caught"),
            OutboundMessage(
                "k2", "reply", to, "b@desk", content, ticket, state="undeliverable", reason="550 no such user"
            ),
        ],
        now,
    )
    return int(outbound.list_captured(session)[0]["id"])
