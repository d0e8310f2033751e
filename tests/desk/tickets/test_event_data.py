"""What events say is read from rows of every release, and shown as it was stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from desk.priority.reasons import PriorityReasons
from desk.tickets.event_data import (
    FAMILIES,
    NO_DATA,
    NOT_RECORDED,
    EventData,
    FieldChange,
    Merge,
    NonDelivery,
    Opening,
    PriorityChange,
    Received,
    RequesterTransfer,
    SideSent,
    SlaTarget,
    TagChange,
    Transfer,
    read_data,
)  # fmt: skip
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Event

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

STORED: list[tuple[str, dict[str, Any], EventData]] = [
    ("assigned", {"from_id": None, "to_id": 5}, Transfer(from_id=None, to_id=5)),
    ("assigned", {"from_id": 5, "to_id": None, "via": "slack"}, Transfer(from_id=5, to_id=None, via="slack")),
    ("team_changed", {"from_id": 1, "to_id": 2, "skills": ["vpn"]}, Transfer(from_id=1, to_id=2, skills=("vpn",))),
    ("tagged", {"tags": ["a, b"]}, TagChange(tags=("a, b",))),
    ("field_changed", {"field": "seat", "from": None, "to": 12}, FieldChange(name="seat", new=12)),
    ("field_changed", {"field": "seat", "from": 12, "to": None}, FieldChange(name="seat", old=12)),
    ("priority_changed", {"was_why": {"impact": "one", "reasons": []}, "incident": 3},
     PriorityChange(was_why=PriorityReasons("one"), incident=3)),
    ("requester_changed", {"from_id": 1, "to_id": 2, "from_organisation": None, "to_organisation": 4},
     RequesterTransfer(from_id=1, to_id=2, to_organisation=4)),
    ("requester_replied", {"verified": False, "newcomers": ["eve@x.example"]},
     Received(verified=False, newcomers=("eve@x.example",))),
    ("merged_into", {"messages": [1, 2], "copies": ["a@x"], "were": {"a@x": "cc"}},
     Merge(messages=(1, 2), copies=("a@x",), were={"a@x": "cc"})),
    ("merged_into", {"messages": []}, Merge(messages=())),
    ("undeliverable", {"recipient": "reply", "flagged": True, "reply": 7},
     NonDelivery(recipient="reply", flagged=True, reply=7)),
    ("side_sent", {"side": 2, "files": 1}, SideSent(side=2, files=1)),
    ("unroutable", {"closed": False}, EventData(closed=False)),
    ("sla_breached", {"target": "resolution", "policy": "Gold", "policy_id": 3, "priority": "high", "quiet": True},
     SlaTarget(target="resolution", policy="Gold", policy_id=3, priority="high", quiet=True)),
    ("status_changed", {"undid": [4], "restored": {"status": "open", "closed_at": None}},
     EventData(undid=(4,), restored={"status": "open", "closed_at": None})),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "stored", "data"), STORED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_stored_event_says_what_it_said(kind: str, stored: dict[str, Any], data: EventData) -> None:
    assert read_data(kind, stored) == data
    assert data.to_json() == stored


@pytest.mark.parametrize("kind", ["assigned", "opened", "closed by hand", "merged_into"])
def test_an_event_without_data_says_nothing(kind: str) -> None:
    assert read_data(kind, {}) == read_data(kind, None) == NO_DATA
    assert NO_DATA.to_json() == {}


def test_what_no_field_names_is_kept_and_shown() -> None:
    stored = {"from_id": 1, "to_id": 2, "why_not": {"later": [1]}}
    data = read_data("assigned", stored)
    assert isinstance(data, Transfer) and (data.from_id, data.more) == (1, {"why_not": {"later": [1]}})
    assert data.to_json() == stored
    assert read_data("a kind of a later release", {"x": 1}).to_json() == {"x": 1}


def test_an_old_event_does_not_say_who_had_the_ticket() -> None:
    event = Event(1, AT, EventKind.ASSIGNED, DESK)
    assert event.data_as(Transfer).from_id == NOT_RECORDED
    assert Event(1, AT, EventKind.MERGED_INTO, DESK).data_as(Merge).messages is None
    assert Event(1, AT, EventKind.ASSIGNED, DESK, data=Transfer(from_id=None)).data_as(Transfer).from_id is None


def test_an_event_of_another_family_has_no_such_data() -> None:
    event = Event(1, AT, EventKind.TAGGED, DESK, data=TagChange(tags=("a",)))
    assert event.data_as(Transfer) == Transfer() and event.data_as(TagChange).tags == ("a",)


def test_data_that_is_added_leaves_what_was_there() -> None:
    event = Event(1, AT, EventKind.ASSIGNED, DESK, data=Transfer(from_id=1, to_id=2)).with_data(opening=True)
    assert event.data == Transfer(from_id=1, to_id=2, opening=True)


def test_the_opening_of_an_automatic_mail_says_what_it_was() -> None:
    stored = {"priority": "low", "priority_reasons": ["a list"], "automatic": "list", "reason": "List-Id", "team_id": 2}
    data = read_data("opened", stored)
    assert isinstance(data, Opening) and (data.automatic, data.priority_reasons) == ("list", ("a list",))


@pytest.mark.parametrize("family", sorted(set(FAMILIES.values()), key=lambda family: family.__name__))
def test_every_family_is_read_from_nonsense(family: type[EventData]) -> None:
    kind = next(kind for kind, each in FAMILIES.items() if each is family)
    assert isinstance(read_data(kind, {"via": 3, "undid": 7, "tags": 1, "messages": "x", "side": "none"}), family)
