"""Articles on both databases: versions, search, who sees what, how useful they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from desk.knowledge.articles import Audience, State
from desk.tickets.ticket import NotAllowed
from storage.access import visibility
from storage.db.session import Session
from storage.knowledge import articles
from storage.knowledge.articles import Article
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.tickets import teams

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def made(session: Session, title: str, text: str, **more: object) -> Article:
    return articles.add(session, replace(Article(0, title, text, NOW, NOW), **more))  # type: ignore[arg-type]


def test_other_words_are_another_version_and_none_is_lost(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        first = made(session, "VPN", "Press renew.")
        second = articles.save(session, first, replace(first, text="Press renew twice."), None)
        published = articles.save(session, second, replace(second, state=State.PUBLISHED), None)
        assert (published.version, [v.text for v in articles.versions(session, first.id)]) == (
            2,
            ["Press renew twice.", "Press renew."],
        )
        with pytest.raises(NotAllowed, match="meanwhile"):
            articles.save(session, first, replace(first, text="Old."), None)


def test_articles_are_found_by_all_their_words_or_else_by_one(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        made(session, "VPN token", "Press renew in the Kestrel app.")
        made(session, "Printer", "Renew the toner.")
        assert [one.title for one in articles.search(session, Audience.INTERNAL, "renew kestr")] == ["VPN token"]
        assert len(articles.search(session, Audience.INTERNAL, "renew holiday")) == 2
        for text in ("", "'", '"renew', "(", "a & | !", "\0"):
            articles.search(session, Audience.INTERNAL, text)


def test_the_public_sees_what_is_published_for_it_and_agents_not_what_others_keep(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        hr = people.add_team(session, "HR")
        session.execute(sa.update(teams).where(teams.c.id == hr.id).values(private=True))
        member = people.add_agent(session, NewAgent("a@corp.example.test", "A", "agent", "", [hr.id]), NOW).id
        other = people.add_agent(session, NewAgent("b@corp.example.test", "B", "agent"), NOW).id
        published = {"state": State.PUBLISHED, "audience": Audience.PUBLIC}
        made(session, "open", "word", **published)
        made(session, "inside", "word", state=State.PUBLISHED)
        made(session, "draft", "word", audience=Audience.PUBLIC)
        made(session, "pay", "word", team_id=hr.id, **published)

        def seen(eyes: Audience) -> set[str]:
            assert articles.has_any(session, eyes)
            found = {one.title for one in articles.page(session, eyes)}
            assert found == {one.title for one in articles.search(session, eyes, "word")}
            return found

        assert seen(Audience.PUBLIC) == {"open"}
        assert seen(Audience.INTERNAL) == {"open", "inside", "draft", "pay"}
        session.viewer = visibility.viewer_of(session, member, "A", "agent", NOW)
        assert seen(Audience.INTERNAL) == {"open", "inside", "draft", "pay"}
        session.viewer = visibility.viewer_of(session, other, "B", "agent", NOW)
        assert seen(Audience.INTERNAL) == {"open", "inside", "draft"}
        found = articles.candidates(session, Audience.INTERNAL, ["word"])
        assert {one.title for one in found} == {"open", "inside"}
        assert articles.categories(session, Audience.PUBLIC) == {"": 1}


def test_each_kind_of_use_counts_once_a_ticket(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        one = made(session, "VPN", "Press renew.")
        for _ in range(2):
            articles.record_use(session, [one.id], articles.USED, NOW, 7, None)
            articles.record_use(session, [one.id], articles.HELPED, NOW, None, None)
        assert articles.count_uses(session, [one.id]) == {one.id: {"used": 1, "helped": 2}}
        assert articles.tickets_of(session, one.id) == [7]
