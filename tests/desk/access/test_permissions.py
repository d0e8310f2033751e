"""The table of roles and verbs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from desk.access import permissions
from desk.access.permissions import MEANS, TABLE, Role, Verb, may
from desk.tickets import commands


def test_every_role_has_its_row_and_every_verb_its_words() -> None:
    assert set(TABLE) == set(Role)
    assert set(MEANS) == set(Verb)


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    rows = [TABLE[role] for role in Role]
    assert all(higher > lower for higher, lower in pairwise(rows))


def test_nobody_may_nothing_and_a_word_of_another_release_may_as_little_as_possible() -> None:
    assert not any(may("", verb) for verb in Verb)
    assert {verb for verb in Verb if may("superuser", verb)} == TABLE[Role.READ_ONLY]
    with pytest.raises(ValueError, match="no role"):
        permissions.role_named("superuser")


def test_only_who_may_answer_may_own_a_ticket() -> None:
    assert permissions.roles_with(Verb.OWN) == permissions.roles_with(Verb.REPLY) == (Role.ADMIN, Role.LEAD, Role.AGENT)


def test_every_command_needs_a_verb() -> None:
    assert {name: permissions.verb_of_command(name) for name in commands.NAMES}


def test_a_refusal_says_the_role_and_each_thing_once() -> None:
    why = permissions.refused("light", [Verb.NOTE, Verb.CHANGE, Verb.CHANGE, Verb.MERGE])
    assert why == "your role, light, may not change tickets or merge tickets"
    assert permissions.refused("agent", [Verb.NOTE, Verb.CHANGE]) == ""


DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- roles: made by tests/desk/access/test_permissions.py -->\n", "\n<!-- /roles -->"


def documented() -> str:
    """The table as the documentation shows it."""
    head = [f"| may | {' | '.join(Role)} |", f"|---|{'---|' * len(Role)}"]
    rows = [f"| {MEANS[verb]} | {' | '.join('yes' if may(role, verb) else '–' for role in Role)} |" for verb in Verb]
    return "\n".join([*head, *rows])


def test_the_documentation_has_the_table_as_it_is() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0] == documented()
