"""Compares what the reader of mail takes for the reply with the true one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from desk.mail.inbound_request import Envelope
from gateway.email.parse.normalise import normalise
from tests.generators.replies.conversations import Conversation

_NOW = datetime(2026, 3, 4, tzinfo=UTC)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\ufeff]")
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(slots=True)
class Figures:
    """How many were right, and what share of the words was lost or leaked."""

    count: int = 0
    exact: int = 0
    lost: float = 0.0
    leaked: float = 0.0
    wrong: list[tuple[Conversation, str]] = field(default_factory=list)

    def add(self, conversation: Conversation, reply: str) -> None:
        """Count one answer."""
        right = _bare(reply) == _bare(conversation.reply)
        self.count += 1
        self.exact += right
        if right:
            return
        wanted, given = Counter(_WORD.findall(conversation.reply)), Counter(_WORD.findall(reply))
        both = (wanted & given).total()
        self.lost += 1 - both / max(1, wanted.total())
        self.leaked += 1 - both / max(1, given.total())
        self.wrong.append((conversation, reply))

    def __str__(self) -> str:
        share = 100 / max(1, self.count)
        return (
            f"n = {self.count}, exact {self.exact * share:.1f} %, "
            f"words lost {self.lost * share:.1f} %, quote leaked {self.leaked * share:.1f} %"
        )


def measured(conversations: Iterable[Conversation]) -> dict[tuple[str, str, str], Figures]:
    """The figures by program, language and style."""
    figures: dict[tuple[str, str, str], Figures] = {}
    for one in conversations:
        figures.setdefault((one.program, one.language, one.style), Figures()).add(one, read(one))
    return figures


def read(conversation: Conversation) -> str:
    """What the reader of mail takes for the reply."""
    return normalise(conversation.raw, Envelope(), "generated", _NOW).request.reply


def together(figures: Iterable[Figures]) -> Figures:
    """Their sum."""
    total = Figures()
    for one in figures:
        total.count += one.count
        total.exact += one.exact
        total.lost += one.lost
        total.leaked += one.leaked
        total.wrong += one.wrong
    return total


def _bare(text: str) -> str:
    return "".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
