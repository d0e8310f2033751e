"""Holds functions, files and folders to the sizes that a reader can keep in mind; run by `make check`.

Migrations are history and are left as they were; the functions of tests may be longer. Prints what is too large, and
the medians; exits with 1 if anything is.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOMS = ("desk", "storage", "classifier", "usecases", "gateway", "workers", "console", "cli", "tests", "benchmarks")
MOST_FUNCTION = 40
MOST_FILE = 300
MOST_TEST_FILE = 500
MOST_IN_FOLDER = 20


def main() -> int:
    root = Path(__file__).parent.parent
    paths = [root / "frontdesk.py", *(path for room in ROOMS for path in sorted((root / room).rglob("*.py")))]
    faults, functions, files = [], [], []
    for path in paths:
        if "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        tree, name = ast.parse(text), str(path.relative_to(root))
        lines = sum(1 for line in text.splitlines() if line.strip())
        sizes = list(_functions(tree))
        faults += _faults(name, tree, lines, sizes)
        if not name.startswith(("tests", "benchmarks")):
            files.append(lines)
            functions += [size for _, size in sizes]
    faults += _crowded(str(path.parent.relative_to(root)) for path in paths)
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    medians = statistics.median(functions), statistics.median(files)
    sys.stdout.write(f"sizes: {len(functions)} functions, median {medians[0]:g} lines; files' median {medians[1]:g}\n")
    return 1 if faults else 0


def _crowded(folders: Iterable[str]) -> Iterator[str]:
    """Folders that are to be divided by domain."""
    for folder, count in Counter(folders).items():
        if count > MOST_IN_FOLDER:
            yield f"{folder}: {count} Python files, {MOST_IN_FOLDER} are allowed"


def _functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            yield node.name, node.end_lineno - node.lineno + 1


def _faults(name: str, tree: ast.Module, lines: int, sizes: list[tuple[str, int]]) -> Iterator[str]:
    limit = MOST_TEST_FILE if name.startswith("tests") else MOST_FILE
    if lines > limit:
        yield f"{name}: {lines} lines that are not blank, {limit} are allowed"
    if tree.body and ast.get_docstring(tree) is None:
        yield f"{name}: does not open with a docstring"
    for function, size in sizes:
        if size > MOST_FUNCTION and not name.startswith("tests"):
            yield f"{name}: {function} has {size} lines, {MOST_FUNCTION} are allowed"


if __name__ == "__main__":
    sys.exit(main())
