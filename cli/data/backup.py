"""The commands that save a whole desk and bring it back.

In: a folder, or a file that ends in .tar. Out: a backup that was looked through, or a desk with its very rows. A dry
run reads and checks everything and writes nothing.
"""

from __future__ import annotations

import argparse
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cli import output
from cli.open_desk import DATABASE_AWAY, Trouble, ensure_folder, first_line, opened, running
from desk.config.settings import Settings
from storage.db import schema
from storage.operations import backup, restore
from storage.operations.backup import BackupError, Manifest
from storage.operations.pg_tools import ToolMissing


def words(own: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Both."""
    save = command(own, "backup", save_desk, "save the whole desk, while it works: database, blobs, models, key")
    save.add_argument("target", type=Path, help="a new folder, or a new file that ends in .tar")
    save.add_argument("--dry-run", action="store_true", help="only say what would be saved")
    back = command(own, "restore", restore_desk, "make this desk what a backup holds; stop the desk first")
    back.add_argument("source", type=Path, help="the folder or .tar of a backup")
    back.add_argument("--dry-run", action="store_true", help="look through the backup and the place, and write nothing")
    back.add_argument("--yes", action="store_true", help="also over a desk that is not empty")


def save_desk(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        if args.dry_run:
            return _told(args, {"target": str(args.target), "database": store.database.engine.dialect.name})
        if args.target.exists() and (args.target.suffix == ".tar" or any(args.target.iterdir())):
            raise Trouble(f"{args.target} is there already: name a new one", 64)
        try:
            made = _saved(store, args.target, now)
        except (BackupError, ToolMissing) as error:
            raise Trouble(str(error)) from error
    _told(args, {"target": str(args.target)} | _figures(made))
    if made.missing:
        raise Trouble(f"{len(made.missing)} blobs that rows name were not there: `frontdesk doctor` looks for them")
    return 0


def restore_desk(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    if running(settings) and not args.dry_run:
        raise Trouble("the desk is running: stop it first")
    if not args.dry_run:
        ensure_folder(settings)
    try:
        with _folder(args.source) as folder:
            found = restore.restore(folder, settings, now, over=args.yes, dry_run=args.dry_run)
    except sa.exc.DBAPIError as error:
        raise Trouble(f"the database cannot be reached: {first_line(error)}", DATABASE_AWAY) from error
    except (BackupError, ToolMissing, OSError, tarfile.TarError) as error:
        raise Trouble(str(error)) from error
    facts = _figures(found.manifest) | {"blobs_written": found.blobs, "aside": found.aside, "dry_run": args.dry_run}
    if found.manifest.schema != schema.NEWEST:
        facts["next"] = "frontdesk init brings its tables up to date"
    return _told(args, facts)


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


def _told(args: argparse.Namespace, facts: dict[str, Any]) -> int:
    if args.json:
        output.as_json(facts)
    else:
        output.fields(facts)
    return 0
