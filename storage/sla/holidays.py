"""Public holidays of a country or region, from the package `holidays`, cached once read.

`{"country": "DE", "region": "BY", "own": ["2026-12-24", "12-31"], "open": ["2026-10-31"]}`: days in `own` are off as
well (without a year: every year), days in `open` are working days although they are holidays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from desk.sla.business_hours import BadCalendar

YEARS = range(2015, 2061)
"""So far the desk's clocks look back and ahead."""
_DAY = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)")
_KEYS = frozenset({"country", "region", "own", "open"})


def days_off(settings: Mapping[str, Any], place: str = "calendar.holidays") -> frozenset[date]:
    """All days off of a calendar; BadCalendar where they are not understood."""
    if not isinstance(settings, Mapping) or not set(settings) <= _KEYS:
        raise BadCalendar(
            f'{place} should look like {{"country": "DE", "region": "BY", "own": ["2026-12-24", "12-31"]}}'
        )
    country, region = str(settings.get("country") or "").upper(), str(settings.get("region") or "")
    public = _public(country, region.upper(), place) if country else frozenset()
    own, worked = (frozenset(_dates(settings.get(name) or (), f"{place}.{name}")) for name in ("own", "open"))
    return (public | own) - worked


@lru_cache(maxsize=256)
def _public(country: str, region: str, place: str) -> frozenset[date]:
    # Imported late: it costs a tenth of a second, and most processes never ask.
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, subdiv=region or None, years=YEARS))
    except NotImplementedError as error:
        raise BadCalendar(
            f"{place}: nothing is known of {country} {region}".rstrip() + ": use codes as DE, BY"
        ) from error


def _dates(values: Iterable[Any], place: str) -> Iterator[date]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise BadCalendar(f"{place} should be a list of days such as 2026-12-24 or 12-24")
    for value in values:
        match = _DAY.fullmatch(str(value))
        if match is None:
            raise BadCalendar(f"{place}: {value!r} is no day such as 2026-12-24, nor 12-24 for every year")
        yield from _of_years(match, place)


def _of_years(match: re.Match[str], place: str) -> Iterator[date]:
    """The day in its year, or in every year that has it (29 February)."""
    year, month, day = match.groups()
    dates = []
    for number in [int(year)] if year else YEARS:
        try:
            dates.append(date(number, int(month), int(day)))
        except ValueError:
            continue
    if not dates:
        raise BadCalendar(f"{place}: there is no day {match[0]}")
    yield from dates
