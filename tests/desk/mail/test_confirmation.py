"""Who says that it works again confirms, in many languages; whoever doubts, limits or denies it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.thanks import Courtesy, courtesy_of
from desk.tickets import properties
from desk.tickets.event_data import Received
from desk.tickets.ticket import Actor, ActorKind, Status, Ticket

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent.parent / "languages" / "confirmations.tsv")
    .read_text(encoding="utf-8")
    .splitlines()
    if not line.startswith("#")
]
WORKS = [text.replace("\\n", "\n") for kind, text in ROWS if kind == "works"]
NOT = [text.replace("\\n", "\n") for kind, text in ROWS if kind == "not"]
NOW = datetime(2026, 11, 2, tzinfo=UTC)
KIM = Actor(ActorKind.REQUESTER, 1, "Kim")


@pytest.mark.parametrize("text", WORKS)
def test_who_says_that_it_works_confirms(text: str) -> None:
    assert courtesy_of(text) is Courtesy.WORKS


@pytest.mark.parametrize("text", NOT)
def test_who_doubts_limits_or_denies_it_confirms_nothing(text: str) -> None:
    assert courtesy_of(text) is not Courtesy.WORKS


@given(st.sampled_from(WORKS), st.sampled_from(["but", "only", "not", "aber", "mais", "pero", "except"]), st.text())
def test_nothing_is_confirmed_where_a_reserve_follows(works: str, reserve: str, more: str) -> None:
    assert courtesy_of(f"{works}\n{reserve} the scanner {more}") is not Courtesy.WORKS


@pytest.mark.parametrize("status", [Status.NEW, Status.OPEN, Status.PENDING])
def test_a_confirmation_resolves_what_is_not_finished_with_its_reason(status: Status) -> None:
    change = properties.confirm(Ticket(1, "x", 1, NOW, NOW, status), KIM, NOW, 7)
    assert change.ticket.status is Status.RESOLVED and change.events[-1].why == properties.CONFIRMED
    assert change.events[0].data == Received(confirmed=True) and change.events[0].message_id == 7


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED, Status.ON_HOLD])
def test_what_is_finished_or_with_a_third_party_is_only_marked(status: Status) -> None:
    change = properties.confirm(Ticket(1, "x", 1, NOW, NOW, status), KIM, NOW)
    assert change.ticket.status is status and [event.data for event in change.events] == [Received(confirmed=True)]
