"""The events job: the outbound messages, timers and rules that follow from a ticket's events, each event once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from desk.channels import traits_of
from desk.mail.authentication import Verdict
from desk.mail.author import is_unattended
from desk.tickets.event_data import NOT_RECORDED, AgentNamed, Transfer
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Event, Message, MessageKind, Ticket
from storage.db.session import Session
from storage.learning import solved_index
from storage.mail import message_id_index, outbound
from storage.mail.outbound_message import OutboundMessage
from storage.people import people
from storage.people.people import Person
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.tickets import pending_files
from usecases.tickets import watchers as tickets_watchers
from workers.events import conversation_messages
from workers.notifications import (
    copies,
    incident_alerts,
    low_ratings,
    reminders,
    rule_notices,
    sla_alerts,
    unassigned_alerts,
    watcher_notices,
)
from workers.notifications import side_conversations as side_notices
from workers.notifications.outgoing import Sender
from workers.notifications.ticket_event import TicketEvent
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work
from workers.slack import team_channel
from workers.timers import csat, reassign
from workers.timers import rules as timed_rules

log = structlog.get_logger()

BATCH = 200
NOTIFIED = (
    EventKind.OPENED, EventKind.REQUESTER_REPLIED, EventKind.ASSIGNED, EventKind.DELIVERY_FAILED,
    EventKind.UNDELIVERABLE, EventKind.UNVERIFIED_NOTE, EventKind.NOT_PERMITTED, EventKind.OPENED_ANYWAY,
    EventKind.WOKEN, EventKind.SIDE_ANSWERED, EventKind.ALIAS_SEEN,
)  # fmt: skip

SOLVES = (
    EventKind.STATUS_CHANGED, EventKind.REOPENED, EventKind.MERGED_INTO, EventKind.MERGED_FROM, EventKind.UNMERGED,
    EventKind.SPLIT, EventKind.RESOLUTION_SET, EventKind.CATEGORY_CHANGED,
)  # fmt: skip
"""After these a ticket may have become an example of something solved, or stopped being one."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """React to all events that wait, those of the tickets in `first` at once; returns how many."""
    return isolation.drain(context, lambda: _work(context, first))


def _work(context: Context, first: Sequence[int]) -> Work[tuple[int, Event]]:
    def claim(session: Session) -> list[tuple[int, Event]]:
        return tickets.claim_events(session, BATCH, context.now(), first)

    def do(session: Session, events: Sequence[tuple[int, Event]]) -> int:
        _react(context, session, events, context.now())
        return len(events)

    def put_off(session: Session, row: tuple[int, Event], _reason: str) -> None:
        tickets.mark_unreacted(session, row[0])

    return Work(tickets.EVENTS, claim, do, lambda row: row[0], binds="event_id", put_off=put_off)


@dataclass
class _EventContext:
    """What the messages of a batch of events need."""

    tickets: dict[int, Ticket]
    messages: dict[int, Message]
    persons: dict[int, Person]
    teams: dict[int, list[Person]]
    watchers: dict[int, list[Person]]
    kept_out: frozenset[int] = frozenset()
    """New tickets whose mail named a ticket in which its sender has no part."""


def _react(context: Context, session: Session, events: Sequence[tuple[int, Event]], now: datetime) -> None:
    batch = _event_context(session, [event for _, event in events])
    batch.kept_out = _kept_out(session, [event for _, event in events])
    sender = Sender(context, session)
    outgoing: list[OutboundMessage] = []
    for event_id, event in events:
        ticket = batch.tickets.get(event.ticket_id)
        # Automatic mail that was closed at once notifies nobody.
        if ticket is not None and not event.data.set_aside:
            message = batch.messages.get(event.message_id or 0)
            outgoing += _messages(sender, session, batch, TicketEvent(ticket, event_id, event, message, batch.persons))
    solved_index.index_tickets(session, [event.ticket_id for _, event in events if event.kind in SOLVES])
    if sla_policies.any_active(session):
        sla_timers.request_measuring(
            session, [event.ticket_id for _, event in events if event.kind not in sla_timers.IDLE], now
        )
    timed_rules.on_events(context, session, events, now)
    reassign.on_events(session, context.configuration(session).routing, [event for _, event in events])
    pending_files.request_files(session, batch.messages.values(), now)
    csat.plan_requests(session, [event for _, event in events], now)
    outgoing = sender.within_budget(team_channel.newest_cards(outgoing), now)
    outbound.store(session, copies.split_by_recipient(outgoing) if context.store.settings.relay_url else outgoing, now)
    log.info("events_reacted", count=len(events), messages=len(outgoing))


def _event_context(session: Session, events: list[Event]) -> _EventContext:
    found = tickets.get_many(session, {event.ticket_id for event in events})
    messages = tickets.messages_by_ids(session, {e.message_id for e in events if e.message_id})
    ids = {t.requester_id for t in found.values()} | {t.assignee_id for t in found.values() if t.assignee_id}
    ids |= {event.data_as(AgentNamed).agent_id for event in events if event.kind == EventKind.ALIAS_SEEN}
    teams = people.members(session, {t.team_id for t in found.values() if t.team_id})
    watchers = tickets_watchers.list_watchers(
        session, {one.ticket_id for one in events if one.kind in watcher_notices.KINDS}
    )
    return _EventContext(found, messages, people.by_ids(session, ids), teams, watchers)


def _messages(sender: Sender, session: Session, batch: _EventContext, happened: TicketEvent) -> list[OutboundMessage]:
    ticket, event, message = happened.ticket, happened.event, happened.message
    requester = batch.persons[ticket.requester_id]
    if ticket.merged_into is not None and event.kind in (EventKind.OPENED, EventKind.REQUESTER_REPLIED):
        return []  # the notices are those of the ticket that it was merged into.
    outgoing = _slack_messages(sender, session, happened)
    unproven = ticket.id in batch.kept_out
    # A web site's form may write in the mailbox's own name; nobody is there to read an acknowledgement.
    ourselves = sender.context.configuration(session).of_addresses((requester.address,)) is not None
    may_acknowledge = not ourselves and _may_acknowledge(sender.context, ticket, message, unproven=unproven)
    if event.kind == EventKind.OPENED and may_acknowledge:
        assert message is not None
        outgoing.append(sender.acknowledgement(ticket, requester, message))
    if event.kind == EventKind.REPLIED and message is not None and traits_of(ticket.channel).answered_by_mail:
        outgoing.append(_reply(sender, session, ticket, requester, message))
    if event.kind == EventKind.NOTICE_ASKED:
        outgoing += rule_notices.notices_for(sender, session, happened)
    if event.kind == EventKind.INCIDENT_OPENED:
        outgoing += incident_alerts.messages_for(sender, session, ticket, event)
    outgoing += reminders.messages_for(sender, session, requester, happened)
    if event.kind in side_notices.KINDS:
        outgoing += side_notices.messages_for(sender, session, ticket, event, message)
    if event.kind in sla_alerts.KINDS:
        outgoing += sla_alerts.notices_for(sender, session, happened)
    if event.kind in unassigned_alerts.KINDS:
        outgoing += unassigned_alerts.notices_for(sender, session, happened)
    outgoing += low_ratings.notices_for(sender, session, happened)
    notified = _recipients(batch, ticket, event) if event.kind in NOTIFIED else []
    outgoing += [sender.notice(happened, agent) for agent in notified]
    if event.kind in watcher_notices.KINDS:
        watchers, ids = batch.watchers.get(ticket.id, []), {agent.id for agent in notified}
        outgoing += watcher_notices.notices_for(sender, session, happened, watchers, ids)
    return outgoing


def _slack_messages(sender: Sender, session: Session, happened: TicketEvent) -> list[OutboundMessage]:
    """To the requester's thread, and to the channels of teams."""
    teams = sender.context.configuration(session).teams
    team = teams.get(happened.ticket.team_id or 0)
    to_requester = conversation_messages.messages_for(happened, team.name if team else "")
    return [*to_requester, *team_channel.messages_for(session, teams, happened)]


def _reply(sender: Sender, session: Session, ticket: Ticket, requester: Person, message: Message) -> OutboundMessage:
    message_out = sender.reply(
        ticket, requester, message, tickets.last_requester_message(session, ticket.id, message.id)
    )
    message_id_index.add(session, message_out.external_id, ticket.id, message.id)
    return message_out


def _kept_out(session: Session, events: list[Event]) -> frozenset[int]:
    linked = {event.ticket_id for event in events if event.kind == EventKind.LINKED}
    return frozenset(tickets.tickets_naming_others(session, linked))


def _may_acknowledge(context: Context, ticket: Ticket, message: Message | None, *, unproven: bool) -> bool:
    """Never an answer to automatic mail, nor to where nobody reads it; nor by mail in a channel without mail.

    Who names another's ticket, and is vouched for by nobody, may be a forger who wants an answer sent.
    """
    by_mail = traits_of(ticket.channel).answered_by_mail
    if not context.store.settings.acknowledge or message is None or not by_mail:
        return False
    if is_unattended(message.author_address) or (unproven and message.trust.verdict is not Verdict.PASS):
        return False
    return message.kind is MessageKind.REPLY and message.trust.is_clear and not message.trust.no_answer


def _recipients(batch: _EventContext, ticket: Ticket, event: Event) -> list[Person]:
    """The assignee; while there is none, the team. Nobody is notified of their own actions."""
    if event.kind == EventKind.ASSIGNED:
        if event.data.opening or event.data_as(Transfer).to_id not in (NOT_RECORDED, ticket.assignee_id):
            return []  # the new ticket's own notice says so, or it was assigned to somebody else since.
        new = batch.persons.get(ticket.assignee_id or 0)
        return [new] if new and new.is_agent and new.id != event.actor.id and new.notify else []
    if event.kind == EventKind.ALIAS_SEEN:
        owner = batch.persons.get(event.data_as(AgentNamed).agent_id)
        return [owner] if owner and owner.is_agent else []
    if event.kind == EventKind.WOKEN and event.actor.kind is not ActorKind.SYSTEM:
        return []  # an agent woke it, and that event has its own notices.
    assignee = batch.persons.get(ticket.assignee_id or 0)
    audience = [assignee] if assignee and assignee.is_agent else batch.teams.get(ticket.team_id or 0, [])
    if event.kind == EventKind.OPENED_ANYWAY:
        audience = batch.teams.get(ticket.team_id or 0, [])
    if event.kind == EventKind.UNVERIFIED_NOTE:
        named = [p for p in audience if p.address == event.after]
        audience = named or audience
    return [agent for agent in audience if agent.notify and agent.id not in (event.actor.id, ticket.requester_id)]
