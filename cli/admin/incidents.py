"""Commands on incidents: the list, one with its tickets, one taken in or out, and what is done for all of them.

With `--dry-run` nothing is written: it prints which tickets would be done. A long order is done some tickets at a time,
so intake goes on; a command that is stopped is finished by the next worker, and the same text within the same minute
is the same order.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import click

from cli import output
from cli.command import DRY_RUN, ID, IN_NAME_OF, TICKET, Call, DeskGroup, most, refusals
from cli.trouble import Trouble
from desk.access.permissions import MEANS, Verb
from desk.priority import assess as priority
from desk.tickets.ticket import DESK, Actor, ActorKind
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

incident_group = DeskGroup("incident", help="Many people with the same trouble at the same time.")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done for all tickets of an incident, and in whose name."""

    incident: int
    kind: str
    agent: str
    text: str = ""


@incident_group.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only those; also several times.")
@most(50)
def list_incidents(call: Call, states: tuple[str, ...], most: int) -> None:
    """The newest incidents."""
    with call.reading() as session:
        page = incidents.page(session, states, most=most)
        counted = incidents.ticket_counts(session, [incident.id for incident in page])
    call.rows([asdict(incident) | {"tickets": counted[incident.id][MEMBER]} for incident in page], _COLUMNS)


@incident_group.command()
@ID
def show(call: Call, number: int) -> None:
    """One incident with its tickets and why."""
    with call.reading() as session:
        incident = _incident(session, number)
        rows = incidents.rows(session, incident.id, _MOST)
        orders = [asdict(order) for order in bulk_orders.orders_of_incident(session, incident.id)]
    if call.as_json:
        return output.as_json(asdict(incident) | {"tickets": rows, "orders": orders})
    output.fields(asdict(incident))
    print()
    output.table([row | {"likeness": f"{row['likeness']:.2f}"} for row in rows], _TICKET)
    if orders:
        print()
        output.table(orders, ("kind", "agent_name", "at", "done", "total", "done_at"))
    return None


@incident_group.command()
@ID
@click.option("--text", required=True, help="The reply.")
@IN_NAME_OF
@DRY_RUN
def answer(call: Call, number: int, text: str, agent: str, dry_run: bool) -> None:
    """One public reply on every ticket that is not closed."""
    _do(call, Order(number, ANSWER, agent, text), dry_run=dry_run)


@incident_group.command()
@ID
@click.option("--text", default="", help="The reply.")
@IN_NAME_OF
@DRY_RUN
def resolve(call: Call, number: int, text: str, agent: str, dry_run: bool) -> None:
    """Resolve all its tickets, with a reply or without."""
    _do(call, Order(number, RESOLVE, agent, text), dry_run=dry_run)


@incident_group.command()
@ID
@IN_NAME_OF
@DRY_RUN
def dismiss(call: Call, number: int, agent: str, dry_run: bool) -> None:
    """A false alarm: set the priorities back."""
    _do(call, Order(number, DISMISS, agent), dry_run=dry_run)


@incident_group.command()
@ID
@TICKET
@IN_NAME_OF
def add(call: Call, number: int, ticket: int, agent: str) -> None:
    """Take a ticket in."""
    with call.writing() as session:
        actor, incident = _actor(session, agent), _incident(session, number)
        by = priority.matrix(priority_matrix.matrix_rows(session, call.settings))
        incident_members.include_ticket(session, incident.id, ticket, actor, by, call.now)
    call.answer(
        {"incident": number, "ticket": ticket, "done": "add"}, f"incident {number}: ticket #{ticket} was taken in"
    )


@incident_group.command()
@ID
@TICKET
@IN_NAME_OF
def remove(call: Call, number: int, ticket: int, agent: str) -> None:
    """Take a ticket out; its priority goes back."""
    with call.writing() as session:
        actor, incident = _actor(session, agent), _incident(session, number)
        incident_members.remove_ticket(session, incident.id, ticket, actor, call.now)
    call.answer(
        {"incident": number, "ticket": ticket, "done": "remove"}, f"incident {number}: ticket #{ticket} was taken out"
    )


def _do(call: Call, order: Order, *, dry_run: bool) -> None:
    if dry_run:
        return _rehearse(call, order)
    with call.store() as store:
        placed = _place(call, store, order)
        while True:
            with store.database.transaction() as session:
                if not bulk_orders.run_step(session, placed.id, call.now):
                    break
        with store.database.reading() as session:
            placed = bulk_orders.get(session, placed.id)
    text = f"incident {placed.incident_id}, {placed.kind}: {placed.done} of {placed.total} tickets changed"
    return call.answer(asdict(placed), text)


def _rehearse(call: Call, order: Order) -> None:
    with call.reading() as session:
        incident = _incident(session, order.incident)
        rows = bulk_orders.preview_order(session, incident.id, order.kind)
    if call.as_json:
        return output.as_json({"incident": incident.id, "kind": order.kind, "tickets": [row["id"] for row in rows]})
    output.table(rows, ("id", "status", "priority", "requester", "subject"))
    print(f"{len(rows)} tickets; nothing was done")
    return None


def _place(call: Call, store: Store, order: Order) -> bulk_orders.Order:
    text = f"{call.now:%Y-%m-%dT%H:%M}\n{order.agent}\n{order.text}"
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    with refusals(), store.database.transaction() as session:
        actor = _actor(session, order.agent)
        return bulk_orders.place_order(session, NewOrder(order.incident, key, order.kind, order.text, actor), call.now)


def _actor(session: Session, address: str) -> Actor:
    if not address:
        return DESK
    agent = people.by_address(session, address)
    if agent is None or not agent.may(Verb.INCIDENT):
        raise Trouble(f"{address} is no agent who may {MEANS[Verb.INCIDENT]}")
    return Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)


def _incident(session: Session, number: int) -> Incident:
    incident = incidents.get(session, number)
    if incident is None:
        raise Trouble(f"there is no incident {number}")
    return incident
