"""The whole journey through a real Postfix: by SMTP and by LMTP, on both databases; and dead addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.mail import outbound
from storage.open_store import Store
from tests.servers.fleet import Fleet
from tests.servers.ports import free_port
from tests.small_desk import words
from tests.whole.fixtures_town import GONE, REFUSED, Town, agent_answers, around, requester_writes
from tests.whole.journey import kinds, walk

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.mark.parametrize(
    ("any_store", "protocol"), [("sqlite", "lmtp"), ("postgresql", "smtp")], indirect=["any_store"]
)
def test_a_mail_is_answered_from_the_mailbox_and_the_answer_reaches_the_requester(
    any_store: Store, tmp_path: Path, protocol: str
) -> None:
    with Fleet(any_store, tmp_path / "fleet") as fleet, around(fleet, _way(fleet, protocol)) as town:
        fleet.start("valkey", "gateway", "worker1")
        walk(fleet, town)


def test_an_answer_that_cannot_reach_the_requester_is_shown_on_the_ticket_and_the_agent_is_told(
    store: Store, tmp_path: Path
) -> None:
    with Fleet(store, tmp_path / "fleet") as fleet, around(fleet, _way(fleet, "smtp")) as town:
        fleet.start("valkey", "gateway", "worker1")
        _answer_to(town, GONE)
        _check_told(town, "came back", GONE)
        assert "delivery_failed" in kinds(fleet, 1) and _replies(fleet, 1) == [(GONE, "bounced")]
        _answer_to(town, REFUSED)
        _check_told(town, "could not be delivered", REFUSED)
        assert "undeliverable" in kinds(fleet, 2) and _replies(fleet, 2) == [(REFUSED, "undeliverable")]


def _answer_to(town: Town, requester: str) -> None:
    """A question from an address that takes no answers, and an agent who answers it."""
    requester_writes(town, f"I am {requester}", "Where do I hand in my keys?", requester)
    notices = [town.next_mail("alice")]
    if requester == REFUSED:
        # The acknowledgement was refused as well, which the agent is told too.
        notices.append(town.next_mail("alice"))
    agent_answers(town, notices[0], "At the front desk, please.")


def _check_told(town: Town, what: str, whom: str) -> None:
    told = words(town.next_mail("alice"))
    assert what in told.splitlines()[0] and "5.1.1" in told and whom in told


def _way(fleet: Fleet, protocol: str) -> str:
    """Postfix's transport to the desk's own door."""
    if protocol == "smtp":
        return f"smtp:[127.0.0.1]:{fleet.port}"
    port = free_port()
    fleet.environment["FRONTDESK_LMTP"] = f"127.0.0.1:{port}"
    return f"lmtp:inet:127.0.0.1:{port}"


def _replies(fleet: Fleet, ticket: int) -> list[tuple[str, str]]:
    with fleet.store.database.reading() as session:
        rows = outbound.messages_of_ticket(session, ticket)
    return [(row["recipient"], row["state"]) for row in rows if row["kind"] == "reply"]
