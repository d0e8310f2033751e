"""Side conversations and a person's data, private teams, clocks and figures, on both databases."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from desk.sla import timers as sla_timers
from desk.sla.policy import Target
from desk.tickets.ticket import DESK, Actor, ActorKind, Author
from storage.access import visibility
from storage.open_store import Store
from storage.people import people
from storage.reports import ticket_rollup
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, SmallDesk, words
from usecases.privacy import erasure
from usecases.privacy import export as personal_data
from usecases.tickets import side_conversations
from usecases.tickets.side_conversations import SideMessage

SUE = "sue@supplier.example.test"


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Bob's ticket; Sue was asked aside and answered."""
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "Printer", "It is broken."))
    ask(desk)
    to = desk.sent("side")[-1]["Reply-To"].addresses[0].addr_spec
    desk.receive(desk.mail(f"Sue Supply <{SUE}>", "Re: Part 7", "It costs nine secret Euro.", to=to))
    return desk


def ask(desk: SmallDesk, to: str = SUE) -> None:
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held is not None
        side_conversations.start_with_message(
            session, held, to, "Part 7", SideMessage("Is it there?"), Author(alice, desk.now, "test")
        )
    desk.work()


def exported(desk: SmallDesk, address: str) -> Any:
    pack = io.BytesIO()
    personal_data.export(desk.store, address, pack)
    return json.loads(zipfile.ZipFile(pack).read("person.json"))


def test_the_export_of_the_requester_holds_of_an_agents_mail_only_what_was_sent(desk: SmallDesk) -> None:
    quoted = "\n".join(f"> {line}" for line in words(desk.sent("notice", ALICE)[-1]).splitlines())
    text = f"#reply\n\nWe order it.\n\nOn Monday Support wrote:\n{quoted}\n"
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, 1)))
    pack = io.BytesIO()
    personal_data.export(desk.store, BOB, pack)
    whole = zipfile.ZipFile(pack)
    assert [m["text"] for m in exported(desk, BOB)["messages"]] == ["It is broken.\n", "We order it."]
    for name in whole.namelist():
        assert b"nine secret" not in whole.read(name), name


def test_who_was_asked_gets_the_conversation_whole_in_their_export(desk: SmallDesk) -> None:
    (one,) = exported(desk, SUE)["side_conversations"]
    assert [m["text"].strip() for m in one["messages"]] == ["Is it there?", "It costs nine secret Euro."]


def test_the_requester_learns_who_was_asked_what_but_not_what_others_answered(desk: SmallDesk) -> None:
    whole = exported(desk, BOB)
    (one,) = whole["side_conversations"]
    assert one["address"] == SUE and [m["text"] for m in one["messages"]] == ["Is it there?"]
    assert "nine secret" not in json.dumps(whole)


def test_an_erased_third_party_is_named_nowhere(desk: SmallDesk) -> None:
    ask(desk, f"desk@supplier.example.test, {SUE}")
    erasure.erase(desk.store, SUE, DESK, desk.now)
    with desk.store.database.reading() as session:
        sides = side_conversations.of_ticket(session, 1)
        said = [m for words in side_conversations.messages_by_conversation(session, 1).values() for m in words]
        told = repr((sides, said, tickets.history(session, 1)))
    assert SUE not in told and "nine secret" not in told and "Sue Supply" not in told
    assert all(SUE not in repr(row) for row in desk.letters())
    assert [m.reply for m in said if m.reply] == ["Is it there?"] * 2, "what the agent wrote stays the desk's"


def test_with_the_requester_their_side_conversations_are_erased(desk: SmallDesk) -> None:
    erasure.erase(desk.store, BOB, DESK, desk.now)
    with desk.store.database.reading() as session:
        sides = side_conversations.of_ticket(session, 1)
        said = [m for words in side_conversations.messages_by_conversation(session, 1).values() for m in words]
    assert [(side.address, side.people, side.subject) for side in sides] == [("", (), "")]
    assert [m.reply + m.text + m.author.name for m in said if m.author.kind is ActorKind.THIRD_PARTY] == [""]
    assert all("Sue" not in event.actor.name for event in desk.events(1))


def test_only_who_sees_the_ticket_sees_them(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        visibility.set_private(session, desk.ticket(1).team_id or 0, private=True)
    with desk.store.database.reading() as session:
        session.viewer = visibility.viewer_of(session, desk.max.id, "Max", "agent", desk.now)
        assert (
            side_conversations.of_ticket(session, 1) == []
            and side_conversations.messages_by_conversation(session, 1) == {}
        )
        with pytest.raises(ValueError, match="no side conversation"):
            side_conversations.lock_with_ticket(session, 1)
        session.viewer = visibility.viewer_of(session, desk.alice.id, "Alice", "agent", desk.now)
        assert len(side_conversations.of_ticket(session, 1)) == 1


def test_a_third_party_hears_of_a_private_ticket_what_its_members_write_and_no_other_agent_does(
    desk: SmallDesk,
) -> None:
    with desk.store.database.transaction() as session:
        visibility.set_private(session, desk.ticket(1).team_id or 0, private=True)
    ask(desk)
    assert [row["state"] for row in desk.letters("side")] == ["caught", "caught"]
    to = desk.sent("side")[-1]["Reply-To"].addresses[0].addr_spec
    desk.receive(desk.mail(SUE, "Re", "Here is more.", to=to))
    assert {str(row["recipient"]) for row in desk.letters("notice")} == {ALICE}


def test_what_is_said_aside_is_in_no_figure_and_moves_no_clock(desk: SmallDesk) -> None:
    with desk.store.database.reading() as session:
        facts = ticket_rollup.count_figures(session, [1])[0][2]
    assert facts is not None
    assert (facts.replies, facts.first_response_seconds, facts.reopened) == (0, None, 0)
    assert sla_timers.runs(desk.events(1), frozenset())[Target.FIRST_RESPONSE].state is sla_timers.State.RUNNING
    assert Target.NEXT_RESPONSE not in sla_timers.runs(desk.events(1), frozenset())


def test_whoever_is_asked_has_a_row(desk: SmallDesk) -> None:
    ask(desk, "quiet@supplier.example.test")
    with desk.store.database.reading() as session:
        assert people.by_address(session, "quiet@supplier.example.test") is not None
