"""Sending: at least once, under one Message-ID, through a real SMTP server that refuses when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from desk.mail.content import MailContent
from desk.mail.states import OutboundState
from desk.signed import reply_address
from storage.mail import outbound
from storage.mail.outbound_message import ClaimedMessage, OutboundMessage
from storage.open_store import Store
from storage.tickets import tickets
from tests.servers.relay import Relay, listening
from tests.small_desk import ALICE, BOB, CAROL, SmallDesk
from workers.outbound import deliver, email
from workers.outbound.errors import TransportError
from workers.outbound.mime import compose


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def desk(store: Store, relay: Relay) -> Iterator[SmallDesk]:
    """A desk whose relay is a real SMTP server, with one open ticket of Bob's."""
    for port in listening(relay):
        settings = replace(store.settings, relay_url=f"smtp://127.0.0.1:{port}", acknowledge=False)
        desk = SmallDesk(replace(store, settings=settings), delivers=False)
        desk.receive(desk.mail(BOB, "Help", "Please."))
        for row in desk.letters():
            with store.database.transaction() as session:
                outbound.mark(session, int(str(row["id"])), OutboundState.SENT, desk.now)
        yield desk


def put(desk: SmallDesk, recipient: str = BOB, key: str = "one", **content: Any) -> int:
    base = {"from": "support@desk.example.test", "subject": "s", "text": "t"}
    whole = MailContent.from_json(base | content)
    letter = OutboundMessage(key, "reply", recipient, f"fd.{key}@desk.example.test", whole, ticket_id=1)
    with desk.store.database.transaction() as session:
        outbound.store(session, [letter], desk.now)
    return int(str(desk.letters(recipient=recipient)[-1]["id"]))


def row(desk: SmallDesk, number: int) -> dict[str, Any]:
    with desk.store.database.reading() as session:
        found = outbound.get(session, number)
    assert found is not None
    return found


def test_a_letter_leaves_once_and_is_marked(desk: SmallDesk, relay: Relay) -> None:
    number = put(desk)
    assert deliver.drain(desk.context) == 1 and deliver.drain(desk.context) == 0
    ((sender, to, _),) = relay.taken
    assert reply_address.outbound_of_bounce_address(sender, desk.store.secret) == number and to == [BOB]
    assert row(desk, number)["state"] == "sent" and row(desk, number)["sent_at"] == desk.now


def test_automatic_mail_has_the_null_envelope_sender(desk: SmallDesk, relay: Relay) -> None:
    put(desk, automatic=True)
    deliver.drain(desk.context)
    assert [sender for sender, _, _ in relay.taken] == ["<>"]


def test_a_refusal_for_now_is_tried_again_after_growing_pauses(desk: SmallDesk, relay: Relay) -> None:
    number = put(desk)
    relay.data = "451 later"
    pauses = []
    for attempt in range(len(deliver.BACK_OFF)):
        assert deliver.drain(desk.context) == 1 and deliver.drain(desk.context) == 0
        found = row(desk, number)
        assert found["state"] == "queued" and found["attempts"] == attempt + 1 and "451 later" in found["reason"]
        pauses.append(found["next_at"] - desk.now)
        desk.now = found["next_at"]
    assert pauses == sorted(pauses) and pauses[0] < pauses[-1] and sum(pauses, timedelta()) > timedelta(days=1)
    deliver.drain(desk.context)
    assert row(desk, number)["state"] == "undeliverable" and "undeliverable" in desk.kinds(1)


def test_a_letter_that_was_refused_for_now_leaves_later(desk: SmallDesk, relay: Relay) -> None:
    number = put(desk)
    relay.data = "451 later"
    deliver.drain(desk.context)
    relay.data = ""
    desk.later(seconds=6)
    deliver.drain(desk.context)
    assert row(desk, number)["state"] == "sent" and len(relay.taken) == 1


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_refusal_for_good_is_undeliverable_and_stands_on_the_ticket(
    desk: SmallDesk, relay: Relay, where: str
) -> None:
    number = put(desk)
    if where == "rcpt":
        relay.rcpt = {BOB: "550 no such user"}
    else:
        relay.data = "550 no such user"
    deliver.drain(desk.context)
    assert row(desk, number)["state"] == "undeliverable" and "no such user" in row(desk, number)["reason"]
    (event,) = [event for event in desk.events(1) if event.kind == "undeliverable"]
    assert event.after == BOB and "550 no such user" in event.why
    desk.later(days=9)
    assert deliver.drain(desk.context) == 0


def test_one_refused_letter_does_not_spoil_the_connection_for_the_next(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 no such user"}
    put(desk, BOB, "one")
    put(desk, CAROL, "two")
    deliver.drain(desk.context)
    assert [to for _, to, _ in relay.taken] == [[CAROL]]


def test_a_relay_that_is_away_is_tried_again(desk: SmallDesk) -> None:
    settings = replace(desk.store.settings, relay_url="smtp://127.0.0.1:1")
    context = replace(desk.context, store=replace(desk.store, settings=settings))
    number = put(desk)
    deliver.drain(context)
    assert row(desk, number)["state"] == "queued" and "cannot be reached" in row(desk, number)["reason"]
    desk.later(seconds=6)
    deliver.drain(desk.context)
    assert row(desk, number)["state"] == "sent"


def test_a_wrong_password_of_the_relay_makes_no_letter_undeliverable(relay: Relay) -> None:
    def nobody(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    for port in listening(relay, authenticator=nobody, auth_require_tls=False, auth_required=True):
        with (
            email.RelayConnection(email.Relay("127.0.0.1", port, "u", "secret")) as post,
            pytest.raises(TransportError) as failed,
        ):
            post.send("", BOB, b"Subject: x\r\n\r\n")
    assert not failed.value.permanent and "535" in str(failed.value) and "secret" not in str(failed.value)


class _Killed(BaseException):
    """As if the worker were gone at once."""


def test_a_worker_killed_between_250_and_the_mark_sends_again_under_the_same_id(
    desk: SmallDesk, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = put(desk)

    def die(*_: object, **__: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(outbound, "mark", die)
        with pytest.raises(_Killed):
            deliver.drain(desk.context)
    assert deliver.drain(desk.context) == 0, "the lease still holds"
    desk.now += outbound.LEASE + timedelta(seconds=1)
    deliver.drain(desk.context)
    assert relay.message_ids() == ["<fd.one@desk.example.test>"] * 2 and row(desk, number)["state"] == "sent"


def test_a_letter_that_breaks_us_does_not_hold_up_its_neighbours(
    desk: SmallDesk, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = put(desk, BOB, "bad", subject="boom"), put(desk, CAROL, "good")
    honest = compose.compose

    def breaks(letter: ClaimedMessage, *rest: Any) -> bytes:
        if letter.content_as(MailContent).subject == "boom":
            raise KeyError("a bug")
        return honest(letter, *rest)

    monkeypatch.setattr(compose, "compose", breaks)
    deliver.drain(desk.context)
    assert row(desk, good)["state"] == "sent" and row(desk, bad)["state"] == "queued"
    assert row(desk, bad)["next_at"] > desk.now and "KeyError" in row(desk, bad)["reason"]


def test_an_address_that_no_relay_takes_is_undeliverable_at_once(desk: SmallDesk) -> None:
    number = put(desk, "no address")
    deliver.drain(desk.context)
    assert row(desk, number)["state"] == "undeliverable" and "undeliverable" in desk.kinds(1)


def test_a_worker_whose_lease_has_ended_does_not_undo_what_another_did(desk: SmallDesk) -> None:
    number = put(desk)
    with desk.store.database.transaction() as session:
        (slow,) = outbound.claim(session, 1, desk.now)
    desk.now += outbound.LEASE + timedelta(seconds=1)
    deliver.drain(desk.context)
    deliver._failed(desk.context, slow, TransportError("451 late", permanent=False))
    deliver._failed(desk.context, slow, TransportError("550 late", permanent=True))
    assert row(desk, number)["state"] == "sent" and "undeliverable" not in desk.kinds(1)


def test_an_undeliverable_reply_is_told_to_the_agent_and_an_undeliverable_notice_to_nobody(
    desk: SmallDesk, relay: Relay
) -> None:
    relay.rcpt = {BOB: "550 gone", ALICE: "550 gone"}
    put(desk)
    for _ in range(5):
        desk.work()
        deliver.drain(desk.context)
    told = [str(r["content"]) for r in desk.letters("notice", ALICE) if "could not be delivered" in str(r["content"])]
    assert len(told) == 1
    with desk.store.database.reading() as session:
        assert not tickets.has_unreacted(session)
