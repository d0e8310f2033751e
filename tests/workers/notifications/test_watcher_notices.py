"""Watchers and mentions: who is called in a note is told and hears on; requesters never are."""

from __future__ import annotations

import pytest

from desk.people import mentions
from desk.tickets.ticket import Actor, ActorKind, NotAllowed
from storage.access import visibility
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, MAX, SmallDesk, words
from usecases.tickets import conversation, watchers
from usecases.tickets.conversation import Written

KNOWN = mentions.names([(1, "Ann", "ann@a.test"), (2, "Ann Lee", "lee@a.test"), (3, "", "lee@b.test")])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@Ann please", (1,)),
        ("hello @ann lee, look", (2,)),
        ("(@lee@b.test)", (3,)),
        ("@lee", ()),
        ("write to ann@a.test", ()),
        ("@Anna and @ann.example.test", ()),
        ("@Ann.", (1,)),
        ("@ann @ANN @Ann Lee", (1, 2)),
        ("@@@", ()),
    ],
)
def test_a_mention_is_a_whole_name_after_an_at(text: str, meant: tuple[int, ...]) -> None:
    assert mentions.mentioned(text, KNOWN) == meant


def _note(desk: SmallDesk, text: str) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
        conversation.note(session, ticket, Written(alice, text, desk.now, via="test"))
    desk.work()


def _notices(desk: SmallDesk, address: str) -> list[str]:
    return [words(mail).partition(":")[0] for mail in desk.sent("notice", address)]


def test_who_is_mentioned_is_told_and_watches_from_then_on(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    before = len(any_desk.sent("", BOB))
    assert _notices(any_desk, MAX) == []
    _note(any_desk, "@Max Agent, is this yours?")
    assert _notices(any_desk, MAX) == ["You are called in a note"]
    assert any_desk.events(1)[-1].why == "for Max Agent"
    any_desk.receive(any_desk.mail(BOB, "Re: Help", "More.", reply_to="m1@mail.example.test"))
    _note(any_desk, "Something else.")
    assert _notices(any_desk, MAX) == ["You are called in a note", "New reply from the requester", "A new note"]
    assert len(any_desk.sent("", BOB)) == before
    assert "A new note" not in _notices(any_desk, ALICE)


def test_watching_begins_and_ends_with_events(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    actor = Actor(ActorKind.AGENT, any_desk.max.id, "Max Agent")
    for change in (watchers.watch, watchers.watch, watchers.unwatch, watchers.unwatch):
        with any_desk.store.database.transaction() as session:
            ticket = tickets.get(session, 1, lock=True)
            assert ticket is not None
            change(session, ticket, any_desk.max, actor, any_desk.now)
    assert any_desk.kinds(1)[-2:] == ["watched", "unwatched"]
    _note(any_desk, "Nobody is called.")
    assert _notices(any_desk, MAX) == []


def test_nobody_is_called_into_a_private_team_that_is_not_theirs(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Help", "Please."))
    team = any_desk.ticket(1).team_id
    assert team is not None
    with any_desk.store.database.transaction() as session:
        visibility.set_private(session, team, private=True)
    with pytest.raises(NotAllowed, match="no member of the private team"):
        _note(any_desk, "@max look")
    assert [event.kind for event in any_desk.events(1)].count("noted") == 0
