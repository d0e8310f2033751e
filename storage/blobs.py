"""Blobs by content hash: raw mails and attachments. What `put` returned from is on disk when its transaction is.

Small blobs lie in the database, so they share the request's own COMMIT; large ones are files, written beside their
place, fsynced and renamed before the COMMIT that names them. S3 fits behind the same three functions.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from storage.sql import insert_rows
from storage.tables import blobs
from storage.transaction import Session

INLINE_BYTES = 64 * 1024
"""Blobs up to this size are rows; a row costs no fsync of its own."""


class BlobStore:
    """The large blobs under one folder, spread by the first two letters of their hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_many(self, session: Session, contents: Sequence[bytes], now: datetime) -> list[str]:
        """Store each content once; returns their SHA-256 (hex) in order."""
        names = [hashlib.sha256(content).hexdigest() for content in contents]
        named = dict(zip(names, contents, strict=True))
        for name, content in named.items():
            if len(content) > INLINE_BYTES:
                self._write(name, content)
        rows = [_row(name, content, now) for name, content in sorted(named.items())]
        insert_rows(session, blobs, rows, ignore=True)
        return names

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

    def _write(self, name: str, content: bytes) -> None:
        path = self._path(name)
        if path.exists():
            return
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(self.folder)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            _write_durably(partial, content)
            partial.rename(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
        _sync_folder(path.parent)


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
