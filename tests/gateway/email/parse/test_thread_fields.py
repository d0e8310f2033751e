"""Message-ID, In-Reply-To and References with the quirks of many programs."""

from __future__ import annotations

import pytest

from tests.gateway.email.mails import mail, read

PARENT = ("a@b.example",)


@pytest.mark.parametrize(
    "value",
    [
        "<a@b.example>", "a@b.example", "< a@b.example >", "<a@b.example", "a@b.example>", "<<a@b.example>>",
        '"<a@b.example>"', "'<a@b.example>'", "&lt;a@b.example&gt;", "<a@b.example>;", "<a@b.example> (added by x@y.z)",
        "\r\n <a@b.example>", "<a@\r\n b.example>", "=?utf-8?Q?=3Ca=40b.example=3E?=",
        "=?us-ascii?B?PGFAYi5leGFtcGxlPg==?=",
    ],
)  # fmt: skip
def test_one_id_is_read_however_it_is_written(value: str) -> None:
    assert read(mail("x", f"In-Reply-To: {value}")).thread.in_reply_to == PARENT
    assert read(mail("x", f"Message-ID: {value}", without="Message-ID")).thread.message_id == PARENT[0]


@pytest.mark.parametrize(
    "value",
    [
        "<r@b.example> <a@b.example>", "<r@b.example><a@b.example>", "<r@b.example>,<a@b.example>",
        "<r@b.example>;<a@b.example>", "r@b.example a@b.example", "<r@b.example>\r\n\t<a@b.example>",
        "<r@\r\n b.example> <a@b.example> <r@b.example>",
        "=?utf-8?Q?=3Cr=40b.example=3E?= =?utf-8?Q?=3Ca=40b.example=3E?=",
        "(first) <r@b.example> (x@y.z) <a@b.example>", "r@b.example;a@b.example",
    ],
)  # fmt: skip
def test_several_ids_are_read_in_their_order(value: str) -> None:
    assert read(mail("x", f"References: {value}")).thread.references == ("r@b.example", "a@b.example")


@pytest.mark.parametrize(
    ("prose", "ids"),
    [
        ('Your message of "Mon, 2 Mar 2026" <a@b.example>', PARENT), ("mumble", ()),
        ('Message from Kim <kim@example.org> of "Mon, 2 Mar 2026" <a@b.example>', PARENT),
        ("Kim Park's mail <kim@example.org>", ()),
    ],
)  # fmt: skip
def test_prose_counts_only_where_references_agree(prose: str, ids: tuple[str, ...]) -> None:
    assert read(mail("x", f"In-Reply-To: {prose}", "References: <a@b.example>")).thread.in_reply_to == ids
