"""What intake writes down: readable mail to be settled, unreadable mail set aside, and released mail read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from desk.mail.inbound_request import Envelope
from gateway import intake
from gateway.email.sandbox.pool import SandboxPool
from gateway.email.smtp.types import Outcome, RawMail
from storage.db.session import Session
from storage.mail import inbound
from storage.open_store import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PLAIN = b"From: bob@home.example.test\r\nTo: s@desk.example.test\r\nSubject: Hi\r\nMessage-ID: <a@x>\r\n\r\nHello.\r\n"
DEEP = b"From: b@h.example.test\r\nMIME-Version: 1.0\r\n" + b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(300)
)


@pytest.fixture
def sandbox() -> Iterator[SandboxPool]:
    made = SandboxPool(1)
    yield made
    made.close()


def _mail(raw: bytes, quarantine: str = "") -> RawMail:
    return RawMail(raw, Envelope("b@h.example.test", ("s@desk.example.test",), "192.0.2.1"), "s", NOW, quarantine)


def _states(store: Store) -> dict[str, int]:
    with store.database.reading() as session:
        totals = inbound.totals(session, NOW)
    return {"unsettled": totals.unsettled, "quarantined": totals.states["quarantined"]}


def test_mail_that_cannot_be_read_is_stored_and_set_aside_with_its_reason(
    any_store: Store, sandbox: SandboxPool
) -> None:
    assert intake.accept_mails(any_store, sandbox, [_mail(PLAIN), _mail(DEEP)]) == [Outcome.STORED] * 2
    assert _states(any_store) == {"unsettled": 1, "quarantined": 1}
    with any_store.database.reading() as session:
        (row,) = inbound.list_by_state(session, ["quarantined"])
        assert row["reason"] and any_store.blobs.get(session, row["raw"]) == DEEP


def test_what_a_door_could_not_get_whole_is_not_tried(any_store: Store, sandbox: SandboxPool) -> None:
    intake.accept_mails(any_store, sandbox, [_mail(PLAIN, "larger than 40 MB"), _mail(PLAIN + b"Another.\r\n")])
    assert _states(any_store) == {"unsettled": 1, "quarantined": 1}


def test_released_mail_is_read_again(any_store: Store, sandbox: SandboxPool) -> None:
    intake.accept_mails(any_store, sandbox, [_mail(PLAIN, "the parser had a bad day"), _mail(DEEP)])
    with any_store.database.transaction() as session:
        for row in inbound.list_by_state(session, ["quarantined"]):
            assert inbound.request_release(session, row["id"])
    assert _states(any_store)["unsettled"] == 2
    assert intake.release_asked(any_store, sandbox, NOW) == 1
    assert _states(any_store) == {"unsettled": 1, "quarantined": 1}


def test_a_copy_of_a_mail_is_the_same_row(any_store: Store, sandbox: SandboxPool) -> None:
    intake.accept_mails(any_store, sandbox, [_mail(PLAIN), _mail(PLAIN)])
    intake.accept_mails(any_store, sandbox, [_mail(PLAIN)])
    with any_store.database.reading() as session:
        totals = inbound.totals(session, NOW)
    assert (totals.accepted, totals.repeats) == (1, 2)


def test_a_released_mail_that_breaks_its_reader_keeps_no_other_back(
    any_store: Store, sandbox: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake.accept_mails(any_store, sandbox, [_mail(PLAIN, "odd"), _mail(PLAIN.replace(b"<a@x>", b"<b@x>"), "odd")])
    with any_store.database.transaction() as session:
        for row in inbound.list_by_state(session, ["quarantined"]):
            assert inbound.request_release(session, row["id"])
    honest = intake._released

    def released(store: Store, session: Session, row_id: int, *more: Any) -> int:
        if row_id == 1:
            raise KeyError("a field that nobody thought of")
        return honest(store, session, row_id, *more)

    monkeypatch.setattr(intake, "_released", released)
    assert intake.release_asked(any_store, sandbox, NOW) == 1
    assert _states(any_store) == {"unsettled": 1, "quarantined": 1}
    with any_store.database.reading() as session:
        (row,) = inbound.list_by_state(session, ["quarantined"])
    assert row["reason"].startswith("could not be read again: KeyError at ")
