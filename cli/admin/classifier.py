"""Commands on the categoriser: its state, training, explanations, rollback, export and import, and active learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from classifier.evaluate import report
from classifier.explanation import explanation as explanation_of
from cli import output
from cli.command import DRY_RUN, Call, DeskGroup, most
from cli.tickets import explanation
from cli.trouble import Trouble
from console.insight import accuracy_figures, model_admin
from console.insight.model_admin import Refused
from desk.learning.active_learning import most_useful
from desk.learning.model_standing import standing
from storage.learning import accuracy, models, training_labels
from storage.learning.models import Model
from storage.runtime import key_values
from storage.runtime.logging_setup import escaped
from storage.tickets import corrections

_COLUMNS = ("version", "state", "standing", "made_by", "examples", "created_at", "macro_f1", "reason")
_WEEK = ("week", "count", "automatic", "suggest", "unsure", "automatic_accuracy", "first_guess_accuracy", "drift")
_FIGURES = ("count", "accuracy", "macro_f1", "calibration_error", "coverage", "automatic", "automatic_precision")

T = TypeVar("T")
_MODEL = click.option("--model", default="", metavar="VERSION", help="Instead of the active one.")

classifier_group = DeskGroup("classifier", help="The categoriser: how it is, training, reasons, undo.")


@classifier_group.command()
def status(call: Call) -> None:
    """All models, what waits to be learned, and a running training."""
    with call.reading() as session:
        rows = [_row(model) for model in models.list_all(session)]
        last = models.last_attempt(session)
        waiting = corrections.count_after(session, (last.last_correction_id if last else 0) or 0)
        training = key_values.get(session, key_values.PROGRESS)
    if call.as_json:
        return output.as_json({"models": rows, "new_corrections": waiting, "training": training})
    output.table(rows, _COLUMNS)
    for row in (row for row in rows if row["state"] == models.ACTIVE):
        print(f"\nguessing now: {row['standing']}: {row['means']}")
    print(f"\n{waiting} new words of agents since the last training")
    if training:
        print(f"training: {escaped(str(training.get('result') or training['stage']))} ({training['at'][:19]} UTC)")
    return None


@classifier_group.command()
@DRY_RUN
def train(call: Call, dry_run: bool) -> None:
    """Train now, in this process, and take over if it is not worse."""
    from workers.training.train import TrainingRequest, retrain

    wish = TrainingRequest("command", "a person asked by command", dry_run=dry_run)
    with call.store() as store:
        try:
            model = retrain(store, lambda: datetime.now(UTC), wish)
        except RuntimeError as error:
            raise Trouble(f"{error}: `frontdesk classifier status` shows how far it is", 75) from error
    if call.as_json:
        output.as_json(_row(model) | {"report": model.report})
    else:
        _print_report(model)


@classifier_group.command()
@click.option("--new", is_flag=True, help="Only on what it has not learned from.")
@_MODEL
def evaluate(call: Call, new: bool, model: str) -> None:
    """Measure a model on what agents said; on what it has not learned from, where there is enough of that."""
    with call.store() as store, store.database.reading() as session:
        measured = _or_trouble(lambda: model_admin.load_model(store, session, model))
        row = models.get(session, measured.parts.version)
        examples = training_labels.labels_by_agents(session)
    learned_to = (row.last_correction_id if row else 0) or 0
    unseen = [example for example in examples if example.correction_id > learned_to]
    chosen = unseen if new or len(unseen) >= 30 else examples
    if not chosen:
        raise Trouble("no agent has said anything about a category yet, so there is nothing to measure on")
    chances = measured.predict_proba([example.text for example in chosen])
    truth = [example.category for example in chosen]
    figures = report(measured.classes_.tolist(), chances, truth, measured.parts.thresholds)
    if call.as_json:
        return output.as_json(figures.to_json() | {"version": measured.parts.version, "unseen": chosen is unseen})
    seen = "that it has not learned from" if chosen is unseen else "some of which it has learned from"
    print(f"{measured.parts.version} on {len(chosen)} tickets that agents labelled, {seen}")
    return output.fields({name: _plain(getattr(figures, name)) for name in _FIGURES})


@classifier_group.command()
@click.argument("text", default="")
@click.option("--ticket", type=int, metavar="NUMBER", help="The words of this ticket.")
@click.option("--category", default="", help="Explain this one instead of the guessed one.")
@_MODEL
def explain(call: Call, text: str, ticket: int | None, category: str, model: str) -> None:
    """Which words speak for a category, and which against."""
    with call.store() as store, store.database.reading() as session:
        asked = _or_trouble(lambda: model_admin.load_model(store, session, model))
        words = training_labels.opening_text(session, ticket) if ticket else text
    if not words:
        raise Trouble("give a text, or --ticket with the number of a ticket that has words", 64)
    reasons = _or_trouble(lambda: explanation_of(asked, words, category))
    if call.as_json:
        output.as_json(reasons)
    else:
        explanation.show(reasons, words)


@classifier_group.command()
@click.argument("version")
def promote(call: Call, version: str) -> None:
    """Make this model the desk's."""
    with call.store() as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.promote(store, session, version, call.now))
    call.answer(_row(row), f"{row.version} is the desk's model now; workers take it within seconds")


@classifier_group.command()
def rollback(call: Call) -> None:
    """Go back to the model before."""
    with call.store() as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.roll_back(store, session, call.now))
    call.answer(_row(row), f"back to {row.version}; workers take it within seconds")


@classifier_group.command("export")
@click.argument("target", metavar="FILE.zip")
@_MODEL
def export_model(call: Call, target: str, model: str) -> None:
    """A model as a zip."""
    with call.store() as store, store.database.reading() as session:
        version = _or_trouble(lambda: model_admin.export_model(store, session, model, Path(target)))
    text = f"{version} is in {target}: three files of numbers and words, nothing that runs"
    call.answer({"version": version, "file": target}, text)


@classifier_group.command("import")
@click.argument("source")
def import_model(call: Call, source: str) -> None:
    """Take a model in, checked, as a candidate."""
    with call.store() as store, store.database.transaction() as session:
        row = _or_trouble(lambda: model_admin.import_model(store, session, Path(source), call.now))
    call.answer(_row(row), f"{row.version} is whole; `frontdesk classifier promote {row.version}` makes it the desk's")


@classifier_group.command()
@click.option("--weeks", type=int, default=12, help="So many weeks back.")
def history(call: Call, weeks: int) -> None:
    """By week: how much was automatic, and how much of it right."""
    with call.reading() as session:
        figures = accuracy_figures.accuracy_report(session, call.now, weeks)
    if call.as_json:
        output.as_json(figures)
    else:
        output.table([{name: _plain(week[name]) for name in _WEEK} for week in figures["weeks"]], _WEEK)


@classifier_group.command()
@most(20)
def teach(call: Call, most: int) -> None:
    """The tickets that would teach it most."""
    with call.reading() as session:
        rows = [_question(one) for one in most_useful(accuracy.load_uncertain_tickets(session), most)]
    call.rows(rows, ("ticket", "subject", "hesitates_between"))
    if not call.as_json:
        print("\nsay it in the console (Accuracy, Label tickets), or answer the notice with `#category NAME`")


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


def _or_trouble(act: Callable[[], T]) -> T:
    try:
        return act()
    except (Refused, ValueError) as error:
        raise Trouble(str(error)) from error
