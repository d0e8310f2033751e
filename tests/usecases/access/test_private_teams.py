"""Private teams: who joins, owns and reads; every change is written down and told, whichever way it is made."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from desk.access.permissions import Role
from desk.rules.actions import read as read_actions
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind, NotAllowed
from storage.access import audit
from storage.db.session import Session
from storage.open_store import Store
from storage.people import holders, people
from storage.people.people import Person
from storage.tables.tickets import outbound
from storage.tickets import tickets
from tests.small_desk import ALICE, BILLING, BOB, CAROL, MAX, SmallDesk
from usecases.access import membership, staff
from usecases.access.membership import COMMAND_LINE
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

HR = 2
"""The team that is private here."""


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Max is in the private team, Alice is not; ticket 1 is theirs."""
    desk = SmallDesk(any_store)
    with desk.store.database.transaction() as session:
        membership.set_private(session, HR, COMMAND_LINE, desk.now, private=True)
    desk.receive(desk.mail(BOB, "my salary", "it is wrong", to=BILLING))
    return desk


def entries(desk: SmallDesk) -> list[tuple[str, str]]:
    with desk.store.database.reading() as session:
        return [(one.what, one.data.get("member", "")) for one in reversed(audit.entries(session))]


def told(desk: SmallDesk, address: str) -> list[str]:
    with desk.store.database.reading() as session:
        query = sa.select(outbound.c.content).where(outbound.c.kind == membership.KIND, outbound.c.recipient == address)
        return [row.content["subject"] for row in session.execute(query.order_by(outbound.c.id))]


def actor(agent: Person) -> Actor:
    return Actor(ActorKind.AGENT, agent.id, agent.name)


def test_who_joins_and_leaves_is_written_down_and_told_to_the_members(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        membership.join(session, HR, desk.alice, COMMAND_LINE, desk.now)
        membership.join(session, HR, desk.alice, COMMAND_LINE, desk.now)
        membership.leave(session, HR, desk.max, COMMAND_LINE, desk.now)
    assert entries(desk)[1:] == [("joined_team", ALICE), ("left_team", MAX)]
    assert [line.partition(": ")[2] for line in told(desk, MAX)][1:] == [
        "alice Agent was added to the private team",
        "max Agent was taken out of the private team",
    ]
    assert len(told(desk, ALICE)) == 2


def test_of_a_public_team_it_is_written_down_and_nobody_is_disturbed(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        membership.join(session, 1, desk.max, COMMAND_LINE, desk.now)
    assert entries(desk)[-1] == ("joined_team", MAX)
    assert told(desk, ALICE) == []


def test_who_leaves_owns_none_of_its_tickets_and_so_who_is_outside_when_it_becomes_private(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "printer", "broken"))
    with desk.store.database.transaction() as session:
        for number, owner in ((1, desk.max), (2, desk.max)):
            held = tickets.get(session, number, lock=True)
            assert held
            tickets.save(session, transitions.assign(held, owner.id, owner.name, DESK, desk.now))
        membership.leave(session, HR, desk.max, COMMAND_LINE, desk.now)
        membership.set_private(session, 1, COMMAND_LINE, desk.now, private=True)
    for number in (1, 2):
        assert desk.ticket(number).assignee_id is None
        assert desk.events(number)[-1].why == "its owner is not in the private team"


def by_action(session: Session, desk: SmallDesk, do: dict[str, Any], who: Actor) -> None:
    held = tickets.get(session, 1, lock=True)
    assert held
    done = run_actions.run_actions(session, held, read_actions([do]), ActionContext(who, desk.now, "a rule"))
    if done.refused:
        raise NotAllowed("; ".join(done.refused))


def by_reply(session: Session, desk: SmallDesk) -> None:
    held = tickets.get(session, 1, lock=True)
    assert held
    conversation.reply(session, held, Written(actor(desk.alice), "hello", desk.now, via="test"))


def test_no_action_makes_somebody_outside_the_owner(desk: SmallDesk) -> None:
    for do, who in (
        ({"assign": "me"}, actor(desk.alice)),
        ({"assign": ALICE}, DESK),
        ({"assign": "Alice Agent"}, actor(desk.max)),
    ):
        with pytest.raises(NotAllowed), desk.store.database.transaction() as session:
            by_action(session, desk, do, who)
    assert desk.ticket(1).assignee_id is None


def test_the_first_answer_of_somebody_outside_is_sent_and_owns_nothing(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        by_reply(session, desk)
    assert "replied" in desk.kinds(1) and desk.ticket(1).assignee_id is None


@pytest.mark.parametrize("role", list(Role))
def test_only_roles_that_may_own_are_offered_and_accepted(desk: SmallDesk, role: Role) -> None:
    with desk.store.database.transaction() as session:
        staff.set_role(session, desk.max, role, COMMAND_LINE, desk.now)
        offered = {one.address for one in holders.list_possible(session, HR)}
        owns = role in (Role.ADMIN, Role.LEAD, Role.AGENT)
        assert offered == ({MAX} if owns else set())
        assert bool(holders.reason_against(session, HR, desk.max.id)) is not owns
        assert {one.address for one in holders.list_possible(session)} == ({ALICE, MAX} if owns else {ALICE})


def test_the_last_active_admin_stays_one(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        staff.set_role(session, desk.alice, Role.ADMIN, COMMAND_LINE, desk.now)
    with desk.store.database.reading() as session:
        admin = people.by_address(session, ALICE)
    assert admin
    with pytest.raises(NotAllowed, match="active admin"), desk.store.database.transaction() as session:
        staff.set_role(session, admin, Role.LIGHT, COMMAND_LINE, desk.now)
    with pytest.raises(NotAllowed, match="active admin"), desk.store.database.transaction() as session:
        staff.set_active(session, admin, COMMAND_LINE, desk.now, active=False)
    with desk.store.database.transaction() as session:
        staff.set_role(session, desk.max, Role.ADMIN, COMMAND_LINE, desk.now)
        staff.set_active(session, admin, COMMAND_LINE, desk.now, active=False)
    assert entries(desk)[-2:] == [("role_changed", MAX), ("agent_deactivated", ALICE)]
