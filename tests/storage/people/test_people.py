"""People, agents and teams: one row an address however many meet it at once, and tokens that end with their agent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from desk.mail.inbound_request import Party
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_many_who_meet_the_same_people_at_once_make_each_once(any_store: Store) -> None:
    parties = [Party(f"p{n}@x", f"P{n}") for n in range(20)]

    def meet(shift: int) -> dict[str, int]:
        with any_store.database.transaction() as session:
            found = people.ensure_people(session, [*parties[shift:], *parties[:shift]], NOW)
        return {address: person.id for address, person in found.items()}

    with ThreadPoolExecutor(8) as pool:
        first, *others = list(pool.map(meet, range(16)))
    assert len(first) == 20 and all(other == first for other in others)


def test_odd_names_and_addresses_are_kept_as_they_are(any_store: Store) -> None:
    odd = [
        Party('"x" \\ %s :a\'@ü.test', "日本 {} \\u0000"),
        Party("slack:T1:U1", ""),
        Party("a" * 320 + "@x", "n" * 998),
    ]
    with any_store.database.transaction() as session:
        found = people.ensure_people(session, odd, NOW)
        assert {p.address: p.name for p in found.values()} == {p.address: p.name for p in odd}
        assert (
            people.ensure_people(session, [Party(odd[0].address, "Another")], NOW)[odd[0].address].name == odd[0].name
        )


def test_an_agent_who_left_and_came_back_has_another_key(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        team = people.add_team(session, "Support")
        first = people.add_agent(session, NewAgent("Alice@X", "Alice", "agent", "h", [team.id]), NOW)
        people.set_active(session, first.id, False)
        gone = people.by_address(session, "ALICE@x")
        assert gone is not None and not gone.is_agent and people.members(session, [team.id]) == {team.id: []}
        people.set_active(session, first.id, True)
        (back,) = people.members(session, [team.id])[team.id]
    assert first.is_agent and back.is_agent and back.id == first.id and back.key_version > first.key_version


def test_teams_and_mailboxes_are_made_once_and_found_in_any_letter_case(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        assert people.add_team(session, "Support") == people.add_team(session, "Support")
        found = people.team_named(session, "sUPPORT")
        assert found is not None and people.team_named(session, "nobody") is None
        first = people.add_mailbox(session, "Help@D.test", "Help", None)
        second = people.add_mailbox(session, "help@d.test", "Hilfe", found.id, {"host": "h"})
        assert first.id == second.id and (second.name, second.imap) == ("Hilfe", {"host": "h"})
        assert people.by_addresses(session, []) == people.by_ids(session, []) == people.members(session, []) == {}
