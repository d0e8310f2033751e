"""Business hours agree with somebody who looks at the wall clock every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.sla.business_hours import ALWAYS, DAY, BadCalendar, Calendar, Slot, add, between, is_open, read

OFFICE = read("Europe/Berlin", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}])
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
         "Pacific/Apia", "Africa/Casablanca"]  # fmt: skip
# Around changes of clocks, a leap day, a day that Samoa left out, and ordinary days.
STARTS = [
    datetime.fromisoformat(f"{day}:00+00:00")
    for day in ("2026-03-28T20", "2026-10-24T20", "2026-03-07T20", "2026-10-31T20", "2028-02-28T20", "2011-12-29T03",
                "2026-04-04T08", "2026-11-02T09")
]  # fmt: skip

slots = st.builds(
    lambda day, start, length: Slot(day, start, min(start + length, 2 * DAY)),
    st.integers(0, 6),
    st.integers(0, DAY - 1),
    st.integers(30, DAY),
)
calendars = st.builds(
    lambda zone, open_at, off: Calendar(zone, tuple(sorted(open_at, key=lambda s: (s.day, s.start, s.end))), off),
    st.sampled_from(ZONES),
    st.lists(slots, min_size=1, max_size=8),
    st.frozensets(st.sampled_from([s.date() + timedelta(days=n) for s in STARTS for n in (0, 1)]), max_size=3),
)
moments = st.builds(lambda s, m: s + timedelta(minutes=m), st.sampled_from(STARTS), st.integers(0, 2000))


def _looks_open(calendar: Calendar, moment: datetime) -> bool:
    shown = moment.astimezone(ZoneInfo(calendar.zone)).replace(tzinfo=None)
    for back in (0, 1):
        day = shown.date() - timedelta(days=back)
        minute = (shown - datetime.combine(day, time())).total_seconds() / 60
        if day not in calendar.off and any(
            s.day == day.weekday() and s.start <= minute < s.end for s in calendar.slots
        ):
            return True
    return False


@given(calendars, moments, st.integers(1, 1800))
@example(Calendar("Europe/Berlin", (Slot(6, 60, 150),)), datetime(2026, 10, 24, 20, tzinfo=UTC), 900)
@example(Calendar("Europe/Berlin", (Slot(6, 150, 240),)), datetime(2026, 3, 28, 20, tzinfo=UTC), 900)
def test_open_time_is_what_a_clock_watcher_counts(calendar: Calendar, start: datetime, minutes: int) -> None:
    open_minutes = sum(_looks_open(calendar, start + timedelta(minutes=n)) for n in range(minutes))
    assert between(calendar, start, start + timedelta(minutes=minutes)) == open_minutes * 60
    assert is_open(calendar, start) is _looks_open(calendar, start)


@given(calendars, moments, st.integers(1, 2_000))
def test_the_end_of_open_time_lies_as_far_as_its_time(calendar: Calendar, start: datetime, minutes: int) -> None:
    end = add(calendar, start, minutes * 60)
    assert end is not None
    assert between(calendar, start, end) == minutes * 60
    assert is_open(calendar, end - timedelta(seconds=1))


def test_a_friday_evening_is_answered_on_monday() -> None:
    friday = datetime(2026, 11, 6, 15, 30, tzinfo=UTC)
    assert add(OFFICE, friday, 3600) == datetime(2026, 11, 9, 8, 30, tzinfo=UTC)


def test_days_off_are_left_out() -> None:
    christmas = Calendar(OFFICE.zone, OFFICE.slots, frozenset({date(2026, 12, 25)}))
    assert add(christmas, datetime(2026, 12, 24, 15, tzinfo=UTC), 7200) == datetime(2026, 12, 28, 9, tzinfo=UTC)


def test_without_slots_it_is_always_open_and_with_only_days_off_never_ends() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    assert add(ALWAYS, now, 90) == now + timedelta(seconds=90)
    assert between(Calendar("UTC", (), frozenset({date(2026, 11, 2)})), now, now + timedelta(days=2)) == 86_400


def test_a_calendar_that_never_opens_has_no_end() -> None:
    days = frozenset(date(2026, 1, 5) + timedelta(weeks=n) for n in range(800))
    assert add(Calendar("UTC", (Slot(0, 0, 60),), days), datetime(2026, 1, 5, tzinfo=UTC), 60) is None


def test_a_slot_may_pass_midnight_and_a_span_sunday() -> None:
    night = read("UTC", [{"days": "sat-mon", "from": "22:00", "to": "06:00"}])
    assert [slot.day for slot in night.slots] == [0, 5, 6]
    assert is_open(night, datetime(2026, 11, 3, 5, 59, tzinfo=UTC))
    assert not is_open(night, datetime(2026, 11, 4, 5, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    "given",
    [[{"days": "mo", "from": "09:00"}], [{"days": "mon", "from": "9"}], [{"days": "mon", "from": "25:00"}],
     [{"from": "09:00"}], [{"days": "mon", "from": "09:00", "till": "10:00"}], "mon-fri", ["mon"]],
)  # fmt: skip
def test_slots_that_cannot_be_meant_are_refused(given: object) -> None:
    with pytest.raises(BadCalendar):
        read("UTC", given)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(BadCalendar, match="Mars"):
        read("Mars/Olympus", [])
