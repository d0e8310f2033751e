"""Several models side by side: DIRECTORY/VERSION each, and the checksum that says which one was meant.

In come a directory, a version and (from whoever keeps the ledger) a checksum; out comes the categoriser, or
BrokenArtefact where the files are not the ones that were meant. A model travels as a zip of its three files; nothing in
it can run. It refuses to know which model is the right one.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from classifier import artefact
from classifier.artefact import BrokenArtefact, Parts
from classifier.model import Categoriser

FILES = ("meta.json", "model.npz", "vocab.json")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_LARGEST = 200_000_000


def place(parts: Parts, shelf: Path) -> str:
    """Put a model on the shelf under its own version, whole or not at all; returns its checksum."""
    directory = where(shelf, parts.version)
    artefact.place(parts, directory)
    return checksum(directory)


def load(shelf: Path, version: str, expected: str = "") -> Categoriser:
    """The model of that version; BrokenArtefact if it is not whole, or not the one whose checksum is known."""
    directory = where(shelf, version)
    _check_meta(directory, expected)
    model = Categoriser.load(directory)
    if model.parts.version != version:
        raise BrokenArtefact(f"{directory}: holds version {model.parts.version!r}")
    return model


def check(shelf: Path, version: str, expected: str) -> None:
    """The checksums of all files, without building the model: a tenth of the time. BrokenArtefact if one differs."""
    directory = where(shelf, version)
    _check_meta(directory, expected)
    artefact.check(directory)


def _check_meta(directory: Path, expected: str) -> None:
    if expected and checksum(directory) != expected:
        raise BrokenArtefact(f"{directory}: meta.json is not the one that was written when the model was made")


def checksum(directory: Path) -> str:
    """Of meta.json, which holds the checksums of the other files."""
    try:
        return hashlib.sha256((directory / "meta.json").read_bytes()).hexdigest()
    except OSError as problem:
        raise BrokenArtefact(f"{directory}: {problem.strerror}") from problem


def where(shelf: Path, version: str) -> Path:
    """A version is a plain name, so that it cannot leave the shelf."""
    if not _VERSION.fullmatch(version):
        raise BrokenArtefact(f"{version!r} is no name of a version")
    return shelf / version


def remove(shelf: Path, version: str) -> None:
    """The model of that version, if it is there."""
    directory = where(shelf, version)
    if directory.is_dir():
        discard(directory)


def discard(directory: Path) -> None:
    """A directory of the shelf; moved aside first, so that nobody reads half of it."""
    aside = Path(tempfile.mkdtemp(prefix=".gone.", dir=directory.parent))
    directory.rename(aside / "model")
    shutil.rmtree(aside, ignore_errors=True)


def pack(shelf: Path, version: str, target: Path) -> None:
    """The model as one zip file."""
    load(shelf, version)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            archive.write(where(shelf, version) / name, name)


def unpack(source: Path) -> Parts:
    """The model in a zip or directory, read as carefully as any other; nothing of it is put anywhere."""
    if source.is_dir():
        return artefact.read(source)
    with tempfile.TemporaryDirectory(prefix="frontdesk-model-") as folder:
        try:
            with zipfile.ZipFile(source) as archive:
                _extract(archive, Path(folder))
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as problem:
            raise BrokenArtefact(f"{source}: {problem}") from problem
        return artefact.read(Path(folder))


def _extract(archive: zipfile.ZipFile, folder: Path) -> None:
    """Only the three files, by name, each up to a size; whatever else is in there is not looked at."""
    for name in FILES:
        try:
            info = archive.getinfo(name)
        except KeyError as problem:
            raise BrokenArtefact(f"{archive.filename}: {name} is missing") from problem
        if info.file_size > _LARGEST:
            raise BrokenArtefact(f"{archive.filename}: {name} is larger than {_LARGEST} bytes")
        with archive.open(info) as packed:
            (folder / name).write_bytes(packed.read(_LARGEST))
