"""`python -m benchmarks`: measures the figures that are wanted, prints the table, and keeps it as a file.

It takes options, and returns the table on stdout, how far it is on stderr, a file in `benchmarks/results/`, the page
in `docs/`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import processes, report
from benchmarks.figures import BOUNDS, Line
from benchmarks.lab import ROOT, Lab, opened
from benchmarks.measures import (
    commit_figures,
    desk_figures,
    idle_figures,
    ingest_figures,
    learn_figures,
    mail_figures,
    memory_figures,
    predict_figures,
    race_figures,
)
from desk.config.settings import Settings
from storage.runtime.logging_setup import configure_logging

FIGURES = tuple(dict.fromkeys(name.partition(" ")[0] for name in BOUNDS))
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    configure_logging(Settings(log_level="error"))
    loads = [round(os.getloadavg()[0], 1)]
    with opened(args.rounds, args.mails, args.stored) as lab:
        lines = measure(lab, args.only)
        if {"P14", "P16"} & set(args.only):
            made = desk_figures.lines(args.desk_folder, args.desk)
            lines += [line for line in made if line.figure in args.only]
    lines.sort(key=lambda line: int(line.figure[1:]))
    loads.append(round(os.getloadavg()[0], 1))
    print(report.table(lines))
    if not args.no_file:
        print(f"kept as {report.save(_run(args, lines, loads), RESULTS).relative_to(ROOT)}")
        PAGE.write_text(report.page(RESULTS) + report.kept_sections(PAGE.read_text()))
    return 0


def measure(lab: Lab, wanted: Collection[str]) -> list[Line]:
    """The wanted figures, but for those of a large desk."""
    lines = mail_figures.measure(lab, wanted)
    if "P6" in wanted:
        lines += ingest_figures.stored(lab)
    if "P7" in wanted:
        lines += idle_figures.delays(lab)
    if "P9" in wanted:
        lines += memory_figures.gateway_and_worker(lab)
    if "P19" in wanted:
        lines += memory_figures.up(lab)
    if {"P7", "P17"} & set(wanted):
        lines += idle_figures.up(lab, set(wanted))
    if "P11" in wanted:
        lines += ingest_figures.batches(lab)
    if "P12" in wanted:
        lines += commit_figures.measure(lab)
    if "P13" in wanted:
        lines += predict_figures.measure(lab.rounds)
    if "P15" in wanted:
        lines += race_figures.measure(lab)
    if "P18" in wanted:
        lines += learn_figures.measure(lab)
    return lines


def _run(args: argparse.Namespace, lines: list[Line], loads: list[float]) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": processes.machine(),
        "python": sys.version.split()[0],
        "load": loads,
        "nice": os.nice(0),
        "rounds": args.rounds,
        "mails": args.mails,
        "lines": [line.as_json() for line in lines],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks", description="Measure what the desk costs on this machine.")
    parser.add_argument("--only", type=_figures, default=FIGURES, metavar="P1,P5", help="only these figures")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--mails", type=int, metavar="N", help="mails of a load (1000)")
    parser.add_argument("--stored", type=int, metavar="N", help="stored tickets for P6 (100000)")
    parser.add_argument("--desk", type=int, metavar="N", help="tickets of the desk of P14 and P16 (1000000)")
    parser.add_argument("--desk-folder", type=Path, metavar="FOLDER", help="where that desk is kept and found again")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything runs")
    parser.add_argument("--no-file", action="store_true", help="only print")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 3)
    args.mails = args.mails or (300 if args.quick else 1000)
    args.stored = args.stored or (10_000 if args.quick else 100_000)
    args.desk = args.desk or (20_000 if args.quick else 1_000_000)
    args.no_file = args.no_file or args.quick
    return args


def _figures(text: str) -> tuple[str, ...]:
    wanted = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such figure: {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
