"""Macros: they fill the box, act when the message is sent, belong to somebody, and work by mail as well."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

import frontdesk
from desk.tickets.ticket import NotAllowed
from storage.open_store import Store
from storage.runtime import logging_setup
from storage.tables.tickets import agents
from tests.console.conftest import Browser, Console
from tests.small_desk import ALICE, BOB, SmallDesk, words
from usecases.rules import macros

TEXT = "Dear {requester.name},\nwe look into {ticket.number}.\n{agent.first_name} {typo}"
ACTIONS = [{"tag": ["refund"]}, {"priority": "low"}]


def _put(console: Console, **owner: int) -> int:
    with console.store.database.transaction() as session:
        return macros.save(session, "Looking into it", TEXT, ACTIONS, **owner)


def test_a_macro_fills_the_box_and_acts_when_the_message_is_sent(console: Console, alice: Browser) -> None:
    number, ticket = _put(console), console.things.ticket
    shown = alice.get(f"/tickets/{ticket}", params={"macro": number}).text
    assert f"we look into #{ticket}." in shown and "{typo}" in shown
    assert "Sending also runs: tag refund, priority low" in shown
    assert "refund" not in console.ticket().tags
    done = alice.act(ticket, "reply", kind="reply", text="We look.", macro=str(number))
    assert done.headers["location"].endswith("?done=replied")
    assert "refund" in console.ticket().tags and console.ticket().priority == "low"
    assert {event.why for event in console.events() if event.kind == "priority_changed"} == {"macro Looking into it"}
    with console.store.database.reading() as session:
        assert [one.uses for one in macros.list_all(session)] == [1]


def test_the_actions_alone_need_no_message(console: Console, alice: Browser) -> None:
    number = _put(console)
    before = len(console.messages())
    assert alice.act(console.things.ticket, "macro", macro=str(number)).status_code == 303
    assert "refund" in console.ticket().tags
    assert len(console.messages()) == before


def test_a_personal_macro_is_nobody_elses(console: Console, alice: Browser, bob: Browser) -> None:
    saved = alice.press("/macros/save", "/macros", name="Mine", whose="mine", text="Hello {requester.name}", actions="")
    assert saved.headers["location"] == "/macros?done=saved"
    assert "Mine" in alice.get("/macros").text
    assert "Hello {requester.name}" not in bob.get("/macros").text
    with console.store.database.reading() as session:
        (macro,) = macros.list_all(session)
        with pytest.raises(NotAllowed):
            macros.get_by_name(session, console.things.bob, "mine")
        assert macros.get_by_name(session, console.things.alice, "mine") == macro


def test_only_leads_write_for_everybody(console: Console, alice: Browser) -> None:
    assert alice.press("/macros/save", "/macros", name="x", whose="all", text="y").status_code == 403
    with console.store.database.transaction() as session:
        session.execute(sa.update(agents).where(agents.c.id == console.things.alice).values(role="lead"))
    assert alice.press("/macros/save", "/macros", name="x", whose="all", text="y").status_code == 303
    wrong = alice.press("/macros/save", "/macros", name="x", whose="all", text="y", actions='[{ fly = "z" }]')
    assert wrong.status_code == 422 and "is no action" in wrong.text


def test_by_mail_a_macro_says_its_text_above_the_agents_and_acts(any_store: Store) -> None:
    any_desk = SmallDesk(any_store)
    with any_desk.store.database.transaction() as session:
        macros.save(session, "Looking into it", TEXT, ACTIONS)
    any_desk.receive(any_desk.mail(BOB, "Refund", "Please."))
    address = any_desk.notice_address(any_desk.alice, 1)
    any_desk.receive(any_desk.mail(ALICE, "Re: Refund", "#macro looking into it\n\nUntil Monday.", to=address))
    (reply,) = any_desk.sent("reply")
    assert "we look into #1.\nAlice {typo}\n\nUntil Monday." in words(reply)
    assert any_desk.ticket(1).tags == ("refund",)
    any_desk.receive(any_desk.mail(ALICE, "Re: Refund", "#macro nonsense\n\nHello", to=address))
    assert any("there is no macro 'nonsense'" in words(mail) for mail in any_desk.sent("command-answer"))
    assert len(any_desk.sent("reply")) == 1


def test_the_commands_keep_macros(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", console.store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", console.store.settings.secret_key)
    add = ["macro", "add", "Hello", "--text", r"Hi\nthere", "--actions", '[{ tag = "x" }]']
    assert frontdesk.main([*add, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["text"], made["does"], made["whose"]) == ("Hi\nthere", "tag x", "everybody")
    assert frontdesk.main([*add, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == made["id"]
    assert frontdesk.main(["macro", "list", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out) if one["id"] == made["id"]] == ["Hello"]
    assert frontdesk.main(["macro", "add", "Bad", "--actions", "[{ fly = 1 }]"]) == 64
