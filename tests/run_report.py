"""What a run of the suite says of itself: how long it takes here, what it left out, and what this machine lacks.

A pytest plugin that tests/conftest.py registers in every process. The process that people started reports; workers of
pytest-xdist only hand over what they left out.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable

import pytest

from tests.components import MISSING, PACKAGES

FAST_SECONDS, SLOW_SECONDS = 1250.0, 1450.0
"""What the tests without and with the mark `slow` cost on one core of the machine where LOOP_SECONDS was measured."""
LOOP_SECONDS = 0.085
_CACHE_KEY = "frontdesk/seconds"


class RunReport:
    """Writes a line before the tests and a table after them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.left: list[str] = []
        self.begun = time.monotonic()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        if not self.is_worker and _is_whole(self.config):
            self._write(_forecast(self.config))

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self.left += [item.nodeid.partition("::")[0] for item in items if item.get_closest_marker("slow")]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A worker has ended; all of them collect the same tests, so one answer is enough."""
        self.left = getattr(node, "workeroutput", {}).get("left", self.left)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """On CI everything must be there, so a test that did not find a component has failed."""
        if self.is_worker:
            self.config.workeroutput["left"] = self.left  # type: ignore[attr-defined]
            return
        if os.environ.get("FRONTDESK_CI") == "1" and self._missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if exitstatus == pytest.ExitCode.OK and _is_whole(self.config) and self.config.cache is not None:
            self.config.cache.set(_key(self.config), time.monotonic() - self.begun)

    def pytest_terminal_summary(self) -> None:
        missing = self._missing()
        if missing or self.left:
            self._write("", *_table(missing, self.left))

    def _missing(self) -> Counter[str]:
        """How many tests were skipped, by the component that this machine lacks."""
        missing: Counter[str] = Counter()
        for report in self._terminal().stats.get("skipped", ()):
            _, is_missing, component = str(report.longrepr[2]).partition(MISSING)
            if is_missing:
                missing[component] += 1
        return missing

    def _write(self, *lines: str) -> None:
        for line in lines:
            self._terminal().write_line(line)

    def _terminal(self) -> pytest.TerminalReporter:
        reporter: pytest.TerminalReporter = self.config.pluginmanager.getplugin("terminalreporter")
        return reporter


def _table(missing: Counter[str], left: list[str]) -> Iterable[str]:
    yield f"{'not run':>8}  for want of / because          what to do"
    for component, count in sorted(missing.items()):
        yield f"{count:>8}  {component:<28}  {_advice(component)}"
    if left:
        yield f"{len(left):>8}  {'slow':<28}  make test-all"
        yield from (f"{'':>10}{count:>4} in {name}" for name, count in sorted(Counter(left).items()))
    packages = sorted({package for component in missing for package in PACKAGES.get(component, ())})
    if packages:
        yield f"All at once on Debian: apt-get install {' '.join(packages)}"


def _advice(component: str) -> str:
    packages = PACKAGES.get(component, ())
    return f"apt-get install {' '.join(packages)}" if packages else "run as root, on a machine of your own"


def _is_whole(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword


def _key(config: pytest.Config) -> str:
    return f"{_CACHE_KEY}/{config.option.markexpr or 'all'}"


def _forecast(config: pytest.Config) -> str:
    """How long it takes: as long as the last time, or what the counted seconds make on this machine."""
    last = config.cache.get(_key(config), 0.0) if config.cache is not None else 0.0
    if last:
        return f"This takes about {_spoken(last)}, as it did here the last time."
    workers = len(config.option.tx or ()) or 1
    seconds = FAST_SECONDS + (SLOW_SECONDS if "not slow" not in config.option.markexpr else 0)
    guess = seconds * _loop_seconds() / LOOP_SECONDS / workers
    return f"This takes about {_spoken(guess)} with {workers} processes (a guess; the next run here will know)."


def _loop_seconds() -> float:
    begun = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number * number % 7
    return time.process_time() - begun


def _spoken(seconds: float) -> str:
    return f"{round(seconds)} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
