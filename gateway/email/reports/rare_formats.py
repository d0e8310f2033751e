"""Asks flufl.bounce about reports that no rule here knows: it knows rare programs, and some that are long gone.

It is slow to load, searches some lines in quadratic time, and takes human mail for bounces: it is asked last, about
mail that is a machine's, and shown short lines of the report's begin.
"""

from __future__ import annotations

MAX_SHOWN, MAX_LINES, MAX_LINE = 30_000, 400, 250


def failures(raw: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who did not get the mail for now, and who not for good."""
    # Imported late, since almost no mail needs it.
    from email import message_from_bytes
    from logging import CRITICAL, getLogger

    from flufl.bounce import all_failures

    # It logs a traceback for each of its detectors that fails, which on hostile mail is most of them.
    getLogger("flufl.bounce").setLevel(CRITICAL)
    lines = raw[:MAX_SHOWN].splitlines()[:MAX_LINES]
    try:
        temporary, permanent = all_failures(message_from_bytes(b"\n".join(line[:MAX_LINE] for line in lines)))
    except Exception:  # noqa: BLE001 - a foreign parser on hostile mail; what it cannot read is no bounce
        return (), ()
    return _texts(temporary), _texts(permanent)


def _texts(addresses: object) -> tuple[str, ...]:
    found = addresses if isinstance(addresses, (set, frozenset)) else ()
    return tuple(sorted(each.decode("ascii", "replace") for each in found if b"@" in each))
