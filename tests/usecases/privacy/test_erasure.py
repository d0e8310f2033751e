"""A person is erased: their words are found nowhere afterwards, the figures stay, and others keep what is theirs."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from desk.tickets.event_data import EventData
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Event
from storage.open_store import Store
from storage.people import people
from storage.people.addresses import canonical
from storage.runtime import key_values
from storage.tables.tickets import inbound, metadata
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, SUPPORT, SmallDesk
from usecases.privacy import erasure
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

WORD = "quittenmarmelade"
LARGE = f"{WORD} " * 8_000
WHY = "asked by letter"


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Bob with two tickets, and a word on one of Carol's, in which he is in copy."""
    desk = SmallDesk(any_store)
    bob = f"Bob {WORD.title()} <{BOB}>"
    desk.receive(desk.mail(bob, f"{WORD} is broken", f"my {WORD} does not open, please help me"))
    desk.receive(desk.mail(bob, f"second {WORD}", LARGE, headers=[("X-Note", WORD)]))
    desk.receive(
        desk.mail(CAROL, "my invoice", "there is something wrong with my invoice", cc=BOB, message_id="c1@x.test")
    )
    text = f"i know: the {WORD} is missing on it"
    desk.receive(desk.mail(bob, "Re: my invoice", text, reply_to="c1@x.test", cc=CAROL))
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
    for ticket in desk.tickets():
        with any_store.database.transaction() as session:
            held = tickets.get(session, ticket.id, lock=True)
            assert held
            answered = conversation.reply(session, held, Written(alice, "we look at it", desk.now, via="console"))
            conversation.note(session, answered, Written(alice, "a note of ours", desk.now, via="console"))
        desk.work()
    return desk


def everything(store: Store) -> str:
    """Every cell of every table, and every file of the blob folder."""
    with store.database.reading() as session:
        cells = [
            str(cell) for table in metadata.tables.values() for row in session.execute(sa.select(table)) for cell in row
        ]
        raw = "SELECT * FROM {}" if not session.postgres else "SELECT t.*::text FROM {} t"
        cells += [str(row) for name in metadata.tables for row in session.execute(sa.text(raw.format(name)))]
    files = [path.read_text("utf-8", "replace") for path in store.blobs.folder.rglob("*") if path.is_file()]
    return "\n".join([*cells, *files]).lower()


def test_afterwards_no_table_and_no_blob_has_a_word_of_theirs(desk: SmallDesk) -> None:
    store = desk.store
    assert WORD in everything(store)
    assert BOB in everything(store)
    receipt = erasure.erase(store, BOB, DESK, desk.now, why=WHY)
    left = everything(store)
    assert WORD not in left
    assert f"cc: {BOB}" in left, "as Carol wrote it into her own mail"
    assert left.count(BOB) == left.count(f"cc: {BOB}")
    assert receipt.finished
    assert receipt.counts["tickets"] == 2
    assert receipt.counts["blobs"] >= 3
    assert receipt.person_hash == erasure.person_hash(BOB.upper(), store.secret)


def test_not_even_the_file_of_the_database_has_them(store: Store) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(BOB, f"{WORD} is broken", f"my {WORD} does not open, please help me"))
    path = store.settings.data / "frontdesk.sqlite3"
    both = [path, path.with_name(f"{path.name}-wal")]
    assert any(WORD.encode() in one.read_bytes() for one in both if one.exists())
    erasure.erase(store, BOB, DESK, desk.now)
    for one in both:
        assert not one.exists() or WORD.encode() not in one.read_bytes(), one.name


def test_what_is_others_stays(desk: SmallDesk) -> None:
    erasure.erase(desk.store, BOB, DESK, desk.now)
    carols = next(ticket for ticket in desk.tickets() if ticket.subject == "my invoice")
    said = [message.reply.strip() for message in desk.messages(carols.id)]
    assert said == ["there is something wrong with my invoice", "", "we look at it", "a note of ours"]
    raws = [message.raw for message in desk.messages(carols.id) if message.raw]
    with desk.store.database.reading() as session:
        assert raws and desk.store.blobs.missing(session, raws) == []


def test_the_figures_stay_as_they_were(desk: SmallDesk) -> None:
    before = [(t.id, t.status, t.priority, t.category, t.team_id, t.created_at) for t in desk.tickets()]
    states = desk.states()
    kinds = {ticket.id: desk.kinds(ticket.id) for ticket in desk.tickets()}
    receipt = erasure.erase(desk.store, BOB, DESK, desk.now)
    assert [(t.id, t.status, t.priority, t.category, t.team_id, t.created_at) for t in desk.tickets()] == before
    assert desk.states() == states
    for number in receipt.tickets:
        assert desk.kinds(number) == [*kinds[number], "erased"]


def test_a_dry_run_counts_and_changes_nothing(desk: SmallDesk) -> None:
    before = everything(desk.store)
    tried = erasure.erase(desk.store, BOB, DESK, desk.now, dry_run=True)
    assert tried.counts["messages"] >= 3
    assert everything(desk.store) == before
    done = erasure.erase(desk.store, BOB, DESK, desk.now)
    assert {name: count for name, count in done.counts.items() if name != "blobs"} == dict(tried.counts)


def test_later_mail_of_the_same_address_is_somebody_new(desk: SmallDesk) -> None:
    with desk.store.database.reading() as session:
        first = people.by_address(session, BOB)
    ticket = desk.tickets()[0]
    to = str(desk.letters("acknowledgement", BOB)[0]["content"]["reply_to"])  # type: ignore[index]
    erasure.erase(desk.store, BOB, DESK, desk.now)
    desk.receive(desk.mail(BOB, "hello again", "a new question of mine", to=to))
    with desk.store.database.reading() as session:
        second = people.by_address(session, BOB)
    assert first and second and first.id != second.id
    newest = desk.tickets()[-1]
    assert newest.id != ticket.id
    assert newest.requester_id == second.id


def test_a_process_that_is_killed_between_the_halves_is_finished_later(
    desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erasure.erase(desk.store, BOB, DESK, desk.now)
    with desk.store.database.reading() as session:
        (number,) = erasure.unfinished(session)
    assert erasure.finish(desk.store, number).finished
    assert WORD not in everything(desk.store)
    assert erasure.finish(desk.store, number).counts["blobs"] >= 3, "twice is once"


def test_nobody_and_agents_are_refused_and_the_next_training_is_asked_for(desk: SmallDesk) -> None:
    for address in ("nobody@home.example.test", desk.alice.address):
        with pytest.raises(erasure.Refused):
            erasure.erase(desk.store, address, DESK, desk.now)
    erasure.erase(desk.store, BOB, DESK, desk.now)
    with desk.store.database.reading() as session:
        assert "unlearned" in key_values.get(session, key_values.ASKED)["why"]
        assert [one.why for one in erasure.receipts(session)] == [""]


@pytest.mark.parametrize("domain", ["bücher.example", "straße.example", "пример.example"])
def test_both_spellings_of_a_domain_with_letters_are_found(any_store: Store, domain: str) -> None:
    desk, letters = SmallDesk(any_store), f"jo@{domain}"
    stored = canonical(letters)
    desk.receive(desk.mail(stored, "my shelf", "it is too long for me"))
    desk.receive(desk.mail(CAROL, "my invoice", "there is something wrong"))
    ticket = desk.tickets()[1]
    mention = f"asked {letters}, {letters.upper()} and {stored} about it"
    with any_store.database.transaction() as session:
        event = Event(
            ticket.id, desk.now, EventKind.NOTED, DESK, why=mention, data=EventData(more={"copies": [letters, stored]})
        )
        tickets.add_events(session, [event], react=False)
        key_values.put(session, "somebody", {"to": [letters], letters: mention})
        envelope = {"mail_from": letters, "rcpt_to": [SUPPORT]}
        session.execute(sa.update(inbound).where(inbound.c.ticket_id == ticket.id).values(envelope=envelope))
    erasure.erase(any_store, letters, DESK, desk.now)
    left = everything(any_store)
    escaped = json.dumps(letters)[1:-1].lower()
    assert not any(spelling in left for spelling in (letters.lower(), stored, escaped))


def test_an_address_that_only_ends_alike_is_somebody_elses(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    others = [canonical(one) for one in ("anna-jo@bücher.example", "a.jo@bücher.example", "jo@bücher.example.org")]
    for address in (canonical("jo@bücher.example"), *others):
        desk.receive(desk.mail(address, "my shelf", "it is too long for me"))
    with any_store.database.transaction() as session:
        key_values.put(session, "somebody", [*others, "jo@bücher.example."])
    with any_store.database.reading() as session:
        before = session.execute(sa.select(inbound.c.request, inbound.c.envelope).where(inbound.c.id == 2)).one()
    erasure.erase(any_store, "jo@bücher.example", DESK, desk.now)
    with any_store.database.reading() as session:
        after = session.execute(sa.select(inbound.c.request, inbound.c.envelope).where(inbound.c.id == 2)).one()
        assert key_values.get(session, "somebody") == [*others, "(erased)."]
    assert tuple(before) == tuple(after)
