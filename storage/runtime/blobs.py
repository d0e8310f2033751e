"""Blobs by content hash: raw mails and attachments. What `put` stored is on disk when its transaction is.

Small blobs are rows, so they share the request's COMMIT; large ones are files: written under a temporary name, fsynced
and renamed before the COMMIT that names them. S3 would fit behind the same three functions.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert_rows
from storage.tables.tickets import blobs

INLINE_BYTES = 64 * 1024
"""Blobs up to this size are rows; a row costs no fsync of its own."""


@dataclass(frozen=True, slots=True)
class PreparedBlobs:
    """Contents to be stored: the SHA-256 (hex) of each, in order, and each content once by that name."""

    names: list[str]
    named: Mapping[str, bytes]


class BlobStore:
    """The large blobs under one folder, in sub-folders by the first two letters of their hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, contents: Sequence[bytes]) -> PreparedBlobs:
        """Hashes the contents and writes the large ones to disk, before a transaction begins in which others would
        wait.
        """
        names = [hashlib.sha256(content).hexdigest() for content in contents]
        named = dict(zip(names, contents, strict=True))
        self._write({name: content for name, content in named.items() if len(content) > INLINE_BYTES})
        return PreparedBlobs(names, named)

    def store_prepared(self, session: Session, prepared: PreparedBlobs, now: datetime) -> None:
        """Stores the rows of the prepared blobs; they are stored from the COMMIT on."""
        rows = [_row(name, content, now) for name, content in sorted(prepared.named.items())]
        insert_rows(session, blobs, rows, ignore=True)
        # Whoever removed the last use of the same content may have taken the file meanwhile.
        large = {name: content for name, content in prepared.named.items() if len(content) > INLINE_BYTES}
        self._write({name: content for name, content in large.items() if not self._path(name).exists()})

    def unlink(self, names: Iterable[str]) -> None:
        """Deletes the files of blobs that nothing names any more."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def put_many(self, session: Session, contents: Sequence[bytes], now: datetime) -> list[str]:
        """Store each content once; returns their SHA-256 (hex) in order."""
        prepared = self.prepare(contents)
        self.store_prepared(session, prepared, now)
        return prepared.names

    def put(self, session: Session, content: bytes, now: datetime) -> str:
        return self.put_many(session, [content], now)[0]

    def get(self, session: Session, name: str) -> bytes | None:
        """The content, or None where nothing has that hash."""
        row = session.execute(sa.select(blobs.c.data).where(blobs.c.sha256 == name)).one_or_none()
        if row is None:
            return None
        return bytes(row.data) if row.data is not None else self._path(name).read_bytes()

    def missing(self, session: Session, names: Iterable[str]) -> list[str]:
        """Those of `names` that cannot be read back; for `doctor` and for backups."""
        return [name for name in names if not self._is_there(session, name)]

    def _is_there(self, session: Session, name: str) -> bool:
        try:
            return self.get(session, name) is not None
        except OSError:
            return False

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:]

    def _write(self, named: Mapping[str, bytes]) -> None:
        """A file is on disk before it has its name, and all names are before this returns; a folder is synced once."""
        folders = {name[:2]: self.folder / name[:2] for name in named}
        self._make(folders.values())
        suffix = secrets.token_hex(4)
        partials: dict[Path, Path] = {}
        try:
            for name, content in named.items():
                path = folders[name[:2]] / name[2:]
                if not path.exists():
                    partials[path] = folders[name[:2]] / f".{name[2:]}.{suffix}"
                    _write_durably(partials[path], content)
            for path, partial in partials.items():
                partial.rename(path)
        except BaseException:
            for partial in partials.values():
                with suppress(OSError):
                    partial.unlink()
            raise
        # Also where the file was there already: who put it may not have come so far.
        for folder in folders.values():
            _sync_folder(folder)

    def _make(self, folders: Iterable[Path]) -> None:
        missing = [folder for folder in folders if not folder.is_dir()]
        for folder in missing:
            folder.mkdir(parents=True, exist_ok=True)
        if missing:
            _sync_folder(self.folder)


def _row(name: str, content: bytes, now: datetime) -> dict[str, object]:
    inline = len(content) <= INLINE_BYTES
    return {"sha256": name, "size": len(content), "data": content if inline else None, "created_at": now}


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
