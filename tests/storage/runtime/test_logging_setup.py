"""Logging that a test sets up ends with that test: whichever of these comes second finds what the first found."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog

from desk.config.settings import Settings
from storage.runtime.logging_setup import configure_logging

LOG = structlog.get_logger(__name__)


@pytest.mark.parametrize("turn", ["one", "another"])
def test_a_command_in_this_process_leaves_the_log_of_the_next_test_alone(
    turn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        LOG.warning("before", turn=turn)
    assert "before" in caplog.text and turn in caplog.text
    with (tmp_path / "log").open("w") as stream:
        configure_logging(Settings(data_dir=tmp_path, log_level="error"), stream)
        LOG.warning("hidden")
        LOG.error("shown", turn=turn)
    assert "hidden" not in (tmp_path / "log").read_text() and "shown" in (tmp_path / "log").read_text()
