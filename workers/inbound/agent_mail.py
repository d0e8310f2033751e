"""Mail of an agent about a ticket: if the sender is proven, its replies, notes and commands are executed.

If not, the mail is kept as an internal note and the agents are alerted. Commands are answered by a short mail that
lists what was done.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from desk.access import permissions
from desk.access.permissions import Verb
from desk.mail import reply_text
from desk.mail.authentication import Proof, Verdict, agent_proof
from desk.mail.inbound_request import AutoKind, InboundRequest
from desk.mail.states import InboundState
from desk.mail.trust import UNKNOWN_TRUST, MessageTrust
from desk.tickets import commands, properties, subject, threading, transitions
from desk.tickets.commands import Parsed
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, Message, MessageKind, NotAllowed, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.mail import inbound, outbound
from storage.mail.inbound import SettledRequest
from storage.people.people import Person
from storage.tickets import drafts, tickets
from usecases.agents import commands as agent_commands
from usecases.tickets import conversation
from workers.inbound import agent_alias, known_quotes
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.batch_context import BatchContext
from workers.inbound.match import Decision
from workers.inbound.persist import message_fields, sender_checks
from workers.notifications import outgoing
from workers.runtime.context import Context


def handle(context: Context, session: Session, batch: BatchContext, decision: Decision, now: datetime) -> None:
    """Handles one mail that an agent sent, or claims to have sent, about a ticket."""
    agent = batch.person(decision.item)
    number = decision.target.ticket.id if decision.target and decision.target.ticket else 0
    ticket = tickets.merge_target(session, number, lock=True)
    if ticket is None:
        raise ValueError(f"request {decision.item.inbound_id} names no ticket")
    if not agent.is_agent and decision.token is not None:
        owner = batch.by_id[decision.token.person_id]
        agent_alias.keep_as_note(context, session, decision, owner, agent, ticket, now)
        return
    viewer = visibility.viewer_of(session, agent.id, agent.name, agent.role, now)
    proof = _proof(context, decision, agent)
    request = decision.item.request
    if request.auto is not AutoKind.NONE:
        message_id = _store_message(session, ticket, decision, agent, MessageKind.AUTOMATIC, UNKNOWN_TRUST, now)
        why = f"{request.auto}: {request.auto_reason}"
        tickets.save(session, transitions.keep_automatic(ticket, now, why, message_id), react=context.react)
        _finish_request(session, decision, InboundState.AUTOMATIC, ticket.id, message_id, now, why)
    elif not viewer.sees(ticket.id, ticket.team_id):
        _not_visible(context, session, decision, agent, ticket, now)
    elif not proof.may_act:
        _unproven(context, session, decision, agent, ticket, proof, now)
    else:
        decision = known_quotes.without_quoted_notice(context, session, decision, ticket)
        with visibility.reading_as(session, viewer):
            _proven(context, session, decision, agent, ticket, proof, now)


def _proof(context: Context, decision: Decision, agent: Person) -> Proof:
    linked = decision.linked.ticket if decision.linked else None
    own = decision.target.ticket if decision.target else None
    return agent_proof(
        decision.token,
        agent.id if agent.is_agent else None,
        decision.item.request.sender_strict,
        decision.token_address in threading.delivery_addresses(decision.item.request),
        linked is not None and own is not None and linked.id != own.id,
        decision.trust,
        bool(context.store.settings.authserv_id),
    )


NOT_VISIBLE = "the sender is not in the private team of this ticket"


def _not_visible(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, now: datetime
) -> None:
    """Stored as a note for the team; the agent is told nothing of a ticket that they may not see."""
    _keep_unverified(context, session, decision, agent, ticket, NOT_VISIBLE, now)
    text = (
        "Your mail was not executed: you cannot act on the ticket that it names. Its text was kept for those who can."
    )
    if _may_be_answered(context, decision):
        item, sender = decision.item, outgoing.Sender(context, session)
        outbound.store(session, [sender.refusal(item.inbound_id, item.request, agent, text)], now)


def _keep_unverified(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, why: str, now: datetime
) -> None:
    message_id = _store_message(session, ticket, decision, agent, MessageKind.NOTE, MessageTrust(unverified=why), now)
    event = Event(ticket.id, now, EventKind.UNVERIFIED_NOTE, DESK, after=agent.address, why=why, message_id=message_id)
    tickets.save(session, Change(ticket, (event,)), react=context.react)
    _finish_request(session, decision, InboundState.COMMAND, ticket.id, message_id, now, f"unverified: {why}")


def _unproven(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, proof: Proof, now: datetime
) -> None:
    _keep_unverified(context, session, decision, agent, ticket, proof.why, now)
    text = f"Your mail about ticket #{ticket.id} was kept as an internal note and not executed: {proof.why}."
    _answer(context, session, decision, agent, ticket, text, now)


def _not_permitted(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, why: str, now: datetime
) -> None:
    """The role does not allow all of it: nothing is done, and the text is kept as a note."""
    message_id = _store_message(session, ticket, decision, agent, MessageKind.NOTE, MessageTrust(refused=why), now)
    actor = Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)
    tickets.save(session, properties.not_permitted(ticket, actor, now, why, message_id), react=context.react)
    text = f"Nothing was done: {why}. Your words were kept as an internal note on ticket #{ticket.id}."
    _answer(context, session, decision, agent, ticket, text, now)
    _finish_request(session, decision, InboundState.COMMAND, ticket.id, message_id, now, why)


def _needs(decision: Decision, parsed: Parsed) -> list[Verb]:
    """The permissions that the mail needs."""
    needs = [permissions.verb_of_command(command.name) for command in parsed.commands]
    if not (parsed.text or decision.item.request.attachments):
        return needs
    aside = parsed.aside or (decision.side is not None and not parsed.is_reply)
    return [Verb.NOTE if parsed.is_note else Verb.SIDE if aside else Verb.REPLY, *needs]


def _proven(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, proof: Proof, now: datetime
) -> None:
    parsed = commands.parse(_own_words(decision.item.request))
    why = permissions.refused(agent.role, _needs(decision, parsed))
    if why:
        _not_permitted(context, session, decision, agent, ticket, why, now)
        return
    if parsed.commands and not proof.may_command:
        _unproven(context, session, decision, agent, ticket, proof, now)
        return
    if parsed.errors or any(command.name == "help" for command in parsed.commands):
        said = [*parsed.errors, "Nothing was done."] if parsed.errors else []
        text = "\n".join([*said, "", "These commands may stand on the first lines:", "", commands.HELP])
        _answer(context, session, decision, agent, ticket, text.strip(), now)
        _finish_request(
            session, decision, InboundState.COMMAND, ticket.id, None, now, "; ".join(parsed.errors)[:300] or "help"
        )
        return
    _act(context, session, decision, agent, ticket, parsed, now)


def _own_words(request: InboundRequest) -> str:
    """The agent's text; empty for a mail that only quotes, so that no notice reaches a requester."""
    passed_on = request.forwarded is not None and subject.is_forward(request.subject)
    return request.reply if passed_on or reply_text.has_own_words(request.text) else ""


def _act(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, parsed: Parsed, now: datetime
) -> None:
    """Stores the text, then executes the commands; if one cannot be executed, nothing is done."""
    try:
        # A savepoint: whether the second command fits is known for certain only once the first is done.
        with session.savepoint():
            if not (parsed.commands or parsed.text or decision.item.request.attachments):
                raise NotAllowed("there are no words of yours in this mail")
            agent_commands.check_commands(session, ticket, parsed.others, Actor(ActorKind.AGENT, agent.id))
            message_id, done = _do(context, session, decision, agent, ticket, parsed, now)
    except NotAllowed as error:
        kept = _kept_as_draft(session, decision, agent, ticket, parsed, now)
        text = f"Nothing was done: {error}.{kept}\n\nThese commands may stand on the first lines:\n\n{commands.HELP}"
        _answer(context, session, decision, agent, ticket, text, now)
        _finish_request(session, decision, InboundState.COMMAND, ticket.id, None, now, str(error)[:300])
        return
    if parsed.commands:
        lines = "\n".join(f"- {line}" for line in done)
        _answer(context, session, decision, agent, ticket, f"Done on ticket #{ticket.id}:\n\n{lines}", now)
    _finish_request(session, decision, InboundState.COMMAND, ticket.id, message_id, now, "; ".join(done)[:300])


def _kept_as_draft(
    session: Session, decision: Decision, agent: Person, ticket: Ticket, parsed: Parsed, now: datetime
) -> str:
    """Keeps a text that was not sent as the agent's draft; one to a third party is not kept."""
    if not parsed.text or parsed.aside or decision.side is not None:
        return ""
    drafts.add_returned(session, ticket.id, agent.id, parsed.text, now)
    return " Your text is kept: it stands in the console's box for this ticket."


def _do(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, parsed: Parsed, now: datetime
) -> tuple[int | None, list[str]]:
    """The id of the stored message, if there is one, and a line for each thing that was done."""
    actor = Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)
    message_id = None
    done: list[str] = []
    text = "\n\n".join(
        part
        for part in (*agent_commands.macro_texts(session, ticket, parsed.commands, actor, now), parsed.text)
        if part
    )
    parsed = replace(parsed, text=text)
    if parsed.aside:
        side, ticket = side_conversation_mail.start_by_mail(session, ticket, parsed, actor, now, react=context.react)
        decision = replace(decision, side=side)
    aside = decision.side if not (parsed.is_note or parsed.is_reply) else None
    if aside is not None and (parsed.text or decision.item.request.attachments):
        message_id = _store_message(session, ticket, decision, agent, MessageKind.SIDE, UNKNOWN_TRUST, now, parsed.text)
        ticket = side_conversation_mail.record_sent(
            session, decision, ticket, actor, message_id, parsed, now, react=context.react
        )
        done.append(f"sent your words to {aside.address}; the requester does not read them")
    elif parsed.text or decision.item.request.attachments:
        kind = MessageKind.NOTE if parsed.is_note else MessageKind.REPLY
        message_id = _store_message(session, ticket, decision, agent, kind, UNKNOWN_TRUST, now, parsed.text)
        write = transitions.note if parsed.is_note else partial(conversation.change_after_reply, session)
        ticket = tickets.save(session, write(ticket, actor, now, message_id), react=context.react)
        done.append("added your note" if parsed.is_note else "sent your reply to the requester")
    via = str(decision.item.request.channel)
    zone = ZoneInfo(context.store.settings.time_zone)
    return message_id, done + agent_commands.run_commands(
        session, ticket, parsed.others, actor, now, react=context.react, via=via, zone=zone
    )


def _store_message(
    session: Session,
    ticket: Ticket,
    decision: Decision,
    agent: Person,
    kind: MessageKind,
    marks: MessageTrust,
    now: datetime,
    text: str | None = None,
) -> int:
    """`marks` say why it is only a note."""
    request = decision.item.request
    fields = message_fields(request)
    if text is not None:
        fields["reply"] = text
    if decision.side is not None and kind is MessageKind.SIDE:
        fields |= side_conversation_mail.message_fields(decision.side, text or "")
    message = Message(
        ticket_id=ticket.id,
        kind=kind,
        inbound=True,
        author=Actor(ActorKind.AGENT, agent.id, agent.name or agent.address),
        created_at=now,
        author_address=agent.address,
        inbound_id=decision.item.inbound_id,
        signal=str(decision.signal),
        signal_detail=decision.detail,
        trust=replace(sender_checks(decision), unverified=marks.unverified or "", refused=marks.refused),
        raw=decision.item.raw,
        **fields,
    )
    return tickets.add_message(session, message)


def _answer(
    context: Context, session: Session, decision: Decision, agent: Person, ticket: Ticket, text: str, now: datetime
) -> None:
    """A short mail to the agent, within the reply budget, and never to an address that somebody merely claims."""
    if not _may_be_answered(context, decision):
        return
    sender = outgoing.Sender(context, session)
    item = decision.item
    mail = outgoing.CommandMail(item.inbound_id, item.request.thread.message_id, decision.trust)
    answer = sender.command_answer(mail, agent, ticket, text)
    outbound.store(session, sender.within_budget([answer], now), now)


def _may_be_answered(context: Context, decision: Decision) -> bool:
    trusted = decision.token is not None or decision.trust is Verdict.PASS
    return context.react and trusted and decision.item.request.auto is AutoKind.NONE


def _finish_request(
    session: Session,
    decision: Decision,
    state: InboundState,
    ticket_id: int,
    message_id: int | None,
    now: datetime,
    why: str,
) -> None:
    inbound.settle(session, [SettledRequest(decision.item.inbound_id, state, why, ticket_id, message_id)], now)
