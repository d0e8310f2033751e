"""The command line: commands are loaded when they are called, say what they are, and answer wrong words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import frontdesk
from cli.command import DeskCommand, DeskGroup, ProcessCommand
from cli.commands import PLACES, commands

ROOT = Path(__file__).parents[2]


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(click.Context(group)):
        whole = commands.load(name) if group is commands else group.commands[name]
        yield (*path, name), whole
        if isinstance(whole, click.Group):
            yield from every_command(whole, (*path, name))


ALL = dict(every_command(commands))


@pytest.mark.parametrize("name", PLACES)
def test_the_line_in_the_help_is_what_the_command_says_of_itself(name: str) -> None:
    help_text = " ".join((commands.load(name).help or "").split())
    assert help_text.startswith(PLACES[name][0].rstrip("."))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_group_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: frontdesk {' '.join(path)}") and len(shown.splitlines()) > 4
    assert ALL[path].help


@pytest.mark.parametrize("path", [path for path, command in ALL.items() if isinstance(command, DeskCommand)])
def test_every_command_takes_a_data_folder_and_answers_in_json(path: tuple[str, ...]) -> None:
    command = ALL[path]
    options = {word for parameter in command.params for word in parameter.opts}
    assert "--data" in options
    assert ("--json" in options) is not isinstance(command, ProcessCommand)


def test_only_commands_and_groups_of_the_desk_are_there() -> None:
    assert {type(command) for command in ALL.values()} == {
        DeskCommand, ProcessCommand, DeskGroup, type(commands.load("report")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["tickets"], "ticket"),
        (["ticket", "lisst"], "list"),
        (["ticket", "side", "opn"], "open"),
        (["report", "rebuld"], "rebuild"),
        (["ticket", "list", "--serch", "x"], "--search"),
    ],
)
def test_wrong_words_are_told_what_was_perhaps_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frontdesk.main(words) == 64
    complaint = capsys.readouterr().err
    assert complaint.startswith("frontdesk: no such ") and meant in complaint and "--help` says" in complaint


@pytest.mark.parametrize(
    "words",
    [
        ["ticket", "show"],
        ["ticket", "show", "one"],
        ["ticket", "set"],
        ["ticket", "show", "1", "2"],
        ["agent", "add", "a@b.example", "--role", "king"],
        ["token", "add", "x", "--scope", "everything"],
        ["csat", "show", "--days", "0"],
        ["gateway", "--ready-fd", "x"],
    ],
)
def test_wrong_words_say_where_to_read_on(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(words) == 64
    complaint = capsys.readouterr().err
    assert complaint.startswith("frontdesk: ") and complaint.count("\n") == 2 and "--help` says" in complaint


@pytest.mark.parametrize("words", [[], ["ticket"], ["ticket", "side"], ["report", "schedule"]])
def test_a_group_without_a_command_shows_its_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(words) == 64
    complaint = capsys.readouterr().err
    assert complaint.startswith("frontdesk: which command?") and "Commands:" in complaint


def test_a_report_with_options_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["report", "--help"]) == 0 and "rebuild" in capsys.readouterr().out
    assert frontdesk.main(["report", "show", "--help"]) == 0 and "--period" in capsys.readouterr().out
    assert frontdesk.main(["report", "--perod", "7d"]) == 64 and "--period" in capsys.readouterr().err


def loaded(*words: str, **environ: str) -> tuple[str, list[str]]:
    """What a call prints, and which modules it loads."""
    code = (
        "import atexit, json, sys;"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
        "import frontdesk; sys.exit(frontdesk.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environ,
        check=True,
    )
    return done.stdout, json.loads(done.stderr.splitlines()[-1])


def heavy(modules: list[str]) -> set[str]:
    rooms = {"console", "classifier", "gateway", "workers", "usecases", "storage", "sqlalchemy", "numpy", "structlog"}
    return rooms & {name.split(".")[0] for name in modules}


@pytest.mark.parametrize("words", [["--version"], ["--help"]])
def test_what_needs_no_desk_loads_none(words: list[str]) -> None:
    assert heavy(loaded(*words)[1]) == set()


def test_the_inbound_log_loads_neither_the_console_nor_the_categoriser() -> None:
    assert heavy(loaded("ledger", "--help")[1]) == {"storage", "sqlalchemy", "structlog"}


def test_the_list_of_tickets_does_not_wait_for_the_code_of_replies() -> None:
    modules = loaded("ticket", "list", "--help")[1]
    assert "cli.tickets.tickets" in modules and "cli.tickets.replies" not in modules


def test_a_shell_completes_commands_and_options() -> None:
    shell = {"_FRONTDESK_COMPLETE": "bash_complete"}
    named, modules = loaded(COMP_WORDS="frontdesk qua", COMP_CWORD="1", **shell)
    assert named.split() == ["plain,quarantine"] and heavy(modules) == set()
    assert loaded(COMP_WORDS="frontdesk quarantine re", COMP_CWORD="2", **shell)[0].split() == ["plain,release"]
    options = loaded(COMP_WORDS="frontdesk ticket list --s", COMP_CWORD="3", **shell)[0].split()
    assert options == ["plain,--search", "plain,--status"]
