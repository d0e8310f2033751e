"""Builds the desk's outbound messages: acknowledgements, replies, notices, answers to commands, as outbound rows.

The Message-ID and the reply address are fixed here, before the first attempt to send. A message to a requester never
contains an agent's address. Automatic messages leave only within the reply budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from desk.access.permissions import Verb
from desk.mail.authentication import Verdict
from desk.mail.inbound_request import UNKNOWN_SENDER, InboundRequest
from desk.mail.states import OutboundKind, OutboundState
from desk.portal import status_links
from desk.signed import reply_address
from desk.tickets import subject
from desk.tickets.events import EventKind
from desk.tickets.participants import COPIED
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import Event, Message, Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.mail import message_id_index
from storage.mail.outbound import OutboundMessage
from storage.people.people import Mailbox, Person
from storage.tickets import signatures, tickets
from workers.notifications import portal_link, reply_budget, texts
from workers.notifications.reply_budget import COMMAND_ANSWER, Limits
from workers.runtime.context import Context

NOWHERE = ".invalid"
"""The domain of requesters without an address and of erased persons (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class CommandMail:
    """The mail of an agent whose commands are answered, and what proves its sender."""

    inbound_id: int
    message_id: str
    proof: Verdict


@dataclass(frozen=True)
class Sender:
    """Builds outbound messages inside one transaction."""

    context: Context
    session: Session
    proven: set[str] = field(default_factory=set)
    """The keys of messages that answer a mail whose sender is proven."""

    def acknowledgement(self, ticket: Ticket, requester: Person, message: Message) -> OutboundMessage:
        """The automatic "we have it, this is its number", in the requester's own thread."""
        key = f"acknowledgement:{ticket.id}"
        content = self._content(ticket, requester, reply_address.REQUESTER, key)
        content |= {"subject": _answer(ticket, message), "signature": self._signature(ticket, self._desk_name)}
        self._remember_proof(key, message.trust.verdict)
        content["text"] = texts.acknowledgement(ticket, "" if content["signature"] else self._desk_name)
        return self._outbound(
            key, OutboundKind.ACKNOWLEDGEMENT, ticket, requester, content | _thread(message) | _AUTOMATIC
        )

    def reply(self, ticket: Ticket, requester: Person, message: Message, asked: Message | None) -> OutboundMessage:
        """An agent's public reply to the requester, with the requester's last message quoted below."""
        key = f"reply:{message.id}"
        content = self._content(ticket, requester, reply_address.REQUESTER, key)
        agent = self._desk_name if "@" in message.author.name else message.author.name
        content["from_name"] = agent if agent == self._desk_name else f"{agent} ({self._desk_name})"
        content |= self._thread(ticket, requester, asked) | {"subject": _answer(ticket, asked)}
        content |= {"text": message.reply.rstrip(), "signature": self._signature_of(ticket, message, agent)}
        if asked and asked.reply.strip():
            quoted = texts.quote(asked, ZoneInfo(self.context.store.settings.time_zone))
            content["quote"] = {name: status_links.hidden(text) for name, text in quoted.items()}
        content["cc"] = self._copies(ticket, requester)
        content["attachments"] = [attachment.to_json() for attachment in message.attachments]
        return self._outbound(key, OutboundKind.REPLY, ticket, requester, content, message.id)

    def reminder(
        self, ticket: Ticket, requester: Person, event_id: int, asked: Message | None, days: int
    ) -> OutboundMessage:
        """Asks the requester once more, in the thread that they know; automatic, so the budget holds."""
        key = f"reminder:{event_id}"
        content = self._content(ticket, requester, reply_address.REQUESTER, key)
        content |= self._thread(ticket, requester, asked) | {"subject": _answer(ticket, asked)}
        text = texts.reminder(ticket, days, csat.language_of(self.session, ticket.id))
        content |= {"text": text, "signature": self._signature(ticket, self._desk_name)}
        return self._outbound(key, OutboundKind.REMINDER, ticket, requester, content | _AUTOMATIC)

    def csat_request(
        self, ticket: Ticket, requester: Person, key: str, subject_line: str, text: str, asked: Message | None
    ) -> OutboundMessage:
        """Asks the requester for a rating; automatic, with a budget of its own."""
        content = self._content(ticket, requester, reply_address.REQUESTER, key)
        content |= self._thread(ticket, requester, asked) | {"subject": subject_line}
        content |= {"text": text, "signature": self._signature(ticket, self._desk_name)}
        return self._outbound(key, OutboundKind.RATING, ticket, requester, content | _AUTOMATIC)

    def side_message(
        self, ticket: Ticket, person: Person, side: Side, message: Message, earlier_ids: Sequence[str]
    ) -> OutboundMessage:
        """An agent's word to a third party; `before` are the ids of the mails exchanged there so far."""
        key = f"side:{message.id}"
        content = self._content(ticket, person, reply_address.REQUESTER, key)
        box, secret, now = content["from"], self.context.secret, self.context.now()
        carrier = self._carrier(box, reply_address.REQUESTER)
        signed = (ticket.id, side.id, reply_address.NO_VERSION, secret, now)
        unique = reply_address.side_unique(side.id, self._unique(key))
        # What a program or the command line sends is the desk's own word.
        agent = message.author.name if message.author.id and "@" not in message.author.name else self._desk_name
        quote = message.text.removeprefix(message.reply).strip("\n")
        content |= {
            "from_name": agent if agent == self._desk_name else f"{agent} ({self._desk_name})",
            "to_name": "",
            "reply_to": reply_address.reply_address(carrier, reply_address.SIDE, *signed) if carrier else box,
            "message_id": reply_address.message_id(ticket.id, unique, secret, box.rpartition("@")[2]),
            "subject": subject.answer(side.subject) if earlier_ids else side.subject,
            "text": "\n\n".join(part for part in (message.reply.rstrip(), quote) if part),
            "signature": self._signature_of(ticket, message, agent),
            "cc": list(message.recipients.get("cc", ())),
            "attachments": [attachment.to_json() for attachment in message.attachments],
            "side": side.id,
        }
        content |= {"in_reply_to": earlier_ids[-1], "references": list(earlier_ids)} if earlier_ids else {}
        return self._outbound(key, OutboundKind.SIDE, ticket, person, content, message.id)

    def notice(
        self, ticket: Ticket, agent: Person, event_id: int, event: Event, message: Message | None
    ) -> OutboundMessage:
        """Tells an agent what happened; answering this mail answers the requester, or the third party who wrote."""
        key = f"notice:{event_id}:{agent.id}"
        content = self._content(ticket, agent, reply_address.AGENT, key)
        if event.kind == EventKind.SIDE_ANSWERED and agent.may(Verb.NOTE):
            signed = (event.data["side"], agent.id, agent.key_version, self.context.secret, self.context.now())
            carrier = self._carrier(content["from"], reply_address.AGENT)
            content["reply_to"] = (
                reply_address.reply_address(carrier, reply_address.SIDE_AGENT, *signed) if carrier else ""
            )
        who = message.author.name if message else "Frontdesk"
        content["from_name"] = f"{who} via {self._desk_name}"
        text = texts.notice(ticket, event, message, agent.role, takes_commands=self._takes_commands)
        content |= {"subject": _tagged(ticket), "text": text}
        content["references"] = [self._thread_id(ticket)]
        return self._outbound(key, OutboundKind.NOTICE, ticket, agent, content | _AUTOMATIC)

    def incident(self, ticket: Ticket, agent: Person, number: int, text: str) -> OutboundMessage:
        """Alerts a lead of an incident; it carries no reply address of a ticket."""
        key = f"incident:{number}:{agent.id}"
        content = self._content(ticket, agent, reply_address.AGENT, key)
        subject_line = f"Incident {number}: {text.partition(': ')[2].splitlines()[0]}"
        content |= {"subject": subject_line, "text": text, "reply_to": self._mailbox(ticket).address}
        return self._outbound(key, OutboundKind.INCIDENT, ticket, agent, content | _AUTOMATIC)

    def command_answer(self, mail: CommandMail, agent: Person, ticket: Ticket, text: str) -> OutboundMessage:
        """What became of an agent's commands."""
        key = f"{COMMAND_ANSWER}:{mail.inbound_id}"
        self._remember_proof(key, mail.proof)
        content = self._content(ticket, agent, reply_address.AGENT, key)
        content |= {"subject": _tagged(ticket), "text": text}
        content |= {"in_reply_to": mail.message_id, "references": [self._thread_id(ticket)]}
        return self._outbound(key, COMMAND_ANSWER, ticket, agent, content | _AUTOMATIC)

    def refusal(self, inbound_id: int, request: InboundRequest, agent: Person, text: str) -> OutboundMessage:
        """Tells an agent that a mail was not executed, and nothing of the ticket that it named."""
        key = f"{COMMAND_ANSWER}:{inbound_id}"
        box = self.context.configuration(self.session).of_addresses(request.envelope.rcpt_to) or self._first_mailbox
        content = {
            "from": box.address,
            "from_name": self._desk_name,
            "to": agent.address,
            "to_name": agent.name,
            "reply_to": box.address,
            "subject": subject.answer(request.subject),
            "text": text,
            "in_reply_to": request.thread.message_id,
        }
        external_id = f"refused.{self._unique(key)}@{box.address.rpartition('@')[2]}"
        return OutboundMessage(key, COMMAND_ANSWER, agent.address, external_id, content | _AUTOMATIC)

    def within_budget(self, messages: Sequence[OutboundMessage], now: datetime) -> list[OutboundMessage]:
        """The same messages; automatic ones beyond the budget of an address, domain or ticket are kept, not sent."""
        settings = self.context.store.settings
        limits = Limits(settings.acknowledgements_per_hour, settings.acknowledgements_per_domain_and_hour)
        recent = self.context.recent_automatic
        return reply_budget.within_budget(self.session, messages, self.proven, limits, recent, now)

    def _remember_proof(self, key: str, verdict: Verdict | None) -> None:
        if verdict is Verdict.PASS:
            self.proven.add(key)

    def _content(self, ticket: Ticket, person: Person, purpose: str, key: str) -> dict[str, Any]:
        box = self._mailbox(ticket)
        now, secret, carrier = self.context.now(), self.context.secret, self._carrier(box.address, purpose)
        reply_to = box.address
        if carrier and (purpose != reply_address.AGENT or person.may(Verb.NOTE)):
            signed = (purpose, ticket.id, person.id, person.key_version, secret, now)
            reply_to = reply_address.reply_address(carrier, *signed)
        return {
            "from": box.address,
            "from_name": box.name or self._desk_name,
            "to": person.address,
            "to_name": person.name,
            "reply_to": reply_to,
            "message_id": reply_address.message_id(
                ticket.id, self._unique(key), secret, box.address.rpartition("@")[2]
            ),
            "ticket": ticket.id,
        }

    def _carrier(self, mailbox: str, purpose: str) -> str:
        """The mailbox whose name has room for a token; an agent may be sent to another domain of the desk."""
        boxes = self.context.configuration(self.session).mailboxes
        return reply_address.carrier(mailbox, boxes, any_domain=purpose == reply_address.AGENT)

    def _unique(self, key: str) -> str:
        return hashlib.sha256(key.encode() + self.context.secret).hexdigest()[:20]

    def _outbound(
        self,
        key: str,
        kind: OutboundKind,
        ticket: Ticket,
        person: Person,
        content: dict[str, Any],
        message_id: int | None = None,
    ) -> OutboundMessage:
        store, now = self.context.store, self.context.now()
        content |= portal_link.with_portal_link(store, self.session, kind, ticket, person, content, now)
        reachable = "@" in person.address and not person.address.endswith(NOWHERE)
        state, reason = (
            (OutboundState.QUEUED, "") if reachable else (OutboundState.SUPPRESSED, "there is no address to write to")
        )
        return OutboundMessage(
            dedupe_key=key,
            kind=kind,
            recipient=person.address,
            external_id=content.pop("message_id"),
            content=content,
            ticket_id=ticket.id,
            message_id=message_id,
            state=state,
            reason=reason,
        )

    @property
    def _takes_commands(self) -> bool:
        """Whether a command by mail can be proven: by a server that confirms senders, or in a trial on one machine."""
        settings = self.context.store.settings
        return bool(settings.authserv_id) or settings.trial

    @property
    def _desk_name(self) -> str:
        return self.context.store.settings.desk_name

    def _signature(self, ticket: Ticket, agent: str) -> str:
        return texts.signature(self._mailbox(ticket).signature, agent, self._desk_name)

    def _signature_of(self, ticket: Ticket, message: Message, agent: str) -> str:
        """The signature that was chosen with the reply; for an agent's mail, whose own one was cut, the mailbox's."""
        if message.inbound:
            return self._signature(ticket, agent)
        return texts.signature(signatures.for_message(message), agent, self._desk_name)

    def _thread(self, ticket: Ticket, requester: Person, asked: Message | None) -> dict[str, Any]:
        """In-Reply-To, and References with every id of the thread that the requester's mail program has."""
        exchanged = message_id_index.message_ids_of_ticket(self.session, ticket.id, requester.address)
        asked_id = asked.external_id if asked and "@" in asked.external_id else ""
        parent = asked_id or (exchanged[-1] if exchanged else "")
        if not parent:
            return {}
        earlier_ids = exchanged[: exchanged.index(parent)] if parent in exchanged else exchanged
        chain = [*earlier_ids, *(asked.references if asked_id and asked else ())]
        return {"in_reply_to": parent, "references": [*dict.fromkeys(i for i in chain if i != parent), parent]}

    def _mailbox(self, ticket: Ticket) -> Mailbox:
        places = self.context.configuration(self.session)
        own = next((box for box in places.mailboxes.values() if box.id == ticket.mailbox_id), None)
        return own or self._first_mailbox

    @property
    def _first_mailbox(self) -> Mailbox:
        first = self.context.configuration(self.session).first
        return first or Mailbox(0, f"support@{self.context.store.settings.mail_domain or 'localhost'}")

    def _copies(self, ticket: Ticket, requester: Person) -> list[str]:
        """Who gets the reply besides the requester: those whom the proven first mail or an agent put in copy."""
        boxes = self.context.configuration(self.session).mailboxes
        people = tickets.participants_of(self.session, [ticket.id])[ticket.id]
        wanted = sorted(a for a, role in people.items() if role in COPIED and a != requester.address)
        return [a for a in wanted if "@" in a and a != UNKNOWN_SENDER and reply_address.without_token(a) not in boxes]

    def _thread_id(self, ticket: Ticket) -> str:
        """One id under which an agent's mail program gathers all notices of a ticket."""
        domain = self._mailbox(ticket).address.rpartition("@")[2]
        return reply_address.message_id(ticket.id, "0", self.context.secret, domain)


_AUTOMATIC: dict[str, Any] = {"automatic": True}


def _thread(message: Message) -> dict[str, Any]:
    """In-Reply-To and References, the chain kept whole; forms and programs have no Message-ID to answer."""
    if "@" not in message.external_id:
        return {}
    return {"in_reply_to": message.external_id, "references": [*message.references, message.external_id]}


def _answer(ticket: Ticket, asked: Message | None) -> str:
    """The requester's own subject, where a mail program has it; the number is added only where there is none."""
    by_mail = asked is not None and "@" in asked.external_id
    return subject.answer(asked.subject) if by_mail and asked and asked.subject.strip() else _tagged(ticket)


def _tagged(ticket: Ticket) -> str:
    return f"Re: {subject.base(ticket.subject) or ticket.subject} {subject.tag(ticket.id)}"
