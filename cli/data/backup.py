"""The commands that save a whole desk and bring it back.

In: a folder, or a file that ends in .tar. Out: a backup that was looked through, or a desk with its very rows. A dry
run reads and checks everything and writes nothing.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from cli import output
from cli.command import Call, DeskCommand
from cli.data_folder import ensure_folder, running
from cli.open_desk import DATABASE_AWAY, first_line
from cli.trouble import Trouble
from storage.db import schema
from storage.operations import backup, restore
from storage.operations.backup import BackupError, Manifest
from storage.operations.pg_tools import ToolMissing


@click.command("backup", cls=DeskCommand)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be saved.")
def backup_desk(call: Call, target: Path, dry_run: bool) -> None:
    """Save the whole desk, while it works: database, blobs, models, key.

    TARGET is a new folder, or a new file that ends in .tar.
    """
    with call.store() as store:
        if dry_run:
            return _print(call, {"target": str(target), "database": store.database.engine.dialect.name})
        if target.exists() and (target.suffix == ".tar" or any(target.iterdir())):
            raise Trouble(f"{target} is there already: name a new one", 64)
        try:
            manifest = _saved(store, target, call.now)
        except (BackupError, ToolMissing) as error:
            raise Trouble(str(error)) from error
    _print(call, {"target": str(target)} | _figures(manifest))
    if manifest.missing:
        raise Trouble(f"{len(manifest.missing)} blobs that rows name were not there: `frontdesk doctor` looks for them")
    return None


@click.command("restore", cls=DeskCommand)
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Look through the backup and the place, and write nothing.")
@click.option("--yes", is_flag=True, help="Also over a desk that is not empty.")
def restore_desk(call: Call, source: Path, dry_run: bool, yes: bool) -> None:
    """Make this desk what a backup holds; stop the desk first.

    SOURCE is the folder or .tar of a backup.
    """
    if running(call.settings) and not dry_run:
        raise Trouble("the desk is running: stop it first")
    if not dry_run:
        ensure_folder(call.settings)
    try:
        with _folder(source) as folder:
            restored = restore.restore(folder, call.settings, call.now, over=yes, dry_run=dry_run)
    except sa.exc.DBAPIError as error:
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    except (BackupError, ToolMissing, OSError, tarfile.TarError) as error:
        raise Trouble(str(error)) from error
    facts = _figures(restored.manifest) | {"blobs_written": restored.blobs, "aside": restored.aside, "dry_run": dry_run}
    if restored.manifest.schema != schema.NEWEST:
        facts["next"] = "frontdesk init brings its tables up to date"
    _print(call, facts)


def _saved(store: Any, target: Path, now: datetime) -> Manifest:
    if target.suffix != ".tar":
        return _checked(store, target, now)
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".backup-") as made:
        folder = Path(made) / "backup"
        found = _checked(store, folder, now)
        partial = Path(made) / "backup.tar"
        with tarfile.open(partial, "w") as pack:
            pack.add(folder, "backup")
        partial.chmod(0o600)
        partial.rename(target)
    return found


def _checked(store: Any, folder: Path, now: datetime) -> Manifest:
    """What was written is read once more."""
    made = backup.create_backup(store, folder, now)
    folder.chmod(0o700)
    faults = backup.list_faults(folder, made)
    if faults:
        raise BackupError(f"what was written cannot be read back: {faults[0]}")
    return made


@contextmanager
def _folder(source: Path) -> Iterator[Path]:
    if source.suffix != ".tar":
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="frontdesk-restore-") as made, tarfile.open(source) as pack:
        for member in pack:
            _unpack(pack, member, Path(made))
        yield Path(made) / "backup"


def _unpack(pack: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Files and folders below `backup`, nothing else: a tar may name any place."""
    parts = Path(member.name).parts
    if parts[:1] != ("backup",) or ".." in parts or not (member.isfile() or member.isdir()):
        raise BackupError(f"this is no backup of a desk: it holds {member.name!r}")
    place = folder.joinpath(*parts)
    content = pack.extractfile(member) if member.isfile() else None
    if content is None:
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, place.open("wb") as file:
        shutil.copyfileobj(content, file)


def _figures(made: Manifest) -> dict[str, Any]:
    shown = ("tickets", "messages", "inbound", "events", "outbound")
    return {
        "made_at": made.made_at, "schema": made.schema, "database": made.database, "rows": sum(made.rows.values()),
        **{name: made.rows.get(name, 0) for name in shown}, "blobs": len(made.blobs),
        "octets": sum(made.blobs.values()) + sum(size for size, _ in made.files.values()), "missing": len(made.missing),
        "secret_key": "secret.key" in made.files,
    }  # fmt: skip


def _print(call: Call, facts: dict[str, Any]) -> None:
    if call.as_json:
        output.as_json(facts)
    else:
        output.fields(facts)
