"""A model on disk: whole or not at all, checked when it is read, and never a place from which code runs."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from classifier import starter
from classifier.model import BrokenArtefact, Categoriser
from classifier.starter import SHIPPED, examples, shipped, trained

TEXTS = examples()[0]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "model")
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    model = Categoriser(version="v9").fit(["apple", "car", "pear", "bus"], ["fruit", "traffic", "fruit", "traffic"])
    model.save(tmp_path / "model")
    again = Categoriser.load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.guess(TEXTS[:50]) == model.guess(TEXTS[:50])
    assert again.parts.version == "v9"


def test_saving_replaces_the_old_model_and_leaves_nothing_beside_it(saved: Path) -> None:
    Categoriser(version="new").fit(["apple", "car"], ["fruit", "traffic"]).save(saved)
    assert Categoriser.load(saved).parts.version == "new"
    assert [path.name for path in saved.parent.iterdir()] == ["model"]
    assert sorted(path.name for path in saved.iterdir()) == ["meta.json", "model.npz", "vocab.json"]


def test_a_save_that_fails_keeps_the_old_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, asked = Path.rename, []

    def fails_the_second_time(self: Path, target: Path) -> Path:
        asked.append(target)
        if len(asked) == 2:
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_the_second_time)
    with pytest.raises(OSError, match="no space left"):
        Categoriser(version="new").fit(["apple", "car"], ["fruit", "traffic"]).save(saved)
    assert Categoriser.load(saved).parts.version == starter.VERSION
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        shipped().save(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def _planted(directory: Path) -> bytes:
    class Planted:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return (Path.touch, (directory / "code_ran",))

    return pickle.dumps(Planted())


def _with_true_checksum(directory: Path, name: str, content: bytes) -> None:
    """As somebody would who knows the format: the checksum fits the altered file."""
    (directory / name).write_bytes(content)
    meta = json.loads((directory / "meta.json").read_text())
    meta["sha256"][name] = hashlib.sha256(content).hexdigest()
    (directory / "meta.json").write_text(json.dumps(meta))


def _meta(directory: Path, **changes: object) -> None:
    meta = json.loads((directory / "meta.json").read_text())
    (directory / "meta.json").write_text(json.dumps({**meta, **changes}))


def _npz(directory: Path, **changes: object) -> None:
    with np.load(directory / "model.npz") as archive:
        arrays = {**archive, **changes}
    np.savez(directory / "changed.npz", **arrays)
    content = (directory / "changed.npz").read_bytes()
    (directory / "changed.npz").unlink()
    _with_true_checksum(directory, "model.npz", content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no directory": shutil.rmtree,
    "no meta": lambda d: (d / "meta.json").unlink(),
    "no vocabulary": lambda d: (d / "vocab.json").unlink(),
    "empty meta": lambda d: (d / "meta.json").write_bytes(b""),
    "meta is a list": lambda d: (d / "meta.json").write_bytes(b"[]"),
    "meta nested too deep": lambda d: (d / "meta.json").write_bytes(b"[" * 200_000),
    "meta is a pickle": lambda d: (d / "meta.json").write_bytes(_planted(d)),
    "another format": lambda d: _meta(d, format=99),
    "no checksums": lambda d: _meta(d, sha256=None),
    "no temperature": lambda d: _meta(d, temperature=None),
    "negative temperature": lambda d: _meta(d, temperature=-1),
    "infinite temperature": lambda d: _meta(d, temperature=float("inf")),
    "a threshold that is no number": lambda d: _meta(d, thresholds=dict.fromkeys(shipped().classes_, float("nan"))),
    "a class twice": lambda d: _meta(d, classes=["a", "a"]),
    "no classes": lambda d: _meta(d, classes=[]),
    "a class less": lambda d: _meta(d, classes=json.loads((d / "meta.json").read_text())["classes"][1:]),
    "truncated weights": lambda d: (d / "model.npz").write_bytes((d / "model.npz").read_bytes()[:-100]),
    "truncated weights, true checksum": lambda d: _with_true_checksum(
        d, "model.npz", (d / "model.npz").read_bytes()[:900]
    ),
    "one bit flipped": lambda d: (d / "model.npz").write_bytes((d / "model.npz").read_bytes()[:-1] + b"\xff"),
    "weights are a pickle": lambda d: _with_true_checksum(d, "model.npz", _planted(d)),
    "weights hold objects": lambda d: _npz(d, weights=np.array([[Path("x")]], dtype=object)),
    "weights of another shape": lambda d: _npz(d, weights=np.zeros((3, 3), dtype=np.int8)),
    "weights of another type": lambda d: _npz(d, weights=np.zeros((3, 3))),
    "weights not finite": lambda d: _npz(d, intercepts=np.full(17, np.nan)),
    "vocabulary is a list": lambda d: _with_true_checksum(d, "vocab.json", b"[1, 2]"),
    "vocabulary with numbers": lambda d: _with_true_checksum(d, "vocab.json", b'{"words": [1], "letters": []}'),
    "vocabulary too short": lambda d: _with_true_checksum(d, "vocab.json", b'{"words": ["a"], "letters": []}'),
    "a file where the directory should be": lambda d: d.rename(d.with_name("away")).joinpath("vocab.json").rename(d),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_model_is_refused_and_runs_nothing(saved: Path, damage: Callable[[Path], object]) -> None:
    damage(saved)
    with pytest.raises(BrokenArtefact):
        Categoriser.load(saved)
    assert not (saved / "code_ran").exists()


@pytest.mark.usefixtures("small_starter")
def test_an_installation_without_the_shipped_model_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "SHIPPED", tmp_path / "nothing")
    assert shipped().predict(["Cannot login"]).tolist() == ["Access / Authentication"]


def test_the_shipped_model_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_500_000


@pytest.mark.usefixtures("small_starter")
def test_rounded_weights_give_the_answers_of_the_exact_ones() -> None:
    from classifier import train

    rng = np.random.default_rng(1)
    exact = rng.normal(size=(400, 17)) * rng.uniform(0.01, 2.0, size=(400, 1))
    steps, scales = train._rounded(exact)
    assert np.abs(steps * scales[:, None].astype(float) - exact).max() <= np.abs(exact).max() / 253
    assert not train._rounded(np.zeros((2, 2)))[0].any()
    assert trained().parts.weights.dtype == np.int8
