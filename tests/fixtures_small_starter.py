"""A fifth of the starter's categories, for tests that train a model to see that it is trained, not how good it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier import starter

EACH = 5
FEWER_OUT_OF_SCOPE = 8


@pytest.fixture
def small_starter(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the starter is trained from in this test; the shipped model stays the real one."""
    folder = tmp_path_factory.mktemp("small-starter")
    kept = dict(sorted(starter.hints().items())[::EACH])
    rows = [json.loads(line) for line in (starter.DATA / "starter.jsonl").read_text(encoding="utf-8").splitlines()]
    inside = [row for row in rows if row["label"] in kept]
    outside = [row for row in rows if row["label"] is None][::FEWER_OUT_OF_SCOPE]
    (folder / "starter.jsonl").write_text("\n".join(json.dumps(row) for row in inside + outside), encoding="utf-8")
    (folder / "hints.json").write_text(json.dumps(kept), encoding="utf-8")
    monkeypatch.setattr(starter, "DATA", folder)
    return folder
