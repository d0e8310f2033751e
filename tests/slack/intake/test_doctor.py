"""What `frontdesk doctor` says of Slack, and that the manual's manifest gives the rights that it asks for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from cli.diagnose import doctor_slack
from desk.channels import Channel
from desk.config.settings import Settings
from storage.open_store import Store
from storage.people import accounts, people
from tests.slack.fake_slack import RIGHTS, FakeSlack
from tests.small_desk import SmallDesk

MANUAL = Path(__file__).parents[3] / "docs" / "channels-slack.md"


def test_a_whole_app_is_fine(slack: FakeSlack, slack_settings: Settings) -> None:
    (found,) = doctor_slack.examine(slack_settings)
    assert (found.state, found.found) == ("ok", "workspace Desk, bot frontdesk")


def test_rights_that_are_missing_are_named(slack: FakeSlack, slack_settings: Settings) -> None:
    slack.state.scopes -= {"files:read", "commands"}
    (found,) = doctor_slack.examine(slack_settings)
    assert found.state == "warning" and "lacks commands, files:read" in found.found


def test_a_token_that_is_refused_and_a_slack_that_is_away_are_broken(
    slack: FakeSlack, slack_settings: Settings
) -> None:
    slack.state.revoked |= slack.state.bot_tokens
    assert "token_revoked" in next(iter(doctor_slack.examine(slack_settings))).found
    away = replace(slack_settings, slack_api_url="http://127.0.0.1:9/api/")
    assert next(iter(doctor_slack.examine(away))).state == "broken"


def test_without_a_token_nothing_is_said(store: Store) -> None:
    assert list(doctor_slack.examine(store.settings)) == []


def test_a_team_in_slack_without_a_linked_agent_is_told(small_desk: SmallDesk) -> None:
    with small_desk.store.database.transaction() as session:
        people.set_slack_channel(session, 1, "C0AGENTS")
    assert [one.state for one in doctor_slack.linked(small_desk.store)] == ["warning"]
    with small_desk.store.database.transaction() as session:
        accounts.set_account(session, Channel.SLACK, small_desk.alice.id, "slack:T0DESK:U0ALICE", small_desk.now)
    assert list(doctor_slack.linked(small_desk.store)) == []


def test_the_manifest_of_the_manual_has_every_right_event_and_command() -> None:
    found = re.search(r"```json\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    manifest = json.loads(found[1])
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(RIGHTS) >= set(doctor_slack.RIGHTS)
    assert manifest["features"]["slash_commands"][0]["command"] == "/frontdesk"
    assert manifest["features"]["slash_commands"][0]["should_escape"] is True
    assert {"message.im", "message.channels", "message.groups", "app_mention"} == set(
        manifest["settings"]["event_subscriptions"]["bot_events"]
    )
