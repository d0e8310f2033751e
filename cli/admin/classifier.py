"""Commands on the categoriser: its state, training, explanations, rollback, export and import, and active learning.

The caller hands in the function that trains, since only frontdesk.py may import workers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from classifier.evaluate import report
from classifier.explanation import explanation as explanation_of
from cli import output
from cli.open_desk import Trouble, opened
from cli.tickets import explanation
from console.insight import accuracy_figures, model_admin
from console.insight.model_admin import Refused
from desk.config.settings import Settings
from desk.learning.active_learning import most_useful
from desk.learning.model_standing import standing
from storage.learning import accuracy, models, training_labels
from storage.learning.models import Model
from storage.open_store import Store
from storage.runtime import key_values
from storage.runtime.logging_setup import escaped
from storage.tickets import corrections

_COLUMNS = ("version", "state", "standing", "made_by", "examples", "created_at", "macro_f1", "reason")
_WEEK = ("week", "count", "automatic", "suggest", "unsure", "automatic_accuracy", "first_guess_accuracy", "drift")
_FIGURES = ("count", "accuracy", "macro_f1", "calibration_error", "coverage", "automatic", "automatic_precision")

T = TypeVar("T")
Train = Callable[[Store, argparse.Namespace], Model]
"""Trains in the foreground; raises RuntimeError with a sentence if another training runs."""


def status(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_row(one) for one in models.list_all(session)]
        last = models.last_attempt(session)
        waiting = corrections.count_after(session, (last.last_correction_id if last else 0) or 0)
        training = key_values.get(session, key_values.PROGRESS)
    if args.json:
        output.as_json({"models": rows, "new_corrections": waiting, "training": training})
        return 0
    output.table(rows, _COLUMNS)
    for row in (row for row in rows if row["state"] == models.ACTIVE):
        print(f"\nguessing now: {row['standing']}: {row['means']}")
    print(f"\n{waiting} new words of agents since the last training")
    if training:
        print(f"training: {escaped(str(training.get('result') or training['stage']))} ({training['at'][:19]} UTC)")
    return 0


def train(args: argparse.Namespace, settings: Settings, _now: datetime, *, train: Train) -> int:
    with opened(settings) as store:
        try:
            made = train(store, args)
        except RuntimeError as error:
            raise Trouble(f"{error}: `frontdesk classifier status` shows how far it is", 75) from error
    if args.json:
        output.as_json(_row(made) | {"report": made.report})
        return 0
    _print_report(made)
    return 0


def evaluate(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """A model on what agents said; on what it has not learned from, where there is enough of that."""
    with opened(settings) as store, store.database.reading() as session:
        model = _or_trouble(lambda: model_admin.load_model(store, session, args.model))
        row = models.get(session, model.parts.version)
        examples = training_labels.labels_by_agents(session)
    learned_to = (row.last_correction_id if row else 0) or 0
    new = [one for one in examples if one.correction_id > learned_to]
    chosen = new if args.new or len(new) >= 30 else examples
    if not chosen:
        raise Trouble("no agent has said anything about a category yet, so there is nothing to measure on")
    chances = model.predict_proba([one.text for one in chosen])
    found = report(model.classes_.tolist(), chances, [one.category for one in chosen], model.parts.thresholds)
    seen = "that it has not learned from" if chosen is new else "some of which it has learned from"
    if args.json:
        output.as_json(found.to_json() | {"version": model.parts.version, "unseen": chosen is new})
    else:
        print(f"{model.parts.version} on {len(chosen)} tickets that agents labelled, {seen}")
        output.fields({name: _plain(getattr(found, name)) for name in _FIGURES})
    return 0


def explain(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        model = _or_trouble(lambda: model_admin.load_model(store, session, args.model))
        text = training_labels.opening_text(session, args.ticket) if args.ticket else args.text
    if not text:
        raise Trouble("give a text, or --ticket with the number of a ticket that has words", 64)
    found = _or_trouble(lambda: explanation_of(model, text, args.category))
    if args.json:
        output.as_json(found)
    else:
        explanation.show(found, text)
    return 0


def promote(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.promote(store, session, args.version, now))
    return _say(args, row, f"{row.version} is the desk's model now; workers take it within seconds")


def rollback(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.roll_back(store, session, now))
    return _say(args, row, f"back to {row.version}; workers take it within seconds")


def give_out(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        version = _or_trouble(lambda: model_admin.export_model(store, session, args.model, Path(args.target)))
    if args.json:
        output.as_json({"version": version, "file": args.target})
    else:
        print(f"{version} is in {args.target}: three files of numbers and words, nothing that runs")
    return 0


def take_in(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.import_model(store, session, Path(args.source), now))
    return _say(args, row, f"{row.version} is whole; `frontdesk classifier promote {row.version}` makes it the desk's")


def history(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        found = accuracy_figures.accuracy_report(session, now, args.weeks)
    if args.json:
        output.as_json(found)
        return 0
    output.table([{name: _plain(week[name]) for name in _WEEK} for week in found["weeks"]], _WEEK)
    return 0


def teach(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_question(one) for one in most_useful(accuracy.load_uncertain_tickets(session), args.most)]
    if args.json:
        output.as_json(rows)
        return 0
    output.table(rows, ("ticket", "subject", "hesitates_between"))
    print("\nsay it in the console (Accuracy, Teach me), or answer the notice with `#category NAME` on its first line")
    return 0


def _question(one: accuracy.UncertainTicket) -> dict[str, Any]:
    choices = [f"{name} {chance:.0%}" for name, chance in one.choices]
    return {"ticket": one.ticket_id, "subject": one.subject, "words": one.words, "hesitates_between": choices}


def _row(one: Model) -> dict[str, Any]:
    facts: Mapping[str, Any] = one.report.get("evaluation") or {}
    kept = {name: value for name, value in asdict(one).items() if name != "report"}
    found = standing(one.made_by, one.report)
    return kept | {"macro_f1": _plain(facts.get("macro_f1")), "standing": found.name, "means": found.words}


def _print_report(made: Model) -> None:
    print(f"{made.version}: {made.state}, {made.reason}")
    facts = made.report
    output.fields(
        {"examples of agents": facts["said"], "never contradicted": facts["silent"], "seconds": facts["seconds"]}
    )
    output.fields({f"left out, {why}": count for why, count in facts["left_out"].items()})
    for who in facts["capped"]:
        print(f"capped: {escaped(who)}")
    found = facts.get("evaluation")
    if found:
        output.fields({name: _plain(found[name]) for name in _FIGURES})
        output.table(
            [{k: _plain(v) for k, v in one.items()} for one in found["beside"]], ("name", "accuracy", "macro_f1")
        )


def _plain(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _say(args: argparse.Namespace, row: Model, text: str) -> int:
    if args.json:
        output.as_json(_row(row))
    else:
        print(text)
    return 0


def _or_trouble(act: Callable[[], T]) -> T:
    try:
        return act()
    except (Refused, ValueError) as error:
        raise Trouble(str(error)) from error
