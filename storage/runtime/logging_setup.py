"""Sets up logging: events with fields on stderr, as JSON or as lines for people.

Control characters are escaped, so that no value can forge a log line. A log that cannot be written (disk full) stops
no work. Of an error its place and class are logged and not its text, which may quote a mail. Third-party packages log
from WARNING upwards only, because some of them print the data that they handle.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

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
        structlog.processors.ExceptionRenderer(_exception_text),
        _escape,
    ]


def _exception_text(exc_info: ExcInfo) -> str:
    """Where an error happened and of which classes it and its causes are, without what they say.

    Errors quote what they choke on: a number that is none, the key of a row that is there twice, an address.
    """
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        frames = traceback.format_tb(error.__traceback__)
        lines[:0] = ["".join(frames).rstrip("\n"), _class_text(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(filter(None, lines))


def _class_text(error: BaseException) -> str:
    diagnosis = getattr(error, "diag", None)
    facts = [
        getattr(error, "strerror", None),
        getattr(error, "sqlstate", None),
        getattr(diagnosis, "constraint_name", None),
        getattr(error, "sqlite_errorname", None),
    ]
    known = ", ".join(fact for fact in facts if isinstance(fact, str))
    return f"{type(error).__module__}.{type(error).__qualname__}" + (f": {known}" if known else "")


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
