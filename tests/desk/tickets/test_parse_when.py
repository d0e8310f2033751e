"""Until when: what people write, by the clock on the wall of the desk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.tickets.parse_when import until
from desk.tickets.ticket import NotAllowed

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("words", "then"),
    [
        ("3h", "2026-11-04T18:30"),
        ("in 90 minutes", "2026-11-04T17:00"),
        ("2 days", "2026-11-06T15:30"),
        ("1 week", "2026-11-11T15:30"),
        ("Tomorrow", "2026-11-05T08:00"),
        ("monday", "2026-11-09T08:00"),
        ("wednesday", "2026-11-11T08:00"),
        ("2026-12-01", "2026-12-01T08:00"),
        ("2026-07-01 14:00", None),
        ("2027-07-01 14:00", "2027-07-01T12:00"),
        ("2026-12-01 7:15", "2026-12-01T06:15"),
    ],
)
def test_a_moment_is_read_by_the_clock_on_the_wall(words: str, then: str | None) -> None:
    if then is None:
        with pytest.raises(NotAllowed, match="is over"):
            until(words, NOW, BERLIN)
        return
    assert until(words, NOW, BERLIN) == datetime.fromisoformat(then).replace(tzinfo=UTC)


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{1,6} ?[mhdw]", fullmatch=True))
def test_whatever_is_written_is_a_moment_to_come_or_is_refused(words: str) -> None:
    try:
        found = until(words, NOW, BERLIN)
    except NotAllowed:
        return
    assert timedelta() < found - NOW <= timedelta(days=3650)
