"""`frontdesk doctor`: what is broken is named with what to do, what is fine is not, and no secret is shown."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classifier.starter import VERSION
from cli.data_folder import note_running
from cli.diagnose import doctor_running
from cli.diagnose.doctor import examine
from cli.diagnose.findings import BROKEN, OK, WARNING, Finding
from cli.process import init
from desk.config.settings import Settings
from gateway.email.sandbox import pool
from storage.learning import models
from storage.learning.models import Model
from storage.mail import imap_folders, inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store
from storage.people import people
from storage.runtime import locks
from workers.runtime.active_model import register_starter

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def desk(store: Store) -> Store:
    """A desk that has begun, with its clock at work."""
    init.begin(store.settings, NOW, patience=0)
    with store.database.transaction() as session:
        locks.acquire(session, "clock", "somebody", NOW, timedelta(seconds=10))
    return store


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings, NOW)}


def test_a_desk_that_is_well_has_nothing_broken(desk: Store) -> None:
    found = findings(desk.settings)
    assert [name for name, finding in found.items() if finding.state == BROKEN] == []
    assert found["clock"].state == found["database"].state == found["model"].state == OK


def test_every_complaint_says_what_to_do(tmp_path: Path) -> None:
    found = findings(Settings(data_dir=str(tmp_path / "none"), redis_url="redis://127.0.0.1:1"))
    assert all(finding.advice for finding in found.values() if finding.state != OK)
    assert {"data folder", "database", "queue"} <= {n for n, finding in found.items() if finding.state == BROKEN}


def test_looking_makes_nothing(tmp_path: Path) -> None:
    findings(Settings(data_dir=str(tmp_path / "none")))
    assert list(tmp_path.iterdir()) == []


def test_what_is_away_is_named_without_its_password(desk: Store) -> None:
    urls = {
        "database_url": "postgresql://desk:hunter2@127.0.0.1:1/desk",
        "redis_url": "redis://:hunter2@127.0.0.1:1/0",
        "relay_url": "smtp://desk:hunter2@127.0.0.1:1",
    }
    found = findings(replace(desk.settings, **urls))
    assert found["database"].state == found["queue"].state == found["relay"].state == BROKEN
    assert "hunter2" not in repr(found)


def test_a_key_that_signs_mail_is_looked_at(desk: Store, tmp_path: Path) -> None:
    pem = tmp_path / "dkim.pem"
    settings = replace(desk.settings, dkim_key=str(pem), dkim_selector="desk1")
    assert "dkim" not in findings(desk.settings) and findings(settings)["dkim"].state == BROKEN
    for content, state in ((b"x", BROKEN), (b"-----BEGIN RSA PRIVATE KEY-----\n", OK)):
        pem.write_bytes(content)
        assert findings(settings)["dkim"].state == state


def test_postgresql_is_examined_like_sqlite(postgres_url: str, desk: Store) -> None:
    assert findings(replace(desk.settings, database_url=postgres_url))["database"].state == OK


def test_a_request_that_waits_too_long_is_broken_work(desk: Store) -> None:
    with desk.database.transaction() as session:
        inbound.store(session, [Arrival("email", "x", "1", "h", NOW - timedelta(minutes=20), "{}")])
    assert findings(desk.settings)["work"].state == BROKEN


def test_quarantined_mail_is_a_warning(desk: Store) -> None:
    with desk.database.transaction() as session:
        inbound.store(session, [Arrival("email", "x", "1", "h", NOW, quarantine="too deep")])
    assert findings(desk.settings)["quarantine"].state == WARNING


def test_a_clock_that_fell_silent_is_a_warning(desk: Store) -> None:
    with desk.database.transaction() as session:
        locks.release(session, "clock", "somebody")
        locks.acquire(session, "clock", "somebody", NOW - timedelta(minutes=5), timedelta(seconds=10))
    assert findings(desk.settings)["clock"].state == WARNING


def test_a_mailbox_that_cannot_be_fetched_is_broken_and_says_why(desk: Store) -> None:
    imap = {"host": "imap.example.test", "user": "desk", "password_env": "X"}
    with desk.database.transaction() as session:
        box = people.add_mailbox(session, "it@desk.example.test", "", None, imap)
    assert findings(desk.settings)["imap it@desk.example.test INBOX"].state == WARNING
    with desk.database.transaction() as session:
        imap_folders.record_failure(session, box.id, "INBOX", "the password was refused", NOW)
    found = findings(desk.settings)["imap it@desk.example.test INBOX"]
    assert (found.state, found.found) == (BROKEN, "the password was refused")


def test_a_blob_that_is_gone_is_noticed(desk: Store) -> None:
    content = b"x" * 100_000
    with desk.database.transaction() as session:
        name = desk.blobs.put(session, content, NOW)
        inbound.store(session, [Arrival("email", "x", "1", "h", NOW, "{}", raw=name)])
    assert findings(desk.settings)["blobs"].state == OK
    shutil.rmtree(desk.blobs.folder)
    assert findings(desk.settings)["blobs"].state == BROKEN


def test_a_model_that_was_swapped_is_noticed(desk: Store) -> None:
    register_starter(desk, NOW)
    assert findings(desk.settings)["model"].state == OK
    (desk.settings.data / "models" / VERSION / "meta.json").write_text("{}")
    found = findings(desk.settings)["model"]
    assert (found.state, "meta.json is not the one" in found.found) == (BROKEN, True)


def test_a_model_that_the_desk_gave_up_is_named_until_another_is_trained(desk: Store) -> None:
    register_starter(desk, NOW)
    with desk.database.transaction() as session:
        models.add(session, Model("desk-1", NOW, models.BROKEN, "vocab.json: not JSON"))
    found = findings(desk.settings)["model desk-1"]
    assert (found.state, found.found) == (WARNING, "broken: vocab.json: not JSON")


def test_nobody_to_answer_is_broken(store: Store) -> None:
    assert findings(store.settings)["people"].state == BROKEN


def test_a_sandbox_that_cannot_start_is_found(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(desk.settings)["sandbox"].state == OK
    monkeypatch.setattr(
        pool.SandboxPool.__init__, "__kwdefaults__", {**_KWARGS, "parser": "gateway.no_such_module:parse"}
    )
    found = findings(desk.settings)["sandbox"]
    assert (found.state, "no_such_module" in found.found, "451" in found.advice) == (BROKEN, True, True)


_KWARGS = dict(pool.SandboxPool.__init__.__kwdefaults__ or {})


def test_the_doctor_looks_with_the_running_desks_settings_and_names_those_that_differ(desk: Store) -> None:
    there = replace(desk.settings, authserv_id="mx.desk.example.test", relay_url="smtp://desk:hunter2@127.0.0.1:1")
    note_running(there, {"redis_url": "", "smtp": "", "http": ""})
    found = findings(desk.settings)
    assert found["settings"].state == WARNING
    assert "FRONTDESK_AUTHSERV_ID, FRONTDESK_RELAY_URL" in found["settings"].found
    assert doctor_running.as_running(desk.settings).authserv_id == "mx.desk.example.test"
    noted = (desk.settings.data / "running.json").read_text()
    assert "hunter2" not in noted and desk.settings.secret_key not in noted
    assert (desk.settings.data / "running.json").stat().st_mode & 0o077 == 0
    assert findings(there)["settings"].state == OK


def test_where_no_desk_runs_nothing_is_said_of_its_settings(desk: Store) -> None:
    assert "settings" not in findings(desk.settings)


def test_another_key_than_the_desks_is_found(desk: Store) -> None:
    assert findings(desk.settings)["secret key"].state == OK
    other = findings(replace(desk.settings, secret_key="another key of more than 32 letters"))["secret key"]
    assert (other.state, "--accept-key" in other.found) == (BROKEN, True)
