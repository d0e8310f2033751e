"""`python -m benchmarks.restores`: desks of earlier states brought up to date, and a desk saved and restored.

In: what to measure, which database, how many tickets. Out: rows for the tables in `docs/running.md`. An older desk is
one that its own code made (`tests/data/desks`); every row of it is compared afterwards. The desk that is saved has new
mail written into it meanwhile, and is restored on an empty place.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from benchmarks import big_desk
from desk.config.settings import Settings
from storage.db.session import normal_url
from storage.open_store import Store, database_url, open_store
from storage.operations import backup, restore
from tests.components import postgres_folder
from tests.servers.postgres import Postgres

DESKS = Path(__file__).parents[1] / "tests" / "data" / "desks"
KEY = "a key of the benchmark, known to everybody"


def upgrades(folder: Path, stack: ExitStack) -> Iterator[str]:
    """One row for each stored desk: its rows, which of them are there afterwards, seconds."""
    for archive in sorted(DESKS.glob("*.tar.gz")):
        state, _, kind = archive.name.removesuffix(".tar.gz").partition("-")
        place = folder / archive.name
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="data")
        url = ""
        if kind == "postgresql":
            server = _server(stack)
            url = stack.enter_context(server.empty_database())
            server.load(place / "desk.sql", url)
        settings = Settings(data_dir=str(place), database_url=url)
        before = _counts(settings)
        began = time.perf_counter()
        open_store(settings, migrate=True).close()
        seconds = time.perf_counter() - began
        after = _counts(settings)
        lost = sum(max(0, count - after.get(name, 0)) for name, count in before.items() if name != "alembic_version")
        name = "SQLite" if kind == "sqlite" else "PostgreSQL"
        yield f"| {state} | {name} | {sum(before.values()):,} | {lost} | {seconds:.1f} |"


def saved(kind: str, count: int, folder: Path, stack: ExitStack) -> str:
    """One row: a desk under load is saved, and restored elsewhere."""
    store, other = (_desk(kind, folder / name, stack) for name in ("desk", "other"))
    now = datetime.now(UTC)
    big_desk.furnish(store, count, now)
    with _load(store, now):
        began = time.perf_counter()
        manifest = backup.create_backup(store, folder / "saved", now)
        saving = time.perf_counter() - began
    faults = backup.list_faults(folder / "saved", manifest)
    other.close()
    began = time.perf_counter()
    restore.restore(folder / "saved", other.settings, now, over=True, dry_run=False)
    restoring = time.perf_counter() - began
    there = _counts(other.settings)
    # Without the tables that SQLite keeps for its search indexes.
    kept = {name: rows for name, rows in manifest.rows.items() if name in there}
    missing = sum(max(0, rows - there[name]) for name, rows in kept.items())
    size = sum(path.stat().st_size for path in (folder / "saved").rglob("*") if path.is_file())
    cells = (kind, f"{sum(kept.values()):,}", f"{size / 1e6:,.0f} MB", f"{saving:.0f}", f"{restoring:.0f}")
    return f"| {' | '.join(cells)} | {missing} | {len(faults)} |"


@contextmanager
def _load(store: Store, now: datetime) -> Iterator[None]:
    """New tickets come in meanwhile."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            big_desk.arrive(store, 20, now)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _desk(kind: str, folder: Path, stack: ExitStack) -> Store:
    url = stack.enter_context(_server(stack).empty_database()) if kind == "PostgreSQL" else ""
    store = open_store(Settings(data_dir=str(folder), database_url=url, secret_key=KEY), migrate=True)
    stack.callback(store.close)
    return store


def _server(stack: ExitStack) -> Postgres:
    server = Postgres(postgres_folder())
    stack.callback(server.stop)
    server.start()
    return server


def _counts(settings: Settings) -> dict[str, int]:
    engine = sa.create_engine(normal_url(database_url(settings)))
    try:
        with engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            return {
                name: int(connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one())
                for name in names
                if not name.startswith(("message_search", "message_folded", "message_grams", "people_grams", "sqlite_"))
            }
    finally:
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("upgrades", "saved"))
    parser.add_argument("--database", choices=("SQLite", "PostgreSQL"), default="SQLite")
    parser.add_argument("--count", type=int, default=100_000)
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fd-restores-")))
        folder.chmod(0o755)
        rows = upgrades(folder, stack) if args.what == "upgrades" else [saved(args.database, args.count, folder, stack)]
        for row in rows:
            sys.stdout.write(row + "\n")


if __name__ == "__main__":
    main()
