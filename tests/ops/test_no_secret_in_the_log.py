"""What people wrote and what the desk keeps secret stands in no log, whatever breaks while it is handled."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from storage.open_store import Store
from storage.runtime.logging_setup import configure_logging
from storage.tables.tickets import people
from tests.small_desk import SmallDesk
from workers.events import dispatch
from workers.inbound import classification
from workers.outbound import deliver

CANARY = "canary-7f3a9c"
SENDER = f"{CANARY}@home.example.test"
CARD = "4111 1111 1111 1111"


@pytest.fixture(params=[True, False], ids=["json", "lines"])
def log(any_store: Store, request: pytest.FixtureRequest) -> io.StringIO:
    """All that a process logs, at the finest level."""
    stream = io.StringIO()
    configure_logging(replace(any_store.settings, log_level="debug", log_json=request.param), stream)
    return stream


def raises(error: Callable[[], object]) -> Callable[..., Any]:
    def work(*_given: Any, **_named: Any) -> Any:
        error()
        raise AssertionError("no error came")

    return work


QUOTING: dict[str, Callable[[], object]] = {
    "number": lambda: int(CANARY),
    "key": lambda: {}[SENDER],
    "text": lambda: f"{CANARY}\ud800".encode(),
    "error": lambda: (_ for _ in ()).throw(ValueError(f"{SENDER} wrote {CARD}")),
}


@pytest.mark.parametrize("name", QUOTING)
@pytest.mark.parametrize(
    ("module", "function"), [(classification, "choose"), (dispatch, "_messages"), (deliver, "open_transports")]
)
def test_an_error_that_quotes_a_mail_is_logged_without_its_words(
    any_store: Store, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, module: Any, function: str, name: str
) -> None:
    monkeypatch.setattr(module, function, raises(QUOTING[name]))
    desk = SmallDesk(any_store)
    mail = desk.mail(f"{CANARY} <{SENDER}>", f"{CANARY} {CARD}", f"My card is {CARD}, {CANARY}.")
    try:
        desk.receive(mail)
    except (ValueError, KeyError, TypeError):
        structlog.get_logger(__name__).exception("job_broke")
    assert log.getvalue().count("raise AssertionError") == 0
    assert CANARY not in log.getvalue() and CARD not in log.getvalue()


def test_a_database_error_is_logged_without_the_row(any_store: Store, log: io.StringIO) -> None:
    row = {"address": SENDER, "name": CARD, "created_at": sa.func.now()}
    try:
        with any_store.database.transaction() as session:
            for _ in range(2):
                session.execute(sa.insert(people).values(**row))
    except sa.exc.IntegrityError:
        structlog.get_logger(__name__).exception("row_refused")
        logging.getLogger("dramatiq.worker").exception("Failed to process a message")
    text = log.getvalue()
    assert "IntegrityError" in text and "test_no_secret_in_the_log.py" in text
    assert CANARY not in text and CARD not in text


def test_the_causes_of_an_error_are_named(any_store: Store, log: io.StringIO) -> None:
    try:
        try:
            open("/nonexistent/" + CANARY, encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise RuntimeError(CANARY) from error
    except RuntimeError:
        structlog.get_logger(__name__).exception("file_not_read")
    text = log.getvalue()
    assert "FileNotFoundError: No such file or directory" in text and "builtins.RuntimeError" in text
    assert "test_the_causes_of_an_error_are_named" in text


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[31m", "\u2028", "\u202e", "\x00"])
def test_a_line_break_forges_no_entry(any_store: Store, log: io.StringIO, sign: str) -> None:
    before = len(log.getvalue())
    structlog.get_logger(__name__).warning("name_refused", name=f"x{sign}2026-01-01 [error] database_lost")
    text = log.getvalue()[before:]
    assert sign not in text.rstrip("\n") and text.count("\n") == 1
