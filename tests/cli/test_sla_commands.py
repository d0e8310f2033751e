"""What is due when, by command: what it prints, and how a policy of desk.toml is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import frontdesk
from desk.config.desk_toml import BadConfiguration
from storage.open_store import Store
from storage.runtime import logging_setup
from tests.cli.configured import configure
from tests.small_desk import BOB, SmallDesk
from usecases.config import apply as configuration
from workers.timers import sla as sla_timers

Say = Callable[..., Any]
OFFICE = """
[[calendar]]
name = "Office"
time_zone = "Europe/Berlin"
slots = [{ days = "mon-fri", from = "09:00", to = "17:00" }]
holidays = { country = "DE", own = ["12-24"] }
"""
STANDARD = """
[[sla]]
name = "Standard"
targets = { first_response = { urgent = 30, high = "1h", medium = "4h", low = "8h" } }
"""


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, store: Store) -> SmallDesk:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    for name in ("data_dir", "secret_key", "mail_domain"):
        monkeypatch.setenv(f"FRONTDESK_{name.upper()}", getattr(store.settings, name))
    made = SmallDesk(store)
    made.now = datetime.now(UTC)
    return made


@pytest.fixture
def run(desk: SmallDesk, capsys: pytest.CaptureFixture[str]) -> Say:
    def answer(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        found = frontdesk.main([*words])
        said = capsys.readouterr()
        assert found == code, said.err
        return said.out + said.err

    return answer


def test_a_policy_of_the_file_gives_tickets_their_due_times(desk: SmallDesk, run: Say) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It is on fire and nobody can print."))
    configure(desk.store, STANDARD)
    assert desk.ticket(1).due_at is None
    sla_timers.drain(desk.context)
    assert desk.ticket(1).due_at is not None
    assert "1 clocks run" in run("sla", "list")
    assert [one["name"] for one in json.loads(run("sla", "list", "--json"))["policies"]] == ["Standard"]
    assert "0 of 1 open tickets" in run("sla", "recalculate", "--dry-run")
    assert json.loads(run("sla", "recalculate", "--json"))["total"] == 1


def test_why_a_ticket_is_due_is_told_in_sums_of_minutes(desk: SmallDesk, run: Say) -> None:
    configure(
        desk.store,
        f"""{OFFICE}[[sla]]
name = "Standard"
calendar = "Office"
targets = {{ first_response = "4h", resolution = "16h" }}
escalations = [{{ at = "breach+60min", actions = [{{ notify = "lead" }}] }}]
""",
    )
    desk.now -= timedelta(days=3)
    desk.receive(desk.mail(BOB, "Printer", "It is on fire."))
    desk.now += timedelta(days=3)
    sla_timers.drain(desk.context)
    said = run("sla", "explain", "1")
    assert 'target 4 h by policy "Standard", calendar "Office" (Europe/Berlin)' in said
    assert "step breach+60min:" in said
    made = json.loads(run("sla", "explain", "1", "--json"))
    assert [one["target"] for one in made["clocks"]] == ["first_response", "resolution"]
    assert "there is no ticket #9" in run("sla", "explain", "9", code=1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('targets = { first_response = "soon" }', "should be minutes such as 240, or 4h"),
        ("targets = {}", "has no target"),
        ('targets = { resolution = "1h" }\ncalendar = "Nowhere"', "there is no calendar"),
        ('targets = { resolution = "1h" }\nconditions = [{ field = "age_hours", above = 3 }]', "cannot depend on"),
        ('targets = { resolution = "1h" }\nescalations = [{ at = 0, actions = [] }]', "should be a percentage"),
        ('targets = { resolution = "1h" }\nescalations = [{ at = 50, actions = [{ shout = "x" }] }]', "is no action"),
        ('targets = { resolution = { urgent = "1h", soonish = "2h" } }', "should have some of urgent"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_the_reason(store: Store, given: str, why: str) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(why)):
        configure(store, f'[[sla]]\nname = "Bad"\n{given}')


@pytest.mark.parametrize("slot", ['{ days = "weekdays" }', '{ days = "mon-fri", from = "25:00", to = "26:00" }', "7"])
def test_a_slot_that_cannot_be_meant_is_refused(store: Store, slot: str) -> None:
    with pytest.raises(BadConfiguration):
        configure(store, f'[[calendar]]\nname = "Office"\nslots = [{slot}]')


def test_a_calendar_that_a_policy_uses_is_not_pruned(store: Store) -> None:
    configure(store, OFFICE + '[[sla]]\nname = "S"\ncalendar = "Office"\ntargets = { resolution = "16h" }')
    with pytest.raises(BadConfiguration, match="is used by S"), store.database.transaction() as session:
        configuration.apply(session, {"calendar": {}}, datetime.now(UTC), prune=True)


def test_the_doctor_sees_due_times_that_nobody_looks_after(desk: SmallDesk, run: Say) -> None:
    configure(desk.store, STANDARD)
    desk.now -= timedelta(hours=3)
    desk.receive(desk.mail(BOB, "Printer", "It is on fire."))
    assert "was not looked at" in run_doctor(run)
    desk.now += timedelta(hours=3)
    sla_timers.drain(desk.context)
    assert "was not looked at" not in run_doctor(run)


def run_doctor(run: Say) -> str:
    """Its exit status depends on the machine."""
    for code in (0, 1):
        try:
            return str(run("doctor", code=code))
        except AssertionError:
            continue
    raise AssertionError("the doctor failed")


def test_a_ticket_is_shown_with_its_clocks(desk: SmallDesk, run: Say) -> None:
    configure(desk.store, STANDARD)
    desk.receive(desk.mail(BOB, "Printer", "It is on fire."))
    sla_timers.drain(desk.context)
    whole = json.loads(run("ticket", "show", "1", "--json"))
    assert [one["target"] for one in whole["clocks"]] == ["first_response"]
    assert whole["due_at"] == whole["clocks"][0]["due_at"]
