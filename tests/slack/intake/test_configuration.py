"""Slack in the file of the desk: channels and accounts, left alone where the file does not mention them."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest

from desk.channels import Channel
from desk.config.desk_toml import BadConfiguration, read, to_toml
from storage.open_store import Store
from storage.people import accounts, people
from usecases.config import apply as configuration
from usecases.config import export as configuration_export

NOW = datetime(2026, 11, 2, tzinfo=UTC)
WITH_SLACK = """
[[agent]]
address = "ann@desk.example.test"
slack_user = "slack:T0DESK:U0ANN"
[[team]]
name = "Support"
slack_channel = "C0AGENTS"
"""


def _apply(store: Store, text: str) -> int:
    with store.database.transaction() as session:
        return len(configuration.apply(session, read(tomllib.loads(text)), NOW))


def _linked(store: Store) -> tuple[str, str]:
    with store.database.reading() as session:
        team, agent = people.team_named(session, "Support"), people.by_address(session, "ann@desk.example.test")
        assert team is not None and agent is not None
        return team.slack_channel, accounts.account_of(session, Channel.SLACK, agent.id)


def test_a_file_sets_channel_and_account_and_leaves_them_alone_when_it_is_silent(any_store: Store) -> None:
    _apply(any_store, WITH_SLACK)
    assert _linked(any_store) == ("C0AGENTS", "slack:T0DESK:U0ANN")
    silent = WITH_SLACK.replace('slack_channel = "C0AGENTS"\n', "").replace('slack_user = "slack:T0DESK:U0ANN"\n', "")
    assert _apply(any_store, silent) == 0 and _linked(any_store) == ("C0AGENTS", "slack:T0DESK:U0ANN")
    _apply(any_store, WITH_SLACK.replace("C0AGENTS", "").replace("slack:T0DESK:U0ANN", ""))
    assert _linked(any_store) == ("", "")


def test_what_is_exported_says_it_and_changes_nothing(store: Store) -> None:
    _apply(store, WITH_SLACK)
    with store.database.reading() as session:
        text = to_toml(configuration_export.current_configuration(session))
    assert 'slack_channel = "C0AGENTS"' in text and 'slack_user = "slack:T0DESK:U0ANN"' in text
    assert _apply(store, text) == 0


@pytest.mark.parametrize(("good", "bad"), [("C0AGENTS", "#agents"), ("slack:T0DESK:U0ANN", "U0ANN")])
def test_a_name_instead_of_an_id_is_refused(store: Store, good: str, bad: str) -> None:
    with pytest.raises(BadConfiguration, match="should be an"):
        _apply(store, WITH_SLACK.replace(good, bad))
