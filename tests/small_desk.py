"""A small desk for tests: a team, two mailboxes, two agents; mails go in as bytes and are read by the real parser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache

from classifier.model import Categoriser
from classifier.starter import shipped
from desk.mail.inbound_request import Envelope
from desk.mail.states import OutboundState
from desk.signed import reply_address
from desk.tickets.ticket import Event, Message, Ticket
from gateway.email.parse.normalise import normalise
from gateway.intake import Incoming, accept
from storage.mail import inbound, outbound
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent, Person
from storage.tickets import tickets
from workers.events import dispatch
from workers.inbound import ingest
from workers.outbound import deliver
from workers.runtime.context import Context

SUPPORT, BILLING = "support@desk.example.test", "billing@desk.example.test"
BOB, CAROL, EVE = "bob@home.example.test", "carol@home.example.test", "eve@evil.example.test"
ALICE, MAX = "alice@corp.example.test", "max@corp.example.test"


@cache
def categoriser() -> Categoriser:
    """The shipped model, read once a run."""
    return shipped()


def words(mail: EmailMessage) -> str:
    """The plain text of a mail, as a program shows it that shows no HTML."""
    body = mail.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n") if body else ""


class SmallDesk:
    """One desk; `now` moves only when a test moves it."""

    def __init__(self, store: Store, *, delivers: bool = True) -> None:
        self.store = store
        self.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        self.context = Context(store, categoriser(), now=lambda: self.now)
        self.count = 0
        self.delivers = delivers
        with store.database.transaction() as session:
            team = people.add_team(session, "Support")
            other = people.add_team(session, "Billing")
            people.add_mailbox(session, SUPPORT, "Support", team.id)
            people.add_mailbox(session, BILLING, "Billing", other.id)
            self.alice = people.add_agent(session, NewAgent(ALICE, "Alice Agent", "agent", "", [team.id]), self.now)
            self.max = people.add_agent(session, NewAgent(MAX, "Max Agent", "agent", "", [other.id]), self.now)

    def limit_acknowledgements(self, *, domain: int) -> None:
        """From now on so many automatic mails an hour go to a domain, and our mail server says who is proven."""
        changes = {"acknowledgements_per_domain_and_hour": domain, "authserv_id": "mx.desk.example.test"}
        settings = replace(self.store.settings, **changes)
        self.store = replace(self.store, settings=settings)
        self.context.store = self.store

    def mail(
        self,
        sender: str,
        subject: str,
        text: str,
        *,
        to: str = SUPPORT,
        cc: str = "",
        message_id: str = "",
        reply_to: str = "",
        rcpt: Sequence[str] = (),
        headers: Iterable[tuple[str, str]] = (),
        peer: str = "127.0.0.1",
        source: str = "",
    ) -> Incoming:
        """A mail as bytes, read as the gateway reads it."""
        self.count += 1
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        if cc:
            mail["Cc"] = cc
        mail["Message-ID"] = f"<{message_id or f'm{self.count}@mail.example.test'}>"
        if reply_to:
            mail["In-Reply-To"] = mail["References"] = f"<{reply_to}>"
        for name, value in headers:
            mail[name] = value
        mail.set_content(text)
        return self.raw_mail(mail.as_bytes(), sender, rcpt or [to], peer, source)

    def raw_mail(
        self, raw: bytes, sender: str, rcpt: Sequence[str], peer: str = "127.0.0.1", source: str = ""
    ) -> Incoming:
        envelope = Envelope(sender, tuple(rcpt), peer)
        read = normalise(raw, envelope, source or ",".join(sorted(rcpt)), self.now)
        return Incoming(read.request, read.files, raw)

    def receive(self, *mails: Incoming) -> None:
        """Written down, settled, reacted to and delivered."""
        accept(self.store, mails, self.now)
        self.work()

    def work(self) -> None:
        ingest.drain(self.context)
        dispatch.drain(self.context)
        if self.delivers:
            deliver.drain(self.context)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def ticket(self, number: int) -> Ticket:
        with self.store.database.reading() as session:
            found = tickets.get(session, number)
        assert found is not None, f"there is no ticket #{number}"
        return found

    def tickets(self) -> list[Ticket]:
        with self.store.database.reading() as session:
            return list(reversed(tickets.page(session, most=10_000)))

    def messages(self, number: int) -> list[Message]:
        with self.store.database.reading() as session:
            return tickets.messages_of(session, number, most=10_000)

    def events(self, number: int) -> list[Event]:
        with self.store.database.reading() as session:
            return tickets.history(session, number)

    def kinds(self, number: int) -> list[str]:
        return [event.kind for event in self.events(number)]

    def states(self) -> dict[str, int]:
        with self.store.database.reading() as session:
            totals = inbound.totals(session, self.now)
        assert totals.accepted == sum(totals.states.values()) + totals.unsettled
        return {state: count for state, count in totals.states.items() if count}

    def letters(self, kind: str = "", recipient: str = "") -> list[dict[str, object]]:
        """Outbound rows, oldest first."""
        with self.store.database.reading() as session:
            rows = [row for t in tickets.page(session, most=1000) for row in outbound.messages_of_ticket(session, t.id)]
            full = [outbound.get(session, row["id"]) for row in sorted(rows, key=lambda row: row["id"])]
        found = [row for row in full if row is not None]
        return [r for r in found if kind in ("", r["kind"]) and recipient in ("", r["recipient"])]

    def sent(self, kind: str = "", recipient: str = "") -> list[EmailMessage]:
        """The mails that were caught, as a mail program would read them."""
        rows = [row for row in self.letters(kind, recipient) if row["state"] == "caught"]
        with self.store.database.reading() as session:
            raws = [self.store.blobs.get(session, str(row["raw"])) for row in rows]
        return [message_from_bytes(raw or b"", policy=policy.default) for raw in raws]  # type: ignore[arg-type]

    def hand_to_relay(self, external_id: str) -> str:
        """That mail left by a relay instead of being caught; returns its envelope sender, where reports about it go."""
        row = next(row for row in self.letters() if row["external_id"] == external_id)
        with self.store.database.transaction() as session:
            outbound.mark(session, row["id"], OutboundState.SENT, self.now)
        return reply_address.bounce_address(row["content"]["from"], row["id"], self.store.secret)

    def notice_address(self, agent: Person, ticket: int) -> str:
        """The reply address in the last notice of that ticket to that agent."""
        rows = [row for row in self.letters("notice", agent.address) if row["ticket_id"] == ticket]
        content = rows[-1]["content"]
        assert isinstance(content, dict)
        return str(content["reply_to"])
