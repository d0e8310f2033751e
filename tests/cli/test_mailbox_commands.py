"""`mailbox add` tries what it is told, and `mailbox remove` takes nothing that a ticket needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import frontdesk
from cli.open_desk import opened
from desk.config.settings import Settings
from desk.signed import reply_address
from storage.people import people

LONG = "kundenservice-und-reklamationen-zentrale@desk.example.test"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRONTDESK_MAIL_DOMAIN", "desk.example.test")
    assert frontdesk.main(["init", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path


def run(desk: Path, *words: str) -> int:
    return frontdesk.main([*words, "--data", str(desk)])


def boxes(desk: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert run(desk, "mailbox", "list", "--json") == 0
    return [one["address"] for one in json.loads(capsys.readouterr().out)]


def test_a_login_that_fails_adds_no_mailbox_unless_told(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELP_PASSWORD", "secret")
    words = ["mailbox", "add", "help@desk.example.test", "--imap-host", "127.0.0.1", "--imap-port", "1"]
    words += ["--imap-user", "help", "--imap-password-env", "HELP_PASSWORD"]
    assert run(desk, *words) == 64
    said = capsys.readouterr().err
    assert "cannot be reached" in said and "--no-test" in said and "secret" not in said
    assert "help@desk.example.test" not in boxes(desk, capsys)
    assert run(desk, *words, "--no-test") == 0 and "help@desk.example.test" in boxes(desk, capsys)


def test_a_password_completes_what_came_over_http_and_leaves_it_guarded(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    imap = {"host": "127.0.0.1", "port": 1, "user": "help", "guarded": True}
    with opened(Settings(data_dir=str(desk))) as store, store.database.transaction() as session:
        people.add_mailbox(session, "help@desk.example.test", "Help", None, imap)
    monkeypatch.setenv("HELP_PASSWORD", "secret")
    words = ["mailbox", "add", "help@desk.example.test", "--imap-password-env", "HELP_PASSWORD"]
    assert run(desk, *words) == 64
    assert "127.0.0.1 is not a public server" in capsys.readouterr().err
    monkeypatch.setenv("FRONTDESK_INTERNAL_NETWORKS", "127.0.0.0/8")
    assert run(desk, *words) == 64
    assert "cannot be reached" in capsys.readouterr().err
    assert run(desk, *words, "--no-test", "--json") == 0
    assert json.loads(capsys.readouterr().out)["imap"] == {**imap, "password_env": "HELP_PASSWORD"}
    assert run(desk, *words, "--imap-host", "127.0.0.1", "--imap-user", "help", "--no-test", "--json") == 0
    assert json.loads(capsys.readouterr().out)["imap"]["guarded"] is False


def test_a_long_name_is_told_what_its_answers_do(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, "mailbox", "add", LONG) == 0
    said = capsys.readouterr().err
    assert str(reply_address.LONGEST_NAME) in said and "answers to its mail come to support@desk.example.test" in said


def test_letters_before_the_at_are_refused_and_an_umlaut_domain_is_one_mailbox(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(desk, "mailbox", "add", "bücher@desk.example.test") == 64
    assert "ASCII" in capsys.readouterr().err
    for domain in ("bücher.example", "xn--bcher-kva.example"):
        assert run(desk, "mailbox", "add", f"hilfe@{domain}") == 0
    assert boxes(desk, capsys).count("hilfe@xn--bcher-kva.example") == 1


def test_a_mailbox_without_tickets_goes_and_the_only_one_stays(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(desk, "mailbox", "remove", "support@desk.example.test") == 1
    assert "only mailbox" in capsys.readouterr().err
    assert run(desk, "mailbox", "add", "hilfe@bücher.example") == 0
    assert run(desk, "mailbox", "remove", "hilfe@xn--bcher-kva.example") == 0
    assert "refused with 550" in capsys.readouterr().out
    assert boxes(desk, capsys) == ["support@desk.example.test"]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["--version"]) == 0 and capsys.readouterr().out.startswith("frontdesk ")
