"""What processes cost: CPU seconds and memory of a process and all that it started, as the kernel counts them.

It takes process ids, and returns seconds and bytes. It does not know what the processes do. Linux only.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_KIB = 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree, with that of children that have ended."""
    return sum(_ticks(one) for one in tree(pid)) / _TICK


def pss_by_program(pids: Iterable[int]) -> dict[str, int]:
    """Memory of process trees, what several share counted once, in parts (Pss), by what each process runs.

    That is `up`, `gateway`, `worker`, `http`, a module that was started with -m, or the program's name.
    """
    sizes: dict[str, int] = defaultdict(int)
    for pid in pids:
        for one in tree(pid):
            sizes[_program(one)] += _pss(one)
    return dict(sizes)


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = defaultdict(list)
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children[int(fields[1])].append(int(entry.name))
    found, rest = [], [pid]
    while rest:
        one = rest.pop()
        found.append(one)
        rest += children[one]
    return found


def machine() -> dict[str, str | int]:
    """What a figure depends on: how many cores, of which kind, how much memory. No names."""
    text = (_PROC / "cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    return {"cores": cores, "cpu": models[0] if models else "unknown", "memory_gb": round(pages * size / 1e9)}


def _program(pid: int) -> str:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return "ended"
    for place, word in enumerate(words):
        if word.endswith("frontdesk.py"):
            return words[place + 1]
        if word == "-m":
            return words[place + 1].rpartition(".")[2]
    return Path(words[0].partition(" ")[0]).name


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold anything; empty if the process has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(pid: int) -> int:
    return sum(int(ticks) for ticks in _stat(pid)[11:15])


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * _KIB
