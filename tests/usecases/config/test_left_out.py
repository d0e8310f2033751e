"""What a configuration does not mention stays as it is: every key of every table."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest

from desk.config.desk_toml import KINDS, BadConfiguration, read, to_toml
from storage.access import audit
from storage.open_store import Store
from storage.people import people
from usecases.config import apply as configuration
from usecases.config import export

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WHOLE = """
[[calendar]]
name = "Office"
time_zone = "Europe/Berlin"
slots = [{ days = "mon-fri", from = "09:00", to = "17:00" }]
holidays = { country = "DE" }
[[agent]]
address = "ada@corp.example.test"
name = "Ada"
role = "admin"
skills = ["German"]
weight = 3
capacity = 8
calendar = "Office"
signature = "Ada"
slack_user = "slack:T0123:U0456"
[[agent]]
address = "eve@corp.example.test"
role = "read-only"
[[team]]
name = "HR"
private = true
strategy = "least-loaded"
calendar = "Office"
previous = true
escalate_minutes = 45
members = ["ada@corp.example.test"]
signature = "HR"
slack_channel = "C0123456"
[[mailbox]]
address = "hr@desk.example.test"
name = "HR"
team = "HR"
signature = "box"
imap = { host = "imap.example.test", user = "u" }
[[organisation]]
name = "Corp"
domains = ["corp.example.test"]
plan = "gold"
shared = true
[[category]]
name = "Plants"
words = "plant watering"
active = false
[[field]]
name = "asset"
label = "Asset tag"
kind = "choice"
choices = ["a", "b"]
categories = ["Plants"]
required = true
public = true
position = 4
[[keyword_rule]]
name = "Invoices"
category = "Billing / Invoice"
any = ["invoice copy"]
none = ["offer"]
hard = true
position = 3
active = true
[[route]]
name = "Money"
conditions = [{ field = "category", under = "Billing" }]
actions = [{ team = "HR" }]
position = 3
active = false
[[sla]]
name = "Standard"
calendar = "Office"
targets = { first_response = { high = "4h" } }
warn_percent = 70
position = 2
active = false
[[automation]]
name = "Nudge"
when = { silent_hours = 24 }
actions = [{ notify = ["lead"] }]
position = 5
active = true
[[macro]]
name = "Hello"
text = "Hello {requester.name}"
actions = [{ tag = ["greeted"] }]
team = "HR"
[desk]
kind = "customer"
[lifecycle]
close_days = 9
reopen_days = 9
[aftercare]
ask_rating = true
[incidents]
fewest_people = 7
"""


def apply(store: Store, text: str) -> list[str]:
    with store.database.transaction() as session:
        return [step.words() for step in configuration.apply(session, read(tomllib.loads(text)), NOW)]


def present(store: Store) -> Any:
    with store.database.reading() as session:
        return export.current_configuration(session)


def test_naming_a_thing_and_nothing_of_it_changes_nothing(any_store: Store) -> None:
    apply(any_store, WHOLE)
    before = present(any_store)
    named = "\n".join(
        f'[[{kind}]]\n{KINDS[kind].key} = "{name}"' if KINDS[kind].key else f"[{kind}]"
        for kind, entries in before.items()
        for name in entries
    )
    assert apply(any_store, named) == []
    assert present(any_store) == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("priority", "retention")])
def test_a_file_that_leaves_one_key_out_changes_the_others_only(any_store: Store, kind: str) -> None:
    apply(any_store, WHOLE)
    before = present(any_store)
    shape = KINDS[kind]
    name, entry = next(iter(before[kind].items()))
    for left_out in shape.fields:
        rest = {key: value for key, value in entry.items() if key != left_out}
        given = {kind: [{shape.key: name, **rest}] if shape.key else rest}
        with any_store.database.transaction() as session:
            assert configuration.apply(session, read(given), NOW) == [], left_out
    assert present(any_store) == before


def test_one_changed_key_is_all_that_changes(any_store: Store) -> None:
    apply(any_store, WHOLE)
    (step,) = apply(any_store, '[[team]]\nname = "HR"\nstrategy = "round-robin"')
    assert step == 'changed  team \'HR\': strategy: "least-loaded" → "round-robin"'
    team = present(any_store)["team"]["HR"]
    assert team["private"] and team["members"] == ["ada@corp.example.test"] and team["escalate_minutes"] == 45


def test_a_file_written_by_an_export_brings_a_changed_desk_all_the_way_back(any_store: Store) -> None:
    apply(any_store, '[[team]]\nname = "HR"')
    text = to_toml(present(any_store))
    apply(any_store, '[[team]]\nname = "HR"\nprivate = true\nescalate_minutes = 5')
    apply(any_store, text)
    assert to_toml(present(any_store)) == text


def test_a_team_made_public_or_other_members_are_written_down(any_store: Store) -> None:
    apply(any_store, WHOLE)
    apply(any_store, '[[team]]\nname = "HR"\nprivate = false\nmembers = []')
    with any_store.database.reading() as session:
        found = [(one.what, one.agent_name) for one in audit.entries(session)][:2]
    assert found == [("team_made_public", "a configuration"), ("left_team", "a configuration")]


def test_the_last_admin_cannot_be_configured_away_but_handed_over(any_store: Store) -> None:
    apply(any_store, WHOLE)
    for text in ('role = "lead"', 'role = "superuser"'):
        with pytest.raises(BadConfiguration):
            apply(any_store, f'[[agent]]\naddress = "ada@corp.example.test"\n{text}')
    with pytest.raises(BadConfiguration, match="active admin"), any_store.database.transaction() as session:
        wanted = read({"agent": [{"address": "eve@corp.example.test"}]})
        configuration.apply(session, wanted, NOW, prune=True)
    handed_over = (
        '[[agent]]\naddress = "ada@corp.example.test"\nrole = "lead"\n[[agent]]\naddress = "eve@corp.example.test"'
    )
    apply(any_store, f'{handed_over}\nrole = "admin"')
    with any_store.database.reading() as session:
        roles = {one.address[:3]: one.role for one in people.all_agents(session)}
    assert roles == {"ada": "lead", "eve": "admin"}


def test_a_file_that_names_somebody_who_left_brings_them_back_as_they_were(any_store: Store) -> None:
    apply(any_store, WHOLE)
    with any_store.database.transaction() as session:
        eve = people.by_address(session, "eve@corp.example.test")
        assert eve
        people.set_active(session, eve.id, active=False)
    apply(any_store, '[[agent]]\naddress = "eve@corp.example.test"')
    assert present(any_store)["agent"]["eve@corp.example.test"]["role"] == "read-only"
