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
    """Results for rows that are not claimed yet; what is missing is computed when it is needed."""

    context: Context
    items: dict[int, Item] = field(default_factory=dict)
    guesses_by_id: dict[int, Guess] = field(default_factory=dict)
    judgements: dict[int, Judgement] = field(default_factory=dict)

    def item(self, row: WaitingRequest) -> Item:
        return self.items.get(row.id) or _item(row, self.context.secret)

    def guesses(self, items: Sequence[Item]) -> list[Guess]:
        """One guess an item, in order."""
        self._compute([item for item in items if item.inbound_id not in self.guesses_by_id])
        return [self.guesses_by_id[item.inbound_id] for item in items]

    def _compute(self, items: Sequence[Item]) -> None:
        self.guesses_by_id |= _guess_all(self.context.categoriser, items)
        settings = self.context.store.settings
        self.judgements |= {item.inbound_id: priorities.evaluate(item.request, settings) for item in items}


def _guess_all(categoriser: Categoriser, items: Sequence[Item]) -> dict[int, Guess]:
    """A guess for each; a text that breaks the model is left to an agent, with the reason, and affects no other."""
    try:
        guesses = categoriser.guess([classifier_text(item.request) for item in items])
        return {item.inbound_id: guess for item, guess in zip(items, guesses, strict=True)}
    except Exception as error:
        log.exception("categories_not_guessed", count=len(items))
        if len(items) == 1:
            return {items[0].inbound_id: _no_guess(reason_of(error))}
    return {number: guess for item in items for number, guess in _guess_all(categoriser, [item]).items()}


def _no_guess(reason: str) -> Guess:
    return Guess(None, 0.0, "unsure", (), ((f"could not be judged: {reason}", 0.0),), "none")


def prefetch_batch(context: Context, most: int) -> Prefetch:
    """The waiting requests, parsed and classified; empty on PostgreSQL."""
    prefetched = Prefetch(context)
    if context.store.database.has_single_writer:
        with context.store.database.reading() as session:
            rows = inbound.list_waiting(session, most)
        for row in rows:
            # A row that cannot be parsed is put off when the batch is worked, with the reason.
            with suppress(Exception):
                prefetched.items[row.id] = _item(row, context.secret)
        # A mail that names another message seldom opens a ticket.
        prefetched._compute([item for item in prefetched.items.values() if not item.keys.named])
    return prefetched


def classifier_text(request: InboundRequest) -> str:
    """The text that is classified: the subject, then the new text."""
    return f"{request.subject}\n{request.reply or request.text}"[:MOST_TEXT]


def _item(row: WaitingRequest, secret: bytes) -> Item:
    request = from_json(row.request)
    return Item(row.id, request, row.raw, RequestKeys(request, secret))
