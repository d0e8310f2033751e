"""Computed before the transaction: parsed requests, and the category and priority of those that may open tickets.

On SQLite a transaction holds the only write lock, so nothing slow should happen in it: the batch is read and classified
first and claimed afterwards. On PostgreSQL two workers would compute the same, so a batch is read when it is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from classifier.model import Categoriser, Guess
from desk.mail.inbound_request import InboundRequest, from_json
from desk.priority.assess import Judgement
from storage.mail import inbound
from storage.mail.inbound import WaitingRequest
from storage.runtime.failures import reason_of
from workers.inbound import priorities
from workers.inbound.item import Item, RequestKeys
from workers.runtime.context import Context

MOST_TEXT = 20_000

log = structlog.get_logger()


@dataclass
class Prefetch:
    """Thoughts about rows that nobody holds yet; whatever is missing is made when it is asked for."""

    context: Context
    items: dict[int, Item] = field(default_factory=dict)
    guessed: dict[int, Guess] = field(default_factory=dict)
    judged: dict[int, Judgement] = field(default_factory=dict)

    def item(self, row: WaitingRequest) -> Item:
        return self.items.get(row.id) or _item(row, self.context.secret)

    def guesses(self, items: Sequence[Item]) -> list[Guess]:
        """One guess an item, in order."""
        self._think([item for item in items if item.inbound_id not in self.guessed])
        return [self.guessed[item.inbound_id] for item in items]

    def _think(self, items: Sequence[Item]) -> None:
        self.guessed |= _guessed(self.context.categoriser, items)
        settings = self.context.store.settings
        self.judged |= {item.inbound_id: priorities.evaluate(item.request, settings) for item in items}


def _guessed(categoriser: Categoriser, items: Sequence[Item]) -> dict[int, Guess]:
    """A guess for each; what breaks the model is left to a human with the reason, and takes nobody with it."""
    try:
        guesses = categoriser.guess([classifier_text(item.request) for item in items])
        return {item.inbound_id: guess for item, guess in zip(items, guesses, strict=True)}
    except Exception as error:
        log.exception("categories_not_guessed", count=len(items))
        if len(items) == 1:
            return {items[0].inbound_id: _not_guessed(reason_of(error))}
    return {number: guess for item in items for number, guess in _guessed(categoriser, [item]).items()}


def _not_guessed(reason: str) -> Guess:
    return Guess(None, 0.0, "unsure", (), ((f"could not be judged: {reason}", 0.0),), "none")


def prefetch_batch(context: Context, most: int) -> Prefetch:
    """What waits, as it is now, read and guessed; nothing on PostgreSQL."""
    ahead = Prefetch(context)
    if context.store.database.has_single_writer:
        with context.store.database.reading() as session:
            rows = inbound.list_waiting(session, most)
        for row in rows:
            # A row that cannot be read is the batch's matter: it is put off there, with the reason.
            with suppress(Exception):
                ahead.items[row.id] = _item(row, context.secret)
        # Who names another message seldom opens a ticket.
        ahead._think([item for item in ahead.items.values() if not item.keys.named])
    return ahead


def classifier_text(request: InboundRequest) -> str:
    """What the categoriser reads: the subject, then the new text."""
    return f"{request.subject}\n{request.reply or request.text}"[:MOST_TEXT]


def _item(row: WaitingRequest, secret: bytes) -> Item:
    request = from_json(row.request)
    return Item(row.id, request, row.raw, RequestKeys(request, secret))
