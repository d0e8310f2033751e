"""Full-text search behind one function: FTS5 on SQLite, tsvector with GIN on PostgreSQL.

The index is kept by the database itself (a trigger, a generated column; see the migrations), so nothing can forget it.
"""

from __future__ import annotations

import re

import sqlalchemy as sa

from storage.access import visibility
from storage.db.session import Session

MOST_TERMS = 20
_NO_WORD = re.compile(r"[\x00-\x20\x7f'\"\\]+")
_LETTER = re.compile(r"[^\W_]")

_SQLITE = "SELECT m.ticket_id FROM message_search s JOIN messages m ON m.id = s.rowid WHERE message_search MATCH :terms"
_POSTGRES = "SELECT m.ticket_id FROM messages m WHERE m.search @@ to_tsquery('simple', :terms)"


def find_tickets(session: Session, query: str, most: int = 50) -> list[int]:
    """Tickets with a message that has all the words (the last one may be a beginning), newest message first."""
    # Words are cut at spaces and quotes only: the index takes `report.pdf` or an address as one word, as we must.
    words = [word for word in _NO_WORD.sub(" ", query[:1000]).split() if _LETTER.search(word)][:MOST_TERMS]
    if not words:
        return []
    terms = _postgres_terms(words) if session.postgres else _sqlite_terms(words)
    base = (_POSTGRES if session.postgres else _SQLITE) + visibility.text_condition(session, "m.ticket_id")
    # FTS5 walks backwards by its own rowid and stops; by the message's id it would find and sort everything first.
    newest = "m.id" if session.postgres else "s.rowid"
    rows = session.execute(sa.text(f"{base} ORDER BY {newest} DESC LIMIT :most"), {"terms": terms, "most": most * 4})
    return list(dict.fromkeys(row[0] for row in rows))[:most]


def _sqlite_terms(words: list[str]) -> str:
    return " ".join(f'"{word}"' for word in words) + "*"


def _postgres_terms(words: list[str]) -> str:
    return " & ".join(f"'{word}'" for word in words) + ":*"
