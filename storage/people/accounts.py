"""Accounts of people on channels, such as `slack:T0123:U0456`: whose each is, and which one a person has.

An account belongs to one person, and a person has one account on each channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from desk.channels import Channel
from storage.db.session import Session
from storage.people import people
from storage.people.people import Person
from storage.tables.people import channel_accounts

_c = channel_accounts.c


def person_of(session: Session, channel: Channel, account: str) -> Person | None:
    """The person whose account on that channel this is."""
    query = sa.select(_c.person_id).where(_c.channel == str(channel), _c.account == account)
    person_id = session.execute(query).scalar()
    return people.by_ids(session, [person_id])[person_id] if person_id is not None else None


def account_of(session: Session, channel: Channel, person_id: int) -> str:
    """The person's account on that channel; empty where there is none."""
    return accounts_of(session, channel, [person_id]).get(person_id, "")


def accounts_of(session: Session, channel: Channel, person_ids: Iterable[int]) -> dict[int, str]:
    """Person → account on that channel, of those who have one."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return {}
    query = sa.select(_c.person_id, _c.account).where(_c.channel == str(channel), _c.person_id.in_(wanted))
    return {row.person_id: row.account for row in session.execute(query)}


def set_account(session: Session, channel: Channel, person_id: int, account: str, now: datetime) -> None:
    """This account is that person's from now on, and nobody else's; an empty one: the person has none."""
    if account and account_of(session, channel, person_id) == account:
        return
    before = sa.or_(_c.person_id == person_id, _c.account == account)
    session.execute(sa.delete(channel_accounts).where(_c.channel == str(channel), before))
    if account:
        row = {"channel": str(channel), "account": account, "person_id": person_id, "added_at": now}
        session.execute(sa.insert(channel_accounts).values(**row))


def remove_accounts(session: Session, person_id: int) -> None:
    """The person has no account on any channel any more."""
    session.execute(sa.delete(channel_accounts).where(_c.person_id == person_id))
