"""Builds the desk's outbound messages: acknowledgements, replies, notices, answers to commands, as outbound rows.

The Message-ID and the reply address are fixed here, before the first attempt to send. A message to a requester never
contains an agent's address. Automatic messages leave only within the reply budget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.access.permissions import Verb
from desk.mail.authentication import Verdict
from desk.mail.content import MailContent, Quote
from desk.mail.inbound_request import UNKNOWN_SENDER, InboundRequest
from desk.mail.states import OutboundKind, OutboundState
from desk.portal import status_links
from desk.signed import reply_address
from desk.signed.reply_address import ReplyRight
from desk.tickets import subject
from desk.tickets.events import EventKind
from desk.tickets.participants import COPIED
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import Message, Ticket
from storage.db.session import Session
from storage.knowledge import csat
from storage.mail import message_id_index
from storage.mail.outbound_message import OutboundMessage
from storage.people.people import Mailbox, Person
from storage.tickets import signatures, tickets
from workers.notifications import portal_link, reply_budget, texts
from workers.notifications.portal_link import Addressee
from workers.notifications.reply_budget import COMMAND_ANSWER, Limits
from workers.notifications.ticket_event import TicketEvent
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
        self._remember_proof(key, message.trust.verdict)
        signature = self._signature(ticket, self._desk_name)
        content = replace(
            self._content(ticket, requester, reply_address.REQUESTER, _answer(ticket, message)),
            text=texts.acknowledgement(ticket, "" if signature else self._desk_name),
            signature=signature,
            automatic=True,
        )
        to = Addressee(OutboundKind.ACKNOWLEDGEMENT, ticket, requester)
        return self._outbound(key, to, _answering(content, message))

    def reply(self, ticket: Ticket, requester: Person, message: Message, asked: Message | None) -> OutboundMessage:
        """An agent's public reply to the requester, with the requester's last message quoted below."""
        key = f"reply:{message.id}"
        agent = self._desk_name if "@" in message.author.name else message.author.name
        content = replace(
            self._content(ticket, requester, reply_address.REQUESTER, _answer(ticket, asked)),
            from_name=self._agent_of_desk(agent),
            text=message.reply.rstrip(),
            signature=self._signature_of(ticket, message, agent),
            quote=self._quote(asked),
            cc=tuple(self._copies(ticket, requester)),
            attachments=message.attachments,
        )
        to = Addressee(OutboundKind.REPLY, ticket, requester)
        return self._outbound(key, to, self._in_thread(content, ticket, requester, asked), message.id)

    def reminder(
        self, ticket: Ticket, requester: Person, event_id: int, asked: Message | None, days: int
    ) -> OutboundMessage:
        """Asks the requester once more, in the thread that they know; automatic, so the budget holds."""
        key = f"reminder:{event_id}"
        text = texts.reminder(ticket, days, csat.language_of(self.session, ticket.id))
        to = Addressee(OutboundKind.REMINDER, ticket, requester)
        return self._outbound(key, to, self._request(to, _answer(ticket, asked), text, asked))

    def csat_request(
        self, to: Addressee, key: str, subject_line: str, text: str, asked: Message | None
    ) -> OutboundMessage:
        """Asks the requester for a rating; automatic, with a budget of its own."""
        return self._outbound(key, to, self._request(to, subject_line, text, asked))

    def side_message(
        self, ticket: Ticket, person: Person, side: Side, message: Message, earlier_ids: Sequence[str]
    ) -> OutboundMessage:
        """An agent's word to a third party; `before` are the ids of the mails exchanged there so far."""
        key = f"side:{message.id}"
        subject_line = subject.answer(side.subject) if earlier_ids else side.subject
        content = self._content(ticket, person, reply_address.REQUESTER, subject_line)
        carrier = self._carrier(content.mailbox, reply_address.REQUESTER)
        right = ReplyRight(reply_address.SIDE, ticket.id, side.id, reply_address.NO_VERSION)
        # What a program or the command line sends is the desk's own word.
        agent = message.author.name if message.author.id and "@" not in message.author.name else self._desk_name
        quote = message.text.removeprefix(message.reply).strip("\n")
        content = replace(
            content,
            from_name=self._agent_of_desk(agent),
            to_name="",
            reply_to=self._signed_address(carrier, right) if carrier else content.mailbox,
            text="\n\n".join(part for part in (message.reply.rstrip(), quote) if part),
            signature=self._signature_of(ticket, message, agent),
            cc=message.recipients.cc,
            attachments=message.attachments,
            side=side.id,
            in_reply_to=earlier_ids[-1] if earlier_ids else "",
            references=tuple(earlier_ids),
        )
        unique = reply_address.side_unique(side.id, self._unique(key))
        return self._outbound(key, Addressee(OutboundKind.SIDE, ticket, person), content, message.id, unique)

    def notice(self, happened: TicketEvent, agent: Person) -> OutboundMessage:
        """Tells an agent what happened; answering this mail answers the requester, or the third party who wrote."""
        ticket, event, message = happened.ticket, happened.event, happened.message
        key = f"notice:{happened.event_id}:{agent.id}"
        content = replace(
            self._content(ticket, agent, reply_address.AGENT, _tagged(ticket)),
            from_name=f"{message.author.name if message else 'Frontdesk'} via {self._desk_name}",
            text=texts.notice(ticket, event, message, agent.role, takes_commands=self._takes_commands),
            references=(self._thread_id(ticket),),
            automatic=True,
        )
        if event.kind == EventKind.SIDE_ANSWERED and agent.may(Verb.NOTE):
            right = ReplyRight(reply_address.SIDE_AGENT, event.data.side, agent.id, agent.key_version)
            carrier = self._carrier(content.mailbox, reply_address.AGENT)
            content = replace(content, reply_to=self._signed_address(carrier, right) if carrier else "")
        return self._outbound(key, Addressee(OutboundKind.NOTICE, ticket, agent), content)

    def incident(self, ticket: Ticket, agent: Person, number: int, text: str) -> OutboundMessage:
        """Alerts a lead of an incident; it carries no reply address of a ticket."""
        key = f"incident:{number}:{agent.id}"
        subject_line = f"Incident {number}: {text.partition(': ')[2].splitlines()[0]}"
        content = self._content(ticket, agent, reply_address.AGENT, subject_line)
        content = replace(content, text=text, reply_to=content.mailbox, automatic=True)
        return self._outbound(key, Addressee(OutboundKind.INCIDENT, ticket, agent), content)

    def command_answer(self, mail: CommandMail, agent: Person, ticket: Ticket, text: str) -> OutboundMessage:
        """What became of an agent's commands."""
        key = f"{COMMAND_ANSWER}:{mail.inbound_id}"
        self._remember_proof(key, mail.proof)
        content = replace(
            self._content(ticket, agent, reply_address.AGENT, _tagged(ticket)),
            text=text,
            in_reply_to=mail.message_id,
            references=(self._thread_id(ticket),),
            automatic=True,
        )
        return self._outbound(key, Addressee(COMMAND_ANSWER, ticket, agent), content)

    def refusal(self, inbound_id: int, request: InboundRequest, agent: Person, text: str) -> OutboundMessage:
        """Tells an agent that a mail was not executed, and nothing of the ticket that it named."""
        key = f"{COMMAND_ANSWER}:{inbound_id}"
        box = self.context.configuration(self.session).of_addresses(request.envelope.rcpt_to) or self._first_mailbox
        content = MailContent(
            mailbox=box.address,
            from_name=self._desk_name,
            to=agent.address,
            to_name=agent.name,
            reply_to=box.address,
            subject=subject.answer(request.subject),
            text=text,
            in_reply_to=request.thread.message_id,
            automatic=True,
        )
        external_id = f"refused.{self._unique(key)}@{box.address.rpartition('@')[2]}"
        return OutboundMessage(key, COMMAND_ANSWER, agent.address, external_id, content)

    def within_budget(self, messages: Sequence[OutboundMessage], now: datetime) -> list[OutboundMessage]:
        """The same messages; automatic ones beyond the budget of an address, domain or ticket are kept, not sent."""
        settings = self.context.store.settings
        limits = Limits(settings.acknowledgements_per_hour, settings.acknowledgements_per_domain_and_hour)
        recent = self.context.recent_automatic
        return reply_budget.within_budget(self.session, messages, self.proven, limits, recent, now)

    def _remember_proof(self, key: str, verdict: Verdict | None) -> None:
        if verdict is Verdict.PASS:
            self.proven.add(key)

    def _content(self, ticket: Ticket, person: Person, purpose: str, subject_line: str) -> MailContent:
        box = self._mailbox(ticket)
        carrier, reply_to = self._carrier(box.address, purpose), box.address
        if carrier and (purpose != reply_address.AGENT or person.may(Verb.NOTE)):
            reply_to = self._signed_address(carrier, ReplyRight(purpose, ticket.id, person.id, person.key_version))
        return MailContent(
            mailbox=box.address,
            from_name=box.name or self._desk_name,
            to=person.address,
            to_name=person.name,
            reply_to=reply_to,
            subject=subject_line,
            ticket=ticket.id,
        )

    def _request(self, to: Addressee, subject_line: str, text: str, asked: Message | None) -> MailContent:
        """Asks the requester for something, in the thread that they know."""
        ticket = to.ticket
        content = replace(
            self._content(ticket, to.person, reply_address.REQUESTER, subject_line),
            text=text,
            signature=self._signature(ticket, self._desk_name),
            automatic=True,
        )
        return self._in_thread(content, ticket, to.person, asked)

    def _quote(self, asked: Message | None) -> Quote:
        if asked is None or not asked.reply.strip():
            return Quote()
        quoted = texts.quote(asked, ZoneInfo(self.context.store.settings.time_zone))
        return Quote(status_links.hidden(quoted.attribution), status_links.hidden(quoted.text))

    def _signed_address(self, carrier: str, right: ReplyRight) -> str:
        return reply_address.reply_address(carrier, right, self.context.secret, self.context.now())

    def _carrier(self, mailbox: str, purpose: str) -> str:
        """The mailbox whose name has room for a token; an agent may be sent to another domain of the desk."""
        boxes = self.context.configuration(self.session).mailboxes
        return reply_address.carrier(mailbox, boxes, any_domain=purpose == reply_address.AGENT)

    def _unique(self, key: str) -> str:
        return hashlib.sha256(key.encode() + self.context.secret).hexdigest()[:20]

    def _outbound(
        self, key: str, to: Addressee, content: MailContent, message_id: int | None = None, unique: str = ""
    ) -> OutboundMessage:
        """The row. `unique` is the part of its Message-ID that a side conversation makes."""
        address = to.person.address
        reachable = "@" in address and not address.endswith(NOWHERE)
        state, reason = (
            (OutboundState.QUEUED, "") if reachable else (OutboundState.SUPPRESSED, "there is no address to write to")
        )
        return OutboundMessage(
            dedupe_key=key,
            kind=to.kind,
            recipient=address,
            external_id=self._message_id(to.ticket, unique or self._unique(key), content.mailbox),
            content=portal_link.with_portal_link(self.context, self.session, to, content),
            ticket_id=to.ticket.id,
            message_id=message_id,
            state=state,
            reason=reason,
        )

    def _message_id(self, ticket: Ticket, unique: str, mailbox: str) -> str:
        return reply_address.message_id(ticket.id, unique, self.context.secret, mailbox.rpartition("@")[2])

    def _agent_of_desk(self, agent: str) -> str:
        """The agent's name as requesters read it; `agent` may be the desk's own name."""
        return agent if agent == self._desk_name else f"{agent} ({self._desk_name})"

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

    def _in_thread(self, content: MailContent, ticket: Ticket, requester: Person, asked: Message | None) -> MailContent:
        """With In-Reply-To, and References with every id of the thread that the requester's mail program has."""
        exchanged = message_id_index.message_ids_of_ticket(self.session, ticket.id, requester.address)
        asked_id = asked.external_id if asked and "@" in asked.external_id else ""
        parent = asked_id or (exchanged[-1] if exchanged else "")
        if not parent:
            return content
        earlier_ids = exchanged[: exchanged.index(parent)] if parent in exchanged else exchanged
        chain = [*earlier_ids, *(asked.references if asked_id and asked else ())]
        references = (*dict.fromkeys(i for i in chain if i != parent), parent)
        return replace(content, in_reply_to=parent, references=references)

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
        return self._message_id(ticket, "0", self._mailbox(ticket).address)


def _answering(content: MailContent, message: Message) -> MailContent:
    """With In-Reply-To and the whole References; forms and programs have no Message-ID to answer."""
    if "@" not in message.external_id:
        return content
    chain = (*message.references, message.external_id)
    return replace(content, in_reply_to=message.external_id, references=chain)


def _answer(ticket: Ticket, asked: Message | None) -> str:
    """The requester's own subject, where a mail program has it; the number is added only where there is none."""
    by_mail = asked is not None and "@" in asked.external_id
    return subject.answer(asked.subject) if by_mail and asked and asked.subject.strip() else _tagged(ticket)


def _tagged(ticket: Ticket) -> str:
    return f"Re: {subject.base(ticket.subject) or ticket.subject} {subject.tag(ticket.id)}"
