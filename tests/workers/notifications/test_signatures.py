"""Signatures: written once, below each answer from here, and never among its words."""

from __future__ import annotations

import pytest

from desk.tickets.ticket import DESK, Actor, ActorKind, NotAllowed
from storage.open_store import Store
from storage.people import people
from storage.tickets import signatures, tickets
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk, words
from usecases.tickets import conversation, resolution
from usecases.tickets.conversation import Written


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(f"Bob Baker <{BOB}>", "Printer", "It burns.", message_id="a@x"))
    return desk


def write(desk: SmallDesk, *, agent: str = "", team: str = "", mailbox: str = "") -> None:
    with desk.store.database.transaction() as session:
        box = next(one for one in people.all_mailboxes(session) if one.address == SUPPORT)
        signatures.set_agent(session, desk.alice.id, agent)
        signatures.set_team(session, box.team_id or 0, team)
        signatures.set_mailbox(session, box.id, mailbox)
    desk.context._configuration = None  # workers look at mailboxes again after some seconds.


def answer(desk: SmallDesk, text: str = "Try again.", *, actor: Actor | None = None, signed: bool = True) -> str:
    """The words of the mail that the requester gets."""
    by = actor or Actor(ActorKind.AGENT, desk.alice.id, desk.alice.name)
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket
        conversation.reply(session, ticket, Written(by, text, desk.now, via="test", signed=signed))
    desk.work()
    return words(desk.sent("reply", BOB)[-1])


def test_the_agents_own_comes_before_the_teams_before_the_mailboxs(desk: SmallDesk) -> None:
    write(desk, agent="Yours, {agent.first_name}", team="{team.name}", mailbox="{desk}")
    assert "\n-- \nYours, Alice\n" in answer(desk)
    write(desk, team="Team {team.name}", mailbox="{desk}")
    assert "\n-- \nTeam Support\n" in answer(desk)
    write(desk, mailbox="{agent} of {desk}")
    assert f"\n-- \nAlice Agent of {desk.store.settings.desk_name}\n" in answer(desk)
    write(desk)
    assert "\n-- \n" not in answer(desk)


def test_a_reply_may_go_without(desk: SmallDesk) -> None:
    write(desk, agent="Yours, Alice", mailbox="The desk")
    sent = answer(desk, signed=False)
    assert "Yours" not in sent and "The desk" not in sent


def test_the_words_of_a_reply_and_its_resolution_are_without_it(desk: SmallDesk) -> None:
    write(desk, agent="Yours, Alice")
    answer(desk, "Unplug it.")
    (said,) = [one for one in desk.messages(1) if not one.inbound]
    assert said.reply == said.text == "Unplug it." and signatures.for_message(said) == "Yours, Alice"
    with desk.store.database.reading() as session:
        ticket = tickets.get(session, 1)
        assert ticket and resolution.resolution_from_replies(session, ticket) == "Unplug it."


def test_what_a_rule_says_has_no_agents_signature(desk: SmallDesk) -> None:
    write(desk, agent="Yours, Alice", mailbox="{agent}, {desk}")
    assert "\n-- \nFrontdesk, " in answer(desk, actor=DESK)


def test_who_has_no_name_signs_in_the_desks_and_never_with_an_address(desk: SmallDesk) -> None:
    write(desk, agent="{agent.name}, {agent.first_name}, {agent}")
    sent = answer(desk, actor=Actor(ActorKind.AGENT, desk.alice.id, ALICE))
    assert ALICE not in sent and ", ".join([desk.store.settings.desk_name] * 3) in sent


def test_an_agents_mail_gets_the_mailboxs_for_its_own_was_cut(desk: SmallDesk) -> None:
    write(desk, agent="Yours, Alice", mailbox="The desk")
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "Try again.\n\n-- \nAlice A. Agent\nhome 555", to=to))
    sent = words(desk.sent("reply", BOB)[-1])
    assert "\n-- \nThe desk\n" in sent and "Yours" not in sent and "555" not in sent


def test_a_requester_who_repeats_it_has_not_said_it(desk: SmallDesk) -> None:
    lines = "Alice Agent, Frontdesk of the Example Company\nThe Long Street Number 17, Example Town"
    write(desk, agent=lines)
    answer(desk, "Please unplug it and plug it in again after a minute.")
    to = str(desk.sent("reply", BOB)[-1]["Reply-To"].addresses[0].addr_spec)
    text = f"It works.\n\nPlease unplug it and plug it in again after a minute.\n\n{lines}"
    desk.receive(desk.mail(BOB, "Re: Printer", text, to=to))
    assert desk.messages(1)[-1].reply == "It works."


def test_names_of_others_in_a_name_are_not_filled_in(desk: SmallDesk) -> None:
    desk.receive(desk.mail(f'"{{ticket.number}}" <{BOB}>', "Two", "Words.", message_id="b@x"))
    write(desk, agent="For {requester.name} {nonsense}")
    assert "For Bob Baker {nonsense}" in answer(desk)


def test_a_signature_has_no_mark_of_its_own_and_no_end_of_length(desk: SmallDesk) -> None:
    assert signatures.checked(" --\r\nAlice\x07\r\n\r\n") == "Alice"
    with pytest.raises(NotAllowed, match="2000"):
        signatures.checked("x" * 2001)
