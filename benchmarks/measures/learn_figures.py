"""P18: what a training of 50,000 corrected tickets costs, with its evaluation, in the worker's child on one core.

CPU, because wall time is the machine's: the child is nice and waits for whoever wants the core. It takes a lab, and
real tickets where the examinations' folder is there (`EXAMS`), else the starter's sentences over and over with other
words in them, and returns lines. The desk is SQLite; every ticket has a message, a guess and a correction.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Line
from benchmarks.lab import ROOT, Lab
from classifier import starter
from desk.config.settings import Settings
from desk.mail.inbound_request import Party
from storage.db.session import Session
from storage.db.statements import insert_rows, reserve_ids
from storage.learning import models
from storage.open_store import Store, open_store
from storage.people import people
from storage.tables.learning import corrections
from storage.tables.tickets import messages, predictions, tickets
from workers.runtime.active_model import register_starter
from workers.training.process import started

CORRECTIONS = 50_000
REQUESTERS, AGENTS, AT_ONCE = 5_000, 20, 5_000


def measure(lab: Lab, count: int = CORRECTIONS) -> list[Line]:
    source, examples = _examples(count)
    store = open_store(Settings(data_dir=str(lab.new_folder()), log_level="warning"), migrate=True)
    try:
        now = datetime.now(UTC)
        register_starter(store, now)
        _furnish(store, examples, now - timedelta(days=100))
        seconds, cpu, megabytes = _trained(store)
        with store.database.reading() as session:
            made = models.last_attempt(session)
        assert made is not None, "the training left no model"
        detail = {"corrections": count, "wall_seconds": round(seconds), "peak_MB": round(megabytes), "texts": source}
        detail |= {"outcome": made.state, "macro_F1_on_the_newest": round(made.report["evaluation"]["macro_f1"], 3)}
        detail |= {"artefact_MB": round(_size(store, made.version) / 1e6, 2)}
        what = f"CPU of training on {count:,} corrections with evaluation, on one core"
        return [Line("P18", what, round(cpu, 1), "P18", detail)]
    finally:
        store.close()


def _trained(store: Store) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and megabytes of the child."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    child = started(store)
    os.sched_setaffinity(child.pid, {min(os.sched_getaffinity(0))})
    if child.wait() != 0:
        raise RuntimeError("the training failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu, after.ru_maxrss / 1024


def _examples(count: int) -> tuple[str, list[tuple[str, str]]]:
    """Where they are from, and that many different texts with their labels."""
    folder = Path(os.environ.get("EXAMS", ROOT.parent / "shared" / "exams")) / "classify"
    path = folder / "it.train.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [(row["text"], row["label"]) for row in map(json.loads, file)]
        source = f"{len(rows):,} real IT tickets, some twice with another number"
    else:
        rows = [(text, label) for text, label in zip(*starter.examples(), strict=True) if label]
        source = "the starter's sentences, each with other numbers"
    return source, list(_repeated(rows, count))


def _repeated(rows: Sequence[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    """What is missing is made of old ones and comes first, so that the newest, which judge, are like none before."""
    missing = max(0, count - len(rows))
    old = rows[: max(1, len(rows) - count // 5)]
    for number in range(missing):
        text, label = old[number % len(old)]
        yield f"{text} ref{number}", label
    yield from rows[: count - missing]


def _furnish(store: Store, examples: Sequence[tuple[str, str]], begin: datetime) -> None:
    with store.database.transaction() as session:
        parties = [Party(f"p{number}@home.example.test") for number in range(REQUESTERS)]
        persons = [person.id for person in people.ensure_people(session, parties, begin).values()]
    for first in range(0, len(examples), AT_ONCE):
        with store.database.transaction() as session:
            _store(session, examples[first : first + AT_ONCE], first, persons, begin)


def _store(
    session: Session, examples: Sequence[tuple[str, str]], first: int, persons: Sequence[int], begin: datetime
) -> None:
    numbers = reserve_ids(session, tickets, len(examples))
    ids = reserve_ids(session, messages, len(examples))
    rows: dict[str, list[dict[str, Any]]] = {"tickets": [], "messages": [], "predictions": [], "corrections": []}
    for place, ((text, label), ticket, message) in enumerate(zip(examples, numbers, ids, strict=True), start=first):
        at, who = begin + timedelta(minutes=place * 2), persons[place % len(persons)]
        rows["tickets"].append(
            {"id": ticket, "requester_id": who, "created_at": at, "updated_at": at, "status": "closed"}
            | {"priority": "medium", "category": label}
        )
        rows["messages"].append(
            {"id": message, "ticket_id": ticket, "kind": "reply", "inbound": True, "author_kind": "requester"}
            | {"created_at": at, "reply": text}
        )
        rows["predictions"].append(
            {"ticket_id": ticket, "message_id": message, "category": "?", "probability": 0.4, "outcome": "suggest"}
        )
        rows["corrections"].append(
            {"ticket_id": ticket, "message_id": message, "agent_id": place % AGENTS, "after": label, "at": at}
        )
    for table in (tickets, messages, predictions, corrections):
        insert_rows(session, table, rows[table.name])


def _size(store: Store, version: str) -> int:
    return sum(path.stat().st_size for path in (store.settings.data / models.FOLDER / version).iterdir())
