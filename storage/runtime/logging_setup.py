"""Sets up logging: events with fields on stderr, as JSON or as lines for people.

Control characters are escaped, so that no value can forge a log line. A log that cannot be written (disk full) stops
no work. Third-party packages log from WARNING upwards only, because some of them print the data that they handle.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from desk.config.settings import Settings

OURS = "frontdesk"
"""The one logger of our own events."""


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log of this process to stderr (or `stream`) at the level and in the form that the settings say."""
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: logging.getLogger(OURS),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(settings, stream))
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(OURS).setLevel(level)


def escaped(text: str) -> str:
    """The text on one line, with everything that a terminal would obey written out."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _escape,
    ]


def _formatter(settings: Settings, stream: TextIO) -> logging.Formatter:
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not settings.log_json:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=28)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=[remove, renderer])


def _escape(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            keep_lines = key == "exception"
            event[key] = "\n".join(escaped(line) for line in value.split("\n")) if keep_lines else escaped(value)
    return event
