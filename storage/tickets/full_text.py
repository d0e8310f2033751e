"""Full-text search behind one function: FTS5 on SQLite, tsvector with GIN on PostgreSQL.

The database maintains the index itself (a trigger, a generated column; see the migrations).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from storage.access import visibility
from storage.db.session import Session

MOST_TERMS = 20
MOST_PEOPLE = 1000
"""So many requesters with a name or address like that, the newest first."""
_MOST_TO_READ = 4_000
"""So many messages that have all groups of three letters are read for the whole words, the newest first."""
_PROBE = 500
"""So many of the newest tickets tell whether a name or address is very common."""
_EVERYWHERE = 0.1
"""A word in so large a part of the messages is found as it is written, without its spellings in other messages."""
_MOST_BEGINNINGS = 300
"""A word of one or two letters is looked up as so many beginnings of three letters at most."""
_GRAM = 3
_EACH = 4
"""So many messages are looked for where so many tickets are wanted, since several are of one ticket."""
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
    hits = _messages(session, "words", terms, most)
    if not _is_everywhere(session, hits, most):
        hits |= _messages(session, "folded", terms, most)
    if _HAS_WIDE.search(text):
        hits |= _messages(session, "grams", _gram_terms(session, "message_grams", words), most, words)
    by_message = list(dict.fromkeys(hits[message] for message in sorted(hits, reverse=True)))
    by_requester = _requesters_tickets(session, words, most)
    return list(dict.fromkeys([*by_message[: most - min(len(by_requester), most // 2)], *by_requester]))[:most]


def _messages(session: Session, index: str, terms: str, most: int, words: Sequence[str] = ()) -> dict[int, int]:
    """Message → its ticket, of the newest messages that the index finds; `words` are looked for letter by letter."""
    if not terms:
        return {}
    values: dict[str, object] = {"terms": terms, "most": most * _EACH, "read": max(most * _EACH, _MOST_TO_READ)}
    if session.postgres:
        base, newest = _postgres_messages(index, words, values), "m.id"
    else:
        # FTS5 walks backwards by its own rowid and stops; by the message's id it would find and sort everything first.
        table, newest = _SQLITE[index], "s.rowid"
        joined = f"{table} s JOIN messages m ON m.id = s.rowid"
        base = f"SELECT m.id, m.ticket_id FROM {joined} WHERE {table} MATCH :terms"
    where = visibility.text_condition(session, "m.ticket_id")
    with _planning(session, _PLAN_EACH if index == "words" else _INDEX_ONLY):
        rows = session.execute(sa.text(f"{base}{where} ORDER BY {newest} DESC LIMIT :most"), values).all()
    return {row.id: row.ticket_id for row in rows}


def _postgres_messages(index: str, words: Sequence[str], values: dict[str, object]) -> str:
    """The statement up to its last condition.

    For words alone the planner knows how common they are, and walks back from the newest message or asks the index. Of
    the other two it knows nothing, and to walk would mean to call their functions for each row; so their order is by a
    sum, for which only the index is of use.
    """
    if index == "words":
        return f"SELECT m.id, m.ticket_id FROM messages m WHERE {_POSTGRES[index]}"
    body = f"m.id, m.ticket_id, m.subject, m.text FROM messages m WHERE {_POSTGRES[index]}"
    newest = f"SELECT {body} ORDER BY m.id + 0 DESC LIMIT :read"
    return f"SELECT m.id, m.ticket_id FROM ({newest}) m WHERE TRUE{_letter_by_letter(f'lower{_BODY}', words, values)}"


def _is_everywhere(session: Session, hits: Mapping[int, int], most: int) -> bool:
    """Whether the newest messages alone have so many hits that other spellings would add nothing that is looked for."""
    if len(hits) < most * _EACH:
        return False
    # Ids have gaps, so the messages among which the hits are must be counted; no further than it matters.
    values = {"oldest": min(hits), "most": int(len(hits) / _EVERYWHERE) + 1}
    among = sa.text("SELECT count(*) FROM (SELECT 1 FROM messages WHERE id >= :oldest LIMIT :most) AS newest")
    return len(hits) >= _EVERYWHERE * int(session.execute(among, values).scalar_one())


def _requesters_tickets(session: Session, words: Sequence[str], most: int) -> list[int]:
    """The newest tickets of those whose name and address have all the words, or parts of them."""
    if session.postgres and len(_newest_tickets(session, words, _PROBE, _PROBE)) >= _EVERYWHERE * _PROBE:
        tickets = _newest_tickets(session, words, most, int(most / _EVERYWHERE))
        if len(tickets) == most:
            return tickets
    terms = _gram_terms(session, "people_grams", words)
    if not terms:
        return []
    values: dict[str, object] = {"terms": terms, "most": most, "people": MOST_PEOPLE}
    if session.postgres:
        person = "p.id, p.name, p.address FROM people p"
        having = f"SELECT {person} WHERE search_grams({_PERSON}) @@ CAST(:terms AS tsquery)"
        newest = f"{having} ORDER BY p.id + 0 DESC LIMIT :people"
        whose = f"SELECT p.id FROM ({newest}) p WHERE TRUE{_letter_by_letter(_PERSON, words, values)}"
    else:
        whose = "SELECT rowid FROM people_grams WHERE people_grams MATCH :terms ORDER BY rowid DESC LIMIT :people"
    # A sum, for by its own order the database would walk all tickets to find those of a few people.
    where = visibility.text_condition(session, "t.id")
    query = f"SELECT t.id FROM tickets t WHERE t.requester_id IN ({whose}){where} ORDER BY t.id + 0 DESC LIMIT :most"
    with _planning(session, _INDEX_ONLY):
        return list(session.execute(sa.text(query), values).scalars())


def _newest_tickets(session: Session, words: Sequence[str], most: int, among: int) -> list[int]:
    """The newest tickets, of so many, of requesters whose name or address has the words as they are written."""
    values: dict[str, object] = {f"word{place}": _beginning(word) for place, word in enumerate(words)}
    values |= {"most": most, "among": among}
    having = " AND ".join(f"strpos(lower(' ' || p.name || ' ' || p.address), :word{n}) > 0" for n in range(len(words)))
    newest = "SELECT t.id, t.requester_id FROM tickets t ORDER BY t.id DESC LIMIT :among"
    where = visibility.text_condition(session, "t.id")
    query = f"SELECT t.id FROM ({newest}) t JOIN people p ON p.id = t.requester_id WHERE {having}{where}"
    return list(session.execute(sa.text(f"{query} ORDER BY t.id DESC LIMIT :most"), values).scalars())


_INDEX_ONLY = ("enable_seqscan", "off", "on")
"""For an expression's index PostgreSQL expects as much work as for the whole table, which is far more."""
_PLAN_EACH = ("plan_cache_mode", "force_custom_plan", "auto")
"""How common a word is decides how it is looked for; a plan for all words alike is the wrong one for common ones."""


@contextmanager
def _planning(session: Session, setting: tuple[str, str, str]) -> Iterator[None]:
    """A setting of PostgreSQL's planner (name, value, usual value) for the statements within."""
    name, value, usual = setting
    if session.postgres:
        session.execute(sa.text(f"SET LOCAL {name} = {value}"))
    yield
    if session.postgres:
        session.execute(sa.text(f"SET LOCAL {name} = {usual}"))


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
        whole = _beginning(word)
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


def _beginning(word: str) -> str:
    """The letters to look for: with the space before it, a short word is the beginning of one."""
    return word if len(word) >= _GRAM or _HAS_WIDE.search(word) else f" {word}"


def _beginnings(session: Session, index: str, start: str) -> Iterable[str]:
    """FTS5 finds three letters or more: the terms of the index that begin with fewer."""
    query = f"SELECT term FROM {index}_terms WHERE term >= :start AND term < :end LIMIT :most"
    values = {"start": start, "end": start + "\U0010ffff", "most": _MOST_BEGINNINGS}
    return [term for term in session.execute(sa.text(query), values).scalars() if '"' not in term]
