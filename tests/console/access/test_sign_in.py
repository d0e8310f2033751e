"""Signing in: who gets in, what ends a session, and how guessing is slowed down."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.access import passwords
from console.routes import create_app
from console.web.local_path import local_path
from console.web.sign_in_limits import SignInLimits
from storage.open_store import Store
from storage.people import agent_sessions, people
from storage.people.people import NewAgent
from tests.console import fixtures_desk
from tests.console.conftest import START, Browser, Console, csrf
from tests.console.fixtures_desk import PASSWORD

PAGES = ("/tickets", "/tickets/1", "/ledger", "/quarantine", "/caught", "/caught/1", "/mailboxes", "/account")
FILES = ("/messages/1/raw", "/messages/1/files/0", "/inbound/1/raw", "/outbound/1/raw")


@pytest.mark.parametrize("path", [*PAGES, *FILES, "/tickets/9999", "/tickets?q=x&status=all"])
def test_a_stranger_sees_nothing_but_the_way_to_sign_in(stranger: Browser, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    assert answer.text == ""


def test_after_signing_in_one_is_where_one_wanted_to_be(stranger: Browser) -> None:
    wanted = stranger.get("/tickets?q=invoice").headers["location"]
    page = stranger.get(wanted).text
    assert 'name="next" value="/tickets?q=invoice"' in page
    assert stranger.sign_in(where="/tickets?q=invoice").headers["location"] == "/tickets?q=invoice"
    assert stranger.get("/tickets").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "https://evil.test",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "",
        "/" + "x" * 600,
    ],
)
def test_no_way_leads_to_another_site(stranger: Browser, path: str) -> None:
    assert local_path(path) == "/tickets"
    assert stranger.sign_in(where=path).headers["location"] == "/tickets"


@pytest.mark.parametrize(
    ("name", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("alice", ""), ("ali\x00ce", "x")]
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(stranger: Browser, name: str, password: str) -> None:
    answer = stranger.sign_in(name, password)
    assert answer.status_code == 403
    assert "Address or password is not right." in answer.text
    assert "frontdesk=" not in answer.headers.get("set-cookie", "")


def test_an_agent_who_left_is_out_at_once_and_cannot_come_back(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        fixtures_desk.revoke(session, console.things.alice)
    assert alice.get("/tickets").status_code == 303
    assert alice.sign_in().status_code == 403


def test_a_session_does_not_come_back_with_the_agent(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        fixtures_desk.revoke(session, console.things.alice)
        people.set_active(session, console.things.alice, active=True)
    assert alice.get("/tickets").status_code == 303


def test_signing_out_ends_the_session_on_the_server_too(alice: Browser) -> None:
    cookie = alice.client.cookies["frontdesk"]
    assert alice.press("/logout", "/tickets").headers["location"] == "/login"
    alice.client.cookies.set("frontdesk", cookie)
    assert alice.get("/tickets").status_code == 303


def test_a_new_password_ends_all_other_sessions(app: Any, alice: Browser) -> None:
    with TestClient(app) as client:
        other = Browser(client)
        other.sign_in()
        wanted = {"current": PASSWORD, "new": "a new long password", "again": "a new long password"}
        assert alice.press("/account", "/account", **wanted).status_code == 303
        assert alice.get("/tickets").status_code == 200
        assert other.get("/tickets").status_code == 303
        assert other.sign_in().status_code == 403
        assert other.sign_in(password="a new long password").status_code == 303


def test_a_password_set_elsewhere_ends_the_sessions_too(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        agent = people.by_ids(session, [console.things.alice])[console.things.alice]
        people.add_agent(session, NewAgent(agent.address, "", "agent", passwords.hash_password("another one")), START)
    assert alice.get("/tickets").status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "again"),
    [
        ("wrong", "a new long password", "a new long password"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "a" * 12, "b" * 12),
    ],
)
def test_a_password_is_changed_only_with_the_old_one(alice: Browser, current: str, new: str, again: str) -> None:
    answer = alice.press("/account", "/account", current=current, new=new, again=again)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_session_ends_by_itself(console: Console, alice: Browser) -> None:
    console.later(seconds=agent_sessions.LIFETIME.total_seconds() + 1)
    assert alice.get("/tickets").status_code == 303


def test_signing_in_makes_a_new_session_and_ends_the_one_before(stranger: Browser) -> None:
    stranger.client.cookies.set("frontdesk", "1.fixed-by-somebody-else")
    stranger.sign_in()
    first = stranger.client.cookies.get("frontdesk", domain="testserver.local")
    stranger.client.cookies.clear()
    stranger.client.cookies.set("frontdesk", str(first))
    stranger.sign_in()
    stranger.client.cookies.clear()
    stranger.client.cookies.set("frontdesk", str(first))
    assert first != "1.fixed-by-somebody-else"
    assert stranger.get("/tickets").status_code == 303


@pytest.mark.parametrize("value", ["", ".", "1", "1.", "x.y", "9" * 30 + ".a", "-1.a", "\u0661.a"])
def test_a_made_up_cookie_opens_nothing(stranger: Browser, value: str) -> None:
    assert stranger.get("/tickets", headers={"Cookie": f"frontdesk={value}".encode()}).status_code == 303


def test_an_account_that_is_guessed_at_waits_wherever_the_guesses_come_from(
    console: Console, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify_password", lambda given, stored: given == PASSWORD)
    codes = []
    for n in range(52):
        with TestClient(app, client=(f"192.0.2.{n}", 1)) as client:
            codes.append(Browser(client).sign_in("alice", "wrong").status_code)
    assert codes == [403] * 50 + [429] * 2
    with TestClient(app, client=("192.0.2.99", 1)) as client:
        answer = Browser(client).sign_in()
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
        console.later(minutes=16)
        assert Browser(client).sign_in().status_code == 303


def test_wrong_passwords_of_one_place_lock_the_account_there_and_nowhere_else(
    console: Console, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify_password", lambda given, stored: given == PASSWORD)
    codes = []
    with TestClient(app, client=("192.0.2.1", 1)) as attacker, TestClient(app, client=("192.0.2.2", 1)) as elsewhere:
        for _ in range(30):
            codes += [Browser(attacker).sign_in("alice", "wrong").status_code for _ in range(8)]
            assert Browser(elsewhere).sign_in().status_code == 303
            console.later(minutes=5)
    assert set(codes) == {403, 429}


def test_a_browser_that_is_known_is_not_locked_by_others_at_the_same_place(
    console: Console, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify_password", lambda given, stored: given == PASSWORD)
    with TestClient(app, client=("192.0.2.1", 1)) as client, TestClient(app, client=("192.0.2.1", 1)) as attacker:
        assert Browser(client).sign_in().status_code == 303
        codes = [Browser(attacker).sign_in("alice", "wrong").status_code for _ in range(12)]
        assert codes == [403] * 10 + [429] * 2 and Browser(attacker).sign_in().status_code == 429
        assert Browser(client).sign_in().status_code == 303
        mine = [Browser(client).sign_in("alice", "wrong").status_code for _ in range(12)]
        assert mine == [403] * 10 + [429] * 2


@pytest.mark.parametrize("value", ["", ".", "x.y", "ü.ß", "known", "a" * 5000])
def test_a_made_up_cookie_of_a_known_browser_helps_nobody(value: str) -> None:
    limits, place = SignInLimits(b"a key"), "192.0.2.1"
    other = SignInLimits(b"another key").known_browser("alice@corp.example.test")
    for cookie in (value, other, limits.known_browser("max@corp.example.test")):
        for _ in range(10):
            limits.count_failure("alice@corp.example.test", place, "", START)
        assert limits.wait("alice@corp.example.test", place, cookie, START) > 0
    assert limits.wait("alice@corp.example.test", place, limits.known_browser("alice@corp.example.test"), START) == 0


def test_colleagues_who_sign_in_rightly_do_not_use_up_their_offices_limit(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "verify_password", lambda given, stored: given == PASSWORD)
    for _ in range(25):
        with TestClient(app, client=("192.0.2.1", 1)) as client:
            assert Browser(client).sign_in().status_code == 303


def test_one_place_that_tries_many_accounts_waits_whatever_forwarded_for_says(stranger: Browser) -> None:
    headers = [{"X-Forwarded-For": f"198.51.100.{n}"} for n in range(22)]
    codes = [stranger.sign_in(f"p{n}", "wrong", **header).status_code for n, header in enumerate(headers)]
    assert codes == [403] * 20 + [429] * 2


def test_another_site_cannot_sign_a_browser_in(stranger: Browser) -> None:
    fields = {"address": "alice@corp.example.test", "password": PASSWORD}
    assert stranger.client.post("/login", data=fields).status_code == 403
    token = csrf(stranger.get("/login").text)
    stranger.client.cookies.clear()
    assert stranger.client.post("/login", data=fields | {"csrf": token}).status_code == 403
    assert stranger.sign_in(Origin="https://evil.test").status_code == 403


def test_the_first_run_says_how_to_make_an_agent(store: Store) -> None:
    with TestClient(create_app(store, store.settings)) as client:
        assert "frontdesk agent add" in client.get("/login").text


def test_afterwards_it_does_not(stranger: Browser) -> None:
    assert "frontdesk agent add" not in stranger.get("/login").text


def test_cookies_are_for_this_site_and_not_for_scripts(stranger: Browser, secure: Browser) -> None:
    plain = stranger.sign_in().headers["set-cookie"]
    assert re.search(r"frontdesk=\S+; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax", plain)
    safe = secure.sign_in()
    assert safe.status_code == 303
    assert re.search(
        r"__Host-frontdesk=\S+; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax; Secure", safe.headers["set-cookie"]
    )
    assert safe.headers["strict-transport-security"]


def test_too_many_passwords_at_once_are_turned_away_not_queued(
    monkeypatch: pytest.MonkeyPatch, stranger: Browser
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    taken = [passwords._places.acquire(blocking=False) for _ in range(passwords.MOST_AT_ONCE)]
    try:
        answer = stranger.sign_in()
    finally:
        for _ in filter(None, taken):
            passwords._places.release()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
