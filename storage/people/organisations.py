"""Organisations: which people belong together, by the domain of their address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.people.organisations import is_shared
from desk.tickets.ticket import NotAllowed
from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.tables.desk import organisations
from storage.tables.tickets import people


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation; with `shared` its people may see each other's tickets."""

    id: int
    name: str
    domains: tuple[str, ...] = ()
    plan: str = ""
    shared: bool = False


_COLUMNS = [organisations.c[name] for name in Organisation.__dataclass_fields__]


def list_all(session: Session) -> list[Organisation]:
    rows = session.execute(sa.select(*_COLUMNS).order_by(organisations.c.name))
    return [Organisation(row.id, row.name, tuple(row.domains), row.plan, row.shared) for row in rows]


def get_by_name(session: Session, name: str) -> Organisation | None:
    return next(
        (organisation for organisation in list_all(session) if organisation.name.casefold() == name.strip().casefold()),
        None,
    )


def by_domain(session: Session) -> dict[str, int]:
    """Domain → organisation."""
    return {domain: organisation.id for organisation in list_all(session) for domain in organisation.domains}


def find_by_address(whose: Mapping[str, int], address: str) -> int | None:
    """The organisation of the whole domain or the nearest one above it.

    `a@mail.example.org` belongs to `example.org`.
    """
    domain = address.rpartition("@")[2].lower() if whose else ""
    while domain:
        if domain in whose:
            return whose[domain]
        domain = domain.partition(".")[2]
    return None


def save(session: Session, organisation: Organisation, now: datetime) -> Organisation:
    """Stores a new organisation, or changes the one with this name. People of its domains belong to it from now on."""
    domains = tuple(dict.fromkeys(_domain(other) for other in organisation.domains))
    other_domains = {
        domain: other.name for other in list_all(session) if other.name != organisation.name for domain in other.domains
    }
    for domain in domains:
        if domain in other_domains:
            raise NotAllowed(f"{domain} is a domain of {other_domains[domain]}")
    session.execute(insert_ignore(session, organisations).values(name=organisation.name, created_at=now))
    values = {"domains": list(domains), "plan": organisation.plan, "shared": organisation.shared}
    session.execute(sa.update(organisations).where(organisations.c.name == organisation.name).values(**values))
    stored = get_by_name(session, organisation.name)
    assert stored is not None
    _take_in(session, stored)
    return stored


def assign_members(session: Session, members: Mapping[int, int]) -> None:
    """Person → organisation, for those that belong to none yet."""
    for organisation_id in sorted(set(members.values())):
        ids = sorted(person for person, member_of in members.items() if member_of == organisation_id)
        where = (people.c.id.in_(ids), people.c.organisation_id.is_(None))
        session.execute(sa.update(people).where(*where).values(organisation_id=organisation_id))


def _take_in(session: Session, organisation: Organisation) -> None:
    for domain in organisation.domains:
        here = people.c.address.like(f"%@{domain}") | people.c.address.like(f"%.{domain}")
        where = (here, people.c.organisation_id.is_(None))
        session.execute(sa.update(people).where(*where).values(organisation_id=organisation.id))


def _domain(text: str) -> str:
    domain = text.strip().lower().lstrip("@").strip(".")
    if not domain or "." not in domain or set(domain) & set("@ %_/"):
        raise NotAllowed(f"{text!r} is no domain such as example.org")
    if is_shared(domain):
        raise NotAllowed(f"{domain} belongs to everybody, not to one organisation")
    return domain


def names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    query = sa.select(organisations.c.id, organisations.c.name).where(organisations.c.id.in_(sorted(set(ids))))
    return {row.id: row.name for row in session.execute(query)}
