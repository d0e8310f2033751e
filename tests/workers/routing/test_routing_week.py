"""A day of the simulated week (`benchmarks/routing_week.py`): bursts, an absence, nights; nothing strands."""

from __future__ import annotations

from datetime import timedelta

from benchmarks.routing_week import simulate


def test_nothing_strands_in_a_day_with_absences_and_nights() -> None:
    report = simulate(1, 7, timedelta(minutes=30))
    assert report.count > 100 and report.flagged > 10
    assert (report.silent, report.stranded, report.left) == (0, 0, 0)
    for waits in report.waits.values():
        assert max(waits) <= 60, "longer than the time after which skills no longer count, and a step"
