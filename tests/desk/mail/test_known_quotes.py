"""What was said before comes back as a quote, in languages that no table knows; what a person writes stays."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.mail.inbound_request import Cut
from desk.mail.known_quotes import without_known_quotes

OURS = "Hello Bob,\n\nPlease try again now, and tell me whether the second printer on your floor still burns.\n\nAlice"
THEIRS = "Both printers are on fire.\nCan somebody come before Friday?"
US = {"support@desk.example.test"}
NEW = "It works.\n\nThank you!"
HEADERS = "ვისგან: Alice (Desk) <support@desk.example.test>\nთარიღი: ორშ, 2 ნოე 2026\nვის: Bob\nსათაური: Re: Printer"
TOKEN = "support+r-1-2-fo3-abcdefghijklmnopqrstuvwxyz@desk.example.test"


def left(reply: str, cut: tuple[Cut, ...] = ()) -> str:
    return without_known_quotes(reply, cut, [OURS], [THEIRS], US)[0]


@pytest.mark.parametrize(
    "introduction",
    [
        HEADERS,
        f"{'_' * 32}\n{HEADERS}",
        f"2026 წლის 2 ნოემბერი, 10:12, Alice (Desk) <{TOKEN}> დაწერა:",
        f"2026 оны 11-р сарын 2, 10:12, Alice (Desk)\n<{TOKEN}> бичсэн:",
        "",
    ],
)
@pytest.mark.parametrize(
    "echo", [OURS, OURS + "\n\n" + THEIRS, OURS.replace("the second", "the\nsecond"), "> " + OURS.replace("\n", "\n> ")]
)
def test_an_echo_goes_with_what_introduces_it(introduction: str, echo: str) -> None:
    reply, cut = without_known_quotes(f"{NEW}\n\n{introduction}\n\n{echo}\n", (), [OURS], [THEIRS], US)
    assert reply == NEW
    assert [part.reason for part in cut] == ["quote"] and introduction.strip() in cut[0].text and "Alice" in cut[0].text


def test_the_introduction_of_a_quote_that_was_cut_already_goes_too() -> None:
    cut = (Cut("quote", "> " + OURS.replace("\n", "\n> ")),)
    line = f"2026 წლის 2 ნოემბერი, 10:12, Alice (Desk) <{TOKEN}> დაწერა:"
    assert without_known_quotes(f"{NEW}\n\n{line}", cut, [OURS], [THEIRS], US) == (NEW, (Cut("quote", line), *cut))


@pytest.mark.parametrize(
    "reply",
    [
        NEW,
        "Can somebody come before Friday?",
        "It still burns.\nCan somebody come before Friday?",
        OURS,
        f"Hello Bob,\n{OURS}",
        f"{NEW}\nWrite to support@desk.example.test, says the page:\nit is broken.",
        "Please try again now, and tell me whether the second printer on your floor still burns.\nNo, it does not.\n"
        "And what you wrote about the other one I did not understand.\nCould you explain it?",
        f"{NEW}\n\nsupport@desk.example.test",
    ],
)
def test_what_a_person_wrote_stays(reply: str) -> None:
    assert without_known_quotes(reply, (), [OURS], [THEIRS], US) == (reply, ())


def test_two_sentences_of_their_own_earlier_mail_are_a_quote() -> None:
    assert left(f"Did you get this?\n\n{THEIRS}") == "Did you get this?"


pieces = st.sampled_from([*OURS.split("\n"), *THEIRS.split("\n"), "", "> x", "Ж:", HEADERS, f"10:12 <{TOKEN}>:", "y"])


# The door has put a sign in the place of NULs and half characters.
stored = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@given(st.lists(stored | pieces, max_size=30))
@example(["x"] * 2000)
def test_nothing_is_lost_and_the_reply_is_the_beginning(lines: list[str]) -> None:
    text = "\n".join(lines)
    reply, cut = without_known_quotes(text, (), [OURS], [THEIRS], US)
    assert text.startswith(reply) and (bool(reply.strip()) or reply == text)
    assert "".join((reply + "".join(part.text for part in cut)).split()) == "".join(text.split())
