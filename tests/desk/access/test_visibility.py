"""Who sees which tickets, as a rule without rows."""

from __future__ import annotations

from desk.access.visibility import EVERYBODY, moved, requester_sees, viewer

HR, PAYROLL, SUPPORT = 1, 2, 3
PRIVATE = {HR: True, PAYROLL: False}


def test_a_member_sees_the_own_private_team_and_no_other() -> None:
    anna = viewer(7, "Anna", "agent", PRIVATE)
    assert [anna.sees(1, team) for team in (HR, PAYROLL, SUPPORT, None)] == [True, False, True, True]
    assert anna.audited == {HR, PAYROLL}


def test_a_lead_and_an_admin_are_members_or_not_like_anybody() -> None:
    for role in ("lead", "admin", "read-only"):
        assert not viewer(7, "Anna", role, PRIVATE).sees(1, PAYROLL)
    assert viewer(7, "Anna", "admin", PRIVATE, admins_see_private=True).sees(1, PAYROLL)
    assert not viewer(7, "Anna", "lead", PRIVATE, admins_see_private=True).sees(1, PAYROLL)


def test_what_an_admin_opened_anyway_is_one_ticket_and_only_an_admin_opens_it() -> None:
    adam = viewer(7, "Adam", "admin", PRIVATE, opened=[12])
    assert (adam.sees(12, PAYROLL), adam.sees(13, PAYROLL)) == (True, False)
    assert not viewer(7, "Lea", "lead", PRIVATE, opened=[12]).sees(12, PAYROLL)


def test_the_desk_itself_sees_everything() -> None:
    assert EVERYBODY.sees(1, HR)
    assert not EVERYBODY.audited


def test_a_move_says_who_sees_the_ticket_from_now_on() -> None:
    assert "only the members" in moved([HR], SUPPORT, HR)
    assert "all agents" in moved([HR], HR, SUPPORT)
    assert moved([HR], None, SUPPORT) == ""


def test_requesters_see_their_own_tickets_and_those_that_their_organisation_shares() -> None:
    own = requester_sees(5, 9, (), ticket_owner=5, ticket_organisation=9)
    colleague = {"ticket_owner": 6, "ticket_organisation": 9}
    assert own
    assert not requester_sees(5, 9, (), **colleague)
    assert requester_sees(5, 9, (9,), **colleague)
    assert not requester_sees(5, None, (9,), **colleague)
    assert not requester_sees(5, 8, (8, 9), **colleague)
    assert not requester_sees(5, None, (9,), ticket_owner=6, ticket_organisation=None)
    assert not requester_sees(5, 9, (9,), **colleague, private=True)
    assert requester_sees(5, 9, (), ticket_owner=5, ticket_organisation=9, private=True)
