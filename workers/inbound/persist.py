"""Writes a matched batch in the caller's transaction: tickets, messages, events, thread index, end states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from desk.mail import automatic
from desk.mail.author import is_own_list
from desk.mail.inbound_request import AutoKind, InboundRequest
from desk.mail.states import InboundState
from desk.mail.stored_file import StoredFile
from desk.mail.thanks import Courtesy, courtesy_of
from desk.mail.trust import MessageTrust
from desk.priority.assess import why
from desk.tickets import lifecycle, transitions
from desk.tickets.event_data import Opening
from desk.tickets.events import EventKind
from desk.tickets.fields import Field
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event, Message, MessageKind, Recipients, Status, Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import reserve_ids
from storage.mail import inbound, message_id_index
from storage.mail.inbound import SettledRequest
from storage.mail.message_id_index import IndexedId
from storage.people import organisations
from storage.people.people import Mailbox
from storage.tables.tickets import messages as messages_table
from storage.tickets import tickets
from workers.inbound import bounces, classification, form_fields, known_quotes, priorities, sender_trust
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.batch_context import BatchContext
from workers.inbound.classification import Choice
from workers.inbound.item import Item
from workers.inbound.match import Decision
from workers.inbound.prefetch import Prefetch
from workers.inbound.targets import Target
from workers.runtime.context import Context, DeskConfiguration

KEPT = (InboundState.TICKETED, InboundState.APPENDED, InboundState.AUTOMATIC)
_WHY_LINKED = {
    "named": "the sender does not take part there, or wrote to the desk alone",
    "named-by": "a mail there names this one; that gives nobody a hold on it",
    "follow-up": "it was closed long ago",
}


@dataclass
class BatchWriter:
    """Collects the rows of one batch and writes them."""

    context: Context
    session: Session
    batch: BatchContext
    prefetched: Prefetch
    now: datetime
    changes: dict[int, Change] = field(default_factory=dict)
    without_known_quotes: dict[int, dict[str, Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    asked: Sequence[Field] = ()
    answered: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    """The events of fields that forms sent with requests, by inbound id."""
    auto_events: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    """The events of automatic mail that was tagged or closed at once, by inbound id."""

    def write(self, decisions: Sequence[Decision]) -> None:
        """All rows of the batch except what agents asked for."""
        opened = [d for d in decisions if d.state == InboundState.TICKETED]
        guesses = self.prefetched.guesses([d.item for d in opened])
        chosen = [
            classification.choose(d.item.request, g, self._configuration.rules)
            for d, g in zip(opened, guesses, strict=True)
        ]
        self._open(opened, chosen)
        kept = [d for d in decisions if d.state in KEPT and d.target is not None and not d.reason]
        reserved = reserve_ids(self.session, messages_table, len(kept))
        ids = {d.item.inbound_id: number for d, number in zip(kept, reserved, strict=True)}
        self.without_known_quotes = known_quotes.find_known_quotes(self.context, self.session, kept)
        for decision in kept:
            self._record_events(decision, ids[decision.item.inbound_id])
        tickets.add_messages(self.session, [self._message(d) for d in kept], list(ids.values()))
        tickets.add_predictions(
            self.session, [self._prediction(d, c, ids) for d, c in zip(opened, chosen, strict=True)]
        )
        self._remember(decisions, ids)
        self._save(decisions, ids)

    def _open(self, opened: Sequence[Decision], chosen: Sequence[Choice]) -> None:
        numbers = tickets.reserve(self.session, len(opened))
        new_tickets = []
        for decision, choice, number in zip(opened, chosen, numbers, strict=True):
            target = _target_of(decision)
            ticket = self._with_form_fields(decision.item, self._ticket(decision, target, choice, number))
            target.ticket = self._mark_automatic(decision.item, ticket)
            new_tickets.append(target.ticket)
        tickets.insert_many(self.session, new_tickets)
        organisations.assign_members(
            self.session, {t.requester_id: t.organisation_id for t in new_tickets if t.organisation_id}
        )

    def _ticket(self, decision: Decision, target: Target, choice: Choice, number: int) -> Ticket:
        request, places = decision.item.request, self._configuration
        requester = self.batch.persons[target.requester]
        judgement = priorities.for_person(self.prefetched.judgements[decision.item.inbound_id], requester)
        addresses = (*request.envelope.rcpt_to, *(p.address for p in (*request.to, *request.cc)))
        box = places.of_addresses((*addresses, *request.thread.delivered_to)) or places.first
        return Ticket(
            id=number,
            subject=request.subject or _first_line(request.reply) or "(no subject)",
            requester_id=requester.id,
            created_at=self.now,
            updated_at=self.now,
            priority=judgement.priority,
            priority_why=why(judgement),
            category=choice.category,
            team_id=self._team_id(decision, box),
            mailbox_id=box.id if box else None,
            organisation_id=organisations.find_by_address(places.organisations, requester.address),
            channel=str(request.channel),
            conversation=request.thread.conversation,
        )

    def _with_form_fields(self, item: Item, ticket: Ticket) -> Ticket:
        """The ticket with the fields that a form sent with the request."""
        if not form_fields.has_any(item.request):
            return ticket
        self.asked = self.asked or form_fields.load_fields(self.session)
        change = form_fields.fill_fields(ticket, item.request, self.asked, self._actor(item), self.now)
        self.answered[item.inbound_id] = change.events
        return change.ticket

    def _mark_automatic(self, item: Item, ticket: Ticket) -> Ticket:
        """The ticket tagged, and closed if the desk wants that, where automatic mail opened it."""
        request, close = item.request, self.context.store.settings.close_automatic
        change = lifecycle.set_aside(ticket, request.auto, request.auto_reason, self.now, close=close)
        self.auto_events[item.inbound_id] = change.events
        return change.ticket

    def _team_id(self, decision: Decision, box: Mailbox | None) -> int | None:
        """The mailbox's; what follows up a private ticket stays with its team."""
        before = decision.linked.ticket if decision.linked and decision.link_kind == "follow-up" else None
        if before and before.team_id in visibility.private_teams(self.session):
            return before.team_id
        return box.team_id if box else None

    def _record_events(self, decision: Decision, message_id: int) -> None:
        """The events of one kept message."""
        target, request = _target_of(decision), decision.item.request
        ticket = _ticket(target)
        if decision.state == InboundState.TICKETED:
            self._ticket_opened(decision, ticket, message_id)
            return
        before = self.changes.get(ticket.id, Change(ticket))
        if decision.side is not None:
            boxes = self._configuration.mailboxes
            message = side_conversation_mail.received(self.batch, decision, boxes, message_id, self.now)
            after = side_conversation_mail.apply_mail(self.session, self.batch, decision, before.ticket, message)
        elif decision.state == InboundState.AUTOMATIC:
            why = f"{request.auto}: {request.auto_reason}"
            after = transitions.keep_automatic(before.ticket, self.now, why, message_id)
            after = after.then(
                bounces.record(self.session, after.ticket, request, decision.about, self.now, message_id)
            )
        elif ticket.id == 0 or target.opener is not None:
            event = Event(
                ticket.id, self.now, EventKind.REQUESTER_REPLIED, self._actor(decision.item), message_id=message_id
            )
            self.events += sender_trust.with_sender_data(Change(ticket, (event,)), decision).events
            return
        else:
            after = sender_trust.with_sender_data(self._received(decision, before.ticket, message_id), decision)
        self.changes[ticket.id] = before.then(after)

    def _ticket_opened(self, decision: Decision, ticket: Ticket, message_id: int) -> None:
        """The events of a new ticket: opened, its form fields, the set-aside of automatic mail, its links."""
        request = decision.item.request
        fresh, auto_events = replace(ticket, status=Status.NEW), self.auto_events.get(decision.item.inbound_id, ())
        source = f"{request.channel} to {request.source}"
        event = transitions.opened(fresh, self._actor(decision.item), source).events[0]
        data = replace(
            event.data_as(Opening),
            set_aside=ticket.status is Status.CLOSED,
            automatic="" if request.auto is AutoKind.NONE else str(request.auto),
            reason=request.auto_reason,
            priority=str(ticket.priority),
            priority_reasons=ticket.priority_why.reasons,
            verified=sender_trust.verification(decision),
        )
        self.events.append(replace(event, data=data, message_id=message_id))
        self.events += (*self.answered.get(decision.item.inbound_id, ()), *auto_events)
        self._link(decision)

    def _received(self, decision: Decision, ticket: Ticket, message_id: int) -> Change:
        """A further message: thanks may leave the ticket as it is, anything else may make it more urgent."""
        item = decision.item
        words = self.without_known_quotes.get(item.inbound_id, {}).get("reply", item.request.reply or item.request.text)
        courtesy = courtesy_of(words, files=bool(item.request.attachments))
        if courtesy is Courtesy.WORKS and sender_trust.may_confirm(decision, ticket, self.batch.persons[item.sender]):
            return sender_trust.confirm_resolution(self.session, ticket, self._actor(item), self.now, message_id)
        after = transitions.receive(ticket, self._actor(item), self.now, message_id, courtesy)
        if courtesy is not Courtesy.NONE:
            return after
        person, settings = self.batch.persons[item.sender], self.context.store.settings
        return priorities.after_message(after, words, person, settings, self.now)

    def _link(self, decision: Decision) -> None:
        if decision.linked is None or decision.linked.ticket is None:
            return
        ticket, other = _ticket(_target_of(decision)), decision.linked.ticket
        tickets.link(self.session, ticket.id, other.id, decision.link_kind)
        why = _WHY_LINKED[decision.link_kind]
        for one, two in ((ticket, other), (other, ticket)):
            self.events.append(Event(one.id, self.now, EventKind.LINKED, DESK, after=str(two.id), why=why))

    def _message(self, decision: Decision) -> Message:
        request = decision.item.request
        automatic = decision.state == InboundState.AUTOMATIC or request.auto is not AutoKind.NONE
        message = Message(
            ticket_id=_ticket(_target_of(decision)).id,
            kind=MessageKind.AUTOMATIC if automatic else MessageKind.REPLY,
            inbound=True,
            author=self._actor(decision.item),
            created_at=self.now,
            author_address=decision.item.sender,
            inbound_id=decision.item.inbound_id,
            signal=str(decision.signal),
            signal_detail=decision.detail,
            trust=self._trust(decision),
            raw=decision.item.raw,
            **(message_fields(request) | self.without_known_quotes.get(decision.item.inbound_id, {})),
        )
        return side_conversation_mail.as_side_message(message, self.batch, decision) if decision.side else message

    def _trust(self, decision: Decision) -> MessageTrust:
        """With how the mail came, where it is not simply its author's, and why nothing answers it by itself."""
        item = decision.item
        silent = item.request.no_answer
        lists = self.context.store.settings.own_lists
        if silent.startswith(automatic.LISTED) and is_own_list(item.request, self._configuration.mailboxes, lists):
            silent = ""
        trust = replace(sender_checks(decision), no_answer=silent)
        if item.behind:
            return replace(trust, through=item.behind.through, way=str(item.behind.way))
        return replace(trust, reply_to=item.answers_elsewhere(self._configuration.mailboxes))

    def _actor(self, item: Item) -> Actor:
        person = self.batch.persons[item.sender]
        return Actor(ActorKind.REQUESTER, person.id, item.author.name or person.name or person.address)

    def _prediction(self, decision: Decision, choice: Choice, ids: dict[int, int]) -> dict[str, Any]:
        return choice.row(_ticket(_target_of(decision)).id, ids[decision.item.inbound_id], self.now)

    @property
    def _configuration(self) -> DeskConfiguration:
        return self.context.configuration(self.session)

    def _remember(self, decisions: Sequence[Decision], ids: dict[int, int]) -> None:
        """Points every key at its ticket, and stores the participants."""
        points: dict[str, IndexedId] = {}
        people: set[tuple[int, str, str]] = set()
        for decision in decisions:
            if decision.state not in (InboundState.TICKETED, InboundState.APPENDED):
                continue
            ticket, item = _ticket(_target_of(decision)), decision.item
            key = self.batch.key_of(item)
            points[key] = IndexedId(
                key, item.inbound_id, ticket.id, ids[decision.item.inbound_id], item.request.content_hash
            )
            if decision.side is not None:
                continue
            for named in item.keys.named:
                known = self.batch.keys[named]
                if not known.ticket_id and known.inbound_id == item.inbound_id and named not in self.batch.owners:
                    points.setdefault(named, IndexedId(named, item.inbound_id, ticket.id, 0, ""))
            people |= {(ticket.id, a, role) for a, role in _target_of(decision).people.items() if a}
        message_id_index.assign(self.session, list(points.values()))
        tickets.add_participants(self.session, people)

    def _save(self, decisions: Sequence[Decision], ids: dict[int, int]) -> None:
        tickets.save_locked(self.session, self.changes.values(), react=self.context.react)
        tickets.add_events(self.session, self.events, react=self.context.react)
        rows = [_settled(d, ids.get(d.item.inbound_id)) for d in decisions if d.state != InboundState.COMMAND]
        inbound.settle(self.session, rows, self.now)


def message_fields(request: InboundRequest) -> dict[str, Any]:
    """Those fields of a message that are the request's own."""
    recipients = Recipients(tuple(p.address for p in request.to), tuple(p.address for p in request.cc))
    return {
        "subject": request.subject,
        "text": request.text,
        "reply": request.reply or request.text,
        "html": request.html,
        "cut": request.cut,
        "attachments": tuple(map(StoredFile.of_request, request.attachments)),
        "recipients": recipients,
        "external_id": request.external_id,
        "content_hash": request.content_hash,
        "references": request.thread.references,
        "sent_at": request.sent_at,
    }


def sender_checks(decision: Decision) -> MessageTrust:
    """What our mail server and the reader saw that bears on whether a mail can be believed, or was read whole."""
    request = decision.item.request
    return MessageTrust(decision.trust, request.sender_strict, request.sender_clear, defects=tuple(request.defects))


def _settled(decision: Decision, message_id: int | None) -> SettledRequest:
    ticket = decision.target.ticket if decision.target else None
    number = ticket.id if ticket else None
    return SettledRequest(decision.item.inbound_id, decision.state, decision.reason, number, message_id)


def _target_of(decision: Decision) -> Target:
    if decision.target is None:
        raise ValueError(f"request {decision.item.inbound_id} was decided without a ticket")
    return decision.target


def _ticket(target: Target) -> Ticket:
    if target.ticket is None:
        raise ValueError("the ticket has no number yet")
    return target.ticket


def _first_line(text: str) -> str:
    return next((line.strip()[:120] for line in text.splitlines() if line.strip()), "")
