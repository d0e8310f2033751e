"""What requesters said, for agents: figures, comments, the settings, the command."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

import frontdesk
from desk.config.desk_toml import BadConfiguration
from storage.db.statements import insert_rows
from storage.knowledge import csat, csat_settings
from storage.tables.desk import ratings as rows
from tests.cli.configured import configure
from tests.console.conftest import START, Browser, Console


@pytest.fixture
def rated(console: Console) -> None:
    """The invoice's ticket was rated 2, another one was only asked about."""
    made: list[dict[str, Any]] = [
        {"ticket_id": console.things.ticket, "agent_id": console.things.alice, "score": 2, "comment": "<b>slow</b>"},
        {"ticket_id": console.things.other, "agent_id": console.things.alice, "score": None, "comment": ""},
    ]
    with console.store.database.transaction() as session:
        for one in made:
            at = START - timedelta(days=1)
            state = csat.RATED if one["score"] else csat.ASKED
            row = {"team_id": 1, "state": state, "asked_at": at, "rated_at": at if one["score"] else None}
            insert_rows(session, rows, [one | row])


def test_everybody_sees_the_figures_and_what_was_said(rated: None, alice: Browser) -> None:
    page = alice.get("/satisfaction").text
    assert "1 of 2" in page and "&lt;b&gt;slow&lt;/b&gt;" in page
    answer = alice.get("/api/v1/satisfaction").json()
    assert (answer["all"]["mean"], answer["all"]["satisfied"], answer["agents"]["Alice"]["asked"]) == (2, 0.0, 2)


def test_leads_say_when_requesters_are_asked(console: Console, alice: Browser, bob: Browser) -> None:
    wanted = {"ask_rating": "on", "rating_after_hours": "4", "rating_every_days": "60", "rating_remind_days": "0"}
    assert alice.press("/satisfaction/rules", "/satisfaction", **wanted).status_code == 403
    assert bob.press("/satisfaction/rules", "/satisfaction", **wanted).headers["location"].endswith("kept")
    assert (
        bob.press("/satisfaction/rules", "/satisfaction", rating_every_days="99999")
        .headers["location"]
        .endswith("refused")
    )
    with console.store.database.reading() as session:
        rules = csat_settings.rules(session)
    assert not rules.help_pages, "an empty box is a no"
    assert (rules.ask_rating, rules.rating_after_hours, rules.rating_every_days, rules.rating_remind_days) == (
        True,
        4,
        60,
        0,
    )


def test_the_command_tells_figures(
    console: Console, rated: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTDESK_DATA_DIR", console.store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", console.store.settings.secret_key)
    assert frontdesk.main(["csat", "show", "--days", "3650", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["all"]["asked"] == 2
    assert frontdesk.main(["csat", "show", "--days", "3650"]) == 0 and "2 of 5 for #1" in capsys.readouterr().out
    assert frontdesk.main(["csat", "show", "--days", "0"]) == 64


def test_days_that_cannot_be_meant_are_refused_by_the_file_too(console: Console) -> None:
    with pytest.raises(BadConfiguration):
        configure(console.store, "[aftercare]\nrating_after_hours = 99999")
