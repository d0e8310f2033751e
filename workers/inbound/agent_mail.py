"""Mail of an agent about a ticket: if the sender is proven, its replies, notes and commands are executed.

If not, the mail is kept as an internal note and the agents are alerted. Commands are answered by a short mail that
lists what was done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from desk.access import permissions
from desk.access.permissions import Verb
from desk.mail import reply_text
from desk.mail.authentication import AgentMailFacts, Proof, Verdict, agent_proof
from desk.mail.inbound_request import AutoKind, InboundRequest
from desk.mail.states import InboundState
from desk.mail.trust import UNKNOWN_TRUST, MessageTrust
from desk.tickets import commands, properties, subject, threading, transitions
from desk.tickets import side_conversation as rules
from desk.tickets.commands import Parsed
from desk.tickets.events import EventKind
from desk.tickets.side_conversation import SentMessage
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, Message, MessageKind, NotAllowed, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.mail import inbound, outbound
from storage.mail.inbound import SettledRequest
from storage.people.people import Person
from storage.tickets import drafts, tickets
from usecases.agents import commands as agent_commands
from usecases.agents.commands import CommandRun
from usecases.tickets import conversation, side_conversations
from workers.inbound import agent_alias, known_quotes
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.batch_context import BatchContext
from workers.inbound.match import Decision
from workers.inbound.persist import message_fields, sender_checks
from workers.notifications import outgoing
from workers.runtime.context import Context


@dataclass(frozen=True, slots=True)
class _AgentMail:
    """One mail of an agent about a ticket, with all that its handling needs."""

    context: Context
    session: Session
    decision: Decision
    agent: Person
    ticket: Ticket
    now: datetime

    @property
    def request(self) -> InboundRequest:
        return self.decision.item.request

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.AGENT, self.agent.id, self.agent.name or self.agent.address)

    @property
    def may_be_answered(self) -> bool:
        trusted = self.decision.token is not None or self.decision.trust is Verdict.PASS
        return self.context.react and trusted and self.request.auto is AutoKind.NONE

    def save(self, change: Change) -> Ticket:
        return tickets.save(self.session, change, react=self.context.react)

    def answer(self, text: str) -> None:
        """A short mail to the agent, within the reply budget, and never to an address that somebody merely claims."""
        if not self.may_be_answered:
            return
        sender = outgoing.Sender(self.context, self.session)
        mail = outgoing.CommandMail(self.decision.item.inbound_id, self.request.thread.message_id, self.decision.trust)
        answer = sender.command_answer(mail, self.agent, self.ticket, text)
        outbound.store(self.session, sender.within_budget([answer], self.now), self.now)

    def settle(self, why: str, message_id: int | None = None, state: InboundState = InboundState.COMMAND) -> None:
        """Writes the end state of the request."""
        settled = SettledRequest(self.decision.item.inbound_id, state, why, self.ticket.id, message_id)
        inbound.settle(self.session, [settled], self.now)

    def store(self, kind: MessageKind, text: str | None = None, marks: MessageTrust = UNKNOWN_TRUST) -> int:
        """Stores the message and returns its id; `marks` say why it is only a note."""
        decision = self.decision
        fields = message_fields(self.request)
        if text is not None:
            fields["reply"] = text
        if decision.side is not None and kind is MessageKind.SIDE:
            fields |= side_conversation_mail.message_fields(decision.side, text or "")
        message = Message(
            ticket_id=self.ticket.id,
            kind=kind,
            inbound=True,
            author=self.actor,
            created_at=self.now,
            author_address=self.agent.address,
            inbound_id=decision.item.inbound_id,
            signal=str(decision.signal),
            signal_detail=decision.detail,
            trust=replace(sender_checks(decision), unverified=marks.unverified or "", refused=marks.refused),
            raw=decision.item.raw,
            **fields,
        )
        return tickets.add_message(self.session, message)


def handle(context: Context, session: Session, batch: BatchContext, decision: Decision, now: datetime) -> None:
    """Handles one mail that an agent sent, or claims to have sent, about a ticket."""
    agent = batch.person(decision.item)
    number = decision.target.ticket.id if decision.target and decision.target.ticket else 0
    ticket = tickets.merge_target(session, number, lock=True)
    if ticket is None:
        raise ValueError(f"request {decision.item.inbound_id} names no ticket")
    if not agent.is_agent and decision.token is not None:
        owner = batch.by_id[decision.token.person_id]
        agent_alias.keep_as_note(context, session, agent_alias.AliasMail(decision, owner, agent, ticket), now)
        return
    viewer = visibility.viewer_of(session, agent.id, agent.name, agent.role, now)
    mail, proof = _AgentMail(context, session, decision, agent, ticket, now), _proof(context, decision, agent)
    if mail.request.auto is not AutoKind.NONE:
        _keep_automatic(mail)
    elif not viewer.sees(ticket.id, ticket.team_id):
        _not_visible(mail)
    elif not proof.may_act:
        _unproven(mail, proof)
    else:
        decision = known_quotes.without_quoted_notice(context, session, decision, ticket)
        with visibility.reading_as(session, viewer):
            _proven(replace(mail, decision=decision), proof)


def _keep_automatic(mail: _AgentMail) -> None:
    message_id = mail.store(MessageKind.AUTOMATIC)
    why = f"{mail.request.auto}: {mail.request.auto_reason}"
    mail.save(transitions.keep_automatic(mail.ticket, mail.now, why, message_id))
    mail.settle(why, message_id, InboundState.AUTOMATIC)


def _proof(context: Context, decision: Decision, agent: Person) -> Proof:
    linked = decision.linked.ticket if decision.linked else None
    own = decision.target.ticket if decision.target else None
    facts = AgentMailFacts(
        token=decision.token,
        agent_id=agent.id if agent.is_agent else None,
        sender_strict=decision.item.request.sender_strict,
        token_in_envelope=decision.token_address in threading.delivery_addresses(decision.item.request),
        other_ticket=linked is not None and own is not None and linked.id != own.id,
        vouched=decision.trust,
        site_vouches=bool(context.store.settings.authserv_id),
    )
    return agent_proof(facts)


NOT_VISIBLE = "the sender is not in the private team of this ticket"


def _not_visible(mail: _AgentMail) -> None:
    """Stored as a note for the team; the agent is told nothing of a ticket that they may not see."""
    _keep_unverified(mail, NOT_VISIBLE)
    text = (
        "Your mail was not executed: you cannot act on the ticket that it names. Its text was kept for those who can."
    )
    if mail.may_be_answered:
        sender, inbound_id = outgoing.Sender(mail.context, mail.session), mail.decision.item.inbound_id
        outbound.store(mail.session, [sender.refusal(inbound_id, mail.request, mail.agent, text)], mail.now)


def _keep_unverified(mail: _AgentMail, why: str) -> None:
    message_id = mail.store(MessageKind.NOTE, marks=MessageTrust(unverified=why))
    number, address = mail.ticket.id, mail.agent.address
    event = Event(number, mail.now, EventKind.UNVERIFIED_NOTE, DESK, after=address, why=why, message_id=message_id)
    mail.save(Change(mail.ticket, (event,)))
    mail.settle(f"unverified: {why}", message_id)


def _unproven(mail: _AgentMail, proof: Proof) -> None:
    _keep_unverified(mail, proof.why)
    mail.answer(f"Your mail about ticket #{mail.ticket.id} was kept as an internal note and not executed: {proof.why}.")


def _not_permitted(mail: _AgentMail, why: str) -> None:
    """The role does not allow all of it: nothing is done, and the text is kept as a note."""
    message_id = mail.store(MessageKind.NOTE, marks=MessageTrust(refused=why))
    mail.save(properties.not_permitted(mail.ticket, mail.actor, mail.now, why, message_id))
    mail.answer(f"Nothing was done: {why}. Your words were kept as an internal note on ticket #{mail.ticket.id}.")
    mail.settle(why, message_id)


def _needs(decision: Decision, parsed: Parsed) -> list[Verb]:
    """The permissions that the mail needs."""
    needs = [permissions.verb_of_command(command.name) for command in parsed.commands]
    if not (parsed.text or decision.item.request.attachments):
        return needs
    to_third_party = parsed.third_parties or (decision.side is not None and not parsed.is_reply)
    return [Verb.NOTE if parsed.is_note else Verb.SIDE if to_third_party else Verb.REPLY, *needs]


def _proven(mail: _AgentMail, proof: Proof) -> None:
    parsed = commands.parse(_own_words(mail.request))
    why = permissions.refused(mail.agent.role, _needs(mail.decision, parsed))
    if why:
        _not_permitted(mail, why)
    elif parsed.commands and not proof.may_command:
        _unproven(mail, proof)
    elif parsed.errors or any(command.name == "help" for command in parsed.commands):
        _send_help(mail, parsed)
    else:
        _act(mail, parsed)


def _send_help(mail: _AgentMail, parsed: Parsed) -> None:
    errors = [*parsed.errors, "Nothing was done."] if parsed.errors else []
    text = "\n".join([*errors, "", "These commands may stand on the first lines:", "", commands.HELP])
    mail.answer(text.strip())
    mail.settle("; ".join(parsed.errors)[:300] or "help")


def _own_words(request: InboundRequest) -> str:
    """The agent's text; empty for a mail that only quotes, so that no notice reaches a requester."""
    passed_on = request.forwarded is not None and subject.is_forward(request.subject)
    return request.reply if passed_on or reply_text.has_own_words(request.text) else ""


def _act(mail: _AgentMail, parsed: Parsed) -> None:
    """Stores the text, then executes the commands; if one cannot be executed, nothing is done."""
    try:
        # A savepoint: whether the second command fits is known for certain only once the first is done.
        with mail.session.savepoint():
            if not (parsed.commands or parsed.text or mail.request.attachments):
                raise NotAllowed("there are no words of yours in this mail")
            actor = Actor(ActorKind.AGENT, mail.agent.id)
            agent_commands.check_commands(mail.session, mail.ticket, parsed.others, actor)
            message_id, done = _do(mail, parsed)
    except NotAllowed as error:
        kept = _kept_as_draft(mail, parsed)
        mail.answer(
            f"Nothing was done: {error}.{kept}\n\nThese commands may stand on the first lines:\n\n{commands.HELP}"
        )
        mail.settle(str(error)[:300])
        return
    if parsed.commands:
        lines = "\n".join(f"- {line}" for line in done)
        mail.answer(f"Done on ticket #{mail.ticket.id}:\n\n{lines}")
    mail.settle("; ".join(done)[:300], message_id)


def _kept_as_draft(mail: _AgentMail, parsed: Parsed) -> str:
    """Keeps a text that was not sent as the agent's draft; one to a third party is not kept."""
    if not parsed.text or parsed.third_parties or mail.decision.side is not None:
        return ""
    drafts.add_returned(mail.session, mail.ticket.id, mail.agent.id, parsed.text, mail.now)
    return " Your text is kept: it stands in the console's box for this ticket."


def _do(mail: _AgentMail, parsed: Parsed) -> tuple[int | None, list[str]]:
    """The id of the stored message, if there is one, and a line for each thing that was done."""
    session, actor = mail.session, mail.actor
    texts = agent_commands.macro_texts(session, mail.ticket, parsed.commands, actor, mail.now)
    parsed = replace(parsed, text="\n\n".join(part for part in (*texts, parsed.text) if part))
    if parsed.third_parties:
        side, ticket = side_conversation_mail.start_by_mail(
            session, mail.ticket, parsed, actor, mail.now, react=mail.context.react
        )
        mail = replace(mail, ticket=ticket, decision=replace(mail.decision, side=side))
    ticket, message_id, done = _write(mail, parsed)
    zone = ZoneInfo(mail.context.store.settings.time_zone)
    run = CommandRun(actor, mail.now, mail.context.react, str(mail.request.channel), zone)
    return message_id, done + agent_commands.run_commands(session, ticket, parsed.others, run)


def _write(mail: _AgentMail, parsed: Parsed) -> tuple[Ticket, int | None, list[str]]:
    """Stores the text, if there is one, as a message to the third party, a note or a reply."""
    side = mail.decision.side if not (parsed.is_note or parsed.is_reply) else None
    if not (parsed.text or mail.request.attachments):
        return mail.ticket, None, []
    if side is not None:
        message_id = mail.store(MessageKind.SIDE, parsed.text)
        # `#hold` lasts until the answer.
        hold = any(command.name == "hold" for command in parsed.commands)
        sent = SentMessage(mail.actor, mail.now, message_id, hold, len(mail.request.attachments))
        step = rules.sent(side, mail.ticket, sent)
        ticket = side_conversations.save(mail.session, step, react=mail.context.react)[1]
        return ticket, message_id, [f"sent your words to {side.address}; the requester does not read them"]
    message_id = mail.store(MessageKind.NOTE if parsed.is_note else MessageKind.REPLY, parsed.text)
    write = transitions.note if parsed.is_note else partial(conversation.change_after_reply, mail.session)
    ticket = mail.save(write(mail.ticket, mail.actor, mail.now, message_id))
    return ticket, message_id, ["added your note" if parsed.is_note else "sent your reply to the requester"]
