"""Agents by the command line: what an option names is changed and nothing else, and an admin stays."""

from __future__ import annotations

from typing import Any

import frontdesk
from desk.tickets.fields import Field
from storage.open_store import Store
from storage.people import people
from tests.cli.configured import configure
from tests.cli.test_cli import NOW, Say, arrive, begun, quiet, say
from usecases.access import membership
from usecases.access.membership import COMMAND_LINE
from usecases.tickets import custom_fields

__all__ = ["begun", "quiet", "say"]
LEA = "lea@corp.example.test"


def agent(say: Say, address: str) -> dict[str, Any]:
    return next(one for one in say("agent", "list") if one["address"] == address)


def test_adding_an_agent_who_is_there_changes_nothing_unless_told(begun: Any, say: Say) -> None:
    first = say("agent", "add", LEA, "--name", "Lea", "--role", "lead")
    assert first["password"]
    again = say("agent", "add", LEA)
    assert again["password"] is None and again["changed"] == []
    assert agent(say, LEA)["role"] == "lead" and agent(say, LEA)["name"] == "Lea"
    assert say("agent", "add", LEA, "--name", "Lea Neu")["changed"] == ["name Lea Neu"]
    assert agent(say, LEA)["role"] == "lead"
    assert say("agent", "add", LEA, "--role", "light")["changed"] == ["role light"]
    assert agent(say, LEA)["role"] == "light"
    assert say("agent", "add", LEA, "--new-password")["password"]
    say("agent", "deactivate", LEA)
    say("agent", "add", LEA, "--name", "Lea")
    assert not agent(say, LEA)["active"]
    assert say("agent", "add", LEA, "--activate")["changed"] == ["active again"]
    assert agent(say, LEA)["active"]


def test_the_last_admin_is_neither_demoted_nor_deactivated(begun: Any, say: Say) -> None:
    admin = next(one["address"] for one in say("agent", "list") if one["role"] == "admin")
    for words in (("add", admin, "--role", "agent"), ("add", admin, "--role", "read-only"), ("deactivate", admin)):
        assert frontdesk.main(["agent", *words, "--json"]) != 0
    assert agent(say, admin)["role"] == "admin" and agent(say, admin)["active"]
    say("agent", "add", LEA, "--role", "admin")
    say("agent", "deactivate", admin)
    assert not agent(say, admin)["active"]


def test_changes_of_roles_and_teams_are_in_the_audit(begun: Any, say: Say, store: Store) -> None:
    say("agent", "add", LEA, "--name", "Lea", "--role", "lead")
    configure(store, '[[team]]\nname = "HR"\nprivate = true')
    say("agent", "add", LEA, "--team", "HR", "--role", "agent")
    configure(store, '[[team]]\nname = "HR"\nmembers = []')
    rows = [(row["what"], row["team"], row["member"], row["why"]) for row in say("audit")]
    assert ("joined_team", "HR", LEA, "") in rows and ("left_team", "HR", LEA, "") in rows
    assert ("role_changed", "", LEA, "lead → agent") in rows
    assert ("team_made_private", "HR", "", "") in rows


def test_a_new_agent_joins_no_private_team_unasked(begun: Any, say: Say, store: Store) -> None:
    with store.database.transaction() as session:
        first = people.all_teams(session)[0]
        membership.set_private(session, first.id, COMMAND_LINE, NOW, private=True)
    say("agent", "add", LEA)
    teams = {team["name"]: team["agents"] for team in say("team", "list")}
    assert LEA not in teams[first.name]


def test_a_mailbox_that_is_added_again_keeps_what_is_not_named(begun: Any, say: Say) -> None:
    say("team", "add", "HR")
    box = ("mailbox", "add", "hr@desk.example.test")
    imap = ("--imap-host", "imap.example.test", "--imap-user", "u", "--imap-password-env", "HR_IMAP")
    say(*box, "--name", "HR desk", "--team", "HR", "--no-test", *imap)
    say(*box, "--signature", "Yours")
    found = next(one for one in say("mailbox", "list") if one["address"] == "hr@desk.example.test")
    assert (found["name"], found["team"], found["signature"]) == ("HR desk", "HR", "Yours")
    owned = {"host": "imap.example.test", "user": "u", "password_env": "HR_IMAP", "guarded": False}
    assert found["imap"] == owned


def test_setting_a_ticket_honours_required_fields(begun: Any, say: Say, store: Store) -> None:
    arrive(store, "one")
    with store.database.transaction() as session:
        custom_fields.save(session, Field("asset", "Asset tag", required=True))
    for status in ("resolved", "closed"):
        assert frontdesk.main(["ticket", "set", "1", "--status", status, "--json"]) == 1
    assert say("ticket", "show", "1")["status"] == "new"
    say("ticket", "field", "1", "asset", "A-7")
    say("ticket", "set", "1", "--status", "resolved")
    assert say("ticket", "show", "1")["status"] == "resolved"
