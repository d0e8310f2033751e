"""The reply budget counts the whole hour, however many other mails lie between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from desk.mail.content import MailContent
from desk.mail.states import OutboundKind, OutboundState
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.mail.recent_automatic import OVERLAP, RecentAutomatic
from storage.open_store import Store

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACKNOWLEDGEMENT = OutboundKind.ACKNOWLEDGEMENT


def send(
    store: Store,
    recipients: Sequence[str],
    at: datetime = NOW,
    kind: OutboundKind = ACKNOWLEDGEMENT,
    state: OutboundState = OutboundState.QUEUED,
) -> None:
    messages = [
        OutboundMessage(f"{at}:{kind}:{place}:{name}", kind, name, f"{place}@x", MailContent(), state=state)
        for place, name in enumerate(recipients)
    ]
    with store.database.transaction() as session:
        outbound.store(session, messages, at)


def counted(store: Store, recent: RecentAutomatic, key: str, now: datetime = NOW) -> int:
    with store.database.reading() as session:
        return recent.count(session, now - HOUR)[key]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (OutboundKind.NOTICE, OutboundState.QUEUED),
        (ACKNOWLEDGEMENT, OutboundState.SUPPRESSED),
        (ACKNOWLEDGEMENT, OutboundState.QUEUED),
    ],
)
def test_whatever_lies_between_the_mails_to_a_domain_are_remembered(
    any_store: Store, kind: OutboundKind, state: OutboundState
) -> None:
    recent = RecentAutomatic()
    send(any_store, ["a@victim.example", "b@mail.victim.example", "c+1@victim.example"])
    assert counted(any_store, recent, "victim.example") == 3
    send(any_store, [f"n{n}@other.example" for n in range(2 * OVERLAP + 10)], kind=kind, state=state)
    for memory in (recent, RecentAutomatic()):
        assert counted(any_store, memory, "victim.example") == 3
        assert counted(any_store, memory, "c@victim.example") == 1


def test_only_the_last_hour_counts(any_store: Store) -> None:
    for minutes in (130, 61, 59, 10, 0):
        send(any_store, ["a@victim.example"], NOW - timedelta(minutes=minutes))
    recent = RecentAutomatic()
    assert counted(any_store, recent, "victim.example") == 3
    assert counted(any_store, recent, "victim.example", NOW + timedelta(minutes=55)) == 1
    assert counted(any_store, recent, "victim.example", NOW + timedelta(minutes=61)) == 0


def test_what_is_read_again_is_not_counted_again(any_store: Store) -> None:
    recent = RecentAutomatic()
    for number in range(3):
        send(any_store, [f"n{number}@victim.example"], NOW + timedelta(seconds=number))
        assert [counted(any_store, recent, "victim.example") for _ in range(2)] == [number + 1] * 2


def test_shared_domains_have_no_count_and_their_dots_are_one_mailbox(any_store: Store) -> None:
    send(any_store, ["a.b.c@gmail.com", "abc+x@googlemail.com", "abc@gmail.com"])
    recent = RecentAutomatic()
    assert counted(any_store, recent, "gmail.com") == 0
    assert counted(any_store, recent, "abc@gmail.com") == 2
