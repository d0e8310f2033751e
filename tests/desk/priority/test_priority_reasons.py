"""The reasons of a priority are read from the tickets of every release."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.priority.reasons import NO_REASONS, PriorityReasons
from desk.tickets import history

STORED = {"impact": "many", "urgency": "blocked", "reasons": ["“down”: has failed"], "set_by": "agent"}


def test_stored_reasons_come_back_as_they_were() -> None:
    reasons = PriorityReasons.from_json(STORED)
    assert reasons == PriorityReasons("many", "blocked", ("“down”: has failed",), "agent")
    assert reasons.to_json() == STORED


def test_a_judgement_without_reasons_still_lists_them() -> None:
    assert PriorityReasons("one", "normal").to_json() == {"impact": "one", "urgency": "normal", "reasons": []}


@pytest.mark.parametrize("stored", [{}, {"reasons": None}, {"reasons": "x"}, {"later": 1}])
def test_a_ticket_without_known_reasons_has_none(stored: dict[str, object]) -> None:
    assert PriorityReasons.from_json(stored) == NO_REASONS
    assert NO_REASONS.to_json() == {}


def test_what_an_undo_restores_is_stored_as_json() -> None:
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    values = {"priority_why": PriorityReasons("one"), "tags": ("a",), "closed_at": moment, "team_id": None}
    assert history.encoded(values) == {
        "priority_why": {"impact": "one", "reasons": []},
        "tags": ["a"],
        "closed_at": "2026-11-02T00:00:00+00:00",
        "team_id": None,
    }
