"""The reports: on the page, as files and for programs; agents see what is theirs; a spreadsheet runs nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from desk.channels import Channel
from desk.reports import tables as report_tables
from desk.reports.tables import Seconds, Share, Table
from desk.tickets.ticket import Actor, ActorKind
from storage.access import api_tokens
from storage.reports import daily_plan
from storage.tables.reports import day_figures
from storage.tables.tickets import tickets as ticket_rows
from storage.tickets import tickets
from tests.console.conftest import Browser, Console
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.timers import report_rollup


@pytest.fixture
def counted(console: Console) -> Console:
    """Everything that happened is in the figures."""
    console.later(hours=2)
    with console.store.database.transaction() as session:
        ticket = tickets.get(session, console.things.ticket)
        assert ticket
        agent = Actor(ActorKind.AGENT, console.things.alice, "Alice")
        conversation.reply(session, ticket, Written(agent, "Here it is.", console.now[0], via="console"))
    report_rollup.catch_up(console.store, console.now[0] + timedelta(minutes=3))
    return console


def test_the_page_shows_what_came_and_how_fast_it_was_answered(counted: Console, alice: Browser) -> None:
    page = alice.get("/reports?period=30d")
    assert page.status_code == 200
    for words in ("Opened", "First response", "median", "Age of the backlog now", "<svg", "As a table"):
        assert words in page.text


def test_a_report_of_many_tickets_says_how_near_its_medians_are(
    counted: Console, alice: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "of the true ones" not in alice.get("/reports").text
    with counted.store.database.reading() as session:
        exact = json.loads(alice.get("/reports.json").text)
        assert session.execute(sa.select(sa.func.count()).select_from(day_figures)).scalar() == 0
    report_rollup.sum_up(counted.store, counted.now[0] + timedelta(days=2))
    monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 0)
    assert "medians and p90 are within 0.8% of the true ones" in alice.get("/reports").text
    near = json.loads(alice.get("/reports.json").text)
    assert near["now"]["opened"]["count"] == exact["now"]["opened"]["count"] > 0
    assert (near["hours"], near["days"], near["volume"]) == (exact["hours"], exact["days"], exact["volume"])


@pytest.mark.parametrize(
    "query",
    [
        "period=soon",
        "from=2026-03-05&to=2026-03-01",
        "from=yesterday",
        "to=x",
        "to=9999-12-31",
        "from=0001-01-01",
        "to=²",
        "period=9999-12",
    ],
)
def test_a_period_that_cannot_be_meant_is_refused_in_words(counted: Console, alice: Browser, query: str) -> None:
    assert alice.get(f"/reports?{query}").status_code == 400


def test_csv_and_json_say_the_same(counted: Console, alice: Browser) -> None:
    text = alice.get("/reports.csv").text
    assert text.startswith("\ufeff"), "Excel reads UTF-8 only behind its mark"
    text = text.removeprefix("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text)))
    told = json.loads(alice.get("/reports.json").text)
    assert told == json.loads(alice.get("/api/v1/reports").text)
    opened = next(one for one in lines if (one["table"], one["row"], one["column"]) == ("Summary", "Opened", "now"))
    assert opened["value"] == str(told["now"]["opened"]["count"])
    assert told["now"]["opened"]["count"] > 0


def test_programs_need_a_token_for_tickets(counted: Console, stranger: Browser) -> None:
    assert stranger.get("/api/v1/reports").status_code == 401
    with counted.store.database.transaction() as session:
        token = api_tokens.create(session, "dashboard", ["tickets"], counted.now[0])
    answer = stranger.get("/api/v1/reports", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["now"]["opened"]["count"] > 0


def test_a_stranger_is_sent_to_sign_in(counted: Console, stranger: Browser) -> None:
    assert stranger.get("/reports").headers["location"].startswith("/login")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_file_is_a_formula(first: str) -> None:
    made = [Table(f"{first}t", ("name", f"{first}c"), [(f"{first}cmd|' /C calc'!A0", f"{first}x")])]
    (line,) = csv.DictReader(io.StringIO(report_tables.as_csv(made)))
    assert all(cell.startswith("'" + first) for cell in line.values())


def test_lengths_and_shares_are_words_for_people_and_numbers_for_programs() -> None:
    assert [report_tables.shown(Seconds(n)) for n in (5, 90, 5_400, 200_000)] == ["5 s", "2 min", "1.5 h", "2.3 d"]
    assert [report_tables.shown(Share(n)) for n in (0, 0.036, 0.5, 0.995, 1)] == ["0%", "3.6%", "50%", "99.5%", "100%"]
    assert report_tables.plain_cell(Seconds(5_400)) == "5400"
    assert report_tables.plain_cell(Share(0.995)) == "0.995"


def test_the_page_offers_the_channels_that_there_are_and_no_other(counted: Console, alice: Browser) -> None:
    choice = re.search(r'<select name="channel">(.*?)</select>', alice.get("/reports").text)
    assert choice is not None
    assert re.findall(r"<option[^>]*>([^<]*)</option>", choice[1]) == ["Any", *Channel]
    with counted.store.database.reading() as session:
        used = set(session.execute(sa.select(ticket_rows.c.channel).distinct()).scalars())
    assert used <= set(Channel)
