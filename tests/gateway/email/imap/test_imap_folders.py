"""Marks and health of IMAP folders, on both databases; and the envelope sender of a fetched mail."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.email.imap.return_path import return_path
from storage.mail import imap_folders
from storage.mail.imap_folders import FirstSeen, FolderHealth, Mark
from storage.open_store import Store
from storage.people import people

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_mark_is_where_it_was_set(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        box = people.add_mailbox(session, "support@example.test", "", None, {"folders": ["INBOX"]}).id
        assert imap_folders.get_mark(session, box, "INBOX") == Mark(0, 0)
        imap_folders.set_mark(session, box, "INBOX", Mark(7, 4_000_000_000))
        imap_folders.set_mark(session, box, "INBOX", Mark(7, 4_000_000_001))
        imap_folders.set_mark(session, box, "Sales", Mark(1, 1))
        assert imap_folders.get_mark(session, box, "INBOX") == Mark(7, 4_000_000_001)


def test_what_a_folder_was_at_first_is_remembered_once(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        box = people.add_mailbox(session, "support@example.test", "", None, {}).id
        assert imap_folders.get_first_seen(session, box, "Été") is None
        first = FirstSeen(7, 12, date(2026, 11, 23))
        imap_folders.save_first_seen(session, box, "Été", first)
        imap_folders.save_first_seen(session, box, "Été", FirstSeen(8, 1, date(2026, 12, 1)))
        assert imap_folders.get_first_seen(session, box, "Été") == first


def test_health_keeps_the_first_of_many_failures_and_forgets_it_after_success(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        box = people.add_mailbox(session, "support@example.test", "", None, {"folders": ["INBOX", "Web"]}).id
        people.add_mailbox(session, "not-fetched@example.test", "", None, None)
        imap_folders.set_mark(session, box, "INBOX", Mark(7, 5))
        imap_folders.record_failure(session, box, "INBOX", "cannot be reached", NOON)
        imap_folders.record_failure(session, box, "INBOX", "x" * 2000, NOON + HOUR)
        never = FolderHealth(box, "support@example.test", "Web")
        failing = FolderHealth(box, "support@example.test", "INBOX", None, NOON, "x" * 500, None)
        assert imap_folders.list_health(session) == [failing, never]
        imap_folders.record_success(session, box, "INBOX", 90.0, NOON + HOUR)
        good = FolderHealth(box, "support@example.test", "INBOX", NOON + HOUR, None, "", 90.0)
        assert imap_folders.list_health(session) == [good, never]
        assert imap_folders.get_mark(session, box, "INBOX") == Mark(7, 5)


def test_the_lag_grows_while_a_folder_is_failing() -> None:
    good = FolderHealth(1, "a@example.test", "INBOX", NOON, None, "", 90.0)
    failing = FolderHealth(1, "a@example.test", "INBOX", NOON, NOON + HOUR, "away", 90.0)
    never = FolderHealth(1, "a@example.test", "INBOX")
    assert good.lag(NOON + 3 * HOUR) == timedelta(seconds=90)
    assert failing.lag(NOON + 3 * HOUR) == 3 * HOUR + timedelta(seconds=90)
    assert never.lag(NOON) is None


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (b"Return-Path: <Ana@example.test>\r\nSubject: x\r\n\r\n", "ana@example.test"),
        (b"X: y\nRETURN-PATH:ana@example.test\n\n", "ana@example.test"),
        (b"Return-Path: <>\r\n\r\n", ""),
        (b"Subject: x\r\n\r\nReturn-Path: <ana@example.test>\r\n", ""),
        (b"Return-Path: <a@b.test> <c@d.test>\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_the_envelope_sender_is_the_return_path_of_the_header(raw: bytes, address: str) -> None:
    assert return_path(raw) == address


@given(st.binary())
def test_any_bytes_give_an_address_or_nothing(raw: bytes) -> None:
    found = return_path(b"Return-Path: <" + raw)
    assert found == "" or ("@" in found and found.isprintable())
