"""A private team's tickets: nothing of them reaches anybody else, on whichever path; who reads them is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from console.routes import create_app
from storage.access import api_tokens, audit
from tests.console.conftest import START, Browser, Console
from tests.console.private_desk import VICTIM, WORD, Private, furnish_private

Enter = Callable[..., Browser]
QUERIES = (
    "", "?status=all", f"?q={WORD}", f"?q={VICTIM}", "?q=%23{ticket}", "?status=all&q={ticket}", "?team={team}",
    "?assignee={hannah}&status=all", "?state=all", "?use=similar-{ticket}", "?order=due", "?status=all&category=HR",
)  # fmt: skip


@pytest.fixture
def private(console: Console) -> Private:
    return furnish_private(console.store, console.things.ticket, START)


@pytest.fixture
def enter(app: Any, private: Private) -> Iterator[Enter]:
    clients: list[TestClient] = []

    def browser(name: str, app: Any = app) -> Browser:
        clients.append(TestClient(app, client=(f"192.0.2.{20 + len(clients)}", 4000)))
        made = Browser(clients[-1])
        assert made.sign_in(name).status_code == 303
        return made

    yield browser
    for client in clients:
        client.close()


def paths(routes: Sequence[BaseRoute], method: str) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount) and not route.path.startswith("/static"):
            yield from paths(route.routes, method)
        elif isinstance(route, Route) and method in (route.methods or ()):
            yield route.path


def filled(path: str, private: Private, console: Console) -> list[str]:
    """The path for every private thing that it may name; other numbers are those of what is public."""
    choices = {
        "ticket_id": (private.ticket, console.things.ticket),
        "message_id": private.messages,
        "inbound_id": private.inbound,
        "outbound_id": (private.outbound,),
        "incident_id": (private.incident,),
    }
    found = [path]
    for name in re.findall(r"{(\w+)", path):
        values = choices.get(name, (0, 1))
        found = [re.sub(rf"{{{name}(:\w+)?}}", str(value), one) for one in found for value in values]
    return found


def leaks(text: str, private: Private) -> bool:
    number = private.ticket
    named = rf"/tickets/{number}\b|#{number}\b|\"(id|ticket|ticket_id|source_id)\": {number}\b"
    return WORD in text.lower() or private.sha256 in text or bool(re.search(named, text))


@pytest.mark.parametrize("name", ["alice", "bob", "rita", "adam"])
def test_no_page_and_no_file_shows_anything_of_it_to_who_is_no_member(
    name: str, console: Console, private: Private, app: Any, enter: Enter
) -> None:
    browser = enter(name)
    asked = 0
    for path in sorted(set(paths(app.routes, "GET")) - {"/login"}):
        for address in filled(path, private, console):
            for query in QUERIES if "{" not in path or path.endswith("ticket_id:int}") else ("",):
                query = query.format(ticket=private.ticket, team=private.team, hannah=private.hannah)
                answer = browser.get(address + query)
                asked += 1
                # What was asked for stands in the search field again: that is no finding.
                said = answer.text.replace(f'value="{WORD}"', "").replace(VICTIM, "") if query else answer.text
                said = re.sub(r'value="#?\d+"|q=[^"&]*', "", said)
                assert not leaks(said, private), f"{name} sees something of it on {address}{query}"
    assert asked > 100


def test_a_token_is_a_member_of_no_private_team(
    console: Console, private: Private, stranger: Browser, app: Any
) -> None:
    with console.store.database.transaction() as session:
        token = api_tokens.create(session, "reports", ["tickets", "tickets:write"], START)
    headers = {"Authorization": f"Bearer {token}"}
    for path in sorted(one for one in paths(app.routes, "GET") if one.startswith("/api/")):
        for address in filled(path, private, console):
            for query in ("", "?status=all", f"?status=all&q={WORD}"):
                assert not leaks(stranger.get(address + query, headers=headers).text, private), address
    path = f"/api/v1/tickets/{private.ticket}/category"
    assert stranger.client.post(path, headers=headers, json={"category": "x"}).status_code == 404


def test_no_form_changes_it_for_who_is_no_member(console: Console, private: Private, app: Any, enter: Enter) -> None:
    alice, before = enter("alice"), (console.ticket(private.ticket), console.events(private.ticket))
    page = alice.page(console.things.ticket)
    for path in sorted(set(paths(app.routes, "POST")) - {"/login", "/logout", "/account"}):
        for address in filled(path, private, console):
            into, version = str(private.ticket), str(before[0].version)
            wish = {
                "version": version,
                "text": "hello",
                "into": into,
                "ticket": into,
                "message": str(private.messages[0]),
            }
            wish |= {
                "category": "x",
                "status": "closed",
                "was_status": "open",
                "key": address,
                "other": into,
                "parent": into,
            }
            answer = alice.client.post(address, data=page | wish, follow_redirects=False)
            assert WORD not in answer.text, address
    assert (console.ticket(private.ticket), console.events(private.ticket)) == before


def test_members_see_it_and_that_they_read_it_is_written_down(console: Console, private: Private, enter: Enter) -> None:
    hannah = enter("hannah")
    assert WORD in hannah.get("/tickets?status=all").text
    assert WORD in hannah.get(f"/tickets?q={WORD}").text
    assert _reads(console) == []
    for path in (f"/tickets/{private.ticket}", f"/api/v1/tickets/{private.ticket}"):
        assert WORD in hannah.get(path).text
    assert hannah.get(f"/messages/{private.messages[0]}/raw").content.count(WORD.encode()) == 3
    assert _reads(console) == [("Hannah", private.ticket, private.team)], "read again at once is read once"
    console.later(minutes=6)
    assert hannah.get(f"/messages/{private.messages[0]}/files/0").status_code == 200
    assert len(_reads(console)) == 2


def test_a_public_ticket_leaves_no_trace_of_who_read_it(console: Console, private: Private, enter: Enter) -> None:
    assert enter("hannah").get(f"/tickets/{console.things.ticket}").status_code == 200
    assert _reads(console) == []


def test_given_to_a_private_team_a_ticket_is_gone_for_its_giver_and_the_history_says_so(
    console: Console, private: Private, enter: Enter
) -> None:
    alice, number = enter("alice"), console.things.ticket
    answer = alice.act(number, "update", team=str(private.team))
    assert answer.headers["location"] == "/tickets?done=private"
    assert alice.get(f"/tickets/{number}").status_code == 404
    moved = next(event for event in console.events(number) if event.kind == "team_changed")
    assert "only the members of this team see it" in moved.why
    hannah = enter("hannah")
    hannah.act(number, "update", team="1")
    moved = [event for event in console.events(number) if event.kind == "team_changed"][-1]
    assert "seen by all agents from now on" in moved.why
    assert alice.get(f"/tickets/{number}").status_code == 200


def test_only_a_member_owns_it_and_it_does_not_merge_with_what_is_public(
    console: Console, private: Private, enter: Enter
) -> None:
    hannah = enter("hannah")
    refused = hannah.act(private.ticket, "update", assignee=str(console.things.alice))
    assert refused.status_code == 422
    assert "only a member can own" in refused.text
    refused = hannah.act(private.ticket, "merge", into=str(console.things.ticket))
    assert refused.status_code == 422
    assert "give both to the same team first" in refused.text


def _entries(console: Console) -> list[audit.Entry]:
    with console.store.database.reading() as session:
        return audit.entries(session)


def _reads(console: Console) -> list[tuple[str, int | None, int | None]]:
    return [(one.agent_name, one.ticket_id, one.team_id) for one in _entries(console)]


def test_where_the_desk_says_so_admins_see_everything(console: Console, private: Private, enter: Enter) -> None:
    settings = replace(console.store.settings, admins_see_private=True)
    app = create_app(console.store, settings, clock=lambda: console.now[0])
    assert WORD in enter("adam", app).get(f"/tickets/{private.ticket}").text
    assert _reads(console) == [("Adam", private.ticket, private.team)]
    assert enter("alice", app).get(f"/tickets/{private.ticket}").status_code == 404


def test_an_admin_opens_it_anyway_for_an_hour_and_the_team_hears_who_and_why(
    console: Console, private: Private, enter: Enter
) -> None:
    adam, hannah = enter("adam"), enter("hannah")
    path = f"/tickets/{private.ticket}"
    assert adam.press("/privacy/open", "/privacy", ticket=str(private.ticket)).status_code == 422, "without a reason"
    opened = adam.press("/privacy/open", "/privacy", ticket=f"#{private.ticket}", reason="a court asks for it")
    assert opened.headers["location"] == path
    assert WORD in adam.get(path).text
    assert WORD in adam.get(f"/messages/{private.messages[0]}/raw").text
    assert [(one.what, one.agent_name) for one in _entries(console)] == [("read", "Adam"), ("opened_anyway", "Adam")]
    last = console.events(private.ticket)[-1]
    assert (last.kind, last.actor.name, last.why) == ("opened_anyway", "Adam", "a court asks for it")
    assert "a court asks for it" in hannah.get("/privacy").text
    assert enter("bob").get("/privacy").text.count("a court") == 0, "a lead of another team"
    assert enter("alice").get("/privacy").status_code == 403
    console.later(hours=1, minutes=1)
    assert adam.get(path).status_code == 404


def test_only_admins_open_it_anyway(console: Console, private: Private, enter: Enter) -> None:
    bob = enter("bob")
    fields = {"ticket": str(private.ticket), "reason": "I am curious"}
    assert bob.press("/privacy/open", "/privacy", **fields).status_code == 403
    assert _entries(console) == []


def test_an_admin_erases_a_person_after_the_page_said_what_would_go(
    console: Console, private: Private, enter: Enter
) -> None:
    adam, carol = enter("adam"), "carol@customer.example.test"
    assert "has ever written here" in adam.press("/privacy/erase", "/privacy", address="who@x.test").text
    told = adam.press("/privacy/erase", "/privacy", address=carol, why="by letter").text
    assert "This would be erased" in told
    assert console.ticket().subject == "Invoice 7 is wrong"
    assert "This would be erased" in adam.press("/privacy/erase", "/privacy", address=carol, sure="carol").text
    assert (
        "Erased; receipt 1" in adam.press("/privacy/erase", "/privacy", address=carol, why="by letter", sure=carol).text
    )
    assert console.ticket().subject == "(erased)"
    assert "by letter" in adam.get("/privacy").text
    assert adam.get(f"/tickets/{console.things.ticket}").status_code == 200
    assert enter("bob").press("/privacy/erase", "/privacy", address=carol, sure=carol).status_code == 403


def test_a_lead_outside_changes_nothing_of_a_private_team_and_an_admin_not_unseen(
    console: Console, private: Private, enter: Enter
) -> None:
    bob, adam, path = enter("bob"), enter("adam"), f"/teams/{private.team}"
    for address, fields in (
        (f"{path}/join", {"agent": str(console.things.bob)}),
        (f"{path}/members/{private.hannah}", {"do": "leave"}),
        (path, {"strategy": "manual", "escalate_minutes": "30", "slack_channel": "C0123456"}),
    ):
        assert bob.press(address, "/teams", **fields).status_code == 403, address
    assert bob.get(f"/tickets/{private.ticket}").status_code == 404
    assert f'action="{path}/join"' not in bob.get("/teams").text
    assert adam.press(f"{path}/join", "/teams", agent=str(private.adam)).status_code == 303
    assert [(one.what, one.agent_name, one.data["member"]) for one in _entries(console)] == [
        ("joined_team", "Adam", "adam@corp.example.test")
    ]
    assert "adam@corp.example.test" in enter("hannah").get("/privacy").text
