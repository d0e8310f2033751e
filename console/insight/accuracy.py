"""The accuracy page: how well categories are predicted, models, tickets to label, and rollback.

Every prediction can be downloaded, so that anybody can recompute the figures. Training is only requested here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from classifier import shelf
from classifier.model import BrokenArtefact
from console.insight import accuracy_figures, model_admin
from console.insight.model_admin import Refused
from console.web.request_context import Visit
from desk.access.permissions import Verb
from desk.learning.active_learning import most_useful
from desk.learning.model_standing import standing
from desk.reports.spreadsheet import BOM, safe_cell
from storage.learning import accuracy, categories, models
from storage.learning.accuracy import EvaluatedGuess
from storage.learning.models import Model
from storage.tickets import corrections

TAUGHT_AT_ONCE = 12
_WEEKS_OFFERED = (4, 12, 26, 52)


def show(visit: Visit) -> Response:
    weeks = _weeks(visit)
    newest = models.list_all(visit.session, 20)
    last = models.last_attempt(visit.session)
    return visit.html(
        "insight/accuracy.html",
        shown_weeks=weeks,
        offered=_WEEKS_OFFERED,
        models=newest,
        active=next((one for one in newest if one.state == models.ACTIVE), None),
        alarm=_alarm(visit, newest),
        standings={one.version: standing(one.made_by, one.report) for one in newest},
        waiting=corrections.count_after(visit.session, (last.last_correction_id if last else 0) or 0),
        leads=visit.may(Verb.MANAGE),
        **accuracy_figures.accuracy_report(visit.session, visit.now, weeks),
    )


def tickets_to_label(visit: Visit) -> Response:
    """The tickets whose labels help most, each with one button per category."""
    uncertain = accuracy.load_uncertain_tickets(visit.session)
    return visit.html("insight/label_tickets.html", open=len(uncertain), doubts=most_useful(uncertain, TAUGHT_AT_ONCE))


def as_csv(visit: Visit) -> Response:
    """Every prediction with its true category; `docs/recompute_accuracy.py` computes the figures from it."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow([one.name for one in fields(EvaluatedGuess)])
    for fact in _facts(visit):
        writer.writerow([_cell(value) for value in asdict(fact).values()])
    headers = {"Content-Disposition": 'attachment; filename="guesses.csv"'}
    return Response(BOM + page.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def as_json(visit: Visit) -> Response:
    rows = [asdict(fact) | {"at": fact.at.isoformat()} for fact in _facts(visit)]
    headers = {"Content-Disposition": 'attachment; filename="guesses.json"'}
    return Response(json.dumps(rows, ensure_ascii=False), media_type="application/json", headers=headers)


def train(visit: Visit, _fields: Mapping[str, str]) -> Response:
    who = visit.agent.name or visit.agent.address
    categories.ask_for_training(visit.session, f"{who} asked for it", visit.now)
    return RedirectResponse("/accuracy?done=asked", 303)


def promote(visit: Visit, fields: Mapping[str, str]) -> Response:
    return _switched(visit, fields.get("version", ""))


def roll_back(visit: Visit, _fields: Mapping[str, str]) -> Response:
    return _switched(visit, "")


def _switched(visit: Visit, version: str) -> Response:
    store = visit.desk.store
    try:
        if version:
            model_admin.promote(store, visit.session, version, visit.now)
        else:
            model_admin.roll_back(store, visit.session, visit.now)
    except Refused as error:
        raise HTTPException(409, f"Failed: {error}.") from None
    return RedirectResponse("/accuracy?done=promoted", 303)


def _alarm(visit: Visit, known: list[Model]) -> str:
    """What is wrong with the models, as a sentence; empty if nothing is."""
    active = next((one for one in known if one.state == models.ACTIVE), None)
    if active is not None:
        try:
            shelf.check(visit.desk.store.settings.data / models.FOLDER, active.version, active.checksum)
        except BrokenArtefact as error:
            return f"The files of the active model cannot be trusted; workers keep the one that they have. {error}"
    broken = next((one for one in known if one.state == models.BROKEN), None)
    return f"Model {broken.version} was broken and is not used: {broken.reason}" if broken else ""


def _facts(visit: Visit) -> list[EvaluatedGuess]:
    return accuracy.load_guesses(visit.session, accuracy.weeks_before(visit.now, _weeks(visit) - 1))


def _weeks(visit: Visit) -> int:
    text = visit.request.query_params.get("weeks", "")
    return (
        min(max(int(text), 1), 520) if text.isascii() and text.isdigit() and len(text) < 5 else accuracy_figures.WEEKS
    )


def _cell(value: Any) -> str:
    """Text that a spreadsheet shows and does not run."""
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return safe_cell(text) if isinstance(value, str) else text
