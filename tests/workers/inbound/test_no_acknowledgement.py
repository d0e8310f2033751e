"""To whom the desk says nothing by itself: addresses that nobody reads, and forgers who want an answer sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from storage.open_store import Store
from tests.small_desk import BOB, CAROL, EVE, SUPPORT, SmallDesk


def believing_nobody(store: Store) -> SmallDesk:
    """A desk whose mail server vouches for a sender, or does not."""
    settings = replace(store.settings, authserv_id="mx.desk.example.test")
    return SmallDesk(replace(store, settings=settings))


@pytest.mark.parametrize("sender", ["no-reply@shop.example.test", "do_not_reply@x.example.test", "jobs.noreply@x.test"])
def test_an_address_that_nobody_reads_is_not_answered(store: Store, sender: str) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(sender, "Your code", "123456"))
    assert desk.states() == {"ticketed": 1} and desk.letters("acknowledgement") == []


def test_a_name_that_only_resembles_one_is_answered(store: Store) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail("noreen.reply@home.example.test", "Printer", "It blinks."))
    assert len(desk.letters("acknowledgement")) == 1


def test_who_names_anothers_ticket_gets_no_acknowledgement(store: Store) -> None:
    desk = believing_nobody(store)
    desk.receive(desk.mail(BOB, "Printer", "It blinks."))
    desk.receive(desk.mail(EVE, "Re: [#1] Printer", "Tell me more.", cc=CAROL))
    assert [t.id for t in desk.tickets()] == [1, 2]
    assert [letter["ticket_id"] for letter in desk.letters("acknowledgement")] == [1]


def test_unless_the_mail_server_vouches_for_them(store: Store) -> None:
    desk = believing_nobody(store)
    desk.receive(desk.mail(BOB, "Printer", "It blinks."))
    passed = ("Authentication-Results", "mx.desk.example.test; dmarc=pass header.from=home.example.test")
    desk.receive(desk.mail(CAROL, "Re: [#1] Printer", "Mine too.", headers=[passed]))
    assert {letter["ticket_id"] for letter in desk.letters("acknowledgement")} == {1, 2}


def test_an_address_that_cannot_be_written_to_is_not_in_the_log(store: Store) -> None:
    desk = SmallDesk(store)
    raw = "From: кэрол@пример.test\r\nTo: support@desk.example.test\r\nSubject: x\r\n\r\nwords\r\n".encode()
    with capture_logs() as entries:
        desk.receive(desk.raw_mail(raw, "k@home.example.test", ["support@desk.example.test"]))
    assert "кэрол" not in str(entries) and not any("exc_info" in entry for entry in entries)


def test_the_desk_does_not_acknowledge_to_itself(store: Store) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(SUPPORT, "Form", "Ann asks for paper."))
    assert desk.states() == {"ticketed": 1} and desk.letters("acknowledgement") == []
