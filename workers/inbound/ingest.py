"""The ingest job: claims waiting requests, matches and persists them in one transaction, and isolates those that fail.

It is idempotent: a row that is not waiting is not claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from desk.incidents.duplicates import AT_ONCE
from desk.mail.states import InboundState
from desk.tickets import threading
from desk.tickets.ticket import DESK
from storage.access import visibility
from storage.db.session import Session, enqueue, is_outage
from storage.mail import external_references, inbound
from storage.mail.inbound import MOST_ATTEMPTS, SettledRequest, WaitingRequest
from storage.runtime import failures
from storage.tickets import tickets
from usecases.tickets import links as ticket_links
from usecases.tickets import merging
from usecases.tickets.merging import MergeRequest
from workers.inbound import agent_mail, assign_new, batch_context, prefetch
from workers.inbound.item import Item
from workers.inbound.match import Decision, Matcher
from workers.inbound.persist import BatchWriter
from workers.inbound.prefetch import Prefetch
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

BATCH = 100
MOST_SUSPECTS = 10
"""Suspects that are worked between two batches, so that neither kind blocks the other."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Works all waiting requests, the rows in `first` first; returns how many."""
    done = 0
    context.refresh()
    while True:
        settled, first = _batch(context, first) + _suspects(context), ()
        done += settled
        if settled == 0:
            return done


def _batch(context: Context, first: Sequence[int]) -> int:
    """One batch in one transaction; a row that fails alone too is a suspect from then on."""
    prefetched = prefetch.prefetch_batch(context, BATCH)

    def do(session: Session, rows: Sequence[WaitingRequest]) -> int:
        return _match_and_persist(context, session, rows, prefetched, context.now())

    def put_off(session: Session, row: WaitingRequest, reason: str) -> None:
        inbound.mark_suspect(session, [row.id], reason)

    claim = partial(inbound.claim, most=BATCH, first=first)
    work = Work("ingest", claim, do, _row_id, binds="inbound_id", put_off=put_off, records=False)
    return isolation.batch(context, work)


def _row_id(row: WaitingRequest) -> int:
    return row.id


def _suspects(context: Context) -> int:
    """Works some suspects, rows that failed in a batch or took too long: each alone, its attempt counted before."""
    for done in range(MOST_SUSPECTS):
        with context.store.database.transaction() as session:
            row = inbound.claim_suspect(session, context.now())
        if row is None:
            return done
        _alone(context, row)
        with context.store.database.transaction() as session:
            inbound.release_lease(session, row.id)
    return MOST_SUSPECTS


def _alone(context: Context, row: WaitingRequest) -> None:
    """One suspect; after its last attempt it is quarantined, so the round comes to an end."""
    with bound_contextvars(job="ingest", inbound_id=row.id):
        try:
            with context.store.database.transaction() as session:
                if not inbound.reclaim(session, row.id):
                    return
                if row.attempts > MOST_ATTEMPTS:
                    _quarantine(session, row, context.now())
                    return
                _match_and_persist(context, session, [row], Prefetch(context), context.now())
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("request_failed", attempt=row.attempts)
            with context.store.database.transaction() as session:
                inbound.note_failure(session, row.id, failures.reason_of(error))


def _quarantine(session: Session, row: WaitingRequest, now: datetime) -> None:
    reason = f"could not be settled in {MOST_ATTEMPTS} attempts"
    why = inbound.last_failure(session, row.id)
    inbound.settle(
        session, [SettledRequest(row.id, InboundState.QUARANTINED, f"{reason}: {why}" if why else reason)], now
    )


def _match_and_persist(
    context: Context, session: Session, rows: Sequence[WaitingRequest], prefetched: Prefetch, now: datetime
) -> int:
    items = _in_order([prefetched.item(row) for row in rows])
    if not items:
        return 0
    configuration = context.configuration(session)
    items = batch_context.with_authors(items, configuration.mailboxes)
    batch = batch_context.load(session, items, context.secret, now)
    window = configuration.lifecycle.reopen_window
    decider = Matcher(batch, context.store.settings, context.secret, now, frozenset(configuration.mailboxes), window)
    decisions = decider.match_all(items)
    BatchWriter(context, session, batch, prefetched, now).write(decisions)
    external_references.save(session, batch.numbers.stored_keys(), now)
    _join_threads(context, session, decisions, now)
    for decision in decisions:
        if decision.state == InboundState.COMMAND:
            agent_mail.handle(context, session, batch, decision, now)
    if any(decision.state == InboundState.TICKETED for decision in decisions):
        assign_new.route_new(context, session, decisions, now)
        enqueue(session, "detect_incidents", 0)
    log.info("requests_settled", count=len(decisions))
    return len(items)


def _join_threads(context: Context, session: Session, decisions: list[Decision], now: datetime) -> None:
    """Tickets that turned out to be one thread become one, under the lower number."""
    for decision in decisions:
        if decision.bridge is None or decision.bridge.ticket is None or decision.target is None:
            continue
        numbers = (decision.target.ticket.id if decision.target.ticket else 0, decision.bridge.ticket.id)
        found = {t.id: t.requester_id for number in numbers if (t := tickets.merge_target(session, number, lock=True))}
        if len(found) == 2 and visibility.may_merge(session, set(found)):
            _merge_or_link(context, session, found, now)


def _merge_or_link(context: Context, session: Session, found: dict[int, int], now: datetime) -> None:
    """Merges two tickets of the same requester; links others, because a merge would put the other requester in copy."""
    first, second = sorted(found)
    if found[first] != found[second]:
        ticket_links.link(session, second, first, "relates", DESK, now)
        return
    why = "one thread: the message between them came last"
    merging.merge(session, MergeRequest(second, first, DESK, now, why=why, react=context.react))


def _in_order(items: list[Item]) -> list[Item]:
    """The items that may be worked together: an agent's command is executed alone, after all that came before it."""
    items = _before_repeat(items)
    commanded = [item.keys.may_command for item in items]
    if True not in commanded:
        return items
    return items[: max(commanded.index(True), 1)]


def _before_repeat(items: list[Item]) -> list[Item]:
    """The items up to the first that repeats the text of one some time before it: that one is a new message."""
    first: dict[str, datetime] = {}
    for place, item in enumerate(items):
        if threading.is_timeless(item.request):
            came = item.request.received_at
            if came - first.setdefault(item.keys.own, came) > AT_ONCE:
                return items[:place]
    return items
