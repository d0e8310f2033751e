"""The consequences of events: who is told what, as rows in outbound; each event once, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from desk.channels import traits_of
from desk.mail.authentication import Verdict
from desk.mail.author import is_clear, is_unattended
from desk.tickets.events import EventKind
from desk.tickets.ticket import ActorKind, Event, Message, MessageKind, Ticket
from storage.db.session import Session
from storage.learning import solved_index
from storage.mail import message_id_index, outbound
from storage.mail.outbound import OutboundMessage
from storage.people import people
from storage.people.people import Person
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.tickets import pending_files
from usecases.tickets import watchers as tickets_watchers
from workers.notifications import (
    copies,
    incident_alerts,
    reminders,
    rule_notices,
    sla_alerts,
    unassigned_alerts,
    watcher_notices,
)
from workers.notifications import side_conversations as side_notices
from workers.notifications.csat_requests import low_ratings, plan_ratings
from workers.notifications.outgoing import Sender
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work
from workers.slack import requester_messages, team_channel
from workers.timers import reassign
from workers.timers import rules as timed_rules

log = structlog.get_logger()

BATCH = 200
TOLD = (
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

    def do(session: Session, happened: Sequence[tuple[int, Event]]) -> int:
        _react(context, session, happened, context.now())
        return len(happened)

    def put_off(session: Session, row: tuple[int, Event], _reason: str) -> None:
        tickets.mark_unreacted(session, row[0])

    return Work(tickets.EVENTS, claim, do, lambda row: row[0], binds="event_id", put_off=put_off)


@dataclass
class _Scene:
    """What the letters of a batch need to know."""

    tickets: dict[int, Ticket]
    messages: dict[int, Message]
    persons: dict[int, Person]
    teams: dict[int, list[Person]]
    watchers: dict[int, list[Person]]
    kept_out: frozenset[int] = frozenset()
    """New tickets whose mail named a ticket in which its sender has no part."""


def _react(context: Context, session: Session, happened: Sequence[tuple[int, Event]], now: datetime) -> None:
    scene = _scene(session, [event for _, event in happened])
    scene.kept_out = _kept_out(session, [event for _, event in happened])
    sender = Sender(context, session)
    letters: list[OutboundMessage] = []
    for event_id, event in happened:
        ticket = scene.tickets.get(event.ticket_id)
        # A machine's mail that was closed as it came is told to nobody: whoever looks for it finds it.
        if ticket is not None and not event.data.get("set_aside"):
            letters += _letters(sender, session, scene, ticket, event_id, event)
    solved_index.index_tickets(session, [event.ticket_id for _, event in happened if event.kind in SOLVES])
    if sla_policies.any_active(session):
        sla_timers.request_measuring(
            session, [event.ticket_id for _, event in happened if event.kind not in sla_timers.IDLE], now
        )
    timed_rules.on_events(context, session, happened, now)
    reassign.on_events(session, context.places(session).routing, [event for _, event in happened])
    pending_files.request_files(session, scene.messages.values(), now)
    plan_ratings(session, [event for _, event in happened], now)
    letters = sender.within_budget(team_channel.newest_cards(letters), now)
    outbound.store(session, copies.split(letters) if context.store.settings.relay_url else letters, now)
    log.info("events_reacted", count=len(happened), letters=len(letters))


def _scene(session: Session, happened: list[Event]) -> _Scene:
    found = tickets.get_many(session, {event.ticket_id for event in happened})
    messages = tickets.messages_by_ids(session, {e.message_id for e in happened if e.message_id})
    ids = {t.requester_id for t in found.values()} | {t.assignee_id for t in found.values() if t.assignee_id}
    ids |= {event.data["agent_id"] for event in happened if event.kind == EventKind.ALIAS_SEEN}
    teams = people.members(session, {t.team_id for t in found.values() if t.team_id})
    watchers = tickets_watchers.list_watchers(
        session, {one.ticket_id for one in happened if one.kind in watcher_notices.KINDS}
    )
    return _Scene(found, messages, people.by_ids(session, ids), teams, watchers)


def _letters(
    sender: Sender, session: Session, scene: _Scene, ticket: Ticket, event_id: int, event: Event
) -> list[OutboundMessage]:
    message = scene.messages.get(event.message_id or 0)
    requester = scene.persons[ticket.requester_id]
    team = sender.context.places(session).teams.get(ticket.team_id or 0)
    team_name = team.name if team else ""
    if ticket.merged_into is not None and event.kind in (EventKind.OPENED, EventKind.REQUESTER_REPLIED):
        return []  # the ticket that it went to tells of it.
    letters: list[OutboundMessage] = requester_messages.of(ticket, event_id, event, message, scene.persons, team_name)
    told_in_slack = team_channel.Told(ticket, event_id, event, message, scene.persons)
    letters += team_channel.of(session, sender.context.places(session).teams, told_in_slack)
    unproven = ticket.id in scene.kept_out
    # A web site's form may write in the mailbox's own name; nobody is there to read an acknowledgement.
    ourselves = sender.context.places(session).of_addresses((requester.address,)) is not None
    may_acknowledge = not ourselves and _may_acknowledge(sender.context, ticket, message, unproven=unproven)
    if event.kind == EventKind.OPENED and may_acknowledge:
        assert message is not None
        letters.append(sender.acknowledgement(ticket, requester, message))
    if event.kind == EventKind.REPLIED and message is not None and traits_of(ticket.channel).answered_by_mail:
        letters.append(_reply(sender, session, ticket, requester, message))
    if event.kind == EventKind.NOTICE_ASKED:
        letters += rule_notices.of(sender, session, ticket, event_id, event)
    if event.kind == EventKind.INCIDENT_OPENED:
        letters += incident_alerts.of(sender, session, ticket, event)
    letters += reminders.of(sender, session, ticket, requester, event_id, event)
    if event.kind in side_notices.KINDS:
        letters += side_notices.of(sender, session, ticket, event, message)
    if event.kind in sla_alerts.KINDS:
        letters += sla_alerts.of(sender, session, ticket, event_id, event)
    if event.kind in unassigned_alerts.KINDS:
        letters += unassigned_alerts.of(sender, session, ticket, event_id, event)
    letters += low_ratings(sender, session, ticket, event_id, event)
    told = _told(scene, ticket, event) if event.kind in TOLD else []
    letters += [sender.notice(ticket, agent, event_id, event, message) for agent in told]
    if event.kind in watcher_notices.KINDS:
        watchers, ids = scene.watchers.get(ticket.id, []), {agent.id for agent in told}
        letters += watcher_notices.of(sender, session, ticket, event_id, event, message, watchers, ids)
    return letters


def _reply(sender: Sender, session: Session, ticket: Ticket, requester: Person, message: Message) -> OutboundMessage:
    letter = sender.reply(ticket, requester, message, tickets.last_requester_message(session, ticket.id, message.id))
    message_id_index.add(session, letter.external_id, ticket.id, message.id)
    return letter


def _kept_out(session: Session, happened: list[Event]) -> frozenset[int]:
    linked = {event.ticket_id for event in happened if event.kind == EventKind.LINKED}
    return frozenset(tickets.tickets_naming_others(session, linked))


def _may_acknowledge(context: Context, ticket: Ticket, message: Message | None, *, unproven: bool) -> bool:
    """Never an answer to automatic mail, nor to where nobody reads it; nor by mail in a channel without mail.

    Who names another's ticket, and is vouched for by nobody, may be a forger who wants an answer sent.
    """
    by_mail = traits_of(ticket.channel).answered_by_mail
    if not context.store.settings.acknowledge or message is None or not by_mail:
        return False
    if is_unattended(message.author_address) or (unproven and message.trust.get("verdict") != Verdict.PASS):
        return False
    return message.kind is MessageKind.REPLY and is_clear(message.trust) and not message.trust.get("no_answer")


def _told(scene: _Scene, ticket: Ticket, event: Event) -> list[Person]:
    """The assignee; while there is none, the team. Nobody is told what they did themselves."""
    if event.kind == EventKind.ASSIGNED:
        if event.data.get("opening") or event.data.get("to_id", ticket.assignee_id) != ticket.assignee_id:
            return []  # the new ticket's own notice says it, or it went on to somebody else.
        new = scene.persons.get(ticket.assignee_id or 0)
        return [new] if new and new.is_agent and new.id != event.actor.id and new.notify else []
    if event.kind == EventKind.ALIAS_SEEN:
        owner = scene.persons.get(event.data["agent_id"])
        return [owner] if owner and owner.is_agent else []
    if event.kind == EventKind.WOKEN and event.actor.kind is not ActorKind.SYSTEM:
        return []  # whoever woke it told of it by that.
    assignee = scene.persons.get(ticket.assignee_id or 0)
    audience = [assignee] if assignee and assignee.is_agent else scene.teams.get(ticket.team_id or 0, [])
    if event.kind == EventKind.OPENED_ANYWAY:
        audience = scene.teams.get(ticket.team_id or 0, [])
    if event.kind == EventKind.UNVERIFIED_NOTE:
        named = [p for p in audience if p.address == event.after]
        audience = named or audience
    return [agent for agent in audience if agent.notify and agent.id not in (event.actor.id, ticket.requester_id)]
