"""The settings of a fetched mailbox: read once, and the field that is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.email.imap.config import BadImapConfig, read_config

LEAST = {"host": "imap.example.test", "user": "support@example.test", "password_env": "SUPPORT_PASSWORD"}


def test_the_least_settings_are_enough_and_safe() -> None:
    config = read_config(LEAST)
    assert (config.tls, config.port, config.folders) == ("ssl", 993, ("INBOX",))
    assert (config.after, config.start, config.poll_seconds) == ("seen", "unseen", 60.0)


@pytest.mark.parametrize(("given", "guarded"), [({}, True), ({"guarded": True}, True), ({"guarded": False}, False)])
def test_only_the_owners_word_takes_the_guard_away(given: dict[str, Any], guarded: bool) -> None:
    assert read_config(LEAST | given).guarded is guarded


def test_starttls_has_its_own_port() -> None:
    assert read_config(LEAST | {"tls": "starttls"}).port == 143


def test_an_idle_never_lasts_longer_than_a_server_allows() -> None:
    assert read_config(LEAST | {"poll_seconds": 86400}).poll_seconds < 25 * 60


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": ""}, "host"),
        ({"host": "a\r\nb"}, "host"),
        ({"user": None}, "user"),
        ({"port": 0}, "port"),
        ({"port": "993"}, "port"),
        ({"tls": "maybe"}, "tls"),
        ({"auth": "ntlm"}, "auth"),
        ({"folders": []}, "folders"),
        ({"folders": "INBOX"}, "folders"),
        ({"after": "move:"}, "after"),
        ({"after": "delete"}, "after"),
        ({"after": "move:INBOX"}, "after"),
        ({"start": "yesterday"}, "start"),
        ({"poll_seconds": 0}, "poll_seconds"),
        ({"password_file": "/x"}, "password"),
        ({"password": "secret words"}, "password"),
        ({"pasword_env": "X"}, "pasword_env"),
        ({"auth": "xoauth2"}, "token"),
        ({"auth": "xoauth2", "refresh": "x"}, "refresh"),
        ({"auth": "xoauth2", "refresh": {"url": "http://login.example.test/token"}}, "refresh.url"),
        ({"auth": "xoauth2", "refresh": {"url": "https://l.example.test/", "client_id": "x"}}, "refresh.refresh_token"),
        ({"auth": "xoauth2", "token_env": "X", "refresh": {}}, "refresh"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadImapConfig, match=rf"^{field}") as caught:
        read_config(LEAST | changes)
    assert "secret words" not in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from([*LEAST, "port", "tls", "folders", "after", "refresh", "auth"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    )
)
def test_whatever_stands_there_is_read_or_refused(data: dict[str, Any]) -> None:
    try:
        config = read_config(data)
    except BadImapConfig:
        return
    assert config.host
    assert config.secret or config.refresh
