"""`python -m benchmarks.measures.solved_figures`: how long it takes to find the solved tickets that are like a new one.

It takes how many solved tickets (1,000,000), and returns a table for `docs/benchmarks.md`: finding candidates on disk
and comparing them, on SQLite and PostgreSQL, with long and with short requests. Texts are made up: the words of the
shipped model as often as they are in its texts, a long tail of names and products, error codes.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from classifier.similar import Text, nearest, telling, texts
from classifier.starter import shipped
from storage.db import schema
from storage.db.session import Database
from storage.db.statements import insert_rows
from storage.learning import solved_index
from storage.tables.learning import solved as rows_of
from tests.servers import postgres

START = datetime(2024, 1, 1, tzinfo=UTC)
CHUNK = 5_000
TAIL = 30_000
WARM = 20
"""Questions before those that are measured."""


class Writer:
    """Makes up requests from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        vocabulary = shipped().parts.vocabulary
        known = [(w, i) for w, i in zip(vocabulary.words, vocabulary.idf, strict=False) if " " not in w]
        self.words = [word for word, _ in known]
        self.often = list(accumulate(math.exp(-float(idf)) for _, idf in known))
        self.tail = [
            f"{self.random.choice(self.words)}{self.random.choice('bdfgklmnprstvxz')}o{n}" for n in range(TAIL)
        ]
        self.tail_often = list(accumulate(1 / (n + 10) ** 0.8 for n in range(TAIL)))

    def text(self, length: int) -> Text:
        said = self.random.choices(self.words, cum_weights=self.often, k=length)
        if length > 10:
            said += self.random.choices(self.tail, cum_weights=self.tail_often, k=3)
            said.append(f"e{self.random.randrange(9000)}")
            self.random.shuffle(said)
        return Text(" ".join(said[:5]), " ".join(said[5:]) or said[0])


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks.measures.solved_figures", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--only", choices=("SQLite", "PostgreSQL"))
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="fill databases here, or measure them again")
    args = parser.parse_args()
    print("| database | request | candidates: p50, p95 ms | compared | both | CPU of this process | found |")
    print("|---|---|---|---|---|---|---|")
    with ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-solved-")))
        folder.mkdir(parents=True, exist_ok=True)
        # The server runs as somebody else, who has to pass through.
        folder.chmod(0o755)
        if args.only != "PostgreSQL":
            _measure("SQLite", Database(str(folder / "solved.sqlite3")), args)
        if args.only != "SQLite":
            _measure("PostgreSQL", Database(postgres.kept(folder / "server", stack)), args)


def _measure(name: str, database: Database, args: argparse.Namespace) -> None:
    schema.migrate(database)
    if not _is_filled(database):
        _fill(database, args.rows)
    writer = Writer(77)
    asked = {
        "of 60 words, about anything": [writer.text(60) for _ in range(args.questions + WARM)],
        "of 5 words": [writer.text(5) for _ in range(args.questions + WARM)],
        "half the words of one before": _halves(args.rows, args.questions + WARM),
    }
    for kind, questions in asked.items():
        times = [_ask(database, question) for question in questions][WARM:]
        print(_line(name, kind, times), flush=True)
    database.close()


def _halves(rows: int, count: int) -> list[Text]:
    """Every other word of some of the first stored requests."""
    first = islice(_rows(Writer(1), rows), count)
    return [Text(row["subject"], " ".join(row["text"].split()[::2])) for row in first]


@dataclass(frozen=True, slots=True)
class Asked:
    """Milliseconds of finding, of comparing, of this process's CPU for both, and how many are near."""

    finding: float
    comparing: float
    cpu: float
    near: int


def _ask(database: Database, question: Text) -> Asked:
    with database.reading() as session:
        start, cpu = time.perf_counter(), time.process_time()
        found = solved_index.candidates(session, telling(question))
        middle = time.perf_counter()
        near = nearest(question, texts((one.subject, one.text) for one in found))
        finding, comparing = (middle - start) * 1000, (time.perf_counter() - middle) * 1000
        return Asked(finding, comparing, (time.process_time() - cpu) * 1000, len(near))


def _line(name: str, kind: str, times: Sequence[Asked]) -> str:
    def at(values: Sequence[float], share: float) -> str:
        return f"{sorted(values)[int(len(values) * share)]:.1f}"

    finding, comparing = [t.finding for t in times], [t.comparing for t in times]
    both, cpu = [t.finding + t.comparing for t in times], [t.cpu for t in times]
    share = sum(1 for t in times if t.near) / len(times)
    columns = (
        name,
        kind,
        f"{at(finding, 0.5)}, {at(finding, 0.95)}",
        f"{at(comparing, 0.5)}, {at(comparing, 0.95)}",
        f"{at(both, 0.5)}, {at(both, 0.95)}",
        f"{at(cpu, 0.5)}, {at(cpu, 0.95)}",
        f"{share:.0%}",
    )
    return f"| {' | '.join(columns)} |"


def _fill(database: Database, count: int) -> None:
    """Rows without their tickets: what is measured looks at these only."""
    writer = Writer(1)
    made = _rows(writer, count)
    postgres_here = database.engine.dialect.name == "postgresql"
    _without_references(database)
    while some := list(islice(made, CHUNK)):
        with database.transaction() as session:
            if postgres_here:
                session.execute(sa.text("SET LOCAL session_replication_role = replica"))
            insert_rows(session, rows_of, some)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE solved" if postgres_here else "ROLLBACK")


def _is_filled(database: Database) -> bool:
    with database.reading() as session:
        return session.execute(sa.select(rows_of.c.ticket_id).limit(1)).first() is not None


def _without_references(database: Database) -> None:
    """SQLite switches them off for its one connection, and only outside of a transaction."""
    if database.engine.dialect.name == "sqlite":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")


def _rows(writer: Writer, count: int) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        text = writer.text(writer.random.randint(25, 90))
        yield {
            "ticket_id": number,
            "category": f"Category {number % 25}",
            "subject": text.subject,
            "text": text.words,
            "resolution": "Please press renew.",
            "message_id": None,
            "resolved_at": START + timedelta(minutes=number),
        }


if __name__ == "__main__":
    main()
