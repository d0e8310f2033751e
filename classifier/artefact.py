"""A trained model as a directory: plain numbers and JSON with checksums, nothing that could run.

In comes what a model is made of (Parts) and a directory, or a directory alone; out comes the directory, or the parts
again, every file checked against its checksum and every array against its shape. A directory that is truncated,
foreign or altered ends in BrokenArtefact with the reason. It refuses to know how a model is trained or asked, and it
never unpickles.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.features import Vocabulary

FORMAT = 1
_FILES = ("model.npz", "vocab.json")
_LARGEST_FILE = 200_000_000
_SHAPES = {"idf": 1, "weights": 2, "scales": 1, "intercepts": 1, "thresholds": 1}


class BrokenArtefact(Exception):
    """The directory holds no model that can be trusted; the message says what is wrong with it."""


@dataclass(frozen=True)
class Parts:
    """Everything that a model is: `weights[term, category] * scales[term]` is the weight of a term for a category."""

    classes: tuple[str, ...]
    vocabulary: Vocabulary
    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    intercepts: NDArray[np.float64]
    temperature: float
    thresholds: NDArray[np.float64]
    suggest_from: float
    out_of_scope_from: float
    version: str
    created: str


def write(parts: Parts, directory: Path) -> None:
    """Whole or not at all, in place of what stands there."""
    with _beside(parts, directory) as beside:
        _replace(directory, beside)


def place(parts: Parts, directory: Path) -> None:
    """Whole or not at all, where nothing stands yet; of several who try at once the first one wins."""
    with _beside(parts, directory) as beside:
        try:
            beside.rename(directory)
        except OSError:
            if not directory.is_dir():
                raise


def read(directory: Path) -> Parts:
    """The parts of the model in the directory, or BrokenArtefact."""
    meta = _json_object(_content(directory / "meta.json"), "meta.json")
    if meta.get("format") != FORMAT:
        raise BrokenArtefact(f"{directory}: format {meta.get('format')!r}, this program reads format {FORMAT}")
    contents = {name: _checked(directory / name, meta) for name in _FILES}
    try:
        return _parts(meta, _json_object(contents["vocab.json"], "vocab.json"), _arrays(contents["model.npz"]))
    except (KeyError, TypeError, ValueError, OverflowError) as problem:
        raise BrokenArtefact(f"{directory}: {problem}") from problem


def check(directory: Path) -> None:
    """BrokenArtefact if a file is not the one that meta.json names."""
    meta = _json_object(_content(directory / "meta.json"), "meta.json")
    for name in _FILES:
        _checked(directory / name, meta)


@contextmanager
def _beside(parts: Parts, directory: Path) -> Iterator[Path]:
    """A finished and synced copy next to the directory, ready to be renamed; what is left of it is removed."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        beside.chmod(0o755)
        for name, content in _contents(parts).items():
            _write_synced(beside / name, content)
        _sync(beside)
        yield beside
        _sync(directory.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _contents(parts: Parts) -> dict[str, bytes]:
    vocabulary = {"words": parts.vocabulary.words, "letters": parts.vocabulary.letters}
    contents = {"model.npz": _npz(parts), "vocab.json": _json_bytes(vocabulary, indent=None)}
    meta = {
        "format": FORMAT,
        "version": parts.version,
        "created": parts.created,
        "classes": parts.classes,
        "temperature": parts.temperature,
        "thresholds": dict(zip(parts.classes, parts.thresholds.tolist(), strict=True)),
        "suggest_from": parts.suggest_from,
        "out_of_scope_from": parts.out_of_scope_from,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    return {**contents, "meta.json": _json_bytes(meta, indent=1)}


def _npz(parts: Parts) -> bytes:
    """The arrays as numpy's zip, with a fixed date, so that the same model is the same bytes."""
    arrays: dict[str, NDArray[Any]] = {
        "idf": parts.vocabulary.idf,
        "weights": parts.weights,
        "scales": parts.scales,
        "intercepts": parts.intercepts,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            plain = io.BytesIO()
            np.save(plain, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), plain.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def _json_bytes(value: object, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=True, indent=indent, separators=separators).encode("ascii") + b"\n"


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(directory: Path, beside: Path) -> None:
    """A directory with files cannot be renamed over: the old one steps aside first and is removed after."""
    aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old.", dir=directory.parent))
    old = aside / "model"
    try:
        if directory.exists():
            directory.rename(old)
        beside.rename(directory)
    except OSError:
        if old.exists():
            old.rename(directory)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BrokenArtefact(f"{path}: larger than {_LARGEST_FILE} bytes")
        return path.read_bytes()
    except OSError as problem:
        raise BrokenArtefact(f"{path}: {problem.strerror}") from problem


def _checked(path: Path, meta: dict[str, Any]) -> bytes:
    content = _content(path)
    sums = meta.get("sha256")
    expected = sums.get(path.name) if isinstance(sums, dict) else None
    if hashlib.sha256(content).hexdigest() != expected:
        raise BrokenArtefact(f"{path}: the checksum differs from the one in meta.json")
    return content


def _json_object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise BrokenArtefact(f"{name}: not JSON ({problem})") from problem
    if not isinstance(value, dict):
        raise BrokenArtefact(f"{name}: not a JSON object")
    return value


def _arrays(content: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, zipfile.BadZipFile) as problem:
        raise ValueError(f"model.npz: {problem}") from problem


def _parts(meta: dict[str, Any], vocab: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Parts:
    classes = _strings(meta["classes"], "classes")
    vocabulary = Vocabulary(
        _strings(vocab["words"], "words"), _strings(vocab["letters"], "letters"), _array(arrays, "idf", np.float64)
    )
    parts = Parts(
        classes=classes,
        vocabulary=vocabulary,
        weights=_array(arrays, "weights", np.int8),
        scales=_array(arrays, "scales", np.float32),
        intercepts=_array(arrays, "intercepts", np.float64),
        temperature=_number(meta, "temperature"),
        thresholds=np.array([float(meta["thresholds"][name]) for name in classes]),
        suggest_from=_number(meta, "suggest_from"),
        out_of_scope_from=_number(meta, "out_of_scope_from"),
        version=str(meta["version"]),
        created=str(meta["created"]),
    )
    _check_shapes(parts)
    return parts


def _strings(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is not a list of strings")
    if len(set(value)) != len(value):
        raise ValueError(f"{name} names something twice")
    return tuple(value)


def _array(arrays: dict[str, NDArray[Any]], name: str, kind: type[np.generic]) -> NDArray[Any]:
    array = arrays[name]
    if array.dtype != np.dtype(kind) or array.ndim != _SHAPES[name]:
        raise ValueError(f"{name} is {array.dtype} with {array.ndim} dimensions")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} holds numbers that are not finite")
    return array


def _number(meta: dict[str, Any], name: str) -> float:
    value = float(meta[name])
    if not np.isfinite(value):
        raise ValueError(f"{name} is not finite")
    return value


def _check_shapes(parts: Parts) -> None:
    size, count = parts.vocabulary.size, len(parts.classes)
    if not count or parts.temperature <= 0 or not np.isfinite(parts.thresholds).all():
        raise ValueError("no categories, a temperature that is not positive, or a threshold that is not a number")
    if (parts.vocabulary.idf.shape, parts.scales.shape) != ((size,), (size,)):
        raise ValueError("idf and scales do not fit the vocabulary")
    if (parts.weights.shape, parts.intercepts.shape) != ((size, count), (count,)):
        raise ValueError("weights and intercepts do not fit vocabulary and categories")
