"""Runs pg_dump and pg_restore, or says which command to run where they are not installed.

A dump and its row counts are of one snapshot. Passwords are passed in the environment, never in the command line or in
an error message.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa

from storage.db.session import Database

_DEBIAN = Path("/usr/lib/postgresql")


class ToolMissing(RuntimeError):
    """The tool is not installed, or failed; the text says what to run."""


def dump(database: Database, target: Path) -> tuple[dict[str, int], list[str]]:
    """Rows of each table and the large blobs that they name, as of the very snapshot that was dumped."""
    url = database.engine.url
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())
        rows = {
            name: int(connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one())
            for name in sorted(sa.inspect(connection).get_table_names())
        }
        named = list(connection.exec_driver_sql("SELECT sha256 FROM blobs WHERE data IS NULL").scalars())
        _run("pg_dump", ["--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}"], url)
    return rows, named


def restore(database: Database, source: Path) -> None:
    """Restores all or nothing; existing tables of an empty desk are replaced."""
    options = ["--no-owner", "--exit-on-error", "--single-transaction", "--clean", "--if-exists"]
    _run("pg_restore", options, database.engine.url, source)


def count_rows(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        return {name: int(connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one()) for name in names}


def _run(tool: str, options: list[str], url: sa.URL, *files: Path) -> None:
    plain = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    target = plain.render_as_string(hide_password=False)
    words = [tool, *options, f"--dbname={target}", *map(str, files)]
    program = _where(tool)
    command_line = " ".join(word for word in words if not word.startswith("--snapshot"))
    if program is None:
        raise ToolMissing(f"{tool} is not here (package postgresql-client). Where it is, run: {command_line}")
    environ = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    result = subprocess.run([program, *words[1:]], env=environ, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        first = next(iter(result.stderr.strip().splitlines()), "no reason given")
        raise ToolMissing(f"{tool} failed: {first}. It was: {command_line}")


def _where(tool: str) -> str | None:
    """On PATH, or where Debian keeps the newest."""
    installed = [path for path in _DEBIAN.glob(f"*/bin/{tool}") if path.parts[-3].isdigit()]
    newest = max(installed, key=lambda path: int(path.parts[-3]), default=None)
    return str(newest) if newest else shutil.which(tool)
