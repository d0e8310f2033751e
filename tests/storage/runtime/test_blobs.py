"""Blobs: once each, whole or not at all, and loud when one is gone."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from storage.open_store import Store
from storage.runtime.blobs import INLINE_BYTES

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SMALL, EDGE, LARGE = b"small\x00", b"e" * INLINE_BYTES, b"l" * (INLINE_BYTES + 1)


def files(store: Store) -> list[Path]:
    return [path for path in store.blobs.folder.rglob("*") if path.is_file()]


def put(store: Store, *contents: bytes) -> list[str]:
    with store.database.transaction() as session:
        return store.blobs.put_many(session, contents, NOW)


def get(store: Store, name: str) -> bytes | None:
    with store.database.reading() as session:
        return store.blobs.get(session, name)


def test_contents_come_back_by_their_hash(any_store: Store) -> None:
    contents = [SMALL, EDGE, LARGE, b""]
    names = put(any_store, *contents)
    assert names == [sha256(content).hexdigest() for content in contents]
    assert [get(any_store, name) for name in names] == contents and get(any_store, "0" * 64) is None
    assert len(files(any_store)) == 1


def test_put_twice_is_one(any_store: Store) -> None:
    assert put(any_store, LARGE, SMALL, LARGE) == [*put(any_store, LARGE, SMALL), put(any_store, LARGE)[0]]
    assert len(files(any_store)) == 1


def test_many_who_put_the_same_at_once_make_one(any_store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = {name for names in pool.map(lambda _: put(any_store, LARGE, SMALL), range(8)) for name in names}
    assert len(names) == 2 and len(files(any_store)) == 1 and get(any_store, sha256(LARGE).hexdigest()) == LARGE


def test_a_full_disk_leaves_nothing_half_written(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            put(any_store, SMALL, LARGE)
    assert files(any_store) == [] and get(any_store, sha256(LARGE).hexdigest()) is None
    assert get(any_store, sha256(SMALL).hexdigest()) is None
    assert get(any_store, put(any_store, LARGE)[0]) == LARGE


def test_a_kill_while_writing_leaves_no_file_under_the_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            put(store, LARGE)
    assert files(store) == []


def test_files_are_on_disk_before_they_have_a_name_and_names_before_the_row(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def synced(handle: int) -> None:
        fsync(handle)
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")

    def renamed(path: Path, target: Path) -> Path:
        done.append("name")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    with store.database.transaction() as session:
        held = store.blobs.prepare([LARGE, LARGE + b"2", SMALL])
        done.append("row")
        store.blobs.store_prepared(session, held, NOW)
    assert done[:5] == ["folder", "file", "file", "name", "name"]
    assert set(done[5:-1]) == {"folder"} and done[-1] == "row"


def test_a_file_that_is_gone_raises_and_is_listed_as_missing(any_store: Store) -> None:
    small, large = put(any_store, SMALL, LARGE)
    files(any_store)[0].unlink()
    with pytest.raises(FileNotFoundError):
        get(any_store, large)
    with any_store.database.reading() as session:
        assert any_store.blobs.missing(session, [small, large, "0" * 64]) == [large, "0" * 64]
    put(any_store, LARGE)
    assert get(any_store, large) == LARGE
