"""Search on both databases: whatever people type, and words that a reply has are found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from desk.mail.inbound_request import Party
from desk.tickets.ticket import Actor, ActorKind, Message, MessageKind, Ticket
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import messages as messages_table
from storage.tables.tickets import people as people_table
from storage.tickets import full_text, tickets

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BOB = Actor(ActorKind.REQUESTER, 1, "Bob")


def stored(store: Store, *texts: str, subject: str = "s") -> None:
    """One ticket a text, numbered from 1."""
    with store.database.transaction() as session:
        person = people.ensure_people(session, [Party("bob@home.example.test")], NOW)["bob@home.example.test"]
        numbers = tickets.reserve(session, len(texts))
        tickets.insert_many(session, [Ticket(n, subject, person.id, NOW, NOW) for n in numbers])
        for number, text in zip(numbers, texts, strict=True):
            message = Message(number, MessageKind.REPLY, True, BOB, NOW, subject=subject, text=text, reply=text)
            tickets.add_message(session, message)


def found(store: Store, query: str) -> list[int]:
    with store.database.reading() as session:
        return full_text.find_tickets(session, query)


def test_nothing_that_people_type_raises(any_store: Store) -> None:
    stored(any_store, "The printer is broken")
    odd = [
        '"',
        "*",
        "AND",
        "NOT OR",
        "'; DROP TABLE messages; --",
        "a:b",
        "(",
        "NEAR(a b)",
        "\\",
        "\x00",
        "%",
        "_",
        "-",
    ]
    odd += [
        "x" * 10_000,
        "x " * 5_000,
        "日本語",
        "🙂",
        "a'b\\c",
        "^a",
        "{a}",
        "a & !b",
        "a:*",
        ":*",
        "<->",
        "\ud7ff",
        "&|!",
    ]
    for query in odd:
        found(any_store, query)
    assert found(any_store, "printer") == [1]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The Printer is broken", "printer"),
        ("The printer is broken", "broken print"),
        ("The printer is broken", "'printer' \"broken\""),
        ("see report.pdf please", "report.pdf"),
        ("see report.pdf please", "report"),
        ("write to carol@home.example.test now", "carol@home.example.test"),
        ("open https://app.example.test/login?x=1 please", "https://app.example.test/login"),
        ("error ERR_CONNECTION_RESET again", "ERR_CONNECTION_RESET"),
        ("the host 10.1.2.3 is down", "10.1.2.3"),
        ("my e-mail is gone", "e-mail"),
        ("Der Drucker macht Ärger", "Ärger"),
        ("印刷 できません", "できません"),
        ("O'Brien called", "O'Brien"),
        ("ticket TKT-4711 again", "tkt-4711"),
    ],
)
def test_words_in_a_message_are_found(any_store: Store, text: str, query: str) -> None:
    stored(any_store, text, "something else")
    assert found(any_store, query) == [1]


def test_all_words_must_be_there_and_the_newest_comes_first(any_store: Store) -> None:
    stored(any_store, "printer red", "printer blue", "printer red blue")
    assert found(any_store, "printer") == [3, 2, 1] and found(any_store, "blue red") == [3]
    assert found(any_store, "printer green") == [] and found(any_store, "") == [] and found(any_store, " \t") == []


def test_a_subject_is_searched_too(any_store: Store) -> None:
    stored(any_store, "text", subject="Invoice 2026")
    assert found(any_store, "invoice") == [1]


def test_a_megabyte_of_different_words_can_be_stored_and_its_beginning_found(any_store: Store) -> None:
    text = " ".join(f"w{number:06x}" for number in range(125_000))[:1_000_000]
    stored(any_store, text)
    assert found(any_store, "w000007") == [1]


def test_a_hundred_thousand_wide_letters_can_be_stored(any_store: Store) -> None:
    text = " ".join(chr(0x4E00 + number % 20_000) * 3 + chr(0x10000 + number) for number in range(25_000))
    stored(any_store, text, "x" * 1_000_000)
    assert found(any_store, text[:4]) == [1]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Die Straße ist gesperrt", "strasse"),
        ("Die Strasse ist gesperrt", "straße"),
        ("Die Straße ist gesperrt", "STRASSE gesperrt"),
        ("Herr Müller hat angerufen", "mueller"),
        ("Herr Mueller hat angerufen", "Müller"),
        ("Kære Søren", "soeren"),
        ("La réunion est annulée", "reunion annulee"),
        ("La reunion est annulee", "réunion"),
        ("你好，今天早上我们的服务器登录失败，请尽快处理。", "登录"),
        ("你好，今天早上我们的服务器登录失败，请尽快处理。", "登录失败"),
        ("早く登録したい", "録"),
        ("先月の請求書が届いていません。確認してください。", "届いて"),
        ("先月の請求書が届いていません。確認してください。", "請求書 確認"),
        ("비밀번호를 재설정해 주세요", "재설정"),
        ("ไม่สามารถเข้าสู่ระบบได้", "เข้าสู่ระบบ"),
        ("VPN 連接失敗 TKT-4711", "連接 tkt-4711"),
    ],
)
def test_other_spellings_and_parts_of_words_without_spaces_are_found(any_store: Store, text: str, query: str) -> None:
    stored(any_store, "John Doe: Do do the dose", text, "服务登器录败失")
    assert found(any_store, query) == [2]


def test_a_digraph_finds_no_bare_vowel(any_store: Store) -> None:
    stored(any_store, "do it now", "John Doe")
    assert found(any_store, "doe") == [2]


@pytest.mark.parametrize(
    "query", ["Wang Wei", "wang", "wei", "ang.we", "王伟", "王", "wang.wei@home", "mueller", "Müller", "muller"]
)
def test_requesters_are_found_by_name_and_by_parts_of_their_address(any_store: Store, query: str) -> None:
    stored(any_store, "nothing of that")
    _named(any_store, "wang.wei@home.example.test", "Wang Wei 王伟 Müller")
    assert found(any_store, query) == [2]
    assert found(any_store, "wang bob") == [] and found(any_store, "an") == []


def test_who_is_renamed_is_found_by_the_new_name_only(any_store: Store) -> None:
    person = _named(any_store, "ann@home.example.test", "Ann Miller")
    with any_store.database.transaction() as session:
        session.execute(sa.update(people_table).where(people_table.c.id == person).values(name="Ann Schmidt"))
    assert found(any_store, "schmidt") == [1] and found(any_store, "miller") == []


def test_what_was_removed_or_changed_is_found_no_more(any_store: Store) -> None:
    stored(any_store, "Die Straße und 登录失败")
    with any_store.database.transaction() as session:
        session.execute(sa.update(messages_table).values(text="Die Gasse"))
    assert [found(any_store, query) for query in ("strasse", "登录", "gasse")] == [[], [], [1]]
    with any_store.database.transaction() as session:
        session.execute(sa.update(messages_table).values(text="Der Fluß 登出"))
    assert [found(any_store, query) for query in ("fluss", "登出")] == [[1], [1]]
    with any_store.database.transaction() as session:
        session.execute(sa.delete(messages_table))
    assert [found(any_store, query) for query in ("fluss", "登出")] == [[], []]


def _named(store: Store, address: str, name: str) -> int:
    """A ticket of somebody with that name; returns the person's id."""
    with store.database.transaction() as session:
        person = people.ensure_people(session, [Party(address, name)], NOW)[address]
        (number,) = tickets.reserve(session, 1)
        tickets.insert_many(session, [Ticket(number, "s", person.id, NOW, NOW)])
        return person.id
