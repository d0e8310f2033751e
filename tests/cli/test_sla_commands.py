"""Calendars, policies and clocks by command: what they print, what they would move, and how they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import frontdesk
from storage.open_store import Store
from tests.small_desk import BOB, SmallDesk
from workers.timers import sla as sla_timers

Say = Callable[..., Any]
OFFICE = ("--time-zone", "Europe/Berlin", "--slot", "mon-fri 09:00-17:00", "--country", "DE", "--off", "12-24")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, store: Store) -> SmallDesk:
    monkeypatch.setattr(frontdesk, "configure_logging", lambda _settings: None)
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


def test_a_calendar_is_shown_with_its_next_days_and_days_off(run: Say) -> None:
    run("calendar", "add", "Office", *OFFICE)
    assert "mon-fri 09:00-17:00" in run("calendar", "list")
    shown = json.loads(run("calendar", "show", "office", "--json"))
    assert shown["holidays"] == {"country": "DE", "own": ["12-24"]}
    assert len(shown["open"]) >= 7
    assert any(day.endswith("12-24") for day in shown["days_off"])
    assert "12-24" in run("calendar", "show", "Office")


def test_a_calendar_that_is_used_stays(run: Say) -> None:
    run("calendar", "add", "Office", *OFFICE)
    run("sla", "add", "Standard", "--resolution", "16h", "--calendar", "Office")
    assert "used by Standard" in run("calendar", "remove", "Office", code=1)
    run("sla", "remove", "Standard")
    run("calendar", "remove", "Office", "--dry-run")
    run("calendar", "remove", "Office")
    assert json.loads(run("calendar", "list", "--json")) == []


def test_a_policy_is_tried_before_it_is_added_and_tells_which_tickets_move(desk: SmallDesk, run: Say) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It is on fire and nobody can print."))
    words = ("sla", "add", "Standard", "--first-response", "urgent=30,high=1h,medium=4h,low=8h", "--json")
    tried = json.loads(run(*words, "--dry-run"))
    assert [one["id"] for one in tried["moved"]] == [1]
    assert json.loads(run("sla", "list", "--json"))["policies"] == []
    run(*words)
    assert desk.ticket(1).due_at is None
    assert "0 of 1 tickets" in run("sla", "list")
    sla_timers.drain(desk.context)
    due = desk.ticket(1).due_at
    assert due is not None and due.isoformat() == tried["moved"][0]["after"]
    assert "1 clocks run" in run("sla", "list")
    assert "0 of 1 open tickets" in run("sla", "preview")
    assert json.loads(run("sla", "recalculate", "--json"))["total"] == 1


def test_why_a_ticket_is_due_is_told_in_sums_of_minutes(desk: SmallDesk, run: Say) -> None:
    run("calendar", "add", "Office", *OFFICE)
    run("sla", "add", "Standard", "--first-response", "4h", "--resolution", "16h", "--calendar", "Office",
        "--escalations", '[{"at": "breach+60min", "actions": [{"notify": "lead"}]}]')  # fmt: skip
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
    ("given", "why", "code"),
    [
        (("--first-response", "soon"), "should be minutes such as 240, or 4h", 65),
        ((), "has no target", 65),
        (("--resolution", "1h", "--calendar", "Nowhere"), "there is no calendar", 1),
        (("--resolution", "1h", "--if", "{"), "is no JSON", 65),
        (("--resolution", "1h", "--if", '[{"field": "age_hours", "above": 3}]'), "cannot depend on age_hours", 65),
        (("--resolution", "1h", "--escalations", '[{"at": 0, "actions": []}]'), "should be a percentage", 65),
        (("--resolution", "1h", "--escalations", '[{"at": 50, "actions": [{"shout": "x"}]}]'), "is no action", 65),
        (("--resolution", "urgent=1h,soonish=2h"), "should have some of urgent", 65),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_the_reason(
    run: Say, given: tuple[str, ...], why: str, code: int
) -> None:
    assert why in run("sla", "add", "Bad", *given, code=code)


def test_a_slot_that_cannot_be_meant_is_refused(run: Say) -> None:
    assert "mon-fri 09:00-17:00" in run("calendar", "add", "Office", "--slot", "weekdays", code=65)


def test_the_doctor_sees_due_times_that_nobody_looks_after(desk: SmallDesk, run: Say) -> None:
    run("sla", "add", "Standard", "--first-response", "1h")
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
    run("sla", "add", "Standard", "--first-response", "1h")
    desk.receive(desk.mail(BOB, "Printer", "It is on fire."))
    sla_timers.drain(desk.context)
    whole = json.loads(run("ticket", "show", "1", "--json"))
    assert [one["target"] for one in whole["clocks"]] == ["first_response"]
    assert whole["due_at"] == whole["clocks"][0]["due_at"]
