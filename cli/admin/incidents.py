"""Commands on incidents: the list, one with its tickets, one taken in or out, and what is done for all of them.

With `--dry-run` nothing is written: it prints which tickets would be done. A long order is done some tickets at a time,
so intake goes on; a command that is stopped is finished by the next worker, and the same text within the same minute
is the same order.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.access.permissions import MEANS, Verb
from desk.config.settings import Settings
from desk.priority import assess as priority
from desk.tickets.ticket import DESK, Actor, ActorKind, NotAllowed
from storage.config import priority_matrix
from storage.db.session import Session
from storage.incidents import incidents
from storage.incidents.incidents import MEMBER, STATES, Incident
from storage.open_store import Store
from storage.people import people
from usecases.incidents import bulk_orders
from usecases.incidents import members as incident_members
from usecases.incidents.bulk_orders import ANSWER, DISMISS, RESOLVE, NewOrder

_COLUMNS = ("id", "state", "category", "organisation", "people", "tickets", "opened_at", "last_at")
_TICKET = ("id", "state", "status", "priority", "likeness", "requester", "subject")
_MOST = 100_000


def words(group: Any, command: Any) -> None:
    """The words of `frontdesk incident`."""
    listing = command(group, "list", incident_list, "the newest incidents")
    listing.add_argument("--state", action="append", choices=STATES)
    listing.add_argument("--most", type=int, default=50)
    command(group, "show", incident_show, "one incident with its tickets and why").add_argument("id", type=int)
    for kind, text in (
        (ANSWER, "one public reply on every ticket that is not closed"),
        (RESOLVE, "resolve all its tickets, with a reply or without"),
        (DISMISS, "a false alarm: set the priorities back"),
    ):
        one = command(group, kind, incident_order, text)
        one.add_argument("id", type=int)
        if kind != DISMISS:
            one.add_argument("--text", required=kind == ANSWER, default="", help="the reply")
        one.add_argument("--as", dest="agent", default="", metavar="ADDRESS", help="the agent in whose name it is done")
        one.add_argument("--dry-run", action="store_true", help="only print which tickets would be done")
        one.set_defaults(order=kind)
        if kind == DISMISS:
            one.set_defaults(text="")
    for verb, text in (("add", "take a ticket in"), ("remove", "take a ticket out; its priority goes back")):
        one = command(group, verb, incident_move, text)
        one.add_argument("id", type=int)
        one.add_argument("ticket", type=int)
        one.add_argument("--as", dest="agent", default="", metavar="ADDRESS", help="the agent in whose name it is done")
        one.set_defaults(move=verb)


def incident_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        found = incidents.page(session, args.state or (), most=args.most)
        counted = incidents.ticket_counts(session, [one.id for one in found])
    rows = [asdict(one) | {"tickets": counted[one.id][MEMBER]} for one in found]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def incident_show(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        found = _found(session, args.id)
        rows = incidents.rows(session, found.id, _MOST)
        orders = [asdict(one) for one in bulk_orders.orders_of_incident(session, found.id)]
    if args.json:
        output.as_json(asdict(found) | {"tickets": rows, "orders": orders})
        return 0
    output.fields(asdict(found))
    print()
    output.table([row | {"likeness": f"{row['likeness']:.2f}"} for row in rows], _TICKET)
    if orders:
        print()
        output.table(orders, ("kind", "agent_name", "at", "done", "total", "done_at"))
    return 0


def incident_order(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        if args.dry_run:
            return _rehearse(args, store)
        order = _place(args, store, now)
        while True:
            with store.database.transaction() as session:
                if not bulk_orders.run_step(session, order.id, now):
                    break
        with store.database.reading() as session:
            order = bulk_orders.get(session, order.id)
    if args.json:
        output.as_json(asdict(order))
    else:
        print(f"incident {order.incident_id}, {order.kind}: {order.done} of {order.total} tickets changed")
    return 0


def incident_move(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    """One ticket in or out."""
    with opened(settings) as store:
        try:
            with store.database.transaction() as session:
                actor, number = _actor(session, args.agent), _found(session, args.id).id
                if args.move == "add":
                    by = priority.matrix(priority_matrix.matrix_rows(session, settings))
                    incident_members.include_ticket(session, number, args.ticket, actor, by, now)
                else:
                    incident_members.remove_ticket(session, number, args.ticket, actor, now)
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    if args.json:
        output.as_json({"incident": args.id, "ticket": args.ticket, "done": args.move})
    else:
        print(f"incident {args.id}: ticket #{args.ticket} was {'taken in' if args.move == 'add' else 'taken out'}")
    return 0


def _rehearse(args: argparse.Namespace, store: Store) -> int:
    with store.database.reading() as session:
        found = _found(session, args.id)
        wanted = bulk_orders.preview_order(session, found.id, args.order)
    if args.json:
        output.as_json({"incident": found.id, "kind": args.order, "tickets": [row["id"] for row in wanted]})
        return 0
    output.table(wanted, ("id", "status", "priority", "requester", "subject"))
    print(f"{len(wanted)} tickets; nothing was done")
    return 0


def _place(args: argparse.Namespace, store: Store, now: datetime) -> bulk_orders.Order:
    key = hashlib.sha256(f"{now:%Y-%m-%dT%H:%M}\n{args.agent}\n{args.text}".encode()).hexdigest()[:24]
    try:
        with store.database.transaction() as session:
            actor = _actor(session, args.agent)
            return bulk_orders.place_order(session, NewOrder(args.id, key, args.order, args.text, actor), now)
    except NotAllowed as error:
        raise Trouble(str(error)) from error


def _actor(session: Session, address: str) -> Actor:
    if not address:
        return DESK
    agent = people.by_address(session, address)
    if agent is None or not agent.may(Verb.INCIDENT):
        raise Trouble(f"{address} is no agent who may {MEANS[Verb.INCIDENT]}")
    return Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)


def _found(session: Session, number: int) -> Incident:
    found = incidents.get(session, number)
    if found is None:
        raise Trouble(f"there is no incident {number}")
    return found
