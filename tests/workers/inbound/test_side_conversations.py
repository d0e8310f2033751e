"""A third party is asked aside, by real mail: the answer comes back aside, and the requester reads nothing of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from desk.rules import automations
from desk.tickets import transitions
from desk.tickets.side_conversation import Side, State
from desk.tickets.ticket import Actor, ActorKind, Author, NotAllowed
from gateway.intake import accept
from storage.people import people
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, CAROL, EVE, SUPPORT, SmallDesk, words
from usecases.tickets import merging, side_conversations, undo, watchers
from usecases.tickets.merging import MergeRequest
from usecases.tickets.side_conversations import SideMessage
from workers.inbound import ingest

SUE, SAM, ACME = "sue@supplier.example.test", "sam@supplier.example.test", "desk@acme.example.test"


def ask(desk: SmallDesk, text: str = "Is part 7 in stock?", *, to: str = SUE, ticket: int = 1, **more: object) -> int:
    """Alice asks aside; the mail leaves."""
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
    with desk.store.database.transaction() as session:
        held = tickets.get(session, ticket, lock=True)
        assert held is not None
        message, by = SideMessage(text, **more), Author(alice, desk.now, "test")  # type: ignore[arg-type]
        side, _ = side_conversations.start_with_message(session, held, to, "Part 7", message, by)
    desk.work()
    return side.id


def said(desk: SmallDesk, ticket: int = 1) -> list[str]:
    with desk.store.database.reading() as session:
        return [
            m.reply for words in side_conversations.messages_by_conversation(session, ticket).values() for m in words
        ]


def state(desk: SmallDesk, side: int) -> Side:
    with desk.store.database.reading() as session:
        return side_conversations.by_ids(session, [side])[side]


def asked(desk: SmallDesk) -> EmailMessage:
    """The last mail that went to a third party."""
    return desk.sent("side")[-1]


def plain(value: object) -> str:
    return str(value).strip("<>")


@pytest.fixture
def desk(any_desk: SmallDesk) -> SmallDesk:
    any_desk.receive(any_desk.mail(BOB, "Printer", "It is broken, please send part 7.", message_id="first@x"))
    return any_desk


def answer(desk: SmallDesk, sender: str, text: str, *, by: str = "address", **more: object) -> None:
    """An answer to the last mail: to the address that it asks for, or only with its Message-ID."""
    mail = asked(desk)
    to = plain(mail["Reply-To"].addresses[0].addr_spec) if "address" in by else SUPPORT
    parent = plain(mail["Message-ID"]) if "parent" in by else ""
    desk.receive(desk.mail(sender, "Re: Part 7", text, to=to, reply_to=parent, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["address", "parent", "address and parent"])
def test_the_answer_of_a_third_party_comes_aside_and_the_requester_reads_nothing(desk: SmallDesk, by: str) -> None:
    before = desk.ticket(1)
    side = ask(desk)
    mail = asked(desk)
    assert mail["To"] == SUE and words(mail).startswith("Is part 7 in stock?") and "broken" not in mail.as_string()
    answer(desk, SUE, "Yes, two of them.", by=by)
    assert said(desk) == ["Is part 7 in stock?", "Yes, two of them."]
    assert [m.reply for m in desk.messages(1)] == ["It is broken, please send part 7."]
    after = desk.ticket(1)
    assert (after.status, after.first_response_at, after.updated_at) == (
        before.status, before.first_response_at, before.updated_at
    )  # fmt: skip
    assert desk.kinds(1)[-3:] == ["side_opened", "side_sent", "side_answered"]
    assert [row["kind"] for row in desk.letters(recipient=BOB)] == ["acknowledgement"]
    with desk.store.database.reading() as session:
        assert SUE not in tickets.participants_of(session, [1])[1]
    assert state(desk, side).state is State.OPEN and desk.states() == {"ticketed": 1, "appended": 1}


def test_a_colleague_of_the_third_party_answers_too(desk: SmallDesk) -> None:
    ask(desk)
    answer(desk, SAM, "Sue is away; yes.")
    assert said(desk)[-1] == "Sue is away; yes." and len(desk.tickets()) == 1


def test_a_stranger_with_a_forwarded_mail_opens_a_ticket_of_their_own(desk: SmallDesk) -> None:
    ask(desk)
    answer(desk, EVE, "Send it to me instead.", by="address and parent")
    assert said(desk) == ["Is part 7 in stock?"] and len(desk.tickets()) == 2
    with desk.store.database.reading() as session:
        assert tickets.links_of(session, 2) == [(1, "named")]


@pytest.mark.parametrize("by", ["address", "parent", "address and parent"])
def test_the_requester_who_writes_to_the_side_address_is_heard_in_public(desk: SmallDesk, by: str) -> None:
    ask(desk)
    answer(desk, BOB, "Any news?", by=by)
    assert said(desk) == ["Is part 7 in stock?"]
    assert [m.reply for m in desk.messages(1)][-1] == "Any news?" and desk.kinds(1)[-1] == "requester_replied"


def test_the_assignee_is_told_and_answers_the_third_party_from_the_mailbox(desk: SmallDesk) -> None:
    ask(desk)
    answer(desk, SUE, "Which colour?")
    notice = desk.sent("notice", ALICE)[-1]
    assert "An answer in a side conversation" in words(notice) and "Which colour?" in words(notice)
    assert "the requester does not read it" in words(notice) and "#reply" in words(notice)
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "Blue, please.", to=to, reply_to=plain(notice["Message-ID"])))
    assert said(desk)[-1] == "Blue, please." and words(asked(desk)).startswith("Blue, please.")
    assert asked(desk)["To"] == SUE and asked(desk)["Subject"] == "Re: Part 7"
    assert desk.letters("reply") == [] and [m.kind for m in desk.messages(1)] == ["reply"]
    desk.receive(desk.mail(ALICE, "Re", "#note\n\nFor us.", to=to))
    assert desk.messages(1)[-1].kind == "note" and len(said(desk)) == 3


def test_watchers_are_told(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held is not None
        watchers.watch(session, held, desk.max, Actor(ActorKind.AGENT, desk.max.id), desk.now)
    ask(desk)
    answer(desk, SUE, "Yes.")
    assert "Yes." in words(desk.sent("notice", desk.max.address)[-1])


def test_a_ticket_on_hold_until_the_answer_is_open_again_with_it(desk: SmallDesk) -> None:
    ask(desk, hold=True)
    assert desk.ticket(1).status == "on_hold"
    answer(desk, SUE, "I am out of office.", headers=[("Auto-Submitted", "auto-replied")], by="address and parent")
    assert desk.ticket(1).status == "on_hold" and said(desk)[-1] == "I am out of office."
    answer(desk, SUE, "Yes, two.")
    assert desk.ticket(1).status == "open"
    assert desk.kinds(1)[-2:] == ["side_answered", "status_changed"]
    assert desk.events(1)[-1].why == f"{SUE} answered"


def test_a_ticket_that_was_moved_meanwhile_stays_where_it_is(desk: SmallDesk) -> None:
    ask(desk, hold=True)
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held is not None
        tickets.save(session, transitions.resolve(held, Actor(ActorKind.AGENT, desk.alice.id), desk.now))
    answer(desk, SUE, "Yes, two.")
    assert desk.ticket(1).status == "resolved" and said(desk)[-1] == "Yes, two."


def test_a_bounce_is_kept_aside_ends_the_waiting_and_is_told(desk: SmallDesk) -> None:
    ask(desk, hold=True)
    row = desk.letters("side")[-1]
    text = (
        "From: MAILER-DAEMON@mx.example.test\r\nTo: support@desk.example.test\r\nSubject: Undelivered\r\n"
        "Message-ID: <dsn@x>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {SUE}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{row['external_id']}>\r\n"
        "Subject: Part 7\r\n\r\nx\r\n--b--\r\n"
    )
    desk.receive(desk.raw_mail(text.encode(), "", [desk.hand_to_relay(str(row["external_id"]))]))
    assert len(said(desk)) == 2 and [m.kind for m in desk.messages(1)] == ["reply"]
    assert desk.ticket(1).status == "open"
    assert "A mail in a side conversation came back" in words(desk.sent("notice", ALICE)[-1])


def test_a_closed_conversation_hears_on_and_a_thanks_does_not_open_it(desk: SmallDesk) -> None:
    side = ask(desk)
    with desk.store.database.transaction() as session:
        one, ticket = side_conversations.lock_with_ticket(session, side)
        side_conversations.end(session, one, ticket, Actor(ActorKind.AGENT, desk.alice.id, "Alice"), desk.now)
    answer(desk, SUE, "Thanks!")
    assert state(desk, side).state is State.CLOSED and said(desk)[-1] == "Thanks!"
    answer(desk, SUE, "But the price has changed to 12 Euro, shall we still send it?")
    assert state(desk, side).state is State.OPEN and desk.kinds(1)[-2:] == ["side_reopened", "side_answered"]


def test_files_and_the_last_public_messages_go_along_if_the_agent_wants(desk: SmallDesk) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["In-Reply-To"] = BOB, SUPPORT, "Re: Printer", "<first@x>"
    mail.set_content("Here is a picture.")
    mail.add_attachment(b"%PDF-1.4 printer", maintype="application", subtype="pdf", filename="printer.pdf")
    desk.receive(desk.raw_mail(mail.as_bytes(), BOB, [SUPPORT]))
    ask(desk, files=((desk.messages(1)[1].id, 0),), quote=1)
    sent = asked(desk)
    assert [part.get_filename() for part in sent.iter_attachments()] == ["printer.pdf"]
    assert "> Here is a picture." in words(sent) and "broken" not in words(sent) and BOB not in sent.as_string()


def test_a_file_of_another_ticket_is_refused(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "Other", "Hi."))
    with pytest.raises(NotAllowed, match="no attachment"):
        ask(desk, ticket=2, files=((1, 0),))


@pytest.mark.parametrize(
    ("to", "why"), [(BOB, "requester"), (SUPPORT, "mailbox"), ("nobody", "address"), ("", "no address")]
)
def test_whom_nobody_may_ask_aside(desk: SmallDesk, to: str, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        ask(desk, to=to)


def test_a_merge_takes_it_along_and_an_undo_brings_it_back(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer again", "Same."))
    ask(desk)
    with desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(1, 2, Actor(ActorKind.AGENT, desk.alice.id), desk.now))
    answer(desk, SUE, "Yes.", by="address and parent")
    assert said(desk, 2) == ["Is part 7 in stock?", "Yes."] and len(desk.tickets()) == 2
    with desk.store.database.transaction() as session:
        undo.undo(session, 2, None, Actor(ActorKind.AGENT, desk.alice.id), desk.now)
    assert said(desk, 1) == ["Is part 7 in stock?", "Yes."] and said(desk, 2) == []
    answer(desk, SUE, "And one more.")
    assert said(desk, 1)[-1] == "And one more."


def test_the_same_answer_twice_is_said_once(desk: SmallDesk) -> None:
    ask(desk)
    to = plain(asked(desk)["Reply-To"].addresses[0].addr_spec)
    mails = [desk.mail(SUE, "Re", "Yes.", to=to, message_id="same@s", rcpt=[box]) for box in (to, SUPPORT)]
    desk.receive(*mails)
    desk.receive(desk.mail(SUE, "Re", "Yes.", to=to, message_id="same@s"))
    assert said(desk) == ["Is part 7 in stock?", "Yes."]


def test_an_agent_who_is_asked_aside_answers_aside(desk: SmallDesk) -> None:
    ask(desk, to=desk.max.address)
    answer(desk, desk.max.address, "Take two of mine.", by="address and parent")
    assert said(desk)[-1] == "Take two of mine." and desk.letters("reply") == []


def test_a_third_party_in_two_conversations_is_heard_in_the_right_one(desk: SmallDesk) -> None:
    first = ask(desk, "One?")
    to_first = plain(asked(desk)["Reply-To"].addresses[0].addr_spec)
    second = ask(desk, "Two?", to=f"{SUE}, {ACME}")
    desk.receive(desk.mail(SUE, "Re", "To one.", to=to_first))
    answer(desk, ACME, "To two.")
    with desk.store.database.reading() as session:
        found = side_conversations.messages_by_conversation(session, 1)
    assert [m.reply for m in found[first]] == ["One?", "To one."]
    assert [m.reply for m in found[second]] == ["Two?", "To two."]


def test_who_was_asked_has_a_row_though_they_never_answered(desk: SmallDesk) -> None:
    ask(desk)
    with desk.store.database.reading() as session:
        assert people.by_address(session, SUE) is not None


def test_an_agent_asks_aside_by_mail(desk: SmallDesk) -> None:
    to = desk.notice_address(desk.alice, 1)
    text = f"#side {SUE} {ACME}\n#hold\n\nIs part 7 in stock?"
    desk.receive(desk.mail(ALICE, "Re: Printer [#1]", text, to=to))
    assert said(desk) == ["Is part 7 in stock?"] and desk.ticket(1).status == "on_hold"
    assert (asked(desk)["To"], asked(desk)["Cc"], asked(desk)["Subject"]) == (SUE, ACME, "Printer")
    assert "sent your words to" in words(desk.sent("command-answer", ALICE)[-1]) and desk.letters("reply") == []
    answer(desk, ACME, "Yes.")
    assert said(desk)[-1] == "Yes." and desk.ticket(1).status == "open"


@pytest.mark.parametrize("text", ["#side {sue}", "#side {sue}\n#note\n\nHi", "#side nobody\n\nHi", "#side {bob}\n\nHi"])
def test_what_cannot_go_aside_by_mail_goes_nowhere(desk: SmallDesk, text: str) -> None:
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re: Printer [#1]", text.format(sue=SUE, bob=BOB), to=to))
    assert "Nothing was done" in words(desk.sent("command-answer", ALICE)[-1])
    assert said(desk) == [] and len(desk.messages(1)) == 1 and desk.letters("side") == desk.letters("reply") == []


def test_an_agent_may_answer_the_requester_on_the_notice_of_an_answer_aside(desk: SmallDesk) -> None:
    ask(desk)
    answer(desk, SUE, "Yes, two.")
    desk.receive(desk.mail(ALICE, "Re", "#reply\n\nIt is on its way.", to=desk.notice_address(desk.alice, 1)))
    assert desk.messages(1)[-1].reply == "It is on its way." and len(said(desk)) == 2
    assert "Yes, two." not in words(desk.sent("reply", BOB)[-1])


def test_a_forged_answer_is_not_said_there(desk: SmallDesk) -> None:
    ask(desk)
    to = plain(asked(desk)["Reply-To"].addresses[0].addr_spec)
    local, _, domain = to.partition("@")
    forged = [
        f"{local[:at]}{'b' if local[at] != 'b' else 'c'}{local[at + 1 :]}@{domain}" for at in range(8, len(local))
    ]
    desk.receive(*(desk.mail(SUE, "Re", f"Forged {n}.", to=one) for n, one in enumerate(forged)))
    desk.receive(desk.mail(f'"{SUE}" <{EVE}>', "Re", "Forged.", to=to))
    assert said(desk) == ["Is part 7 in stock?"] and len(desk.messages(1)) == 1


def test_a_batch_in_which_no_mail_names_one_pays_no_statement(desk: SmallDesk) -> None:
    ask(desk)
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    accept(desk.store, [desk.mail(BOB, "More", "One.", reply_to="first@x"), desk.mail(CAROL, "New", "Two.")], desk.now)
    sa.event.listen(desk.store.database.engine, "before_cursor_execute", note)
    ingest.drain(desk.context)
    sa.event.remove(desk.store.database.engine, "before_cursor_execute", note)
    assert seen and not [one for one in seen if "side_conversations" in one]


def test_many_answers_at_once_are_all_said_and_the_ticket_is_opened_once(desk: SmallDesk) -> None:
    ask(desk, hold=True)
    to = plain(asked(desk)["Reply-To"].addresses[0].addr_spec)
    accept(desk.store, [desk.mail(SUE, "Re", f"Answer {n}.", to=to) for n in range(30)], desk.now)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(desk.work) for _ in range(4)]:
            done.result()
    assert sorted(said(desk)[1:]) == sorted(f"Answer {n}." for n in range(30))
    assert desk.kinds(1).count("side_answered") == 30 and desk.kinds(1).count("status_changed") == 2


def test_an_agent_closes_while_answers_come(desk: SmallDesk) -> None:
    side = ask(desk, hold=True)
    to = plain(asked(desk)["Reply-To"].addresses[0].addr_spec)
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")

    def close() -> None:
        with desk.store.database.transaction() as session:
            one, ticket = side_conversations.lock_with_ticket(session, side)
            side_conversations.end(session, one, ticket, alice, desk.now)

    accept(desk.store, [desk.mail(SUE, "Re", f"Here is answer number {n}.", to=to) for n in range(10)], desk.now)
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(desk.work), pool.submit(close), pool.submit(desk.work)]:
            done.result()
    kinds = desk.kinds(1)
    is_open = kinds.count("side_closed") == kinds.count("side_reopened")
    assert len(said(desk)) == 11 and desk.ticket(1).status == "open" and not state(desk, side).holds
    assert (state(desk, side).state is State.OPEN) is is_open


def test_whom_an_agent_adds_is_heard_from_then_on(desk: SmallDesk) -> None:
    number = ask(desk)
    answer(desk, EVE, "May I help?")
    with desk.store.database.transaction() as session:
        side, ticket = side_conversations.lock_with_ticket(session, number)
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
        words_to = SideMessage("Eve, please do.", also=EVE)
        side_conversations.add_message(session, side, ticket, words_to, Author(alice, desk.now, "test"))
    desk.work()
    assert asked(desk)["Cc"] == EVE
    answer(desk, EVE, "Here it is.")
    assert said(desk)[-2:] == ["Eve, please do.", "Here it is."] and len(desk.tickets()) == 2


def test_whom_a_proven_answer_has_in_copy_is_told_to_the_agents_and_put_in_copy_by_nobody(desk: SmallDesk) -> None:
    number = ask(desk)
    answer(desk, SUE, "Sam knows.", cc=f"{EVE}, {BOB}, {SUPPORT}")
    assert state(desk, number).people == (SUE,) and EVE in words(desk.sent("notice", ALICE)[-1])
    answer(desk, EVE, "May I?")
    assert said(desk)[-1] == "Sam knows." and len(desk.tickets()) == 2


def test_an_automation_may_react_to_an_answer() -> None:
    assert automations.read_trigger({"event": "side_answered"}).events == {"side_answered"}


def test_the_thread_of_a_third_party_holds_our_letters_and_not_the_agents_own_mails(desk: SmallDesk) -> None:
    ask(desk)
    first = plain(asked(desk)["Message-ID"])
    answer(desk, SUE, "Which colour?", message_id="sue@supplier.test")
    to = desk.notice_address(desk.alice, 1)
    notice = plain(desk.sent("notice", ALICE)[-1]["Message-ID"])
    desk.receive(desk.mail(ALICE, "Re", "Blue, please.", to=to, reply_to=notice, message_id="laptop@alice.test"))
    second = plain(asked(desk)["Message-ID"])
    answer(desk, SUE, "And how many?", message_id="sue2@supplier.test")
    desk.receive(desk.mail(ALICE, "Re", "Two.", to=desk.notice_address(desk.alice, 1), message_id="laptop2@alice.test"))
    named = [plain(one) for one in str(asked(desk)["References"]).split()]
    assert named == [first, "sue@supplier.test", second, "sue2@supplier.test"]


def test_no_third_party_gets_the_link_to_the_requesters_page_in_a_quote(desk: SmallDesk) -> None:
    link = "https://desk.example.test/status/1-3-0-29500000-abcdefghijklmnopqrstuvwxyz"
    desk.receive(desk.mail(BOB, "Re", f"You wrote: your request is at {link} but I see nothing.", reply_to="first@x"))
    ask(desk, quote=2)
    assert "I see nothing" in words(asked(desk)) and "29500000" not in asked(desk).as_string()
