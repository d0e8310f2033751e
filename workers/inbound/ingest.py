"""The ingest actor's work: claims what waits, decides and settles it in one transaction; a bad one is set aside alone.

Doing it twice is doing it once: a row that is not waiting is not claimed.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
import structlog

from desk.tickets import threading
from desk.tickets.ticket import DESK
from storage.access import visibility
from storage.db.session import Session, ring
from storage.mail import external_references, inbound
from storage.mail.inbound import MOST_ATTEMPTS, Settled, Waiting
from storage.tickets import tickets
from storage.tickets.tickets import Stale
from usecases.tickets import conversation
from workers.inbound import agent_mail, assign_new, batch_context, prefetch
from workers.inbound.batch_context import Item
from workers.inbound.match import Decider, Decision
from workers.inbound.persist import Settlement
from workers.inbound.prefetch import Ahead
from workers.runtime.context import Context

log = structlog.get_logger()

BATCH = 100
RIVALRY_TRIES = 5
MOST_SUSPECTS = 10
"""Rows that are tried alone between two batches, so that neither kind keeps the other waiting."""


def drain(context: Context) -> int:
    """Settle all that waits; returns how many requests that were."""
    done = 0
    context.refresh()
    while True:
        settled = _batch(context) + _suspects(context)
        done += settled
        if settled == 0:
            return done


def _batch(context: Context) -> int:
    """One batch in one transaction. If it fails its members are tried one by one, so that only the bad one waits."""
    rows: list[Waiting] = []
    thought = prefetch.look(context, BATCH)
    try:
        for attempt in range(RIVALRY_TRIES):
            try:
                with context.store.database.transaction() as session:
                    rows = inbound.claim(session, BATCH)
                    return _settle(context, session, rows, thought, context.now())
            except (Stale, sa.exc.OperationalError) as error:
                if attempt + 1 == RIVALRY_TRIES or not _is_rivalry(error):
                    raise
    except Exception as error:
        if not rows or _is_outage(error):
            raise
        log.warning("batch_failed", count=len(rows), error=type(error).__name__)
        with context.store.database.transaction() as session:
            inbound.mark_suspect(session, [row.id for row in rows])
        return len(rows)
    return 0


def _suspects(context: Context) -> int:
    """Some rows that failed in a batch or did not settle in time: each alone, counted before it is tried."""
    for done in range(MOST_SUSPECTS):
        with context.store.database.transaction() as session:
            row = inbound.claim_suspect(session, context.now())
        if row is None:
            return done
        _alone(context, row)
        with context.store.database.transaction() as session:
            inbound.let_go(session, row.id)
    return MOST_SUSPECTS


def _alone(context: Context, row: Waiting) -> None:
    """One suspect; after its last attempt it is quarantined, so the round comes to an end."""
    try:
        with context.store.database.transaction() as session:
            if not inbound.reclaim(session, row.id):
                return
            if row.attempts > MOST_ATTEMPTS:
                reason = f"could not be settled in {MOST_ATTEMPTS} attempts"
                inbound.settle(session, [Settled(row.id, "quarantined", reason)], context.now())
                return
            _settle(context, session, [row], Ahead(context), context.now())
    except Exception as error:
        if _is_outage(error):
            raise
        log.exception("request_failed", inbound_id=row.id, attempt=row.attempts)


def _settle(context: Context, session: Session, rows: list[Waiting], thought: Ahead, now: datetime) -> int:
    items = _in_order([thought.item(row) for row in rows])
    if not items:
        return 0
    places = context.places(session)
    items = batch_context.with_authors(items, places.mailboxes)
    known = batch_context.gather(session, items, context.secret, now)
    window = places.lifecycle.reopen_window
    decider = Decider(known, context.store.settings, context.secret, now, frozenset(places.mailboxes), window)
    decisions = decider.decide_all(items)
    Settlement(context, session, known, thought, now).write(decisions)
    external_references.remember(session, known.numbers.places(), now)
    _join(context, session, decisions, now)
    for decision in decisions:
        if decision.state == "command":
            agent_mail.handle(context, session, known, decision, now)
    if any(decision.state == "ticketed" for decision in decisions):
        assign_new.route_new(context, session, decisions, now)
        ring(session, "watch", 0)
    log.info("requests_settled", count=len(decisions))
    return len(items)


def _join(context: Context, session: Session, decisions: list[Decision], now: datetime) -> None:
    """Tickets that turned out to be one thread become one, under the lower number."""
    for decision in decisions:
        if decision.bridge is None or decision.bridge.ticket is None or decision.spot is None:
            continue
        numbers = (decision.spot.ticket.id if decision.spot.ticket else 0, decision.bridge.ticket.id)
        found = {t.id for number in numbers if (t := tickets.survivor(session, number, lock=True))}
        if len(found) == 2 and visibility.may_merge(session, found):
            why = "one thread: the message between them came last"
            conversation.merge(session, max(found), min(found), DESK, now, why=why, react=context.react)


def _in_order(items: list[Item]) -> list[Item]:
    """Those that may be settled together: what an agent commands is done alone, after all that came before it."""
    commanded = [threading.may_command(item.request) for item in items]
    if True not in commanded:
        return items
    return items[: max(commanded.index(True), 1)]


def _is_rivalry(error: Exception) -> bool:
    """Another worker was faster or a deadlock was broken: the same again will do."""
    text = str(error).lower()
    return isinstance(error, Stale) or "deadlock" in text or "serializ" in text


def _is_outage(error: Exception) -> bool:
    """The database itself is away: nobody's fault, the job comes again."""
    return isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not _is_rivalry(error)
