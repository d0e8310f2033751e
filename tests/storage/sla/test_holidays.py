"""Days off: those of a country and region, own ones, and holidays that are worked."""

from __future__ import annotations

from datetime import date

import pytest

from desk.sla.business_hours import BadCalendar
from storage.sla.holidays import days_off


def test_a_region_has_its_own_holidays() -> None:
    bavaria, berlin = days_off({"country": "de", "region": "BY"}), days_off({"country": "DE", "region": "BE"})
    assert date(2027, 1, 6) in bavaria
    assert date(2027, 1, 6) not in berlin
    assert date(2026, 12, 25) in bavaria & berlin


def test_own_days_are_off_and_some_holidays_are_worked() -> None:
    found = days_off({"country": "US", "own": ["2026-12-23", "12-31"], "open": ["2026-07-04"]})
    assert {date(2026, 12, 23), date(2026, 12, 31), date(2030, 12, 31), date(2027, 7, 4)} <= found
    assert not {date(2027, 12, 23), date(2026, 7, 4)} & found


def test_a_leap_day_is_off_in_the_years_that_have_one() -> None:
    assert {day.year for day in days_off({"own": ["02-29"]}) if 2024 <= day.year < 2033} == {2024, 2028, 2032}


@pytest.mark.parametrize(
    "given",
    [{"country": "XX"}, {"country": "DE", "region": "Nowhere"}, {"own": ["24.12."]}, {"own": "12-24"},
     {"own": ["02-30"]},
     {"own": ["2026-02-29"]}, {"days": []}, ["12-24"], {"own": 5}],
)  # fmt: skip
def test_days_that_cannot_be_meant_are_refused(given: object) -> None:
    with pytest.raises(BadCalendar):
        days_off(given)  # type: ignore[arg-type]
