"""`frontdesk backup` and `frontdesk restore`: a folder or a tar, a dry run first, and back to the very desk."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from storage.open_store import Store
from storage.runtime import logging_setup
from tests.small_desk import BOB, SmallDesk


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> SmallDesk:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    made = SmallDesk(store)
    made.receive(made.mail(BOB, "first", "a long letter\n" * 9000))
    return made


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert frontdesk.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["saved", "saved.tar"])
def test_a_desk_is_saved_and_comes_back(
    desk: SmallDesk, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = str(tmp_path / name)
    assert said(capsys, "backup", target, "--dry-run")["database"] == "sqlite" and not Path(target).exists()
    made = said(capsys, "backup", target)
    assert (made["tickets"], made["blobs"], made["missing"]) == (1, 2, 0)
    kept = [Path(target), *(Path(target).rglob("*") if Path(target).is_dir() else ())]
    assert {path.stat().st_mode & 0o777 for path in kept} <= {0o600, 0o700}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept if path.is_file())
    assert frontdesk.main(["backup", target]) == 64
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(tmp_path / "new"))
    assert said(capsys, "restore", target, "--dry-run")["blobs_written"] == 2
    assert not (tmp_path / "new").exists()
    assert said(capsys, "restore", target)["rows"] == made["rows"]
    assert len(said(capsys, "ticket", "list")) == 1
    assert frontdesk.main(["restore", target]) == 1
    assert "--yes" in capsys.readouterr().err
    assert said(capsys, "restore", target, "--yes")["aside"]


def test_a_tar_that_names_another_place_is_refused(
    desk: SmallDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as pack:
        member = tarfile.TarInfo("backup/../../evil")
        member.size = 1
        pack.addfile(member, io.BytesIO(b"x"))
    assert frontdesk.main(["restore", str(tmp_path / "bad.tar"), "--yes"]) == 1
    assert "no backup of a desk" in capsys.readouterr().err
    assert not (tmp_path.parent / "evil").exists()
