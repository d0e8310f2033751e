"""Why a person's mail should get no automatic answer: lists, groups, loops, and senders that say so."""

from __future__ import annotations

import re

from desk.mail.author import is_unattended
from desk.mail.automatic.signs import BULK, GROUPS, LISTED, Signs

_LIST_SENDER = re.compile(
    r"(?:owner-[^@]{1,64}|[^@]{1,64}-(?:bounces?|owner|request|admin)(?:\+[^@]{0,100})?)@", re.IGNORECASE
)
_RULES = ("x-ms-exchange-inbox-rules-loop", "x-ms-exchange-organization-autoforwarded", "x-rt-loop-prevention")


def reason_against(signs: Signs) -> str:
    """Empty where the mail may be answered; a reason about a list comes last but for those that hold without one."""
    if signs.suppressed:
        return f"X-Auto-Response-Suppress: {signs.suppressed}"[:80]
    named = next((name for name in _RULES if name in signs.headers), "")
    if named:
        return f"{named} is set"
    listed = _list_field(signs)
    if "x-loop" in signs.headers and not listed:
        return "x-loop is set"
    if "x-loop-detect" in signs.headers:
        return "x-loop-detect is set"
    if listed:
        return f"{LISTED}: {listed} is set"
    for name in ("precedence", "x-precedence", "preference"):
        if signs.word(name) in BULK:
            return f"Precedence: {signs.word(name)}"
    if signs.bulk_field:
        return f"{signs.bulk_field} is set"
    if is_unattended(signs.sender):
        return "the sender says that nobody reads answers"
    return "Auto-Submitted is set" if signs.submitted else ""


def _list_field(signs: Signs) -> str:
    """The field by which a list shows."""
    named = next((name for name in GROUPS if signs.headers.get(name, "").strip()), "")
    if named:
        return named
    fields = ((name, signs.headers.get(name, "").rpartition("<")[2]) for name in ("sender", "errors-to"))
    return next((name for name, value in fields if _LIST_SENDER.match(value.strip())), "")
