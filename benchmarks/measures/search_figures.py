"""`python -m benchmarks.measures.search_figures`: how long a search takes, word by word, in several languages.

It takes how many tickets, which databases, a folder to keep them in, and returns a section for `docs/benchmarks.md`.
The desk is that of `desk_figures.py`, its words mixed with German, French, Japanese and Chinese sentences and with
words of no meaning, so that some are in every message and others in few. The newest 50 tickets are looked for, and
the newest 500, as a list's page does.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import textwrap
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks import processes
from benchmarks.measures import desk_figures
from benchmarks.report import with_section
from storage.open_store import Store
from storage.tickets import full_text

ROUNDS = 20
WORDS = {
    "in most messages": ("the", "a", "i", "th", "in", "is", "die", "für"),
    "in some": ("invoice", "please", "printer toner", "strasse", "rechnung die", "die straße lager"),
    "in Japanese, Chinese": ("届いて", "登录", "请尽快处理"),
    "a name, an address": ("müller", "anna", "wei", "example"),
    "in none": ("zzzz", "qqq xxx"),
}
_SENTENCES = (
    "Die Straße vor dem Lager ist gesperrt, bitte prüfen Sie die Rechnung für Müller.",
    "Ich kann mich nicht anmelden, das Gerät hängt und der Schlüssel fehlt.",
    "Grüße aus Köln, können Sie die Bestellung ändern? Vielen Dank für Ihre Hilfe.",
    "Der Drucker im ersten Stock ist außer Betrieb, es ist dringend.",
    "Bonjour, la clé du garage ne fonctionne plus depuis l'été, merci de vérifier.",
)
_WIDE = ("先月の請求書が届いていません。確認してください。", "服务器登录失败，请尽快处理。")
_NAMES = ("Jürgen Müller", "Anna Becker", "José García", "Wang Wei", "Peter Smith", "Marie Dupré", "Uwe Groß")


def mix(store: Store, dice: random.Random) -> None:
    """Half of the messages get sentences with accents, a tenth one in Japanese or Chinese, all of them odd words."""
    odd = ["".join(dice.choices("abcdefghiklmnoprstuvw", k=dice.randint(4, 9))) for _ in range(3000)]
    with store.database.transaction() as session:
        texts = [
            {"id": number, "more": f"\n{' '.join(dice.choices(odd, k=30))} {_sentences(dice)}"}
            for number in session.execute(sa.text("SELECT id FROM messages ORDER BY id")).scalars()
        ]
        names = [
            {"id": number, "name": f"{dice.choice(_NAMES)} {dice.choice(odd)}"}
            for number in session.execute(sa.text("SELECT id FROM people ORDER BY id")).scalars()
        ]
        session.connection.execute(
            sa.text("UPDATE messages SET text = substr(text, 1, 800) || :more WHERE id = :id"), texts
        )
        session.connection.execute(sa.text("UPDATE people SET name = :name WHERE id = :id"), names)
    with store.database.transaction() as session:
        session.execute(sa.text("ANALYZE"))


def _sentences(dice: random.Random) -> str:
    kind = dice.random()
    return " ".join(dice.sample(_SENTENCES, 2)) if kind < 0.5 else dice.choice(_WIDE) if kind < 0.6 else ""


def measured(store: Store, words: tuple[str, ...], most: int) -> list[float]:
    """Milliseconds of each search."""
    took = []
    with store.database.reading() as session:
        for query in words:
            full_text.find_tickets(session, query, most)
            for _ in range(ROUNDS):
                began = time.perf_counter()
                full_text.find_tickets(session, query, most)
                took.append(1000 * (time.perf_counter() - began))
    return sorted(took)


def _cell(took: list[float]) -> str:
    return f"{statistics.median(took):,.0f}, {took[round(0.95 * len(took)) - 1]:,.0f}"


def section(count: int, kinds: list[str], folder: Path) -> str:
    rows: dict[str, list[str]] = {name: [] for name in [*WORDS, "all of these"]}
    every = tuple(word for words in WORDS.values() for word in words)
    load = os.getloadavg()[0]
    for kind in kinds:
        with ExitStack() as stack:
            store, _ = desk_figures._desk(kind, folder, count, stack)
            mixed = folder / f"{kind}.mixed"
            if not mixed.exists():
                mix(store, random.Random(5))
                mixed.touch()
            for name, words in [*WORDS.items(), ("all of these", every)]:
                rows[name] += [_cell(measured(store, words, most)) for most in (50, 500)]
    head = " | ".join(f"{kind}, newest {most}" for kind in kinds for most in (50, 500))
    table = [f"| words | {head} |", f"|---|{'---|' * 2 * len(kinds)}"]
    table += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    machine = processes.machine()
    text = (
        f"`python -m benchmarks.measures.search_figures --count {count}`: {count:,} messages, half of them with "
        "sentences in German and French, a tenth in Japanese or Chinese, among people of whom many have the same "
        "names. Median and p95 of the wall time in ms, of one session. A list's page looks for the newest 500. How "
        "common a word is decides how it is looked for: what is in every tenth message is found among the newest "
        "ones, all else by its index."
    )
    ends = f"{datetime.now(UTC):%Y-%m-%d}, on two shared cores of {machine['cpu']}; load {load:.1f} before."
    return "\n\n".join([f"## Search in {count:,} messages", textwrap.fill(text, 125), "\n".join(table), ends]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60_000)
    parser.add_argument("--databases", default=",".join(desk_figures.KINDS))
    parser.add_argument("--folder", type=Path, help="where the desks are kept and found again")
    parser.add_argument("--no-file", action="store_true", help="only print")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fd-search-") as place:
        text = section(args.count, args.databases.split(","), args.folder or Path(place))
    sys.stdout.write(text)
    if not args.no_file:
        desk_figures.PAGE.write_text(with_section(desk_figures.PAGE.read_text(), text))


if __name__ == "__main__":
    main()
