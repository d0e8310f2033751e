"""An agent answers from another address: kept, told to the agent, confirmed by the agent, then as good as the first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.tickets.ticket import MessageKind, NotAllowed
from storage.open_store import Store
from storage.people import people
from tests.small_desk import ALICE, BOB, EVE, MAX, SUPPORT, SmallDesk, words
from usecases.agents import aliases

OTHER = "alice@private.example.test"
OURS = "mx.desk.example.test"


@pytest.fixture
def strict(store: Store) -> SmallDesk:
    """A desk whose receiving mail server vouches, with a ticket of Bob's."""
    settings = replace(store.settings, authserv_id=OURS, relay_url="smtp://127.0.0.1:1")
    desk = SmallDesk(replace(store, settings=settings), delivers=False)
    desk.receive(desk.mail(BOB, "Contract", "Where is it?"))
    return desk


def send(desk: SmallDesk, sender: str, text: str, word: str = "pass", **more: object) -> None:
    """A mail to Alice's signed address."""
    results = [("Authentication-Results", f"{OURS}; dmarc={word} header.from={sender.partition('@')[2]}")]
    headers = [*results, *more.pop("headers", ())]  # type: ignore[misc]
    desk.receive(desk.mail(sender, "Re: Contract", text, to=desk.notice_address(desk.alice, 1), headers=headers))


def told(desk: SmallDesk, address: str = ALICE) -> str:
    content = desk.letters("notice", address)[-1]["content"]
    assert isinstance(content, dict)
    return str(content["text"])


@pytest.mark.parametrize("word", ["pass", "none", "fail"])
def test_a_mail_from_an_unknown_address_is_kept_and_told_to_the_agent_alone(strict: SmallDesk, word: str) -> None:
    send(strict, OTHER, "Here is the contract.", word)
    note = strict.messages(1)[-1]
    assert note.kind is MessageKind.NOTE and note.trust.unverified and len(strict.tickets()) == 1
    assert OTHER in told(strict) and "Here is the contract." in told(strict)
    assert (f"#alias {OTHER}" in told(strict)) is (word != "fail")
    assert not strict.letters("reply") and not strict.letters(recipient=OTHER) and strict.ticket(1).status == "new"


def test_a_confirmed_address_acts_as_the_agent_under_the_same_proofs(strict: SmallDesk) -> None:
    send(strict, OTHER, "Here is the contract.")
    send(strict, ALICE, f"#alias {OTHER}")
    send(strict, OTHER, "#resolve\n\nHere it is.", "none")
    assert strict.ticket(1).status == "new" and strict.kinds(1)[-1] == "unverified_note"
    send(strict, OTHER, "#resolve\n\nHere it is.")
    assert strict.ticket(1).status == "resolved" and len(strict.letters("reply")) == 1
    assert OTHER not in str(strict.letters("reply")) and strict.letters("command-answer")[-1]["recipient"] == ALICE


def test_the_other_address_cannot_confirm_itself(strict: SmallDesk) -> None:
    send(strict, OTHER, f"#alias {OTHER}")
    send(strict, OTHER, f"#alias {OTHER}\n\n#resolve")
    assert strict.ticket(1).status == "new"
    with strict.store.database.reading() as session:
        assert aliases.agents_by_alias(session, [OTHER]) == {}


def test_only_what_was_seen_can_be_confirmed_by_mail(strict: SmallDesk) -> None:
    send(strict, ALICE, f"#alias {EVE}")
    with strict.store.database.reading() as session:
        assert aliases.agents_by_alias(session, [EVE]) == {}


def test_an_absence_note_of_the_other_address_is_told_to_nobody(strict: SmallDesk) -> None:
    before = len(strict.letters("notice"))
    send(strict, OTHER, "I am away.", headers=[("Auto-Submitted", "auto-replied")])
    assert strict.messages(1)[-1].kind is MessageKind.AUTOMATIC and len(strict.letters("notice")) == before


def test_whoever_takes_part_in_the_ticket_is_no_alias_of_the_agent(strict: SmallDesk) -> None:
    send(strict, BOB, "I got this from your colleague.")
    assert "alias_seen" not in strict.kinds(1) and strict.tickets()[-1].requester_id == strict.ticket(1).requester_id


def test_an_alias_of_an_agent_who_left_is_nobody(strict: SmallDesk) -> None:
    send(strict, OTHER, "Here is the contract.")
    send(strict, ALICE, f"#alias {OTHER}")
    with strict.store.database.transaction() as session:
        people.set_active(session, strict.alice.id, active=False)
        assert aliases.agents_by_alias(session, [OTHER]) == {}


@pytest.mark.parametrize("address", [MAX, SUPPORT, "nobody"])
def test_what_belongs_to_somebody_else_is_no_alias(strict: SmallDesk, address: str) -> None:
    with strict.store.database.transaction() as session, pytest.raises(NotAllowed):
        aliases.add(session, strict.alice.id, address, strict.now)


def test_two_agents_do_not_share_an_alias_and_one_that_is_taken_away_acts_no_more(strict: SmallDesk) -> None:
    with strict.store.database.transaction() as session:
        aliases.add(session, strict.alice.id, OTHER, strict.now)
        with pytest.raises(NotAllowed):
            aliases.add(session, strict.max.id, OTHER, strict.now)
        aliases.remove(session, strict.alice.id, OTHER)
        assert aliases.agents_by_alias(session, [OTHER]) == {}
        aliases.add(session, strict.max.id, OTHER, strict.now)


def test_the_confirmed_address_of_another_agent_is_refused_at_this_ones_signed_address(strict: SmallDesk) -> None:
    with strict.store.database.transaction() as session:
        aliases.add(session, strict.max.id, OTHER, strict.now)
    send(strict, OTHER, "#resolve")
    assert strict.ticket(1).status == "new" and "unverified_note" in strict.kinds(1)


def test_the_requester_is_not_told_of_it(strict: SmallDesk) -> None:
    send(strict, OTHER, "Here is the contract.")
    assert not any("contract" in words(mail) for mail in strict.sent(recipient=BOB))
