"""Addresses of the world: either spelling of a domain is one; letters before the @ go where the relay takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest

from desk.config.desk_toml import read
from desk.tickets.ticket import Actor, ActorKind
from gateway.directory import Directory
from gateway.email.smtp.envelope_path import read_path
from gateway.web.submission import InvalidFields, Submission, checked, is_address
from storage.open_store import Store
from storage.people import people
from storage.people.addresses import canonical, canonical_words
from storage.tickets import tickets
from tests.servers.relay import Relay, listening
from tests.small_desk import BOB, SUPPORT, SmallDesk
from usecases.config import apply as configuration
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

UMLAUT, ASCII = "info@müller.example", "info@xn--mller-kva.example"
WIDE = "jörg@home.example.test"


def desk_with(store: Store, relay: Relay, **options: Any) -> Iterator[SmallDesk]:
    for port in listening(relay, **options):
        settings = replace(store.settings, relay_url=f"smtp://127.0.0.1:{port}", acknowledge=False)
        yield SmallDesk(replace(store, settings=settings))


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def desk(store: Store, relay: Relay) -> Iterator[SmallDesk]:
    yield from desk_with(store, relay, enable_SMTPUTF8=True)


@pytest.fixture
def narrow(store: Store, relay: Relay) -> Iterator[SmallDesk]:
    """A desk whose relay does not offer SMTPUTF8."""
    yield from desk_with(store, relay, enable_SMTPUTF8=False)


def answer(desk: SmallDesk, number: int = 1) -> None:
    with desk.store.database.transaction() as session:
        held = tickets.get(session, number, lock=True)
        assert held is not None
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
        conversation.reply(session, held, Written(alice, "Try again.", desk.now, via="console"))
    desk.work()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (UMLAUT, ASCII),
        (UMLAUT.upper(), ASCII),
        ("info@mu\u0308ller.example", ASCII),
        (ASCII.upper(), ASCII),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@ｃorp.example", "a@ｃorp.example"),
        ("a@co\u00adrp.example", "a@co\u00adrp.example"),
        ("JÖRG@corp.example", "jörg@corp.example"),
        ("nobody", "nobody"),
        ("@", "@"),
    ],
)
def test_an_address_has_one_form_and_never_becomes_somebody_elses(written: str, stored: str) -> None:
    assert canonical(written) == stored and canonical(stored) == stored


def test_a_header_of_our_mail_server_names_the_same_domain_in_either_spelling() -> None:
    written = "mx.test; dmarc=pass (p=none) header.from=müller.example"
    assert canonical_words(written) == "mx.test; dmarc=pass (p=none) header.from=xn--mller-kva.example"


def test_the_envelope_names_a_mailbox_in_either_spelling(store: Store) -> None:
    with store.database.transaction() as session:
        people.add_mailbox(session, "hilfe@bücher.example", "Hilfe", None)
    directory = Directory(store)
    directory.refresh()
    assert "xn--bcher-kva.example" in directory.domains and directory.is_ours("bücher.example")
    for domain in ("bücher.example", "xn--bcher-kva.example", "BÜCHER.example"):
        path = read_path(f"<hilfe@{domain}>")
        assert directory.accepts(path.address) and path.address == "hilfe@xn--bcher-kva.example"
        assert directory.accepts(f"hilfe+token@{domain}")


def test_a_form_takes_an_umlaut_domain_and_letters_before_the_at(store: Store) -> None:
    typed = Submission(email=UMLAUT, subject="s", body="b")
    assert checked(typed, (), subject_needed=True).email == ASCII and is_address(WIDE)
    with pytest.raises(InvalidFields):
        checked(typed, (ASCII,), subject_needed=True)
    for bad in ("info@müller", "info@mül ler.example", "in\u200bfo@müller.example", "i\u00a0@müller.example"):
        assert not is_address(bad)


def test_two_spellings_are_one_person_and_one_thread(desk: SmallDesk, relay: Relay) -> None:
    desk.receive(desk.mail(ASCII, "Help", "Please.", message_id="a@x"))
    raw = (
        f"From: {UMLAUT}\r\nTo: {SUPPORT}\r\nSubject: Re: Help\r\nMessage-ID: <b@x>\r\nIn-Reply-To: <a@x>\r\n\r\nMore."
    )
    desk.receive(desk.raw_mail(raw.encode(), UMLAUT, [SUPPORT]))
    assert len(desk.tickets()) == 1 and [one.author_address for one in desk.messages(1)] == [ASCII, ASCII]
    answer(desk)
    assert len(relay.got(ASCII)) == 1 and relay.got(ASCII)[0]["To"].endswith(ASCII)


def test_desk_toml_names_agents_and_mailboxes_in_either_spelling(store: Store) -> None:
    desk = SmallDesk(store)
    for address in ("alice@bücher.example", "alice@xn--bcher-kva.example"):
        wanted = read({
            "agent": [{"address": address, "name": "A"}],
            "mailbox": [{"address": address.replace("alice", "hilfe"), "team": "Support"}],
            "team": [{"name": "Support", "members": [address]}],
        })  # fmt: skip
        with store.database.transaction() as session:
            steps = configuration.apply(session, wanted, desk.now)
    assert [step for step in steps if step.what != "same"] == []
    with store.database.reading() as session:
        assert people.by_address(session, "alice@bücher.example") is not None
        assert "hilfe@xn--bcher-kva.example" in {box.address for box in people.all_mailboxes(session)}


def test_letters_before_the_at_leave_by_a_relay_that_takes_them(desk: SmallDesk, relay: Relay) -> None:
    raw = f"From: {WIDE}\r\nTo: {SUPPORT}\r\nSubject: Help\r\nMessage-ID: <a@x>\r\n\r\nPlease."
    desk.receive(desk.raw_mail(raw.encode(), WIDE, [SUPPORT]))
    answer(desk)
    (mail,) = relay.got(WIDE)
    assert f"To: {WIDE}".encode() in mail.as_bytes() or WIDE in str(mail["To"])
    ((_, _, data),) = [one for one in relay.taken if WIDE in one[1]]
    assert f"\r\nTo: {WIDE}\r\n".encode() in data
    assert [row["state"] for row in desk.letters("reply")] == ["sent"]


def test_letters_before_the_at_are_said_on_the_ticket_where_the_relay_takes_none(
    narrow: SmallDesk, relay: Relay
) -> None:
    raw = f"From: {WIDE}\r\nTo: {SUPPORT}\r\nSubject: Help\r\nMessage-ID: <a@x>\r\n\r\nPlease."
    narrow.receive(narrow.raw_mail(raw.encode(), WIDE, [SUPPORT]))
    answer(narrow)
    (event,) = [one for one in narrow.events(1) if one.kind == "undeliverable"]
    assert event.after == WIDE and "SMTPUTF8" in event.why
    assert narrow.ticket(1).status == "open" and narrow.ticket(1).undelivered_at is not None


@pytest.mark.parametrize("wide_relay", [True, False])
def test_a_wide_copy_keeps_the_answer_from_nobody(store: Store, relay: Relay, wide_relay: bool) -> None:
    for desk in desk_with(store, relay, enable_SMTPUTF8=wide_relay):
        desk.receive(desk.mail(BOB, "Help", "Please."))
        with desk.store.database.transaction() as session:
            tickets.add_participants(session, {(1, WIDE, "cc")})
        answer(desk)
    ((_, _, data),) = [one for one in relay.taken if BOB in one[1]]
    assert data.partition(b"\r\n\r\n")[0].isascii() and "jörg" not in str(message_from_bytes(data)["Cc"])
    assert len(relay.got(WIDE)) == wide_relay


def test_a_letter_with_a_wide_recipient_does_not_spoil_the_connection(narrow: SmallDesk, relay: Relay) -> None:
    raw = f"From: {WIDE}\r\nTo: {SUPPORT}\r\nSubject: Help\r\nMessage-ID: <a@x>\r\n\r\nPlease."
    narrow.receive(narrow.raw_mail(raw.encode(), WIDE, [SUPPORT]), narrow.mail(BOB, "Help", "Please."))
    answer(narrow)
    answer(narrow, 2)
    assert len(relay.got(BOB)) == 1


@pytest.mark.parametrize("others", [True, False])
def test_every_reply_address_has_at_most_64_octets_before_the_at(store: Store, relay: Relay, others: bool) -> None:
    box = "kundenservice-und-reklamationen-zentrale@desk.example.test"
    for desk in desk_with(store, relay):
        with desk.store.database.transaction() as session:
            people.add_mailbox(session, box, "Zentrale", None)
        if not others:
            with desk.store.database.transaction() as session:
                for one in people.all_mailboxes(session):
                    if one.address != box:
                        people.remove_mailbox(session, one.id)
        desk.receive(desk.mail(BOB, "Help", "Please.", to=box))
        answer(desk)
        ((sender, _, _),) = [one for one in relay.taken if BOB in one[1]]
        to = str(relay.got(BOB)[0]["Reply-To"]).rpartition("<")[2].rstrip(">")
        assert max(len(one.partition("@")[0]) for one in (to, sender)) <= 64
        assert box in str(relay.got(BOB)[0]["From"]) and ("+" in to) is others
        answered = {} if others else {"reply_to": str(relay.got(BOB)[0]["Message-ID"]).strip("<>")}
        desk.receive(desk.mail(BOB, "Re: Help", "Still.", to=to, **answered))
        assert len(desk.tickets()) == 1 and len(desk.messages(1)) == 3
