"""What the documents name is there: files, pages of other documents, and commands with their options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.commands import commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [one.relative_to(ROOT).as_posix() for one in DOCUMENTS]
_FOLDERS = {
    "desk",
    "classifier",
    "storage",
    "gateway",
    "workers",
    "console",
    "usecases",
    "cli",
    "tests",
    "benchmarks",
    "docs",
}
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_OPTION = re.compile(r"--[a-z][a-z-]+")


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_a_table_names_is_there(name: str) -> None:
    rows = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("|")]
    assert [path for row in rows for path in _paths(row) if not list(ROOT.glob(path))] == []


def test_every_test_that_the_table_of_attacks_names_is_there() -> None:
    rows = [row for row in (ROOT / "docs" / "security.md").read_text().splitlines() if "`tests/" in row and "|" in row]
    named = [pair for row in rows for pair in _tests(row)]
    assert len(rows) > 50 and len(named) > 100
    assert [(path, test) for path, test in named if f"def {test}(" not in (ROOT / path).read_text()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_to_another_document_leads_somewhere(name: str) -> None:
    links = [link for link in _LINK.findall((ROOT / name).read_text()) if "://" not in link]
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_document_is_one(name: str) -> None:
    assert [said for said in _commands(_of_today((ROOT / name).read_text())) if not _known(said)] == []


def test_a_command_that_is_none_would_be_found() -> None:
    assert _known("ticket list --json") and _known("incident list|show") and _known("queue retry ID")
    assert not _known("ticket lost") and not _known("ticket list --jsonn")


def _of_today(text: str) -> str:
    """Without what the changelog says of earlier releases, which had other commands."""
    return re.split(r"^## \d", text, maxsplit=1, flags=re.MULTILINE)[0] if "## Unreleased" in text else text


def _paths(row: str) -> Iterator[str]:
    """What looks like a file or folder of ours; a bare `tnef.py` lies beside the one before it."""
    folder = ""
    for said in _CODE.findall(row):
        if said.split("/")[0] in _FOLDERS and "/" in said and " " not in said:
            folder = said.rpartition("/")[0]
            yield said.rstrip("/")
        elif folder and re.fullmatch(r"\w+\.(py|html|css|tsv)", said):
            yield f"{folder}/{said}"


def _tests(row: str) -> Iterator[tuple[str, str]]:
    """Each test of a row, with the file that is named before it."""
    path = ""
    for said in _CODE.findall(row):
        if said.startswith("tests/"):
            path = said
        elif said.startswith("test_"):
            yield path, said


def _commands(text: str) -> Iterator[str]:
    """What follows `frontdesk` in a line of code or between backticks."""
    blocks = "\n".join(text.split("```")[1::2]).replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ *)?(?:\.venv/bin/)?frontdesk ([a-z].*)$", blocks, re.MULTILINE)
    spans = re.findall(r"`(?:\.venv/bin/)?frontdesk\s+([a-z][^`]*)`", "".join(text.split("```")[::2]))
    indented = re.findall(r"^    frontdesk ([a-z].*)$", text, re.MULTILINE)
    return (" ".join(said.split("  #")[0].split()) for said in (*lines, *spans, *indented))


def _known(said: str) -> bool:
    """Its words are commands, and its options are options of the last one."""
    last: list[click.Command] = [commands]
    for word in said.split():
        group = last[-1]
        named = [one for one in word.strip("[].,;").split("|") if one.islower()]
        if not isinstance(group, click.Group) or not named:
            break
        if not all(one in group.list_commands(click.Context(group)) for one in named):
            # `report --csv` is `report show --csv`.
            is_report = "show" in group.commands and word.startswith("-")
            last = [group.commands["show"]] if is_report else []
            break
        last = [commands.load(one) if group is commands else group.commands[one] for one in named]
    options = {option for one in last for parameter in one.params for option in (*parameter.opts, "--help")}
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", said)
    return bool(last) and all(option in options for option in _OPTION.findall(bare))
