"""Commands on keyword rules and categories: add, test on past tickets, switch on and off, remove or retire."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from classifier.starter import hints
from cli import output
from cli.admin.dry_run_commands import Commands
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.rules.keyword_rules import BadRule, Rule, words_of
from storage.learning import categories, keyword_rules
from storage.learning.keyword_rules import StoredKeywordRule

_RULE = ("name", "category", "kind", "active", "all", "any", "none", "test")
_MOST_SHOWN = 20


def rule_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    try:
        words = words_of(_listed(args.all), _listed(args.any), _listed(args.none))
    except BadRule as error:
        raise Trouble(str(error), 64) from error
    with opened(settings) as store, store.database.transaction() as session:
        keyword_rules.save(session, Rule(args.name, args.category, words, args.hard, args.position), now)
        row = _row(RULES.kept(session, args.name))
    return output.said(
        args, row, f"rule {args.name} is there, switched off: try it with `frontdesk rule test {args.name}`"
    )


def rule_test(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        trial = keyword_rules.run_test(session, RULES.kept(session, args.name), now)
    found = [
        {"ticket": number, "subject": subject, "has": category, "right": right}
        for number, subject, category, right in trial.changed
    ]
    if args.json:
        output.as_json({"sentence": trial.sentence, "looked_at": trial.looked_at, "changed": found})
        return 0
    print(trial.sentence)
    if found:
        output.table(found[:_MOST_SHOWN], ("ticket", "has", "right", "subject"))
    return 0


def category_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        name = _name(args.name)
        categories.save(session, name, args.words[: categories.LONGEST_WORDS], now)
    return output.said(
        args, {"name": name, "words": args.words}, f"category {name}: its words count at once, a training follows"
    )


def category_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        own = {one.name: one for one in categories.list_all(session)}
    rows = [{"name": one.name, "words": one.words, "active": one.active, "from": "this desk"} for one in own.values()]
    rows += [{"name": n, "words": w, "active": True, "from": "starter"} for n, w in hints().items() if n not in own]
    rows.sort(key=lambda row: str(row["name"]))
    return output.rows(args, rows, ("name", "active", "from", "words"))


def category_retire(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        own = {one.name: one for one in categories.list_all(session)}
        if args.name not in own and args.name not in hints():
            raise Trouble(f"there is no category {args.name!r}: `frontdesk category list` shows all")
        words = own[args.name].words if args.name in own else ""
        categories.save(session, args.name, words, now, active=False)
    return output.said(
        args, {"name": args.name, "active": False}, f"category {args.name} is not guessed after the next training"
    )


def _row(kept: StoredKeywordRule) -> dict[str, Any]:
    rule = kept.rule
    test = str(kept.test.get("sentence", "")) if kept.is_tested else "not tested as it is"
    kind = "hard" if rule.hard else "soft"
    shown = {"name": rule.name, "category": rule.category, "kind": kind, "position": rule.position}
    return shown | {"active": kept.active, **rule.words.to_json(), "test": test}


def _listed(texts: list[str] | None) -> list[str]:
    """Each option may be given several times and may hold several, with commas between them."""
    return [part for text in texts or () for part in text.split(",")]


def _name(text: str) -> str:
    plain = "".join(letter for letter in text if letter.isprintable()).strip()
    if not plain or len(plain) > categories.LONGEST_NAME:
        raise Trouble(f"a category's name has 1 to {categories.LONGEST_NAME} letters", 64)
    return plain


RULES = Commands("rule", keyword_rules, _row, _RULE, BadRule)
