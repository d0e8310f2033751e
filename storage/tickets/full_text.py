"""Full-text search behind one function: FTS5 on SQLite, tsvector with GIN on PostgreSQL.

The database maintains the index itself (a trigger, a generated column; see the migrations).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from storage.access import visibility
from storage.db.session import Session

MOST_TERMS = 20
MOST_PEOPLE = 2000
"""So many requesters with a name or address like that, the newest first."""
_MOST_BEGINNINGS = 300
"""A word of one or two letters is looked up as so many beginnings of three letters at most."""
_GRAM = 3
_NO_WORD = re.compile(r"[\x00-\x20\x7f'\"\\]+")
_LETTER = re.compile(r"[^\W_]")
# As in the migration: PostgreSQL uses a partial index only for a query that repeats its condition.
_WIDE = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d]"
)
_ACCENTED = "[À-\u017f\u1e9e]"
_HAS_WIDE = re.compile(_WIDE)
_DIGRAPHS = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe",
})  # fmt: skip

_BODY = "(m.subject || ' ' || m.text)"
_POSTGRES = {
    "words": "m.search @@ to_tsquery('simple', :terms)",
    "folded": f"search_folded{_BODY} @@ to_tsquery('simple', :terms) AND {_BODY} ~ '{_ACCENTED}'",
    "grams": f"search_grams{_BODY} @@ CAST(:terms AS tsquery) AND {_BODY} ~ '{_WIDE}'",
}
_SQLITE = {"words": "message_search", "folded": "message_folded", "grams": "message_grams"}
_PERSON = "search_person(p.name, p.address)"


def find_tickets(session: Session, query: str, most: int = 50) -> list[int]:
    """Tickets with a message that has all the words (the last one may be a beginning), newest message first; then
    those whose requester's name and address have all of them. Half of the list is theirs if there are so many."""
    # Words are cut at spaces and quotes only: the index takes `report.pdf` or an address as one word, as we must.
    text = _NO_WORD.sub(" ", unicodedata.normalize("NFC", query[:1000]))
    words = [word for word in text.lower().split() if _LETTER.search(word)][:MOST_TERMS]
    if not words:
        return []
    terms = _word_terms(words, postgres=session.postgres)
    hits = {**_messages(session, "words", terms, most), **_messages(session, "folded", terms, most)}
    if _HAS_WIDE.search(text):
        hits |= _messages(session, "grams", _gram_terms(session, "message_grams", words), most, words)
    by_message = list(dict.fromkeys(hits[message] for message in sorted(hits, reverse=True)))
    by_requester = _requesters_tickets(session, words, most)
    return list(dict.fromkeys([*by_message[: most - min(len(by_requester), most // 2)], *by_requester]))[:most]


def _messages(session: Session, index: str, terms: str, most: int, words: Sequence[str] = ()) -> dict[int, int]:
    """Message → its ticket, of the newest messages that the index finds; `words` are looked for letter by letter."""
    if not terms:
        return {}
    values: dict[str, object] = {"terms": terms, "most": most * 4}
    if session.postgres:
        where = _POSTGRES[index] + _letter_by_letter(f"lower{_BODY}", words, values)
        base, newest = f"SELECT m.id, m.ticket_id FROM messages m WHERE {where}", "m.id"
    else:
        # FTS5 walks backwards by its own rowid and stops; by the message's id it would find and sort everything first.
        table, newest = _SQLITE[index], "s.rowid"
        joined = f"{table} s JOIN messages m ON m.id = s.rowid"
        base = f"SELECT m.id, m.ticket_id FROM {joined} WHERE {table} MATCH :terms"
    where = visibility.text_condition(session, "m.ticket_id")
    rows = session.execute(sa.text(f"{base}{where} ORDER BY {newest} DESC LIMIT :most"), values)
    return {row.id: row.ticket_id for row in rows}


def _requesters_tickets(session: Session, words: Sequence[str], most: int) -> list[int]:
    """The newest tickets of those whose name and address have all the words, or parts of them."""
    terms = _gram_terms(session, "people_grams", words)
    if not terms:
        return []
    values: dict[str, object] = {"terms": terms, "most": most, "people": MOST_PEOPLE}
    if session.postgres:
        where = f"search_grams({_PERSON}) @@ CAST(:terms AS tsquery)" + _letter_by_letter(_PERSON, words, values)
        whose = f"SELECT p.id FROM people p WHERE {where} ORDER BY p.id DESC LIMIT :people"
    else:
        whose = "SELECT rowid FROM people_grams WHERE people_grams MATCH :terms ORDER BY rowid DESC LIMIT :people"
    # A sum, for by its own order the database would walk all tickets to find those of a few people.
    where = visibility.text_condition(session, "t.id")
    query = f"SELECT t.id FROM tickets t WHERE t.requester_id IN ({whose}){where} ORDER BY t.id + 0 DESC LIMIT :most"
    return list(session.execute(sa.text(query), values).scalars())


def _letter_by_letter(column: str, words: Sequence[str], values: dict[str, object]) -> str:
    """Three letters at a time may stand apart from each other: longer words are looked at once more."""
    longer = {f"word{place}": word for place, word in enumerate(words) if len(word) > _GRAM}
    values |= longer
    return "".join(f" AND strpos({column}, :{name}) > 0" for name in longer)


def _word_terms(words: Sequence[str], *, postgres: bool) -> str:
    """Each word in each of its spellings; all words, the last one as a beginning."""
    quote, either, both, beginning = ("'", " | ", " & ", ":*") if postgres else ('"', " OR ", " AND ", "*")
    terms = []
    for place, word in enumerate(words):
        star = beginning if place == len(words) - 1 else ""
        terms.append(f"({either.join(f'{quote}{spelling}{quote}{star}' for spelling in _spellings(word))})")
    return both.join(terms)


def _spellings(word: str) -> list[str]:
    """As written, with digraphs, and without accents."""
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    return list(dict.fromkeys((word, word.translate(_DIGRAPHS), unicodedata.normalize("NFC", bare))))


def _gram_terms(session: Session, index: str, words: Sequence[str]) -> str:
    """Three letters at a time. A shorter word must begin a word, unless its script has no spaces between words."""
    terms = []
    for word in words:
        whole = word if len(word) >= _GRAM or _HAS_WIDE.search(word) else f" {word}"
        if session.postgres:
            grams = [whole[place : place + _GRAM] for place in range(max(1, len(whole) - _GRAM + 1))]
            terms += [f"'{gram}'" + (":*" if len(gram) < _GRAM else "") for gram in grams]
        elif len(whole) >= _GRAM:
            terms.append(f'"{whole}"')
        elif beginnings := [f'"{term}"' for term in _beginnings(session, index, whole)]:
            terms.append(f"({' OR '.join(beginnings)})")
        else:
            return ""
    return (" & " if session.postgres else " AND ").join(terms)


def _beginnings(session: Session, index: str, start: str) -> Iterable[str]:
    """FTS5 finds three letters or more: the terms of the index that begin with fewer."""
    query = f"SELECT term FROM {index}_terms WHERE term >= :start AND term < :end LIMIT :most"
    values = {"start": start, "end": start + "\U0010ffff", "most": _MOST_BEGINNINGS}
    return [term for term in session.execute(sa.text(query), values).scalars() if '"' not in term]
