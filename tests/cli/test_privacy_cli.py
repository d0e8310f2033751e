"""The commands of privacy, as somebody at the keyboard uses them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from desk.config.desk_toml import BadConfiguration
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind
from storage.open_store import Store
from storage.people import people
from storage.runtime import logging_setup
from storage.tickets import tickets
from tests.cli.configured import configure
from tests.small_desk import BOB, SmallDesk
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

Say = Callable[..., Any]
RAW_NAME = '../../=cmd|"evil".html'


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> SmallDesk:
    """Bob asked twice; the second subject would be a formula, and has a file with a hostile name."""
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    for name in ("data_dir", "secret_key", "mail_domain"):
        monkeypatch.setenv(f"FRONTDESK_{name.upper()}", getattr(store.settings, name))
    desk = SmallDesk(store)
    desk.receive(desk.mail(f"Bob <{BOB}>", "printer", "my printer is on fire"))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = BOB, "x@y", "=1+1", "<f@home.example.test>"
    mail.set_content("see the file")
    mail.add_attachment(b"<b>evil</b>", maintype="text", subtype="html", filename=RAW_NAME)
    desk.receive(desk.raw_mail(mail.as_bytes(), BOB, ["support@desk.example.test"]))
    with store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held
        conversation.note(
            session, held, Written(Actor(ActorKind.AGENT, desk.alice.id, "Alice"), "he is odd", desk.now, via="x")
        )
    return desk


@pytest.fixture
def say(desk: SmallDesk, capsys: pytest.CaptureFixture[str]) -> Say:
    def answer(*words: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert frontdesk.main([*words, "--json"]) == code
        said = capsys.readouterr()
        return json.loads(said.out) if code == 0 else said.err

    return answer


def test_a_person_gets_a_zip_of_all_that_is_theirs_and_of_nothing_else(say: Say, tmp_path: Path) -> None:
    target = tmp_path / "bob.zip"
    done = say("person", "export", BOB.upper(), "--out", str(target))
    assert (done["tickets"], done["messages"], done["letters"]) == (2, 2, 2)
    assert target.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(target) as pack:
        names = pack.namelist()
        whole = json.loads(pack.read("person.json"))
        rows = list(csv.DictReader(io.StringIO(pack.read("tickets.csv").decode("utf-8-sig"))))
        files = [name for name in names if name.endswith(".html")]
        assert [pack.read(name) for name in files] == [b"<b>evil</b>"]
        assert b"printer is on fire" in pack.read(next(name for name in names if name.endswith(".eml")))
    assert all(name.startswith("files/") and ".." not in name and name.count("/") == 1 for name in names[:-2])
    assert [row["subject"] for row in rows] == ["printer", "'=1+1"]
    assert "he is odd" not in json.dumps(whole)
    assert whole["person"]["name"] == "Bob"
    assert list(tmp_path.glob("*.part")) == []
    assert "has ever written" in say("person", "export", "who@x.test", "--out", str(target), code=1)


def test_a_person_is_erased_after_a_dry_run_said_what_would_go(say: Say, desk: SmallDesk) -> None:
    tried = say("person", "erase", BOB, "--dry-run")
    assert tried["counts"]["tickets"] == 2
    assert desk.ticket(1).subject == "printer"
    done = say("person", "erase", BOB, "--why", "letter of 3 March")
    assert done["counts"]["tickets"] == 2
    assert done["finished"]
    assert desk.ticket(1).subject == "(erased)"
    assert [one["why"] for one in say("person", "erasures")] == ["letter of 3 March"]
    assert "has ever written" in say("person", "erase", BOB, code=1)
    assert "is an agent" in say("person", "erase", desk.alice.address, code=1)


def test_a_team_becomes_private_and_who_did_so_is_written_down(say: Say, desk: SmallDesk) -> None:
    configure(desk.store, '[[team]]\nname = "Support"\nprivate = true')
    assert [(one["what"], one["team"]) for one in say("audit")] == [("team_made_private", "Support")]
    configure(desk.store, '[[team]]\nname = "Support"\nprivate = false')
    assert len(say("audit", "--team", "Support")) == 2
    assert say("audit", "--team", "Billing") == []


def test_retention_is_set_tried_and_done(say: Say, desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held
        tickets.save(session, transitions.close(held, DESK, datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(BadConfiguration, match="after how many days"):
        configure(desk.store, '[retention]\nrules = [{ team = "Support" }]')
    configure(desk.store, '[retention]\nrules = [{ team = "Support", days = 365 }]')
    assert [(one["place"], one["days"]) for one in say("retention", "list")] == [(1, 365)]
    (would,) = say("retention", "run", "--dry-run")
    assert would["tickets"] == 1
    assert desk.ticket(1).subject == "printer"
    assert say("retention", "run") == {"emptied": 1}
    assert desk.ticket(1).subject == "(erased)"
    configure(desk.store, "[retention]\nrules = []")
    assert say("retention", "list") == []


def test_the_tables_are_for_people(say: Say, capsys: pytest.CaptureFixture[str], desk: SmallDesk) -> None:
    with desk.store.database.reading() as session:
        assert people.by_address(session, BOB)
    for words in (["audit"], ["retention", "list"], ["person", "erasures"], ["retention", "run", "--dry-run"]):
        capsys.readouterr()
        assert frontdesk.main(words) == 0
        assert "nothing there" in capsys.readouterr().out
    assert frontdesk.main(["person", "erase", BOB]) == 0
    assert "erased; receipt 1" in capsys.readouterr().out
