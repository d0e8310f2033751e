"""The same words without an id and a date: at once they are one message, some time later another."""

from __future__ import annotations

import pytest

from gateway.intake import Incoming, accept
from tests.small_desk import BILLING, SUPPORT, SmallDesk

ROOT = "root@db1.example.test"


def alarm(desk: SmallDesk, *, to: str = SUPPORT, head: str = "") -> Incoming:
    raw = f"From: {ROOT}\r\nTo: {to}\r\nSubject: Backup failed\r\n{head}\r\nNo space.\r\n"
    return desk.raw_mail(raw.encode(), ROOT, [to])


def test_the_same_alarm_of_another_night_is_another_message(any_desk: SmallDesk) -> None:
    any_desk.receive(alarm(any_desk))
    any_desk.later(days=1)
    any_desk.receive(alarm(any_desk))
    any_desk.later(seconds=1)
    any_desk.receive(alarm(any_desk))
    assert any_desk.states() == {"ticketed": 2} and [t.id for t in any_desk.tickets()] == [1, 2]


def test_within_minutes_it_is_one_and_minutes_count_from_the_first(any_desk: SmallDesk) -> None:
    for minutes in (0, 4, 4, 4):
        any_desk.later(minutes=minutes)
        any_desk.receive(alarm(any_desk))
    assert len(any_desk.tickets()) == 2


def test_the_same_words_in_another_mailbox_are_one_at_once_and_another_later(any_desk: SmallDesk) -> None:
    any_desk.receive(alarm(any_desk), alarm(any_desk, to=BILLING))
    assert len(any_desk.tickets()) == 1
    any_desk.later(days=1)
    any_desk.receive(alarm(any_desk, to=BILLING))
    any_desk.receive(alarm(any_desk))
    assert len(any_desk.tickets()) == 2 and any_desk.states() == {"ticketed": 2, "duplicate-of": 2}


@pytest.mark.parametrize("head", ["Date: Mon, 02 Nov 2026 09:00:00 +0000\r\n", "Message-ID: <one@db1>\r\n"])
def test_a_date_or_an_id_makes_it_the_same_mail_for_ever(any_desk: SmallDesk, head: str) -> None:
    any_desk.receive(alarm(any_desk, head=head))
    any_desk.later(days=40)
    any_desk.receive(alarm(any_desk, head=head))
    any_desk.receive(alarm(any_desk, head=head, to=BILLING))
    assert len(any_desk.tickets()) == 1


def test_what_waited_in_a_backlog_is_judged_by_when_it_came(any_desk: SmallDesk) -> None:
    for days in (0, 1, 1):
        any_desk.later(days=days)
        accept(any_desk.store, [alarm(any_desk)], any_desk.now)
    any_desk.work()
    assert len(any_desk.tickets()) == 3


def test_the_next_message_is_no_late_part_of_the_ticket_of_the_first(any_desk: SmallDesk) -> None:
    any_desk.receive(alarm(any_desk))
    any_desk.later(days=1)
    any_desk.receive(alarm(any_desk))
    assert len(any_desk.messages(1)) == 1 and any_desk.messages(2)[0].signal == "new"
