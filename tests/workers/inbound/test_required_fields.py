"""What must be known before a ticket is resolved holds every way in which agents and rules resolve, and no clock."""

from __future__ import annotations

import pytest

from desk.rules import automations as rules_automations
from desk.tickets import transitions
from desk.tickets.fields import Field, Unfilled
from desk.tickets.lifecycle import Lifecycle
from desk.tickets.ticket import Actor, ActorKind, NotAllowed, Status
from storage.open_store import Store
from storage.tickets import lifecycle, tickets
from tests.small_desk import ALICE, BOB, SmallDesk, words
from usecases.rules import automations, macros
from usecases.tickets import custom_fields
from usecases.tickets import links as ticket_links
from workers.timers import lifecycle as clock


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """One ticket, and a field without which none is resolved."""
    desk = SmallDesk(any_store)
    with any_store.database.transaction() as session:
        custom_fields.save(session, Field("asset", "Asset tag", required=True))
    desk.receive(desk.mail(BOB, "Printer", "It is broken."))
    return desk


def alice(desk: SmallDesk) -> Actor:
    return Actor(ActorKind.AGENT, desk.alice.id, desk.alice.name)


@pytest.mark.parametrize("command", ["#resolve", "#close", "#status resolved", "#status closed"])
def test_a_command_by_mail_is_refused_and_the_answer_says_what_to_write(desk: SmallDesk, command: str) -> None:
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", command, to=to))
    said = words(desk.sent("command-answer", ALICE)[-1])
    assert desk.ticket(1).status == "new" and "Nothing was done" in said
    assert "Asset tag" in said and "`#field asset VALUE`" in said
    desk.receive(desk.mail(ALICE, "Re", f"#field asset P-17\n{command}", to=to))
    assert desk.ticket(1).status in ("resolved", "closed")


def test_a_macro_that_resolves_is_refused_unless_it_fills_the_field(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        macros.save(session, "Done", "", [{"status": "resolved"}])
        macros.save(session, "Filled", "", [{"field": {"asset": "P-1"}}, {"status": "resolved"}])
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "#macro Done", to=to))
    assert desk.ticket(1).status == "new" and "Asset tag" in words(desk.sent("command-answer", ALICE)[-1])
    desk.receive(desk.mail(ALICE, "Re", "#macro Filled", to=to))
    assert desk.ticket(1).status == "resolved"


def test_a_rule_that_cannot_resolve_does_the_rest_and_the_history_says_why(desk: SmallDesk) -> None:
    given = {"name": "Junk", "when": {"event": "opened"}, "actions": [{"status": "resolved"}, {"tag": "junk"}]}
    with desk.store.database.transaction() as session:
        automations.save(session, rules_automations.read(given), desk.now)
        kept = automations.get(session, "Junk")
        assert kept
        automations.try_automation(session, kept, desk.now)
        kept = automations.get(session, "Junk")
        assert kept
        automations.set_active(session, kept, on=True)
    desk.context._configuration = None
    desk.receive(desk.mail(BOB, "Junk", "Words."))
    (fired,) = [event for event in desk.events(2) if event.kind == "automation_fired"]
    assert desk.ticket(2).tags == ("junk",) and desk.ticket(2).status == "new"
    assert "rule Junk, but not status" in fired.why and "Asset tag should be filled in" in fired.why


def test_children_without_it_stay_open_and_their_history_says_why(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "One", "Words."), desk.mail(BOB, "Two", "Words."))
    with desk.store.database.transaction() as session:
        for number in (2, 3):
            ticket_links.set_parent(session, number, 1, alice(desk), desk.now)
        held = tickets.get(session, 2, lock=True)
        parent = tickets.get(session, 1)
        assert held and parent
        tickets.save(session, custom_fields.fill_field(session, held, "asset", "P-2", alice(desk), desk.now))
        resolved = ticket_links.resolve_children(session, parent, alice(desk), desk.now)
    assert [one.id for one in resolved] == [2] and desk.ticket(3).status == "new"
    assert "Asset tag" in next(event.why for event in desk.events(3) if event.kind == "not_resolved")


def test_the_clock_resolves_without_it_since_nobody_is_there_to_ask(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        lifecycle.set_rules(session, Lifecycle(resolve_days=3))
        held = tickets.get(session, 1, lock=True)
        assert held
        tickets.save(session, transitions.set_status(held, Status.PENDING, alice(desk), desk.now))
    desk.later(days=4)
    clock.drain(desk.context)
    assert desk.ticket(1).status == "resolved"


def test_what_was_resolved_already_may_be_closed(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held
        with pytest.raises(Unfilled, match="Asset tag"):
            custom_fields.refuse_unfilled_end(session, held, transitions.resolve(held, alice(desk), desk.now))
        done = tickets.save(session, transitions.resolve(held, alice(desk), desk.now))
        closed = transitions.close(done, alice(desk), desk.now)
        assert custom_fields.refuse_unfilled_end(session, done, closed) == closed
        assert issubclass(Unfilled, NotAllowed)
