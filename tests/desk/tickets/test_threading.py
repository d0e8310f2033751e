"""The keys under which messages know each other, and who may append to what."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from desk.channels import Channel
from desk.mail.inbound_request import Envelope, InboundRequest, Party, ThreadKeys
from desk.signed import reply_address
from desk.signed.reply_address import ReplyRight
from desk.tickets import threading
from desk.tickets.threading import Signal

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = b"a key of the tests, known to everybody"
ids = st.text(min_size=1, max_size=20)


def request(thread: ThreadKeys | None = None, **more: object) -> InboundRequest:
    values: dict[str, object] = {"channel": Channel.EMAIL, "source": "s", "external_id": "e", "content_hash": "h"}
    values |= {"received_at": NOW, "sender": Party("bob@x.test"), "thread": thread or ThreadKeys()} | more
    return InboundRequest(**values)  # type: ignore[arg-type]


@given(st.text(max_size=2000))
def test_a_mails_key_fits_every_index_and_never_looks_like_another_channels(message_id: str) -> None:
    key = threading.mail_key(message_id)
    assert len(key) <= 400 and not key.startswith(("slack:", "hash:"))


@given(st.sampled_from(["slack:", "hash:", "mail:", "mail:mail:"]), ids, ids)
def test_two_ids_have_two_keys(prefix: str, one: str, two: str) -> None:
    keys = {threading.mail_key(i) for i in (one, two, prefix + one, prefix + two)}
    assert len(keys) == len({one, two, prefix + one, prefix + two})


def test_two_long_ids_that_begin_alike_have_two_keys() -> None:
    assert threading.mail_key("a" * 500 + "1@x") != threading.mail_key("a" * 500 + "2@x")


@given(st.lists(ids, max_size=5), st.lists(ids, max_size=80), ids)
def test_the_nearest_parent_comes_first_and_nobody_is_its_own_parent(
    parents: list[str], references: list[str], own: str
) -> None:
    thread = ThreadKeys(own, tuple(parents), tuple(references))
    keys = threading.named_keys(request(thread))
    assert len(keys) <= 50 and len(set(keys)) == len(keys)
    others = [parent for parent in thread.in_reply_to if parent != thread.message_id]
    assert not others or keys[0] == threading.mail_key(others[0])
    assert threading.own_key(request(thread)) not in keys


def test_a_message_without_an_id_is_known_by_its_content() -> None:
    assert threading.own_key(request()) == "hash:h"
    assert threading.own_key(request(ThreadKeys(conversation="slack:T:C:1"))) == "slack:T:C:1#e"


def test_the_envelopes_addresses_come_before_the_headers() -> None:
    made = request(ThreadKeys(delivered_to=("b+1@x",)), envelope=Envelope("", ("c+1@x",)), to=(Party("a+1@x"),))
    assert threading.reply_addresses(made) == ("c+1@x", "b+1@x", "a+1@x")


def test_a_fetched_mail_was_delivered_where_its_header_says() -> None:
    made = {"to": (Party("a+1@x"),), "cc": (Party("b+1@x"),), "envelope": Envelope("", ("c@x",))}
    assert threading.delivery_addresses(request(**made)) == ("c@x",)
    assert threading.delivery_addresses(request(**made, source="imap:1:INBOX")) == ("c@x", "a+1@x")


def test_only_an_agents_token_makes_a_mail_look_like_a_command() -> None:
    for purpose, expected in ((reply_address.AGENT, True), (reply_address.REQUESTER, False)):
        token = reply_address.reply_address("s@d", ReplyRight(purpose, 1, 2, 1), SECRET, NOW)
        assert threading.may_command(threading.reply_tokens((token,))) is expected


def test_the_nearest_known_message_decides() -> None:
    found = threading.first_known(["a", "b", "c"], {"c": 1, "b": 2}, Channel.EMAIL)
    assert found is not None and (found.ticket_id, found.signal, found.detail) == (2, Signal.REFERENCES, "b")
    assert threading.first_known(["a"], {}, Channel.EMAIL) is None
