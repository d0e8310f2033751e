"""A migration that has landed is never edited: desks that ran it would miss what it says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import landed_migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    for number in (1, 2):
        (tmp_path / "versions" / f"m000{number}_x.py").write_text(f"revision = '000{number}'\n")
    assert landed_migrations.main(["--add"], tmp_path) == 0
    return tmp_path


def test_our_own_migrations_are_as_they_landed() -> None:
    assert landed_migrations.main([]) == 0


def test_an_edited_migration_is_refused_also_when_it_is_added_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "versions" / "m0001_x.py").write_text("revision = '0001'  # one column more\n")
    for words in ([], ["--add"], []):
        assert landed_migrations.main(words, folder) == 1
        assert "versions/m0001_x.py: has landed and was changed" in capsys.readouterr().out


def test_a_migration_that_is_gone_is_refused(folder: Path) -> None:
    (folder / "versions" / "m0002_x.py").unlink()
    assert landed_migrations.main(["--add"], folder) == 1


def test_a_new_migration_is_refused_until_it_is_added(folder: Path) -> None:
    (folder / "versions" / "m0003_y.py").write_text("revision = '0003'\n")
    assert landed_migrations.main([], folder) == 1
    assert landed_migrations.main(["--add"], folder) == 0
    assert landed_migrations.main([], folder) == 0
