"""Whatever people wrote, the cards and windows are such that Slack takes them, and nothing in them has an effect."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.slack.markup import cut, escaped, one_line
from desk.slack.orders import WINDOWS, Kind, Order
from gateway.slack import modals
from gateway.slack.modals import ModalTicket
from tests.slack import fake_blocks
from tests.slack.agents_desk import AgentsDesk

ORDER = Order(Kind.PRESSED, "T0DESK", "U0ALICE", "C0AGENTS", "1.1", "1.1", ticket_id=12)
texts = st.text(max_size=60) | st.sampled_from(["", "&" * 4000, "<!channel>" * 500, "x" * 200])
names = st.text(min_size=1, max_size=60) | st.sampled_from(["x" * 200, "&" * 100])
choices = st.lists(st.tuples(texts, texts), max_size=130, unique_by=lambda one: one[1])


@given(st.sampled_from(sorted(WINDOWS)), texts, texts, choices, st.lists(st.tuples(names, names), max_size=5))
def test_every_window_is_one_that_slack_opens(
    button: str, subject: str, words: str, options: Sequence[tuple[str, str]], fields: Sequence[tuple[str, str]]
) -> None:
    given_choices = {"assign": options, "category": options, "status": [("Open", "open")]}
    was = {"assign": options[0][1] if options else "", "category": words, "status": "open"}
    unique = list({name: (name, label) for name, label in fields}.values())
    view = modals.view(button, ModalTicket(12, subject, "email", words, was, given_choices, unique), ORDER)
    assert fake_blocks.wrong_view(view) == ""


@given(texts, st.integers(20, 300))
def test_escaped_text_has_no_effect_and_is_cut_between_escapes(text: str, most: int) -> None:
    for made in (escaped(text), one_line(text)):
        short = cut(made, most, " …")
        assert len(short) <= most and "<" not in short and ">" not in short
        for after in short.split("&")[1:]:
            assert after.startswith(("amp;", "lt;", "gt;"))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("", ""),
        ("&" * 5000, "<" * 100_000),
        ("*_~`" * 300, "```" * 2000),
        ("one\ntwo", "\n" * 5000 + "x"),
        ("<!here>", "@all"),
    ],
)
def test_every_card_is_one_that_slack_takes(http_agents: AgentsDesk, subject: str, text: str) -> None:
    ticket = http_agents.mail(subject.replace("\n", " ")[:900], text)
    card = http_agents.card(ticket.id)
    assert fake_blocks.wrong(card["blocks"]) == "" and "<!" not in str(card["blocks"])
