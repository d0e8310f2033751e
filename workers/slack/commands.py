"""Executes an agent's order in Slack with the same commands as by mail, and answers with what was done.

Slack's signature proves the account; only the agent sees the answer. Who is no agent of the desk changes nothing, and
an order is executed as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from desk.access import permissions
from desk.access.permissions import Verb
from desk.channels import Channel, Transport
from desk.mail.inbound_request import Attachment
from desk.mail.states import InboundState, OutboundKind
from desk.mail.stored_file import StoredFile
from desk.slack.content import SlackContent
from desk.slack.markup import escaped
from desk.slack.orders import Kind, Order, is_other_workspace
from desk.tickets import commands, properties
from desk.tickets.commands import SLACK, Parsed
from desk.tickets.ticket import Actor, ActorKind, NotAllowed, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.mail import message_id_index, outbound
from storage.mail.inbound import SettledRequest, WaitingRequest
from storage.mail.outbound_message import OutboundMessage
from storage.people import accounts
from storage.people.people import Person
from storage.slack import threads as slack_threads
from storage.tickets import drafts, tickets
from usecases.agents import commands as agent_commands
from usecases.agents.commands import CommandRun
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.runtime.context import Context
from workers.slack import account_linking
from workers.slack.mentions import with_names

Missing = Callable[[str], SettledRequest]
NO_AGENT = (
    "Nothing was done: your account in Slack belongs to no agent of the desk. If you are one, link it with the code "
    "from your account's page in the console, or ask an admin: "
    "`frontdesk agent add YOU@EXAMPLE.COM --slack-user {account}`."
)
UNKNOWN = "Nothing was done: Slack did not say who you are, though it was asked again. Do it once more in a moment."


@dataclass(frozen=True, slots=True)
class _OrderContext:
    """One order with everything that its execution needs."""

    context: Context
    session: Session
    row: WaitingRequest
    order: Order
    files: Sequence[Attachment]

    def settled(
        self, state: InboundState, reason: str, ticket_id: int | None = None, message_id: int | None = None
    ) -> SettledRequest:
        return SettledRequest(self.row.id, state, reason[:300], ticket_id, message_id)

    def answer(self, text: str, ticket_id: int | None = None) -> None:
        """Sends an ephemeral answer to the author, where they acted."""
        order = self.order
        thread_ts = "" if order.kind is Kind.TYPED else order.thread_ts
        content = SlackContent(order.channel, thread_ts, text, whisper_to=order.user)
        key = f"slack-answer:{self.row.id}"
        message = OutboundMessage(
            key, OutboundKind.COMMAND_ANSWER, order.account, key, content, ticket_id, transport=Transport.SLACK
        )
        outbound.store(self.session, [message], self.context.now())


@dataclass(frozen=True, slots=True)
class ReadyOrder:
    """An order whose files were fetched, or why they were not."""

    row: WaitingRequest
    order: Order
    files: Sequence[Attachment] = ()
    why_no_files: str = ""


def execute(context: Context, session: Session, ready: ReadyOrder, missing: Missing) -> SettledRequest:
    """Executes the order; returns its end state."""
    order = ready.order
    ctx = _OrderContext(context, session, ready.row, order, ready.files)
    if account_linking.is_asked(order):
        why, said = account_linking.link(context, session, order)
        ctx.answer(escaped(said))
        return ctx.settled(InboundState.COMMAND if why == "linked" else InboundState.REFUSED, why)
    number = order.ticket_id or slack_threads.ticket_of(session, order.channel, order.thread_ts) or 0
    if not number:
        return missing("there is no ticket in this thread")
    agent = slack_threads.agent_of(session, order, by_email=context.store.settings.slack_match_email)
    if agent is None:
        ctx.answer(UNKNOWN if order.unknown else NO_AGENT.format(account=order.account))
        return ctx.settled(InboundState.REFUSED, _refusal_reason(order), number)
    accounts.set_account(session, Channel.SLACK, agent.id, order.account, context.now())
    ticket = tickets.merge_target(session, number, lock=True)
    viewer = visibility.viewer_of(session, agent.id, agent.name, agent.role, context.now())
    if ticket is None or not viewer.sees(ticket.id, ticket.team_id):
        ctx.answer(f"Nothing was done: there is no ticket #{number} that you may see.")
        return ctx.settled(InboundState.REFUSED, "the ticket is not there for this agent", number if ticket else None)
    with visibility.reading_as(session, viewer):
        return _execute(ctx, agent, ticket, ready.why_no_files)


def _refusal_reason(order: Order) -> str:
    if order.unknown:
        return f"Slack did not say whose account {order.account} is"
    if is_other_workspace(order):
        return f"{order.account} is an account of another workspace"
    return f"{order.account} is {'a guest' if order.guest else 'the account of no agent'}"


def _execute(ctx: _OrderContext, agent: Person, ticket: Ticket, why_no_files: str) -> SettledRequest:
    parsed = _parsed(ctx)
    actor = Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)
    why = permissions.refused(agent.role, _needs(ctx, parsed))
    if why:
        return _not_permitted(ctx, actor, ticket, parsed, why)
    if parsed.errors or any(command.name == "help" for command in parsed.commands):
        known = f"```{commands.help_for(SLACK)}```"
        wrong = [escaped(error) for error in parsed.errors] + ["Nothing was done. These are the commands:"]
        ctx.answer("\n".join([*(wrong if parsed.errors else []), known]), ticket.id)
        return ctx.settled(InboundState.COMMAND, "; ".join(parsed.errors) or "help", ticket.id)
    try:
        if why_no_files and parsed.is_reply:
            raise NotAllowed(f"a file could not be fetched from Slack ({why_no_files})")
        with ctx.session.savepoint():
            agent_commands.check_commands(ctx.session, ticket, parsed.commands, actor)
            message_id, done = _do(ctx, ticket, parsed, actor)
    except NotAllowed as error:
        kept = _keep_draft(ctx, ticket, agent, parsed)
        ctx.answer(f"Nothing was done on #{ticket.id}: {escaped(str(error))}.{kept}", ticket.id)
        return ctx.settled(InboundState.COMMAND, str(error), ticket.id)
    lines = [*done, *([f"a file is missing: {why_no_files}"] if why_no_files else [])]
    ctx.answer(f"#{ticket.id}: {escaped('; '.join(lines))}.", ticket.id)
    return ctx.settled(InboundState.COMMAND, "; ".join(lines), ticket.id, message_id)


def _needs(ctx: _OrderContext, parsed: Parsed) -> list[Verb]:
    """The permissions that the order needs; a text without a command is a note."""
    needs = [permissions.verb_of_command(command.name) for command in parsed.commands]
    says_note = (parsed.text or ctx.files) and not parsed.is_reply
    return [Verb.NOTE, *needs] if says_note else needs


def _not_permitted(ctx: _OrderContext, actor: Actor, ticket: Ticket, parsed: Parsed, why: str) -> SettledRequest:
    """The role does not allow all of it: nothing is done, and the text is kept as a note."""
    session, now, order = ctx.session, ctx.context.now(), ctx.order
    text = order.text or parsed.text
    message_id = None
    if text.strip():
        message_id = conversation.note_refused(session, ticket, Written(actor, text, now, via="slack"), why=why)
    tickets.save(session, properties.not_permitted(ticket, actor, now, why, message_id), react=ctx.context.react)
    kept = " Your words were kept as an internal note." if message_id else ""
    ctx.answer(f"Nothing was done on #{ticket.id}: {escaped(why)}.{kept}", ticket.id)
    return ctx.settled(InboundState.COMMAND, why, ticket.id, message_id)


def _parsed(ctx: _OrderContext) -> Parsed:
    """The commands of a modal or button, or those in the text; mentions are replaced by names."""
    order = ctx.order
    if order.kind in (Kind.SAID, Kind.TYPED):
        read = commands.parse(order.text, SLACK)
        if order.kind is Kind.TYPED and read.text and not (read.is_reply or read.is_note):
            read = replace(read, errors=(*read.errors, "this text needs reply or note before it"))
    else:
        errors = tuple(wrong for one in order.commands if (wrong := commands.wrong(one, SLACK)))
        read = Parsed(order.commands, errors, order.text)
    if read.is_reply and read.is_note:
        read = replace(read, errors=(*read.errors, "a text is either a reply or a note"))
    return with_names(ctx.session, order.team, read)


def _do(ctx: _OrderContext, ticket: Ticket, parsed: Parsed, actor: Actor) -> tuple[int | None, list[str]]:
    """The id of the stored message, if there is one, and a line for each thing that was done."""
    session, now = ctx.session, ctx.context.now()
    texts = agent_commands.macro_texts(session, ticket, parsed.commands, actor, now)
    text = "\n\n".join(part for part in (*texts, parsed.text) if part)
    message_id, done = None, []
    if any(texts) and not (parsed.is_reply or parsed.is_note):
        raise NotAllowed("this macro has a text: write !reply before it to send it, or !note to keep it inside")
    if text or ctx.files or (not texts and (parsed.is_reply or parsed.is_note)):
        message_id = _write_message(ctx, ticket, actor, text, public=parsed.is_reply)
        ticket = tickets.get(session, ticket.id, lock=True) or ticket
        done.append("your reply is on its way to the requester" if parsed.is_reply else "kept as an internal note")
    zone = ZoneInfo(ctx.context.store.settings.time_zone)
    run = CommandRun(actor, now, ctx.context.react, "slack", zone)
    lines = agent_commands.run_commands(session, ticket, parsed.commands, run)
    return message_id, done + lines


def _write_message(ctx: _OrderContext, ticket: Ticket, actor: Actor, text: str, *, public: bool) -> int:
    """Stores the text as a message; one from the thread is indexed, so that a later edit finds it."""
    order, session = ctx.order, ctx.session
    external_id = order.message_id if order.kind is Kind.SAID else ""
    files = [StoredFile.of_request(file) for file in ctx.files]
    write = conversation.reply if public else conversation.note
    write(session, ticket, Written(actor, text, ctx.context.now(), "slack", files, external_id))
    message_id = conversation.newest_message(session, ticket.id)
    if external_id:
        message_id_index.add(session, f"{order.conversation}#{external_id}", ticket.id, message_id)
    return message_id


def _keep_draft(ctx: _OrderContext, ticket: Ticket, agent: Person, parsed: Parsed) -> str:
    """Keeps the text of a modal as a draft, because the modal is closed."""
    if ctx.order.kind is not Kind.SUBMITTED or not parsed.text:
        return ""
    drafts.add_returned(ctx.session, ticket.id, agent.id, parsed.text, ctx.context.now())
    return " Your text is kept: it stands in the console's box for this ticket."
