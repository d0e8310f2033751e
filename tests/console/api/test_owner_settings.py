"""What only the machine's owner may say is not taken over HTTP: nothing is run or kept, and the attempt is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import console as console_package
import gateway
from desk.config.desk_toml import read
from storage.access import audit
from storage.people import people
from storage.people.people import NewAgent
from tests.console.admin.test_configuration_api import PATH, post, token
from tests.console.conftest import START, Browser, Console, csrf
from usecases.config import apply as configuration

BOX = "imap@desk.example.test"
PLACE = {"host": "imap.example.com", "user": "desk"}
REFRESH = {"url": "https://login.example.com/token", "client_id": "x"}
OWNERS = {"guarded": False, **PLACE, "password_env": "DESK_PASSWORD", "ca_file": "/etc/desk/ca.pem", "poll_seconds": 60}
SECRETS = [
    {"password_command": "touch PROOF"},
    {"password_file": "PROOF"},
    {"password_env": "HOME"},
    {"token_command": "touch PROOF", "auth": "xoauth2"},
    {"token_file": "PROOF", "auth": "xoauth2"},
    {"token_env": "HOME", "auth": "xoauth2"},
    {"ca_file": "/etc/shadow"},
    {"Password_Command": "touch PROOF"},
    {"password_command": ""},
    *(
        {"auth": "xoauth2", "refresh": {**REFRESH, f"{name}_{kind}": "PROOF"}}
        for name in ("refresh_token", "client_secret", "client_id")
        for kind in ("command", "file", "env")
    ),
    {"refresh": {"deeper": {"password_command": "touch PROOF"}}},
]
INSIDE_HOSTS = [
    {"host": "127.0.0.1"},
    {"host": "169.254.169.254"},
    {"host": "2130706433"},
    {"host": "localhost"},
    {"host": "::ffff:10.0.0.1"},
    {"refresh": {**REFRESH, "url": "http://127.0.0.1/token"}},
    {"refresh": {**REFRESH, "url": "https://[::1]/token"}},
    {"refresh": {**REFRESH, "url": "https://[broken/token"}},
    {"guarded": False},
]


def mailbox(imap: dict[str, Any], address: str = BOX) -> dict[str, Any]:
    return {"mailbox": [{"address": address, "name": "Fetched", "imap": imap}]}


def owner_applies(console: Console, imap: dict[str, Any]) -> None:
    with console.store.database.transaction() as session:
        configuration.apply(session, read(mailbox(imap)), START)


def kept(console: Console, address: str = BOX) -> Any:
    with console.store.database.reading() as session:
        return next((box.imap for box in people.all_mailboxes(session) if box.address == address), None)


def attempts(console: Console) -> list[tuple[str, str]]:
    with console.store.database.reading() as session:
        entries = audit.entries(session)
        return [(one.agent_name, one.data["why"]) for one in entries if one.what == "owner_setting_refused"]


@pytest.mark.parametrize("extra", SECRETS + INSIDE_HOSTS, ids=str)
def test_a_token_cannot_say_what_is_run_or_read_or_reached(
    console: Console, stranger: Browser, extra: dict[str, Any]
) -> None:
    head = token(console.store, "configuration")
    answer = post(stranger, PATH, head, mailbox({**PLACE, **extra}))
    assert answer.status_code == 422 and "imap." in answer.json()["error"]["message"]
    assert "PROOF" not in answer.text and kept(console) is None
    ((who, why),) = attempts(console)
    assert who == "setup" and BOX in why and "PROOF" not in why


def test_a_dry_run_is_refused_in_the_same_way(console: Console, stranger: Browser) -> None:
    body = mailbox({**PLACE, "password_file": "/etc/passwd"}) | {"dry_run": True}
    assert post(stranger, PATH, token(console.store, "configuration"), body).status_code == 422
    assert len(attempts(console)) == 1


def test_an_admins_session_is_refused_in_the_same_way(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        boss = people.by_address(session, "alice@corp.example.test")
        assert boss is not None
        people.add_agent(session, NewAgent(boss.address, boss.name, "admin", boss.password_hash), START)
    head = {"X-CSRF-Token": csrf(alice.get("/account").text)}
    body = mailbox({**PLACE, "password_command": "touch PROOF"})
    assert post(alice, PATH, head, body).status_code == 422 and kept(console) is None
    assert len(attempts(console)) == 1


def test_sent_back_unchanged_the_owners_settings_stay(console: Console, stranger: Browser) -> None:
    owner_applies(console, OWNERS)
    head = token(console.store, "configuration")
    whole = stranger.get(PATH, headers=head).json()
    assert post(stranger, PATH, head, {"mailbox": whole["mailbox"]}).json()["steps"] == []
    assert kept(console) == OWNERS and attempts(console) == []


def test_what_moves_no_password_may_change_and_loses_nothing(console: Console, stranger: Browser) -> None:
    owner_applies(console, OWNERS)
    changed = {**OWNERS, "poll_seconds": 120, "folders": ["INBOX", "Support"]}
    assert post(stranger, PATH, token(console.store, "configuration"), mailbox(changed)).status_code == 200
    assert kept(console) == changed


@pytest.mark.parametrize(
    "change",
    [
        {"host": "mail.elsewhere.example"},
        {"port": 1993},
        {"tls": "none"},
        {"user": "boss"},
        {"auth": "oauthbearer"},
        {"refresh": REFRESH},
        {"password_env": "OTHER"},
        {"ca_file": "/tmp/mine.pem"},
        {"guarded": True},
    ],
    ids=str,
)
def test_the_kept_password_is_sent_to_no_other_server(
    console: Console, stranger: Browser, change: dict[str, Any]
) -> None:
    owner_applies(console, OWNERS)
    answer = post(stranger, PATH, token(console.store, "configuration"), mailbox({**OWNERS, **change}))
    assert answer.status_code == 422 and kept(console) == OWNERS


def test_a_password_is_not_dropped_while_the_server_changes(console: Console, stranger: Browser) -> None:
    owner_applies(console, OWNERS)
    answer = post(stranger, PATH, token(console.store, "configuration"), mailbox(PLACE | {"host": "a.example.com"}))
    assert answer.status_code == 422 and kept(console) == OWNERS


def test_fetching_can_be_ended(console: Console, stranger: Browser) -> None:
    owner_applies(console, OWNERS)
    assert post(stranger, PATH, token(console.store, "configuration"), mailbox({})).status_code == 200
    assert not kept(console)


@pytest.mark.parametrize(
    ("imap", "option"),
    [
        (PLACE, "--imap-password-file FILE"),
        ({**PLACE, "folders": ["INBOX", "Orders"]}, "--imap-password-file FILE"),
        ({**PLACE, "auth": "xoauth2"}, "--imap-token-file FILE"),
    ],
)
def test_a_public_host_is_kept_under_the_guard_and_the_answer_says_what_to_run(
    console: Console, stranger: Browser, alice: Browser, imap: dict[str, Any], option: str
) -> None:
    answer = post(stranger, PATH, token(console.store, "configuration"), mailbox(imap))
    (warning,) = (words for words in answer.json()["warnings"] if BOX in words)
    assert answer.status_code == 200 and kept(console) == {**imap, "guarded": True}
    assert warning.endswith(f"frontdesk mailbox add {BOX} {option}") and "imap.example.com" in warning
    assert f"frontdesk mailbox add {BOX} {option}" in alice.get("/mailboxes").text


def test_what_is_to_be_run_cannot_carry_a_command_of_its_own(console: Console, stranger: Browser) -> None:
    odd = {**PLACE, "host": "imap.example.com; touch PROOF #"}
    post(stranger, PATH, token(console.store, "configuration"), mailbox(odd, "a;touch${IFS}x@desk.example.test"))
    with console.store.database.reading() as session:
        (warning,) = (words for words in configuration.warnings(session) if "touch" in words)
    command = warning.rpartition(": ")[2]
    assert shlex.split(command)[:4] == ["frontdesk", "mailbox", "add", "a;touch${ifs}x@desk.example.test"]


@pytest.mark.parametrize("stored", [PLACE, {**PLACE, "password_env": "X"}, {**PLACE, "auth": "xoauth2"}], ids=str)
def test_what_an_earlier_version_stored_gains_no_trust_by_being_sent_back(
    console: Console, stranger: Browser, stored: dict[str, Any]
) -> None:
    """Such settings have no word about the guard, and count as guarded (`gateway/email/imap/config.py`)."""
    with console.store.database.transaction() as session:
        people.add_mailbox(session, BOX, "Fetched", None, stored)
    head = token(console.store, "configuration")
    assert post(stranger, PATH, head, mailbox({**stored, "poll_seconds": 90})).status_code == 200
    assert kept(console).get("guarded", True) is True
    owner_applies(console, stored)
    assert kept(console) == {"guarded": False, **stored}


def test_no_page_applies_a_configuration_or_makes_a_mailbox_in_another_way() -> None:
    """What an HTTP request can do is in these rooms; the command line may, it is the owner's."""
    rooms = [Path(package.__file__ or "").parent for package in (console_package, gateway)]
    texts = {path.name: path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py")}
    applying = {name: text for name, text in texts.items() if "usecases.config" in text}
    assert len(texts) > 100 and list(applying) == ["configuration.py"]
    assert "configuration.apply_from_http(" in applying["configuration.py"]
    ways = re.compile(r"\bapply\(session|configuration\.apply\(|\badd_mailbox\(")
    assert [name for name, text in texts.items() if ways.search(text)] == []
