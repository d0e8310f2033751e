"""What each role may do by mail: what the table refuses is kept as a note, told, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from desk.access import permissions
from desk.access.permissions import Role, Verb, may
from desk.tickets.ticket import MessageKind
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import outbound
from storage.tickets import drafts
from tests.small_desk import ALICE, BILLING, BOB, CAROL, SUPPORT, SmallDesk
from usecases.access import membership, staff

RESULTS = ("Authentication-Results", "mx.desk.example.test; dmarc=pass header.from=corp.example.test")
WORDS = "these very words"
MAILS: dict[str, tuple[str, Verb]] = {
    "an answer": (WORDS, Verb.REPLY),
    "a note": (f"#note\n\n{WORDS}", Verb.NOTE),
    "resolve": (f"#resolve {WORDS}", Verb.CHANGE),
    "priority": (f"#priority urgent\n#note {WORDS}", Verb.CHANGE),
    "tag": (f"#tag odd\n#note {WORDS}", Verb.CHANGE),
    "snooze": (f"#snooze 3h\n#note {WORDS}", Verb.CHANGE),
    "take": (f"#take\n#note {WORDS}", Verb.ASSIGN),
    "team": (f"#team Billing\n#note {WORDS}", Verb.ASSIGN),
    "merge": (f"#merge 2\n#note {WORDS}", Verb.MERGE),
    "side": (f"#side {CAROL}\n\n{WORDS}", Verb.SIDE),
}
CHANGES = {
    "replied", "assigned", "status_changed", "priority_changed", "tagged", "team_changed", "merged_into", "side_opened",
}  # fmt: skip


@pytest.fixture
def desk(store: Store) -> SmallDesk:
    """A receiving server vouches; ticket 1 has a notice to Alice, ticket 2 is another one."""
    settings = replace(store.settings, authserv_id="mx.desk.example.test", relay_url="smtp://127.0.0.1:1")
    desk = SmallDesk(replace(store, settings=settings), delivers=False)
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."), desk.mail(CAROL, "Printer", "It burns."))
    return desk


def become(desk: SmallDesk, role: str) -> None:
    with desk.store.database.transaction() as session:
        staff.set_role(session, desk.alice, role, membership.COMMAND_LINE, desk.now)


def write(desk: SmallDesk, text: str, to: str = "", subject: str = "Re") -> None:
    to = to or desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, subject, text, to=to, headers=[RESULTS]))


def answer(desk: SmallDesk) -> str:
    content = desk.letters("command-answer", ALICE)[-1]["content"]
    assert isinstance(content, dict)
    return str(content["text"])


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("mail", list(MAILS))
def test_the_table_decides_what_a_mail_does(desk: SmallDesk, role: Role, mail: str) -> None:
    text, verb = MAILS[mail]
    become(desk, role)
    before = desk.ticket(1)
    write(desk, text)
    if may(role, verb) and (verb is Verb.NOTE or may(role, Verb.REPLY)):
        assert "not_permitted" not in desk.kinds(1)
        assert verb is Verb.NOTE or desk.ticket(1) != before
        return
    assert desk.kinds(1)[-1] == "not_permitted"
    assert not CHANGES & set(desk.kinds(1)[1:]) - {"status_changed"}
    kept = desk.messages(1)[-1]
    assert kept.kind is MessageKind.NOTE and WORDS in kept.reply
    assert permissions.MEANS[verb] in answer(desk) and "Nothing was done" in answer(desk)
    assert replace(desk.ticket(1), version=before.version, updated_at=before.updated_at) == before
    assert not desk.letters("reply") and not desk.letters("side")


def test_an_owner_hears_that_a_colleagues_words_were_only_kept(desk: SmallDesk) -> None:
    to = desk.notice_address(desk.alice, 1)
    become(desk, Role.READ_ONLY)
    with desk.store.database.transaction() as session:
        membership.join(session, 1, desk.max, membership.COMMAND_LINE, desk.now)
    write(desk, WORDS, to)
    content = desk.letters("notice", "max@corp.example.test")[-1]["content"]
    assert isinstance(content, dict) and WORDS in str(content["text"])


@pytest.mark.parametrize("role", list(Role))
def test_only_who_may_write_something_gets_a_reply_address(desk: SmallDesk, role: Role) -> None:
    become(desk, role)
    desk.receive(desk.mail(BOB, "Another", "matter"))
    address = desk.notice_address(desk.alice, 3)
    assert (address == SUPPORT) is not may(role, Verb.NOTE)
    text = str(desk.letters("notice", ALICE)[-1]["content"])
    assert ("answer the requester" in text) is may(role, Verb.REPLY)
    assert ("write an internal note" in text) is (may(role, Verb.NOTE) and not may(role, Verb.REPLY))


def test_commands_are_checked_against_the_ticket_as_the_earlier_ones_leave_it(desk: SmallDesk) -> None:
    write(desk, "#resolve it was the cable")
    assert desk.ticket(1).status == "resolved"
    write(desk, "#reopen\n#resolve it was the plug")
    assert desk.ticket(1).status == "resolved"
    assert desk.ticket(1).resolution == "it was the plug"
    write(desk, "#close\n#reopen\n#pending")
    assert desk.ticket(1).status == "pending"
    write(desk, "#team Billing\n#assign max\n#team Support\n#take")
    assert (desk.ticket(1).team_id, desk.ticket(1).assignee_id) == (1, desk.alice.id)


def test_one_command_that_does_not_fit_takes_back_those_before_it_and_keeps_the_words(desk: SmallDesk) -> None:
    before = desk.ticket(1)
    write(desk, "#close\n#hold\n\nWe are on it.")
    assert desk.ticket(1) == before
    assert "closed cannot become on_hold" in answer(desk) and "Your text is kept" in answer(desk)
    with desk.store.database.reading() as session:
        kept = drafts.get(session, 1, desk.alice.id)
    assert kept is not None and kept.text == "We are on it."


@pytest.fixture
def private(desk: SmallDesk) -> SmallDesk:
    """Billing is private, and ticket 3 is theirs; Alice is outside."""
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Billing")
        assert team
        membership.set_private(session, team.id, membership.COMMAND_LINE, desk.now, private=True)
    desk.receive(desk.mail(BOB, "Salary of Zwetschge", "It is wrong.", to=BILLING))
    return desk


@pytest.mark.parametrize("subject", ["Re: [#3]", "[#3] hello"])
def test_an_agent_outside_of_a_private_team_hears_nothing_of_its_ticket(private: SmallDesk, subject: str) -> None:
    before = private.ticket(3)
    write(private, "#resolve now", SUPPORT, subject)
    rows = [row for row in _all_letters(private) if row["recipient"] == ALICE and row["kind"] == "command-answer"]
    assert len(rows) == 1
    told = str(rows[0])
    assert "Zwetschge" not in told and BILLING not in told and "+" not in str(rows[0]["content"]["reply_to"])
    assert "cannot act" in told
    assert private.ticket(3).status == before.status
    assert private.messages(3)[-1].kind is MessageKind.NOTE, "the words are kept for the team"


def test_who_left_a_private_team_acts_on_its_tickets_no_more(private: SmallDesk) -> None:
    with private.store.database.transaction() as session:
        membership.join(session, 2, private.alice, membership.COMMAND_LINE, private.now)
    private.receive(private.mail(BOB, "Bonus of Zwetschge", "It is wrong.", to=BILLING))
    to = private.notice_address(private.alice, 4)
    with private.store.database.transaction() as session:
        membership.leave(session, 2, private.alice, membership.COMMAND_LINE, private.now)
    write(private, "#take", to)
    assert private.ticket(4).assignee_id is None
    last = [row for row in _all_letters(private) if row["kind"] == "command-answer"][-1]
    assert "Zwetschge" not in str(last) and "cannot act" in str(last)


def _all_letters(desk: SmallDesk) -> list[dict[str, Any]]:
    with desk.store.database.reading() as session:
        return [dict(row._mapping) for row in session.execute(sa.select(outbound).order_by(outbound.c.id))]
