"""Why a ticket has its category: the opening message with each word's weight, for and against, and other categories.

The model is loaded when this page is requested, so that the ticket page need not wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.responses import Response

from classifier.explanation import explanation
from console.insight import model_admin
from console.insight.model_admin import Refused
from console.tickets.detail import ticket_or_404
from console.web.request_context import Visit
from storage.learning import training_labels
from storage.tickets import tickets

MOST_TEXT = 4_000
_TOKEN = re.compile(r"\w+")
_WEAK = 0.02


def show(visit: Visit) -> Response:
    ticket = ticket_or_404(visit)
    text = training_labels.opening_text(visit.session, ticket.id)
    asked_for = visit.request.query_params.get("category", "")[:200]
    try:
        model = model_admin.load_model(visit.desk.store, visit.session)
        reasons = explanation(model, text, asked_for)
    except (Refused, ValueError) as error:
        raise HTTPException(404, f"That cannot be explained: {error}.") from None
    guessed = tickets.prediction_of(visit.session, ticket.id)
    shown = marked(text[:MOST_TEXT], reasons)
    return visit.html(
        "tickets/category_explanation.html", ticket=ticket, prediction=guessed, reasons=reasons, text=shown
    )


def marked(text: str, found: Mapping[str, Any]) -> Markup:
    """The text with its weighted words marked; everything is escaped."""
    weights = {word.casefold(): weight for word, weight in (*found["words_for"], *found["words_against"])}
    most = max(map(abs, weights.values()), default=0.0)
    parts: list[Markup] = []
    end = 0
    for match in _TOKEN.finditer(text):
        weight = weights.get(match[0].casefold(), 0.0)
        if abs(weight) <= most * _WEAK:
            continue
        side = "for" if weight > 0 else "against"
        strong = " strong" if abs(weight) > most / 2 else ""
        parts.append(escape(text[end : match.start()]))
        mark = Markup('<mark class="{}" title="{:+.2f}">{}</mark>')
        parts.append(mark.format(side + strong, weight, match[0]))
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
