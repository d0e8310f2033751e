"""Holds migrations that have landed to their SHA-256; run by `make check`.

A desk that ran a migration never runs it again, so a change to it reaches new desks only: write a new one instead.
`python -m tests.landed_migrations --add` lists the files that are not listed yet. It never changes a line.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "storage" / "migrations"
LIST = FOLDER / "landed.sha256"
"""In the format of `sha256sum --check`."""


def main(words: Sequence[str], folder: Path = FOLDER) -> int:
    listed, present = _listed(folder), _present(folder)
    if "--add" in words:
        listed |= {name: present[name] for name in present if name not in listed}
        (folder / LIST.name).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items())))
    problems = _problems(listed, present)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"migrations: {len(listed)} have landed\n")
    return 1 if problems else 0


def _listed(folder: Path) -> dict[str, str]:
    path = folder / LIST.name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _present(folder: Path) -> dict[str, str]:
    paths = sorted((folder / "versions").glob("m*.py"))
    return {f"versions/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _problems(listed: dict[str, str], present: dict[str, str]) -> list[str]:
    gone = [f"{name}: has landed and is gone" for name in listed if name not in present]
    changed = [
        f"{name}: has landed and was changed; put it back and write a new migration"
        for name, digest in listed.items()
        if present.get(name, digest) != digest
    ]
    new = [f"{name}: not listed; python -m tests.landed_migrations --add" for name in present if name not in listed]
    return gone + changed + new


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
