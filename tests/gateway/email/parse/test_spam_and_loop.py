"""Mail that came back, and mail that our own server calls spam, is set aside with its reason; nobody's word else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from desk.mail.inbound_request import Envelope
from gateway import intake
from gateway.email.sandbox.pool import SandboxPool
from gateway.email.smtp.types import RawMail
from storage.mail import inbound
from storage.open_store import Store

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
DESK = "support@desk.example.test"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxPool]:
    made = SandboxPool(1)
    yield made
    made.close()


def state(
    store: Store, sandbox: SandboxPool, field: str, *, peer: str = "127.0.0.1", source: str = DESK
) -> tuple[str, str]:
    """How a mail with this header field is written down, and why."""
    raw = f"From: kim@home.example.test\r\nTo: {DESK}\r\nSubject: x\r\n{field}\r\n\r\nwords\r\n".encode()
    envelope = Envelope("kim@home.example.test", (DESK,), peer) if peer else Envelope()
    intake.accept_mails(store, sandbox, [RawMail(raw, envelope, source, NOW)])
    with store.database.reading() as session:
        row = inbound.get(session, 1)
    assert row is not None
    return row["state"], row["reason"]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (f"X-Loop: {DESK}", "came back: X-Loop names this mailbox already"),
        (f"X-Loop: <{DESK.upper()}>", "came back: X-Loop names this mailbox already"),
        (f"Delivered-To: {DESK}", "came back: Delivered-To names this mailbox already"),
        ("X-Spam-Flag: YES", "marked as spam by the mail server"),
        ("X-Spam-Status: Yes, score=9.1 required=5.0", "marked as spam by the mail server"),
    ],
)
def test_a_mail_that_speaks_against_itself_is_set_aside(
    store: Store, sandbox: SandboxPool, field: str, reason: str
) -> None:
    assert state(store, sandbox, field) == ("quarantined", reason)


@pytest.mark.parametrize(
    "field",
    [
        "X-Loop: kim@home.example.test",
        "Delivered-To: sales@desk.example.test",
        "X-Spam-Flag: NO",
        "X-Spam-Status: No, score=-1.0",
        "X-Spam-Level: ****",
    ],
)
def test_other_fields_of_that_kind_say_nothing(store: Store, sandbox: SandboxPool, field: str) -> None:
    assert state(store, sandbox, field)[0] == "waiting"


def test_a_strangers_word_about_spam_counts_for_nothing(store: Store, sandbox: SandboxPool) -> None:
    assert state(store, sandbox, "X-Spam-Flag: YES", peer="192.0.2.7")[0] == "waiting"


def test_a_fetched_folder_names_itself_without_being_a_loop(store: Store, sandbox: SandboxPool) -> None:
    assert state(store, sandbox, f"Delivered-To: {DESK}", peer="", source=f"imap:{DESK}/INBOX")[0] == "waiting"


def test_a_local_delivery_agent_names_the_mailbox_without_being_a_loop(store: Store, sandbox: SandboxPool) -> None:
    assert state(store, sandbox, f"Delivered-To: {DESK}", peer="unix")[0] == "waiting"


def test_what_was_set_aside_comes_in_when_an_agent_releases_it(store: Store, sandbox: SandboxPool) -> None:
    state(store, sandbox, "X-Spam-Flag: YES")
    with store.database.transaction() as session:
        assert inbound.request_release(session, 1)
    assert intake.release_asked(store, sandbox, NOW) == 1
    with store.database.reading() as session:
        row = inbound.get(session, 1)
    assert row is not None and row["state"] == "waiting"


def test_only_relays_that_are_trusted_may_call_a_mail_spam(store: Store, sandbox: SandboxPool) -> None:
    own = replace(store, settings=replace(store.settings, trusted_relays=("10.0.0.0/8",)))
    assert state(own, sandbox, "X-Spam-Flag: YES")[0] == "waiting"
