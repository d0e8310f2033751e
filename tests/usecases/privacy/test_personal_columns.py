"""Erasure, table by table: every text of every table was thought about, and what names somebody is found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from desk.knowledge.articles import Audience, State
from desk.tickets.ticket import DESK
from storage.knowledge import articles
from storage.knowledge.articles import Article
from storage.open_store import Store
from storage.privacy import personal_columns
from storage.tables import learning as learning_tables
from storage.tables import reports as report_tables
from storage.tables.column_types import UTCDateTime
from storage.tables.desk import article_versions, macros, ratings, report_schedules
from storage.tables.desk import articles as article_rows
from storage.tables.people import audit, drafts, requester_sessions, scheduled_replies
from storage.tables.runtime import idempotency, late_files, slack_threads
from storage.tables.tickets import metadata
from storage.tickets import tickets
from tests.small_desk import CAROL, SmallDesk
from tests.usecases.privacy.test_erasure import everything
from usecases.privacy import erasure
from usecases.privacy import export as personal_data

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ADA, NAME = "ada.lovelace@engine.example.test", "Ada Lovelace"
WORDS = "the mill of my engine turns backwards since tuesday"


def texts() -> dict[str, set[str]]:
    """Table → its columns that can hold words."""
    assert all(module.metadata is metadata for module in (report_tables, learning_tables))
    wordy = (sa.Text, sa.String, sa.JSON, sa.LargeBinary)
    return {t.name: {c.name for c in t.c if isinstance(c.type, wordy)} for t in metadata.sorted_tables}


def test_every_text_of_every_table_is_swept_or_left_for_a_reason() -> None:
    for name, columns in texts().items():
        if name in personal_columns.KEPT or not columns:
            assert name not in personal_columns.SWEPT
            continue
        listed = set(personal_columns.SWEPT.get(name, ())) | set(personal_columns.LEFT.get(name, "").split())
        if name == "article_versions":
            listed = columns
        assert columns == listed, (
            f"{name}: say in storage/privacy/personal_columns.py what an erasure does with {columns ^ listed}"
        )
    assert set(personal_columns.SWEPT) | set(personal_columns.KEPT) <= set(texts())


@pytest.mark.parametrize("name", [f"{t}.{c}" for t, columns in personal_columns.SWEPT.items() for c in columns])
def test_a_swept_column_holds_nobody_afterwards(name: str, store: Store) -> None:
    """Each in a row of its own, with no other row that it refers to."""
    table, column = metadata.tables[name.partition(".")[0]], name.partition(".")[2]
    said = f"ask {NAME.upper()} <{ADA.title()}> first"
    value: Any = ["x", {"deep": [said]}] if isinstance(table.c[column].type, sa.JSON) else said
    with store.database.transaction() as session:
        session.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        session.execute(sa.insert(table).values(**_row(table) | {column: value}))
        assert personal_columns.redact_columns(session, personal_columns.person_to_erase(ADA, [NAME])) == 1
        left = json.dumps(session.execute(sa.select(table.c[column])).scalars().all()).lower()
        assert "ada" not in left and "lovelace" not in left
        session.execute(sa.delete(table))


def _row(table: sa.Table) -> dict[str, Any]:
    """Something for each column that must have a value."""
    made: dict[str, Any] = {}
    for column in table.c:
        if column.nullable or column.server_default is not None or (column.name == "id" and column.primary_key):
            continue
        given = ((UTCDateTime, NOW), (sa.Boolean, True), (sa.Integer, 1), (sa.Float, 0.5))
        made[column.name] = next((value for kind, value in given if isinstance(column.type, kind)), "x")
    return made


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Ada with a ticket, articles of it, and her address and name in all that the desk keeps beside."""
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(f"{NAME} <{ADA}>", "the mill turns backwards", WORDS))
    desk.receive(desk.mail(CAROL, "invoice", "where is my invoice of october?"))
    with any_store.database.transaction() as session:
        one, two = (ticket.id for ticket in tickets.page(session, most=9)[::-1])
        for state in (State.DRAFT, State.PUBLISHED):
            text = f"{WORDS}\n\nTurn the mill by hand once, said {NAME}."
            made = articles.add(session, Article(0, "the mill turns backwards", text, NOW, NOW, from_ticket_id=one))
            session.execute(sa.update(article_rows).values(state=str(state)).where(article_rows.c.id == made.id))
        rows: list[tuple[sa.Table, dict[str, Any]]] = [
            (macros, {"name": "mill", "text": f"Dear {NAME}", "actions": [{"notify": ADA}]}),
            (report_schedules, {"name": "hers", "recipients": [ADA]}),
            (report_schedules, {"name": "ours", "recipients": [ADA, CAROL]}),
            (drafts, {"ticket_id": two, "agent_id": desk.alice.id, "kind": "reply", "text": f"cc {ADA}", "at": NOW}),
            (
                scheduled_replies,
                {"ticket_id": two, "agent_id": desk.alice.id, "content": {"cc": [ADA]}, "send_at": NOW},
            ),
            (audit, {"at": NOW, "what": "opened", "data": {"why": f"{NAME} called"}}),
            (ratings, {"ticket_id": one, "asked_at": NOW, "score": 1, "comment": WORDS}),
            (slack_threads, {"channel": "D-ADA", "thread_ts": "1.0", "ticket_id": one}),
            (late_files, {"ticket_id": one, "message_id": 1, "place": 0, "file_id": "F-ADA", "next_at": NOW}),
            (requester_sessions, {"token_hash": "t-ada", "person_id": 3, "created_at": NOW, "expires_at": NOW}),
            (idempotency, {"key": "ada-1", "content_hash": "x", "inbound_id": 1, "created_at": NOW}),
        ]
        for table, row in rows:
            session.execute(sa.insert(table).values(**row))
        person = session.execute(sa.text("SELECT id FROM people WHERE address = :a"), {"a": ADA}).scalar_one()
        session.execute(sa.update(requester_sessions).values(person_id=person))
    return desk


def test_afterwards_nothing_names_her_and_others_keep_theirs(desk: SmallDesk) -> None:
    erasure.erase(desk.store, ADA, DESK, desk.now, why=f"{NAME} asked")
    left = everything(desk.store)
    for word in (ADA, "lovelace", "turns backwards", "since tuesday", "d-ada", "f-ada", "t-ada", "ada-1"):
        assert word not in left, word
    with desk.store.database.reading() as session:
        kept = session.execute(sa.select(report_schedules.c.name, report_schedules.c.recipients)).all()
        assert [tuple(row) for row in kept] == [("ours", [CAROL])]
        assert session.execute(sa.select(scheduled_replies.c.content)).scalar() == {"cc": []}
        drafted, published = (articles.get(session, number, Audience.INTERNAL) for number in (1, 2))
        assert drafted and (str(drafted.state), drafted.text) == ("retired", "")
        assert published and published.text == "Turn the mill by hand once, said (erased)."
        assert session.execute(sa.select(sa.func.count()).select_from(article_versions)).scalar() == 1
    assert "where is my invoice of october?" in left


def test_what_a_person_is_given_holds_what_an_erasure_would_take(desk: SmallDesk) -> None:
    target = BytesIO()
    personal_data.export(desk.store, ADA, target)
    whole = json.loads(ZipFile(target).read("person.json"))
    assert whole["ratings"][0]["comment"] == WORDS
    assert [one["state"] for one in whole["articles"]] == ["draft", "published"]
    assert whole["named_in"]["macros"] == 1 and whole["named_in"]["report_schedules"] == 2
    assert whole["guesses"][0]["ticket_id"] == 1 and whole["requests"][0]["state"] == "ticketed"


def test_a_name_of_one_word_is_not_searched_for() -> None:
    assert personal_columns.person_to_erase(ADA, ["May", "Ada Lovelace", ""]).names == ("Ada Lovelace",)
    nobody = personal_columns.person_to_erase(ADA, [])
    assert personal_columns.without_person({"a": ["May", ADA]}, nobody, drop=True) == {"a": ["May"]}
