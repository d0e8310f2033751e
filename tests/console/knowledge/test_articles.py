"""Articles in the console: drafted from a solved ticket, reviewed, published, suggested, found by all, counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from desk.knowledge.articles import Audience, State
from storage.db.statements import update_rows
from storage.knowledge import articles, csat_settings
from storage.knowledge.articles import Article
from storage.open_store import Store
from storage.tables.tickets import teams
from tests.console.conftest import START, Browser, Console

ANSWER = "Please open the Kestrel app and press renew. Alice"


def article(console: Console, number: int = 1) -> Article:
    with console.store.database.reading() as session:
        found = articles.get(session, number, Audience.INTERNAL)
    assert found
    return found


def uses(console: Console, number: int = 1) -> dict[str, int]:
    with console.store.database.reading() as session:
        return articles.count_uses(session, [number])[number]


def solved(console: Console, agent: Browser) -> int:
    """The invoice's ticket, answered and resolved, and the draft made of it."""
    number = console.things.ticket
    agent.act(number, "reply", kind="reply", text=ANSWER, then="resolved")
    assert agent.act(number, "article").headers["location"] == "/articles/1?done=drafted"
    return number


def press(agent: Browser, verb: str, number: int = 1, **fields: str) -> int:
    """Send a form of the article's page."""
    version = agent.get(f"/articles/{number}").text.split('name="version" value="')[1].split('"')[0]
    data = {"version": version} | fields
    return int(agent.press(f"/articles/{number}/{verb}", f"/articles/{number}", **data).status_code)


def publish(store: Store, title: str, text: str, audience: Audience = Audience.PUBLIC, category: str = "") -> int:
    with store.database.transaction() as session:
        made = Article(0, title, text, START, START, category, "en", State.PUBLISHED, audience)
        return articles.add(session, made).id


def test_one_click_on_a_solved_ticket_makes_a_draft_that_names_nobody(console: Console, alice: Browser) -> None:
    number = solved(console, alice)
    made = article(console)
    assert (made.state, made.audience, made.category) == (State.DRAFT, Audience.INTERNAL, "billing")
    assert "charged twice in October" in made.text and "press renew" in made.text
    assert "Alice" not in made.text and "Carol" not in made.text
    assert "name: <bdi>Alice</bdi>" in alice.get("/articles/1").text
    assert "article_drafted" in [event.kind for event in console.events(number)]
    assert alice.act(number, "article").headers["location"] == "/articles/1?done=drafted"


def test_a_ticket_without_an_answer_makes_no_article(console: Console, alice: Browser) -> None:
    answer = alice.act(console.things.other, "article")
    assert answer.status_code == 422 and "write its resolution first" in answer.text


def test_agents_ask_for_review_and_leads_publish(console: Console, alice: Browser, bob: Browser) -> None:
    solved(console, alice)
    assert press(alice, "state", state="published") == 409
    assert press(alice, "edit", title="Charged twice", text="Press renew.", audience="public") == 409
    assert press(alice, "state", state="review") == 303
    assert press(bob, "edit", title="Charged twice", text="Press renew.", audience="public") == 303
    assert press(bob, "state", state="published") == 303
    made = article(console)
    assert (made.state, made.audience, made.version, made.published_at) == ("published", "public", 2, START)


def test_versions_are_compared_and_restored_and_an_old_page_changes_nothing(console: Console, alice: Browser) -> None:
    solved(console, alice)
    before = article(console).text
    assert press(alice, "edit", title="Other", text="Other words.") == 303
    assert alice.press("/articles/1/edit", "/articles/1", version="1", title="Late").status_code == 409
    page = alice.get("/articles/1?from=1&to=2").text
    assert "<ins>+ Other words.</ins>" in page and "<del>- " in page
    assert press(alice, "restore", to="1") == 303
    assert (article(console).text, article(console).version) == (before, 3)


def test_an_article_of_a_private_team_stays_with_it(console: Console, alice: Browser, bob: Browser) -> None:
    with console.store.database.transaction() as session:
        update_rows(session, teams, "id", [{"id": 1, "private": True}])
    solved(console, alice)
    assert article(console).team_id == 1
    press(bob, "edit", audience="public", title="x", text="y")
    assert article(console).audience is Audience.INTERNAL


def test_articles_are_suggested_by_words_and_category_and_what_becomes_of_them_counts(
    console: Console, alice: Browser
) -> None:
    near = publish(console.store, "Charged twice", "An invoice that was charged twice is corrected by the bank.")
    same = publish(console.store, "Payment terms", "Thirty days.", category="billing")
    number = console.things.ticket
    page = alice.get(f"/tickets/{number}").text
    assert page.index(f"/articles/{near}") < page.index(f"/articles/{same}") and "same category" in page
    chosen = alice.get(f"/tickets/{number}?use=article-{near}").text
    assert f'name="used" value="article-{near}"' in chosen and "corrected by the bank.</textarea>" in chosen
    alice.act(
        number, "reply", kind="reply", text="Hello", used=f"article-{near}", offered=f"article-{near} article-{same} "
    )
    assert uses(console, near) == {"suggested": 1, "used": 1}
    assert uses(console, same) == {"suggested": 1}
    assert f'<a href="/tickets/{number}">' in alice.get(f"/articles/{near}").text


def test_everybody_finds_what_is_published_for_everybody(console: Console, stranger: Browser) -> None:
    shown = publish(console.store, "Renew <b>tokens</b>", "Press renew in Kestrel.", category="Access")
    hidden = publish(console.store, "Master key", "Kestrel's key is under the mat.", Audience.INTERNAL)
    page = stranger.get("/help").text
    assert "Renew &lt;b&gt;tokens" in page and "Master key" not in page and 'content="noindex"' in page
    assert "Renew" in stranger.get("/help?q=kestrel").text and "mat" not in stranger.get("/help?q=kestrel").text
    assert "Renew" in stranger.get("/help?category=Access").text
    assert "Press renew" in stranger.get(f"/help/{shown}").text
    assert stranger.get(f"/help/{hidden}").status_code == 404
    assert stranger.get("/help/99999999999999999999").status_code == 404
    for answer in ("yes", "no", "no"):
        assert stranger.client.post(
            f"/help/{shown}/helped", data={"helped": answer}, follow_redirects=False
        ).is_redirect
    assert uses(console, shown) == {"helped": 1, "not_helped": 2}


def test_the_help_pages_speak_the_browsers_language(console: Console, stranger: Browser) -> None:
    number = publish(console.store, "Renew", "Press renew.")
    head = {"Accept-Language": "de-AT, en;q=0.5"}
    for path, said in (("/help", "Worum geht es?"), (f"/help/{number}", "Hat das geholfen?")):
        answer = stranger.get(path, headers=head)
        assert said in answer.text and '<html lang="de">' in answer.text
        assert answer.headers["vary"] == "Accept-Language"
        assert '<html lang="en">' in stranger.get(path, headers={"Accept-Language": "zh"}).text


def test_help_pages_can_be_closed_or_shown_to_search_engines(console: Console, stranger: Browser) -> None:
    number = publish(console.store, "Renew", "Press renew.")
    with console.store.database.transaction() as session:
        csat_settings.set_rules(session, replace(csat_settings.rules(session), help_indexed=True))
    answer = stranger.get(f"/help/{number}")
    assert "noindex" not in answer.text and "x-robots-tag" not in answer.headers
    with console.store.database.transaction() as session:
        csat_settings.set_rules(session, replace(csat_settings.rules(session), help_pages=False))
    for path in ("/help", f"/help/{number}"):
        assert stranger.get(path).status_code == 404


def test_who_only_reads_changes_nothing_and_strangers_see_nothing(
    console: Console, alice: Browser, stranger: Browser, app: object
) -> None:
    solved(console, alice)
    assert stranger.get("/articles").status_code == 303 and stranger.get("/articles/1").status_code == 303
    with TestClient(app) as client:  # type: ignore[arg-type]
        reader = Browser(client)
        reader.sign_in("rita")
        assert ">Save</button>" not in reader.get("/articles/1").text
        assert reader.press("/articles/1/edit", "/articles/1", version="1", title="x").status_code == 403


@pytest.mark.parametrize("text", ["", "It was the cable."])
def test_the_resolution_is_taken_from_the_last_reply_or_written(console: Console, alice: Browser, text: str) -> None:
    number = console.things.ticket
    alice.act(number, "reply", kind="reply", text=ANSWER, then="resolved")
    assert console.ticket().resolution == ANSWER
    if text:
        assert alice.act(number, "resolution", resolution=text).status_code == 303
        assert console.ticket().resolution == text
    alice.act(number, "update", status="open", was_status="resolved")
    alice.act(number, "reply", kind="reply", text="Now it works.", then="resolved")
    assert console.ticket().resolution == (text or "Now it works.")


def test_a_resolution_can_be_required(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        csat_settings.set_rules(session, replace(csat_settings.rules(session), resolution_required=True))
    number = console.things.other
    answer = alice.act(number, "update", status="resolved", was_status="new")
    assert answer.status_code == 422 and "say what solved it" in answer.text
    assert console.ticket(number).status == "new"
    token = alice.page(number)["csrf"]
    said = alice.client.post(
        f"/api/v1/tickets/{number}/resolution", json={"resolution": "Spam."}, headers={"X-CSRF-Token": token}
    )
    assert said.json()["resolution"] == "Spam."
    assert alice.act(number, "update", status="resolved", was_status="new").status_code == 303
