"""Search by requester, by other spellings of a word and inside words of scripts that put no spaces between them.

Three indexes join the one of words. `people_grams` has every three letters of a requester's name and address.
`message_folded` has the words of those messages that contain letters like ö and ß, spelled as oe and ss.
`message_grams` has every three letters of those messages that contain Chinese, Japanese, Korean, Thai and the like. The
database keeps all three itself; messages in plain English cost nothing. PostgreSQL needs no extension: the indexes are
GIN over expressions, so no table is written anew and no column is added.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

DIGRAPHS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe"}
BASES = {
    letter: unicodedata.normalize("NFD", letter)[0]
    for letter in map(chr, range(0xC0, 0x180))
    if len(unicodedata.normalize("NFD", letter)) > 1
}
# SQLite's parser takes some twenty calls within each other: a name is written once for each group of languages.
GROUPS = ("áàâãçéèêëíîïñóòôõúù", "áéíóúýčďěňřšťůžČŠŽ", "ąćęńóśźżăâîșțäöüÄÖÜ", "áéíóöőúüűğışçåÁÉÖÜ")
PLAIN = ("aaaaceeeeiiinoooouu", "aeiouycdenrstuzcsz", "acenoszzaaistaouaou", "aeiooouuugiscaaeou")
FOLDED = "[ÄÖÜẞØÅÆŒäöüßøåæœ]"
WIDE = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d]"
)
ACCENTED = "[À-\u017f\u1e9e]"
MESSAGE = "({0}.subject || ' ' || {0}.text)"
TABLES = ("message_folded", "message_grams", "people_grams")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _postgres()
    else:
        _sqlite()


def _sqlite() -> None:
    for table, tokenizer in zip(TABLES, ("unicode61", "trigram", "trigram"), strict=True):
        _run(f"CREATE VIRTUAL TABLE {table} USING fts5(words, content='', tokenize='{tokenizer}')")
    for table in ("message_grams", "people_grams"):
        _run(f"CREATE VIRTUAL TABLE {table}_terms USING fts5vocab('{table}', 'row')")
    _kept("message_folded", "messages", "subject, text", _digraphs(f"substr({MESSAGE}, 1, 100000)"), FOLDED)
    _kept("message_grams", "messages", "subject, text", f"substr({MESSAGE}, 1, 30000) || '  '", WIDE)
    _kept("people_grams", "people", "name, address", _person(), "")


def _person() -> str:
    """A name as it is written, with digraphs and without accents; a blank before each word, two after the last."""
    name = "{0}.name"
    groups = (_replaced(name, dict(zip(*group, strict=True))) for group in zip(GROUPS, PLAIN, strict=True))
    folded = " || ' ' || ".join((_digraphs(name), *groups))
    folded = f"CASE WHEN {name} GLOB '*{ACCENTED}*' THEN {folded} ELSE '' END"
    return f"' ' || {name} || ' ' || {{0}}.address || ' ' || {folded} || '  '"


def _kept(table: str, source: str, columns: str, words: str, letters: str) -> None:
    """Fill the index, and have it follow its rows; `letters`: only rows that have one of these are in it."""
    add = f"INSERT INTO {table}(rowid, words) VALUES (new.id, {words.format('new')})"
    remove = f"INSERT INTO {table}({table}, rowid, words) VALUES ('delete', old.id, {words.format('old')})"
    for event, when, row, statement in (
        ("added", "AFTER INSERT", "new", add),
        ("removed", "AFTER DELETE", "old", remove),
        # Two triggers, not one: the old row and the new one may differ in whether they are in the index.
        ("left", f"BEFORE UPDATE OF {columns}", "old", remove),
        ("changed", f"AFTER UPDATE OF {columns}", "new", add),
    ):
        having = f"WHEN {MESSAGE.format(row)} GLOB '*{letters}*'" if letters else ""
        _run(f"CREATE TRIGGER {table}_{event} {when} ON {source} {having} BEGIN {statement}; END")
    having = f"WHERE {MESSAGE.format(source)} GLOB '*{letters}*'" if letters else ""
    _run(f"INSERT INTO {table}(rowid, words) SELECT id, {words.format(source)} FROM {source} {having}")


def _postgres() -> None:
    small = "lower(left(body, 50000))"
    _function(
        "search_folded(body text) RETURNS tsvector",
        f"SELECT to_tsvector('simple', {_digraphs(small)}) || to_tsvector('simple', {_translated(small)})",
    )
    _function(
        "search_grams(body text) RETURNS tsvector",
        "SELECT array_to_tsvector(ARRAY(SELECT DISTINCT letter || lead(letter, 1, ' ') OVER letters"
        " || lead(letter, 2, ' ') OVER letters FROM unnest(string_to_array(lower(left(body, 30000)), NULL))"
        " WITH ORDINALITY AS split(letter, place) WINDOW letters AS (ORDER BY place)))",
    )
    _function(
        "search_person(name text, address text) RETURNS text",
        f"SELECT lower(' ' || name || ' ' || address || ' ' || {_digraphs('name')} || ' ' || {_translated('name')})",
    )
    message = MESSAGE.format("messages").replace("messages.", "")
    _run(
        f"CREATE INDEX ix_messages_folded ON messages USING gin (search_folded{message}) WHERE {message} ~ '{ACCENTED}'"
    )
    _run(f"CREATE INDEX ix_messages_grams ON messages USING gin (search_grams{message}) WHERE {message} ~ '{WIDE}'")
    _run("CREATE INDEX ix_people_grams ON people USING gin (search_grams(search_person(name, address)))")
    for table in ("messages", "people"):
        _run(f"ANALYZE {table}")


def _function(name: str, body: str) -> None:
    """Dear, so that the planner asks the index instead of calling it for every row."""
    _run(f"CREATE FUNCTION {name} LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $search${body}$search$")


def _digraphs(text: str) -> str:
    capitals = {letter.upper() if letter != "ß" else "ẞ": spelled for letter, spelled in DIGRAPHS.items()}
    return _replaced(text, DIGRAPHS | capitals)


def _replaced(text: str, letters: dict[str, str]) -> str:
    for letter, spelled in letters.items():
        text = f"replace({text}, '{letter}', '{spelled}')"
    return text


def _translated(text: str) -> str:
    return f"translate({text}, '{''.join(BASES)}', '{''.join(BASES.values())}')"


def _run(statement: str) -> None:
    op.get_bind().execute(sa.text(statement.replace(":", "\\:")))
