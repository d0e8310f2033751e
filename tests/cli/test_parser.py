"""The command line is built as far as a call needs it, and says the same as the whole."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.parser import BUILDERS, TEXTS
from frontdesk import parser

ROOT = Path(__file__).parents[2]
FIRST_WORDS = [name for names in BUILDERS for name in names]


def commands_of(top: argparse.ArgumentParser) -> Any:
    return next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))


def test_every_first_word_is_there_in_the_whole_and_in_the_least() -> None:
    whole, least = commands_of(parser()), commands_of(parser(""))
    assert list(whole.choices) == list(least.choices)
    assert set(FIRST_WORDS) == set(TEXTS) <= set(whole.choices)


def test_help_says_the_same_whether_a_command_was_built_or_not() -> None:
    built = {action.dest: action.help for action in commands_of(parser())._choices_actions}
    assert {name: built[name] for name in TEXTS} == dict(TEXTS)


@pytest.mark.parametrize("word", FIRST_WORDS)
def test_a_command_is_built_whole_when_it_is_named(word: str) -> None:
    alone, whole = commands_of(parser(word)).choices[word], commands_of(parser()).choices[word]
    assert alone.format_help() == whole.format_help()


def test_the_inbound_log_does_not_load_the_console_or_the_categoriser() -> None:
    code = (
        "import sys, frontdesk; frontdesk.parser('ledger');"
        "print([name for name in sys.modules if name.split('.')[0] in ('console', 'numpy', 'sklearn', 'classifier')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
