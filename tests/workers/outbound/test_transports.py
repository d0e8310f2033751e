"""Every channel has its traits, every transport its code, and a channel with conversations the texts for them."""

from __future__ import annotations

from desk.channels import CONVERSATION_PREFIXES, TRAITS, Channel, Transport, is_read_by_others, traits_of
from desk.mail.content import MailContent
from desk.slack.content import SlackContent
from storage.mail.outbound_content import FROM_JSON
from workers.outbound.transports import CONVERSATION_TEXTS, TRANSPORTS


def test_no_channel_and_no_transport_is_left_out() -> None:
    assert set(TRAITS) == set(Channel)
    assert set(TRANSPORTS) == set(Transport) == set(FROM_JSON) == {traits.transport for traits in TRAITS.values()}
    assert set(CONVERSATION_TEXTS) == {channel for channel, traits in TRAITS.items() if traits.conversation_keys}


def test_conversation_keys_begin_with_their_channel() -> None:
    assert CONVERSATION_PREFIXES == ("slack:",)
    assert all(traits_of(prefix.rstrip(":")).conversation_keys.startswith(prefix) for prefix in CONVERSATION_PREFIXES)


def test_only_a_thread_in_a_room_is_read_by_others() -> None:
    assert is_read_by_others(Transport.SLACK, SlackContent("C0123"))
    assert not is_read_by_others(Transport.SLACK, SlackContent("D0123"))
    assert not is_read_by_others(Transport.SLACK, SlackContent("C0123", whisper_to="U1"))
    assert not is_read_by_others(Transport.MAIL, MailContent(to="ann@customer.example.test", cc=("bob@x.example",)))
