"""What the commands on automations and keyword rules share: both are tried on past tickets, then switched on.

In: the functions of the keeper of such rules. Out: the commands list, on, off and remove, and one rule by its name.
What a rule is and what a trial says, its own commands know.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from storage.db.session import Session

K = TypeVar("K")


class Keeper(Protocol[K]):
    """A module of `storage/` that keeps such rules."""

    def list_all(self, session: Session) -> list[K]: ...
    def get(self, session: Session, name: str) -> K | None: ...
    def set_active(self, session: Session, rule: K, /, *, on: bool) -> None: ...
    def remove(self, session: Session, kept: K) -> None: ...


@dataclass(frozen=True)
class Commands(Generic[K]):
    """`noun` is what one is called, and its group of commands; `row` shows one; `refusal` is what switching raises."""

    noun: str
    keeper: Keeper[K]
    row: Callable[[K], dict[str, Any]]
    columns: Sequence[str]
    refusal: type[ValueError]

    def listing(self, args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
        with opened(settings) as store, store.database.reading() as session:
            rows = [self.row(kept) for kept in self.keeper.list_all(session)]
        return output.rows(args, rows, self.columns)

    def on(self, args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
        return self._switch(args, settings, on=True)

    def off(self, args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
        return self._switch(args, settings, on=False)

    def remove(self, args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
        with opened(settings) as store, store.database.transaction() as session:
            kept = self.kept(session, args.name)
            self.keeper.remove(session, kept)
        return output.said(args, self.row(kept), f"{self.noun} {args.name} is gone")

    def kept(self, session: Session, name: str) -> K:
        found = self.keeper.get(session, name)
        if found is None:
            raise Trouble(f"there is no {self.noun} {name!r}: `frontdesk {self.noun} list` shows all")
        return found

    def _switch(self, args: argparse.Namespace, settings: Settings, *, on: bool) -> int:
        with opened(settings) as store, store.database.transaction() as session:
            try:
                self.keeper.set_active(session, self.kept(session, args.name), on=on)
            except self.refusal as error:
                raise Trouble(f"{error}: `frontdesk {self.noun} test {shlex.quote(args.name)}`") from error
            row = self.row(self.kept(session, args.name))
        return output.said(
            args, row, f"{self.noun} {args.name} is {'on' if on else 'off'}; workers know within seconds"
        )
