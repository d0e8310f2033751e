"""The table, as people read it: on the terminal, as a file of one run, and as a page of the newest figures.

It takes lines, or the files of earlier runs, and returns text. It does not know how anything was measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import BOUNDS, Line, from_json, shown

_MARK = {"aim": "aim met", "least": "least met", "missed": "MISSED", "not measured": "not measured", "": ""}

_PAGE = """# Benchmarks

`make bench` starts real servers on this machine (PostgreSQL, Valkey, gateways, workers), sends them real mails and
prints this table; each run leaves a file in `benchmarks/results/`. Figures are ratios taken in one interleaved run, or
CPU as a multiple of one parse of the same mail by Python's own `email` package, because wall times move with the
machine. The mails are made by `benchmarks/mails.py`: 1,000 of about 2 kB, three in ten a reply. No test fails on a
time.

`python -m benchmarks --only P1,P5 --rounds 3` measures some of them, `--quick` all of them roughly.

{table}

{runs}
"""


def table(lines: Sequence[Line]) -> str:
    """For the terminal, with the numbers behind each figure below it."""
    rows = []
    for line in lines:
        asked = _asked(line)
        rows.append(f"{line.figure:4} {line.what}\n     {line.told}{asked}  {_MARK[line.verdict]}".rstrip())
        rows += [f"       {name}: {_value(value)}" for name, value in line.detail.items()]
    return "\n".join(rows)


def save(run: Mapping[str, Any], folder: Path) -> Path:
    """One file for each run."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{run['at'][:19].replace(':', '').replace('-', '')}.json"
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    return path


def page(folder: Path) -> str:
    """The newest measurement of each figure, as Markdown."""
    newest: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text())
        for figure in {line["figure"] for line in run["lines"]}:
            newest[figure] = run
    head = "| # | figure | least | aim | measured | | behind it |\n|---|---|---|---|---|---|---|"
    rows = [
        _row(from_json(line))
        for figure in sorted(newest, key=lambda name: int(name[1:]))
        for line in newest[figure]["lines"]
        if line["figure"] == figure
    ]
    runs = {run["at"]: run for run in newest.values()}
    told = "\n".join(_told(run, [f for f in newest if newest[f] is run]) for _, run in sorted(runs.items()))
    return _PAGE.format(table="\n".join([head, *rows]), runs=told)


def kept_sections(old: str) -> str:
    """What other measurements wrote below the table: every section of the page that stands there."""
    _, mark, sections = old.partition("\n## ")
    return mark + sections


def with_section(old: str, section: str) -> str:
    """The page with this section in place of the one of its name, or at the end."""
    name = section.partition("\n")[0]
    parts = re.split(r"\n(?=## )", old.rstrip("\n") + "\n")
    others = [part.rstrip("\n") + "\n" for part in parts if part.partition("\n")[0] != name]
    return "\n".join([*others, section.rstrip("\n") + "\n"])


def _row(line: Line) -> str:
    bounds = BOUNDS.get(line.bounds)
    least, aim = (shown(bounds.least), shown(bounds.aim)) if bounds else ("", "")
    behind = "; ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in line.detail.items())
    return f"| {line.figure} | {line.what} | {least} | {aim} | {line.told} | {_MARK[line.verdict]} | {behind} |"


def _told(run: Mapping[str, Any], figures: Sequence[str]) -> str:
    machine = run["machine"]
    return (
        f"- {', '.join(sorted(figures, key=lambda name: int(name[1:])))}: {run['at'][:10]}, `{run['command']}`, "
        f"{run['rounds']} rounds of {run['mails']:,} mails, on {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gb']} GB; load of the machine {run['load'][0]} before and {run['load'][1]} after"
        f"{', at nice ' + str(run['nice']) if run.get('nice') else ''}."
    )


def _asked(line: Line) -> str:
    bounds = BOUNDS.get(line.bounds)
    return f"   (least {shown(bounds.least)}, aim {shown(bounds.aim)})" if bounds else ""


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    return shown(value) if isinstance(value, (int, float)) else str(value)
