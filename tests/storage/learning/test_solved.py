"""Solved tickets are found again by their rare words, and forgotten when they are opened again, on both databases."""

from __future__ import annotations

from classifier.similar import Text, nearest, telling, texts
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind
from storage.learning import solved_index
from storage.learning.solved_index import SuggestionUse
from storage.open_store import Store
from storage.tickets import ticket_facts, tickets
from tests.small_desk import ALICE, BOB, CAROL, SmallDesk
from tests.storage.rows import suggestion_outcomes
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

TOKEN = "The VPN token shows error 4711 since this morning, please help me to get it renewed."
ANSWER = "Please open the Kestrel app and press renew."


def _solve(desk: SmallDesk, number: int, answer: str) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        actor = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
        replied = conversation.reply(session, ticket, Written(actor, answer, desk.now, via="console"))
        tickets.save(session, transitions.resolve(replied, actor, desk.now))
    desk.work()


def _near(store: Store, subject: str, words: str) -> list[tuple[int, str]]:
    question = Text(subject, words)
    with store.database.reading() as session:
        found = solved_index.candidates(session, telling(question))
    near = nearest(question, texts((one.subject, one.text) for one in found))
    return [(found[one.place].ticket_id, found[one.place].resolution) for one in near]


def test_a_solved_ticket_is_found_by_the_next_one_like_it(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN), desk.mail(BOB, "Invoice", "Please send me a copy of invoice 77."))
    _solve(desk, 1, ANSWER)
    _solve(desk, 2, "Here it is.")
    assert _near(any_store, "token of the vpn", "my vpn token is broken, error 4711") == [(1, ANSWER)]
    assert _near(any_store, "Holiday", "How many days of leave do I have?") == []


def test_a_ticket_that_is_opened_again_is_no_example_any_more(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    _solve(desk, 1, ANSWER)
    with any_store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.reopen(ticket, DESK, desk.now))
    desk.work()
    assert _near(any_store, "VPN token", TOKEN) == []


def test_a_ticket_without_an_answer_teaches_nothing(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(CAROL, "VPN token", TOKEN))
    with any_store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.resolve(ticket, DESK, desk.now))
    desk.work()
    assert _near(any_store, "VPN token", TOKEN) == []


def test_remembering_twice_is_remembering_once(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    _solve(desk, 1, ANSWER)
    for _ in range(2):
        with any_store.database.transaction() as session:
            assert solved_index.index_tickets(session, [1]) == 1


def test_what_agents_did_with_suggestions_is_counted(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    with any_store.database.transaction() as session:
        for outcome in ("used", "edited", "used"):
            solved_index.record_use(session, SuggestionUse(1, "similar", 1, desk.alice.id, outcome), desk.now)
        assert suggestion_outcomes(session, "similar") == {"used": 2, "edited": 1}


def test_an_answer_by_mail_teaches_as_much_as_one_of_the_console(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    address = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re: VPN token", ANSWER, to=address))
    desk.receive(desk.mail(ALICE, "Re: VPN token", "#resolve", to=address))
    assert desk.ticket(1).resolution == ANSWER
    assert _near(any_store, "token of the vpn", "my vpn token is broken, error 4711") == [(1, ANSWER)]


def test_whom_an_agent_answered_by_mail_waits_no_longer(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    desk.later(hours=3)
    with any_store.database.reading() as session:
        assert ticket_facts.load_facts(session, [desk.ticket(1)], desk.now)[1]["waiting_hours"] == 3
    desk.receive(desk.mail(ALICE, "Re: VPN token", ANSWER, to=desk.notice_address(desk.alice, 1)))
    with any_store.database.reading() as session:
        assert ticket_facts.load_facts(session, [desk.ticket(1)], desk.now)[1]["waiting_hours"] == 0
