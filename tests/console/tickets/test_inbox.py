"""The inbox: views with counts, orders, what is unread, saved views, and rows for a list that is open."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from storage.open_store import Store
from storage.tickets import listings, newest_messages
from storage.tickets.list_filter import Order, TicketFilter
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import furnish, plain_ticket


def numbers(page: str) -> list[int]:
    """The tickets of a list, from its top."""
    return [int(number) for number in re.findall(r'data-ticket="(\d+)"', page)]


def count(page: str, view: str) -> str:
    match = re.search(rf'data-count="{view}">([^<]+)<', page)
    assert match
    return match[1]


def test_every_view_counts_what_it_shows(alice: Browser, bob: Browser) -> None:
    page = alice.get("/tickets").text
    for view in ("open", "mine", "unassigned", "teams", "breaching", "watching", "drafts", "waiting", "snoozed"):
        assert len(numbers(alice.get(f"/tickets?view={view}").text)) == int(count(page, view)), view
    assert (count(page, "open"), count(page, "mine"), count(page, "unassigned")) == ("2", "1", "1")
    assert count(bob.get("/tickets").text, "mine") == "0"


def test_a_draft_and_a_watched_ticket_have_views(console: Console, alice: Browser, bob: Browser) -> None:
    alice.act(console.things.other, "draft", kind="reply", text="Dear")
    bob.act(console.things.ticket, "watch")
    assert numbers(alice.get("/tickets?view=drafts").text) == [console.things.other]
    assert numbers(bob.get("/tickets?view=drafts").text) == []
    assert numbers(bob.get("/tickets?view=watching").text) == [console.things.ticket]


def test_a_new_message_is_unread_until_its_page_was_open(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    row = f'id="ticket-{number}" data-ticket="{number}" class="unread"'
    assert row in alice.get("/tickets").text
    newest = console.messages(number)[-1].id
    alice.act(number, "presence", doing="viewing", read=str(newest))
    assert row not in alice.get("/tickets").text
    assert row in bob.get("/tickets").text


def test_the_newest_message_is_shown_in_the_list_and_side_mail_is_not(any_store: Store) -> None:
    things = furnish(any_store, START)
    with any_store.database.reading() as session:
        newest = newest_messages.newest_messages(session, [things.ticket, things.other, 99])
        rows = {row.id for row in listings.ticket_rows(session, TicketFilter(), before=None, most=9)}
    assert set(newest) <= rows and all(message.beginning for message in newest.values())


@pytest.mark.parametrize("order", list(Order))
def test_pages_of_every_order_hold_each_ticket_once(any_store: Store, order: Order) -> None:
    furnish(any_store, START)
    with any_store.database.transaction() as session:
        for minute in range(7):
            plain_ticket(
                session, f"p{minute}@example.test", f"Matter {minute}", "text", START + timedelta(minutes=minute % 3)
            )
    with any_store.database.reading() as session:
        whole = listings.ticket_ids(session, TicketFilter(order=order), before=None, most=99)
        pages: list[int] = []
        while page := listings.ticket_ids(session, TicketFilter(order=order), before=(pages or [None])[-1], most=2):
            pages += page
    assert pages == whole
    assert order is Order.DUE or len(set(whole)) == 9


def test_the_longest_waiting_come_first_where_that_is_asked(console: Console, alice: Browser) -> None:
    newest_first, oldest_first = (
        numbers(alice.get(f"/tickets?order={order}").text) for order in ("activity", "waiting")
    )
    assert oldest_first == newest_first[::-1]


def test_a_list_that_is_open_asks_for_single_rows(console: Console, alice: Browser) -> None:
    number, other = console.things.ticket, console.things.other
    answer = json.loads(alice.get(f"/tickets/rows?view=mine&counts=1&ids={number},{other},99,x").text)
    assert numbers(answer["rows"]) == [number]
    assert answer["counts"]["unassigned"] == 1
    assert json.loads(alice.get(f"/tickets/rows?view=mine&ids={number}").text)["counts"] == {}
    assert json.loads(alice.get("/tickets/rows?ids=").text)["rows"].strip() == ""


def test_a_view_is_saved_for_oneself_or_shared_and_deleted_again(alice: Browser, bob: Browser) -> None:
    for name, shared in (("Urgent and mine", ""), ("<b>Urgent</b>", "yes")):
        query = "assignee=me&priority=high" if not shared else "view=all&priority=high&before=3"
        assert alice.press("/views", "/tickets", name=name, query=query, shared=shared).status_code == 303
    assert 'href="/tickets?assignee=me&amp;priority=high"' in alice.get("/tickets").text
    others = bob.get("/tickets").text
    assert "Urgent and mine" not in others and "&lt;b&gt;Urgent&lt;/b&gt;" in others and "before=3" not in others
    assert "Delete view" in alice.get("/tickets?assignee=me&priority=high").text
    assert bob.press("/views/1/delete", "/tickets").status_code == 404
    assert alice.press("/views/1/delete", "/tickets").status_code == 303
    assert "Urgent and mine" not in alice.get("/tickets").text


def test_a_view_without_a_name_is_refused(alice: Browser) -> None:
    assert alice.press("/views", "/tickets", name="  ", query="view=all").status_code == 400
