"""Before a form is sent the visitor sees what may help; without scripts, and nothing that is not for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desk.knowledge.articles import Audience, State
from storage.knowledge import articles, csat_settings
from storage.knowledge.articles import Article
from tests.web.conftest import START, TYPED, Web

QUESTION = {"subject": "Printer smokes", "body": "The printer on the second floor smokes & smells. <b>Help</b>!"}


def publish(web: Web, title: str, text: str, audience: Audience = Audience.PUBLIC) -> int:
    with web.store.database.transaction() as session:
        return articles.add(session, Article(0, title, text, START, START, "", "en", State.PUBLISHED, audience)).id


def uses(web: Web, number: int) -> dict[str, int]:
    with web.store.database.reading() as session:
        return articles.count_uses(session, [number])[number]


def ask(web: Web, path: str = "/request", **more: str) -> Any:
    data = {"token": web.form()} | TYPED | QUESTION | more
    return web.client.post(path, data=data, follow_redirects=False)


def test_a_question_that_was_answered_before_is_shown_its_answer_and_nothing_is_sent_yet(web: Web) -> None:
    number = publish(web, "A printer that smokes", "Switch the printer off & pull the plug.")
    page = ask(web)
    assert page.status_code == 200 and "Does this help?" in page.text
    assert "Switch the printer off &amp; pull the plug." in page.text
    assert "smokes &amp; smells. &lt;b&gt;Help" in page.text
    assert web.rows() == [] and uses(web, number) == {"suggested": 1}


def test_who_goes_on_sends_what_was_typed_and_who_was_helped_sends_nothing(web: Web) -> None:
    number = publish(web, "A printer that smokes", "Switch the printer off and pull the plug.")
    assert "Nothing was sent" in ask(web, "/request/solved", article=str(number)).text
    assert web.rows() == [] and uses(web, number) == {"helped": 1}
    assert ask(web, asked="1").status_code == 303
    (request,) = web.requests()
    assert request.text == QUESTION["body"]


def test_other_questions_and_those_with_files_are_sent_at_once(web: Web) -> None:
    publish(web, "A printer that smokes", "Switch the printer off and pull the plug.")
    assert ask(web, subject="Holiday", body="How many days of leave do I have this year?").status_code == 303
    data = {"token": web.form()} | TYPED | QUESTION
    files = {"files": ("a.txt", b"words", "text/plain")}
    assert web.client.post("/request", data=data, files=files, follow_redirects=False).status_code == 303
    assert len(web.rows()) == 2


@pytest.mark.parametrize("closed", [True, False])
def test_nobody_sees_what_is_not_for_everybody(web: Web, closed: bool) -> None:
    publish(web, "A printer that smokes", "Switch the printer off.", Audience.PUBLIC if closed else Audience.INTERNAL)
    with web.store.database.transaction() as session:
        csat_settings.set_rules(session, replace(csat_settings.rules(session), help_pages=not closed))
    assert ask(web).status_code == 303


@pytest.mark.parametrize("article", ["", "0", "99", "x", "9" * 40, "1'", "-1"])
def test_what_is_no_article_counts_nothing(web: Web, article: str) -> None:
    number = publish(web, "A printer that smokes", "Switch the printer off.")
    assert ask(web, "/request/solved", article=article).status_code == 200
    ask(web, "/request/solved", article=str(number), token="no token of ours")
    assert uses(web, number) == {}
