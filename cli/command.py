"""How a command of `frontdesk` is declared: a Click command whose function gets a Call, in a group that is loaded late.

A group's modules are imported when one of its commands is called: `frontdesk ledger` does not wait for the code of
eighty other commands, and neither do help, completion and wrong words.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from cli.trouble import Trouble

if TYPE_CHECKING:
    from desk.config.settings import Settings
    from storage.db.session import Session
    from storage.open_store import Store

_OPTIONS = "settings that are options"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command: the settings that hold, the moment, and whether it answers in JSON.

    `options` are the settings that stood on the command line.
    """

    settings: Settings
    now: datetime
    as_json: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def store(self) -> Iterator[Store]:
        from cli.open_desk import opened

        with opened(self.settings) as store:
            yield store

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self.store() as store, refusals(), store.database.reading() as session:
            yield session

    @contextmanager
    def writing(self, *, dry_run: bool = False) -> Iterator[Session]:
        """One transaction; a dry run does all of it and takes it back."""
        with self.store() as store, refusals(), store.database.transaction(dry_run=dry_run) as session:
            yield session

    @property
    def local_now(self) -> datetime:
        return self.now.astimezone(ZoneInfo(self.settings.time_zone))

    def rows(
        self,
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence[str],
        shown: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """The end of a command that lists: JSON, or a table (of `shown`, where people see other cells)."""
        from cli import output

        if self.as_json:
            output.as_json(rows)
        else:
            output.table(rows if shown is None else shown, columns)

    def answer(self, value: Any, text: str) -> None:
        """The end of a command that did something: JSON or a sentence."""
        from cli import output

        if self.as_json:
            output.as_json(value)
        elif text:
            print(text)


@contextmanager
def refusals(code: int = 1) -> Iterator[None]:
    """What the desk refuses is told in a sentence."""
    from desk.tickets.ticket import NotAllowed

    try:
        yield
    except NotAllowed as error:
        raise Trouble(str(error), code) from error


class DeskCommand(click.Command):
    """A command on a desk: it takes --data and --json, and its function gets a Call before its own arguments."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.short_help = self.short_help or _first_paragraph(self.help)
        self.params += [
            setting_option("data_dir", "--data", metavar="DIR", help="The data folder (FRONTDESK_DATA_DIR).")
        ]
        self.params += self.more_options()

    def more_options(self) -> list[click.Option]:
        return [click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON.")]

    def invoke(self, ctx: click.Context) -> Any:
        from cli.data import configuration
        from desk.config.settings import BadSetting

        assert self.callback is not None
        options = ctx.meta.get(_OPTIONS, {})
        try:
            settings = configuration.load(os.environ, options, Path.cwd())
            self.prepare(settings)
            call = Call(settings, datetime.now(UTC), ctx.params.pop("as_json", False), options)
            return self.callback(call, **ctx.params)
        except BadSetting as error:
            raise Trouble(str(error), 78) from error
        except BrokenPipeError:
            return 0

    def prepare(self, settings: Settings) -> None:
        """These answer and complain; the processes tell in their log what they do."""
        from storage.runtime.logging_setup import configure_logging

        configure_logging(replace(settings, log_level="warning"))


class ProcessCommand(DeskCommand):
    """A command that serves until it is stopped."""

    def more_options(self) -> list[click.Option]:
        return []

    def prepare(self, settings: Settings) -> None:
        from storage.runtime.logging_setup import configure_logging

        # Until the process has its own way to stop, nothing is begun that would have to be finished.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        configure_logging(settings)


class DeskGroup(click.Group):
    """Commands on one thing, in the order in which they are declared.

    `more` are the modules that declare further commands of the group: they are imported, one by one, until a command is
    there, so that `frontdesk ticket list` does not wait for the code of replies.
    """

    command_class = DeskCommand

    def __init__(self, *args: Any, more: Sequence[str] = (), **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.short_help = self.short_help or _first_paragraph(self.help)
        self.more = list(more)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        while cmd_name not in self.commands and self.more:
            import_module(self.more.pop(0))
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        while self.more:
            import_module(self.more.pop(0))
        return list(self.commands)


DeskGroup.group_class = DeskGroup


class LateGroup(DeskGroup):
    """A group whose commands are imported when they are called; until then each is its name and its line of help."""

    def __init__(self, name: str, places: Mapping[str, tuple[str, str]], **more: Any) -> None:
        lines = {word: click.Command(word, short_help=text) for word, (text, _) in places.items()}
        super().__init__(name, commands=lines, **more)
        self.places = places

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word, command, rest = super().resolve_command(ctx, args)
        return word, command and self.load(str(word)), rest

    def load(self, word: str) -> click.Command:
        """The command itself; its place is `module:attribute`."""
        module, _, attribute = self.places[word][1].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


def setting_option(name: str, *words: str, **more: Any) -> click.Option:
    """An option that is a setting: it goes before variables and files."""

    def note(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta.setdefault(_OPTIONS, {})[name] = value

    return click.Option(words, expose_value=False, callback=note, **more)


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

TICKET: Decorator = click.argument("ticket", type=int)
ID: Decorator = click.argument("number", metavar="ID", type=int)
DRY_RUN: Decorator = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
IN_NAME_OF: Decorator = click.option(
    "--as", "agent", default="", metavar="ADDRESS", help="The agent in whose name it is done."
)


def most(count: int) -> Decorator:
    return click.option("--most", type=int, default=count, help="How many at most.")
