"""Verb by role by form and request: what the table refuses is answered 403 with the reason, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest
from starlette.testclient import TestClient

from console.routes import create_app
from desk.access.permissions import MEANS, Role, Verb, may
from tests.console import fixtures_desk
from tests.console.access.test_private import paths
from tests.console.conftest import Browser, Console, csrf

_READ_BY_TOKEN = ("/help/", "/rate/", "/login")
"""For people who are no agents."""
_NOT_SENT = ("/logout", "/account", "/privacy/erase", "/ledger/jobs")
"""They end the session, ask for a password or need a queue: that they are refused is tried, that they work is not."""
TICKET = "/tickets/{ticket_id:int}"
SAID_IN_BODY: tuple[tuple[str, Verb, Mapping[str, str]], ...] = (
    (f"{TICKET}/reply", Verb.REPLY, {"kind": "reply", "text": "words"}),
    (f"{TICKET}/reply", Verb.NOTE, {"kind": "note", "text": "words"}),
    (f"{TICKET}/reply", Verb.CHANGE, {"kind": "note", "text": "words", "then": "resolved"}),
    (f"{TICKET}/update", Verb.ASSIGN, {"assignee": "1", "was_assignee": ""}),
    (f"{TICKET}/update", Verb.ASSIGN, {"team": "2", "was_team": "1"}),
    (f"{TICKET}/update", Verb.CHANGE, {"priority": "low", "was_priority": "high"}),
    ("/tickets/bulk", Verb.ASSIGN, {"assign": "me"}),
    ("/tickets/bulk", Verb.CHANGE, {"priority": "low"}),
    ("/tickets/bulk", Verb.MERGE, {"into": "1"}),
)
BY_PATH: Mapping[str, Verb] = {
    **dict.fromkeys(("/account", "/account/aliases", "/logout", "/views", "/views/{view_id:int}/delete"), Verb.ACCOUNT),
    "/uploads": Verb.NOTE,
    "/tickets/new": Verb.CHANGE,
    f"{TICKET}/presence": Verb.READ,
    **dict.fromkeys((f"{TICKET}/draft", "/api/v1/tickets/{ticket_id:int}/note"), Verb.NOTE),
    f"{TICKET}/watch": Verb.WATCH,
    **dict.fromkeys((f"{TICKET}/undo-send", "/api/v1/tickets/{ticket_id:int}/reply"), Verb.REPLY),
    f"{TICKET}/take": Verb.ASSIGN,
    f"{TICKET}/merge": Verb.MERGE,
    "/me/availability": Verb.AVAILABILITY,
    "/quarantine/{inbound_id:int}/release": Verb.RELEASE,
    "/privacy/open": Verb.OPEN_PRIVATE,
    "/privacy/erase": Verb.ERASE,
    "/api/v1/configuration": Verb.CONFIGURE,
}
BY_BEGINNING: tuple[tuple[str, Verb], ...] = (
    (f"{TICKET}/aside/", Verb.SIDE), ("/api/v1/sides/", Verb.SIDE),
    ("/api/v1/tickets/{ticket_id:int}/sides", Verb.SIDE),
    (f"{TICKET}/article", Verb.WRITE), ("/articles/", Verb.WRITE), ("/macros/", Verb.WRITE),
    ("/account/signature", Verb.WRITE), ("/incidents/", Verb.INCIDENT), ("/api/v1/incidents/", Verb.INCIDENT),
    (TICKET, Verb.CHANGE), ("/api/v1/tickets/", Verb.CHANGE),
    *((one, Verb.MANAGE) for one in (
        "/accuracy/", "/automations/", "/categories/", "/ledger/jobs/", "/lifecycle", "/routing/", "/rules/",
        "/satisfaction/", "/signatures", "/sla/", "/teams/",
    )),
)  # fmt: skip


def verb_of(path: str) -> Verb | None:
    """The verb of a path whose body does not matter; None for one that is not in the table of this test."""
    return BY_PATH.get(path) or next((verb for start, verb in BY_BEGINNING if path.startswith(start)), None)


def told_by_body(path: str) -> bool:
    return any(path == one for one, _, _ in SAID_IN_BODY)


@pytest.fixture
def enter(console: Console) -> Iterator[Callable[[Role], Browser]]:
    app = create_app(console.store, console.store.settings, clock=lambda: console.now[0])
    clients: list[TestClient] = []

    def browser(role: Role) -> Browser:
        with console.store.database.transaction() as session:
            fixtures_desk.promote(session, console.things.alice, role)
        clients.append(TestClient(app, client=("192.0.2.40", 4000)))
        found = Browser(clients[-1])
        assert found.sign_in("alice").status_code == 303
        return found

    yield browser
    for client in clients:
        client.close()


def post(browser: Browser, path: str, console: Console, fields: Mapping[str, str]) -> tuple[int, str]:
    """The form or the request as it would be sent from a page of today."""
    address = re.sub(r"{ticket_id(:int)?}", str(console.things.ticket), path)
    address = re.sub(r"{\w+(:int)?}", "1", address)
    token = csrf(browser.get("/account").text)
    if path.startswith("/api/"):
        body = {"text": "words", "version": -1}
        answer = browser.client.post(address, json=body, headers={"X-CSRF-Token": token})
    else:
        data = {"csrf": token, "version": "none", **fields}
        answer = browser.client.post(address, data=data, follow_redirects=False)
    return answer.status_code, answer.text


def refusal(verb: Verb) -> str:
    return f"may not {MEANS[verb]}"


def test_every_path_that_writes_has_its_verb(console: Console) -> None:
    app = create_app(console.store, console.store.settings)
    every = sorted(set(paths(app.routes, "POST")))
    agents = [path for path in every if not path.startswith(_READ_BY_TOKEN)]
    assert [path for path in agents if verb_of(path) is None and not told_by_body(path)] == []
    assert {verb for path in agents if (verb := verb_of(path))} | {verb for _, verb, _ in SAID_IN_BODY} == set(Verb) - {
        Verb.OWN, Verb.PUBLISH, Verb.AUDIT,
    }, "owning, publishing and reading the audit are asked inside of other verbs"  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
def test_the_table_decides_who_may_send_what(console: Console, enter: Callable[[Role], Browser], role: Role) -> None:
    browser = enter(role)
    before = (console.ticket(), console.events())
    app = create_app(console.store, console.store.settings)
    every = [path for path in sorted(set(paths(app.routes, "POST"))) if not path.startswith(_READ_BY_TOKEN)]
    cases: list[tuple[str, Verb, Mapping[str, str]]] = [*SAID_IN_BODY]
    cases += [(path, verb, {}) for path in every if not told_by_body(path) and (verb := verb_of(path))]
    for path, verb, fields in cases:
        if may(role, verb):
            continue
        status, text = post(browser, path, console, fields)
        assert status == 403 and "Failed: your role" in text and "may not" in text, f"{role}: {path} {status}"
    assert (console.ticket(), console.events()) == before
    for path, verb, fields in cases:
        if may(role, verb) and not path.startswith(_NOT_SENT):
            _status, text = post(browser, path, console, fields)
            assert refusal(verb) not in text, f"{role} may {verb}: {path}"


def test_a_light_agent_sees_a_box_for_notes_only(console: Console, enter: Callable[[Role], Browser]) -> None:
    light = enter(Role.LIGHT)
    number = console.things.ticket
    page = light.get(f"/tickets/{number}").text
    assert 'type="radio" name="kind" value="note" checked' in page and 'value="reply"' not in page
    assert f'action="/tickets/{number}/update"' not in page
    assert light.act(number, "reply", kind="note", text="I saw this before.").status_code == 303
    assert console.messages()[-1].reply == "I saw this before."


def test_who_may_not_own_tickets_is_not_offered_as_owner(console: Console, enter: Callable[[Role], Browser]) -> None:
    lead = enter(Role.LEAD)
    assert ">Rita</option>" not in lead.get(f"/tickets/{console.things.ticket}").text
    for path in ("/tickets", "/routing"):
        assert 'value="rita@corp.example.test"' not in lead.get(path).text
    answer = lead.act(console.things.ticket, "update", assignee=str(console.things.reader))
    assert answer.status_code == 422 and "may not own tickets" in answer.text
