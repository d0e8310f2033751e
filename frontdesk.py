"""The `frontdesk` command: calls one of the commands that `cli/commands.py` lists.

In: the command line and the environment. Out: an exit status: 0 done, 1 something is broken, 64 wrong words, 69 a
dependency is away, 78 a wrong setting.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from cli.commands import commands
from cli.trouble import Trouble

WRONG_WORDS = 64


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        status = commands.main(given, "frontdesk", standalone_mode=False)
    except click.UsageError as error:
        return _wrong_words(error)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except Trouble as error:
        return _fail(str(error), error.code)
    except OSError as error:
        return _fail(f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else ""), 71)
    except (KeyboardInterrupt, click.Abort):
        return 130
    return status if isinstance(status, int) else 0


def _wrong_words(error: click.UsageError) -> int:
    """What is wrong, what was perhaps meant, and where to read on. A group without a command shows its help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return _fail(f"which command?\n\n{error.format_message()}", WRONG_WORDS)
    text = error.format_message()
    place = error.ctx.command_path if error.ctx else "frontdesk"
    return _fail(f"{text[:1].lower()}{text[1:]}\n`{place} --help` says what it takes", WRONG_WORDS)


def _fail(text: str, code: int) -> int:
    print(f"frontdesk: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
