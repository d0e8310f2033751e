"""The fetch_files job: fetches the files of Slack messages that are stored already, and attaches them or notes why not.

A row is held by a lease while its file is fetched; whoever removes the row decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog
from structlog.contextvars import bound_contextvars

from storage.db.session import is_outage
from usecases.tickets import pending_files
from usecases.tickets.pending_files import PendingFile
from workers.outbound.errors import TransportError
from workers.runtime.context import Context
from workers.slack import files as slack_files

log = structlog.get_logger()

BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 14400))
"""Pauses after the first, second… failed try; after the last the file counts as missing."""


def drain(context: Context, first: Sequence[int] = ()) -> int:
    """Fetch all that is due, the files of the messages in `first` at once; returns how many files were tried."""
    done = 0
    while True:
        with context.store.database.transaction() as session:
            late = pending_files.claim(session, context.now(), first)
        if late is None:
            return done
        done += 1
        with bound_contextvars(ticket_id=late.ticket_id, message_id=late.message_id):
            _fetch_one(context, late)


def _fetch_one(context: Context, late: PendingFile) -> None:
    """Fetches one file. One that raises is retried like a refused one, so that the others are fetched."""
    try:
        fetched = slack_files.fetch(context.store.settings, late.file_id)
        with context.store.database.transaction() as session:
            sha256 = context.store.blobs.put(session, fetched.data, context.now())
            pending_files.store_file(session, late, sha256, len(fetched.data), fetched.media_type, context.now())
    except TransportError as error:
        _failed(context, late, error)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("late_file_failed")
        _failed(context, late, TransportError(f"it could not be kept ({type(error).__name__})", permanent=False))
    else:
        log.info("late_file_fetched")


def _failed(context: Context, late: PendingFile, error: TransportError) -> None:
    log.warning("late_file_not_fetched", attempt=late.attempts)
    now = context.now()
    with context.store.database.transaction() as session:
        if error.permanent or late.attempts > len(BACK_OFF):
            pending_files.mark_missing(session, late, str(error), now)
            return
        pause = BACK_OFF[late.attempts - 1]
        if error.retry_after is not None:
            pause = timedelta(seconds=error.retry_after)
        pending_files.postpone(session, late, now + pause)
