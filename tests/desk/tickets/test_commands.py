"""Commands stand on the first lines, and nothing that an agent writes is lost or half understood."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desk.tickets.commands import HELP, SLACK, Command, help_for, parse

NAMES = (
    "note",
    "reply",
    "side",
    "take",
    "pending",
    "hold",
    "reopen",
    "snooze",
    "field",
    "undo",
    "assign",
    "team",
    "status",
    "resolve",
    "close",
    "priority",
    "category",
    "tag",
    "macro",
    "copy",
    "requester",
    "alias",
    "merge",
    "help",
)
lines = st.text(alphabet="#abcnotermgeresolve 12²\t\xa0\ufeff.:-é", max_size=20) | st.text(max_size=30)
plain = st.text(alphabet="abc ,.#1é", min_size=1).filter(lambda t: t.strip() and not t.strip().startswith("#"))


@given(st.lists(lines, max_size=8).map("\n".join))
@example("#merge ²")
@example("#merge ٣")
@example("#\n#\r\n# a")
def test_nothing_raises_and_what_passed_can_be_done(text: str) -> None:
    parsed = parse(text)
    for command in parsed.commands:
        assert command.name in NAMES
        if command.name == "merge" and not parsed.errors:
            assert int(command.argument.removeprefix("#")) >= 0


@given(plain, st.lists(st.sampled_from(["#resolve", "#close", "#note", "text", "", "#nonsense"]), max_size=6))
def test_below_the_first_line_of_text_nothing_is_a_command(first: str, below: list[str]) -> None:
    text = "\n".join([first, *below])
    assert parse(text).commands == () and parse(text).errors == () and parse(text).text == text.strip()


@given(st.lists(st.sampled_from(["#resolve", "#note", "", " ", "#tag a b"]), max_size=4), plain, st.text(max_size=50))
def test_the_text_under_the_commands_is_kept_whole(commands: list[str], first: str, rest: str) -> None:
    parsed = parse("\n".join([*commands, first, rest]))
    assert parsed.text == f"{first}\n{rest}".strip() and len(parsed.commands) == sum(c.strip() != "" for c in commands)


@given(st.text(alphabet="abcdefgh", min_size=1, max_size=12).filter(lambda name: name not in NAMES))
def test_an_unknown_command_is_an_error(name: str) -> None:
    assert parse(f"#{name} x\n\nHello").errors == (f"#{name} is not a command",)


@pytest.mark.parametrize(
    "line", ["#resolve.", "#close, thanks", "#assign:bob", "#resolve!", "#status=open", "#resolvé"]
)
def test_a_command_with_a_slip_of_the_pen_is_an_error_and_not_sent_to_the_requester(line: str) -> None:
    assert parse(f"{line}\n\nHello").errors != ()


@pytest.mark.parametrize("line", ["#assign\xa0me", "\ufeff#assign me", "  #ASSIGN  me \r", "\u200b#assign me"])
def test_a_command_is_read_as_mail_programs_write_it(line: str) -> None:
    assert parse(f"{line}\nHello").commands == (Command("assign", "me"),) and parse(line).errors == ()


@pytest.mark.parametrize("line", ["#1 is broken", "# Heading", "#", "##resolve", "C# is a language"])
def test_a_line_that_is_no_command_is_text(line: str) -> None:
    assert parse(line).text == line and parse(line).errors == ()


def test_words_behind_note_belong_to_the_note() -> None:
    parsed = parse("#note call him\nat noon")
    assert parsed.is_note and parsed.text == "call him\nat noon"


@pytest.mark.parametrize("line", ["#status new", "#status", "#priority p1", "#merge x", "#merge", "#merge 1 2", "#tag"])
def test_a_wrong_argument_is_an_error(line: str) -> None:
    assert len(parse(line).errors) == 1


def test_help_lists_every_command() -> None:
    assert set(re.findall(r"(?:^|, )#([a-z]+)", HELP, re.MULTILINE)) == set(NAMES)


def test_in_slack_commands_begin_with_an_exclamation_mark() -> None:
    assert parse("!take\n!priority high\nlooks bad", SLACK).commands == (Command("take"), Command("priority", "high"))
    assert parse("!reply We are on it.\nSoon more.", SLACK).text == "We are on it.\nSoon more."
    assert parse("!nonsense", SLACK).errors == ("!nonsense is not a command",)
    assert parse("/reply We are on it.", SLACK).is_reply
    assert "!snooze" in help_for(SLACK) and "#" not in help_for(SLACK)


@pytest.mark.parametrize("text", ["/var/log is full", "#general was told", "wow!", "! important", "!"])
def test_in_slack_a_path_or_a_channel_is_no_command(text: str) -> None:
    assert parse(text, SLACK).commands == () and parse(text, SLACK).errors == () and parse(text, SLACK).text == text


def test_what_solved_it_may_stand_behind_resolve() -> None:
    assert parse("#resolve a new toner").commands == (Command("resolve", "a new toner"),)
    assert parse("#field asset").errors == ("#field asset: needs a name and a value behind it",)
