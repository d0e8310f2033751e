"""What leaves the desk about a private team's ticket, and what agents who are not in it can do to it by mail."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from desk.channels import Transport
from desk.slack.content import SlackContent
from desk.tickets import transitions
from desk.tickets.ticket import DESK
from storage.access import visibility
from storage.incidents import detector_counts
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent, Person
from storage.tables.tickets import memberships
from storage.tickets import tickets
from tests.small_desk import ALICE, BILLING, BOB, CAROL, MAX, SmallDesk


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Billing is private now; Alice is not in it, Max is. Ticket 1 is theirs, ticket 2 is Support's."""
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "my salary", "it is wrong", to=BILLING, message_id="b1@x.test"))
    desk.receive(desk.mail(CAROL, "my printer", "it is wrong"))
    return desk


def make_private(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Billing")
        assert team
        visibility.set_private(session, team.id, private=True)


def give(desk: SmallDesk, number: int, team: str, to: Person | None = None) -> None:
    with desk.store.database.transaction() as session:
        held, found = tickets.get(session, number, lock=True), people.team_named(session, team)
        assert held and found
        change = transitions.to_team(held, found.id, found.name, DESK, desk.now)
        if to:
            change = change.then(transitions.assign(change.ticket, to.id, to.name, DESK, desk.now))
        tickets.save(session, change)
    desk.work()


def test_members_are_told_and_nobody_else(desk: SmallDesk) -> None:
    make_private(desk)
    desk.receive(desk.mail(BOB, "Re: my salary", "it is still wrong", to=BILLING, reply_to="b1@x.test"))
    assert "it is still wrong" in str(desk.letters("notice", MAX)[-1]["content"])
    assert not desk.letters("notice", ALICE) or "salary" not in str(desk.letters("notice", ALICE))


def test_a_notice_to_an_owner_who_is_no_member_is_kept_without_its_words(desk: SmallDesk) -> None:
    make_private(desk)
    give(desk, 2, "Billing", desk.alice)
    told = desk.letters("notice", ALICE)[-1]
    assert (told["state"], told["content"]) == ("suppressed", {})
    assert "no private team" in str(told["reason"])


def test_the_requester_is_answered_also_where_that_is_an_agent_of_another_team(desk: SmallDesk) -> None:
    make_private(desk)
    desk.receive(desk.mail(ALICE, "my own salary", "it is wrong too", to=BILLING))
    (letter,) = desk.letters("acknowledgement", ALICE)
    assert letter["state"] == "caught"


def test_an_agent_who_left_the_team_commands_nothing_by_an_old_notice(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Billing")
        assert team
        people.add_agent(session, NewAgent(ALICE, "", "agent", "", [team.id]), desk.now)
    desk.receive(desk.mail(BOB, "Re: my salary", "hello?", to=BILLING, reply_to="b1@x.test"))
    to = desk.notice_address(desk.alice, 1)
    with desk.store.database.transaction() as session:
        gone = (memberships.c.agent_id == desk.alice.id, memberships.c.team_id == team.id)
        session.execute(sa.delete(memberships).where(*gone))
    make_private(desk)
    desk.receive(desk.mail(ALICE, "Re: my salary", "#close", to=to))
    assert desk.ticket(1).status != "closed"
    assert "unverified_note" in desk.kinds(1)


def test_a_mail_merges_nothing_with_a_ticket_that_its_agent_does_not_see(desk: SmallDesk) -> None:
    make_private(desk)
    to = desk.notice_address(desk.alice, 2)
    desk.receive(desk.mail(ALICE, "Re: my printer", "#merge 1", to=to))
    assert desk.ticket(2).merged_into is None
    assert "salary" not in "".join(str(letter["content"]) for letter in desk.letters(recipient=ALICE))


def test_what_follows_up_a_private_ticket_stays_with_its_team(desk: SmallDesk) -> None:
    make_private(desk)
    give(desk, 2, "Billing")
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 2, lock=True)
        assert held
        tickets.save(session, transitions.close(held, DESK, desk.now))
    (first,) = [message.external_id for message in desk.messages(2)]
    desk.later(days=100)
    desk.receive(desk.mail(CAROL, "Re: my printer", "> what was said\n\nhello again", reply_to=first))
    follow_up = desk.tickets()[-1]
    assert follow_up.id == 3
    assert follow_up.team_id == desk.ticket(2).team_id


def test_an_incident_never_holds_a_private_ticket(desk: SmallDesk) -> None:
    make_private(desk)
    with desk.store.database.reading() as session:
        assert [one.ticket_id for one in detector_counts.load_new_tickets(session, 0)] == [2]


def test_no_line_about_a_private_ticket_stands_in_a_slack_channel(desk: SmallDesk) -> None:
    make_private(desk)
    with desk.store.database.transaction() as session:
        places = {"C": SlackContent("C123", text="x"), "D": SlackContent("D123", text="x")}
        for number in (1, 2):
            for place, content in places.items():
                for kind in ("reply", "notice"):
                    key = f"{kind}{number}{place}"
                    letter = OutboundMessage(
                        key, kind, f"slack:T:{place}:1", key, content, number, transport=Transport.SLACK
                    )
                    outbound.store(session, [letter], desk.now)
    found = {row["dedupe_key"]: row["state"] for row in desk.letters() if row["transport"] == Transport.SLACK}
    assert {key: state for key, state in found.items() if state != "queued"} == {
        "reply1C": "undeliverable",
        "notice1C": "suppressed",
    }
