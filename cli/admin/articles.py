"""`frontdesk article`: list, show, export and import as JSON.

What is taken in is known by its title and language: the same words again change nothing, other words are another
version of the same article.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.knowledge.articles import Audience, State
from storage.db.session import Session
from storage.knowledge import articles
from storage.knowledge.articles import Article, ArticleFilter
from storage.runtime.logging_setup import escaped

_COLUMNS = ("id", "state", "audience", "category", "version", "title", "suggested", "used", "helped", "not_helped")
_TAKEN = ("title", "text", "category", "language", "state", "audience")
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a taking-in did."""

    new: int = 0
    changed: int = 0
    same: int = 0


def listed(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        if args.search:
            found = articles.search(session, Audience.INTERNAL, args.search, args.most)
        else:
            state, category = args.state or "", args.category or ""
            found = articles.page(
                session, Audience.INTERNAL, ArticleFilter(state=state, category=category, most=args.most)
            )
        uses = articles.count_uses(session, [one.id for one in found])
    rows = [asdict(one) | _counts(uses[one.id]) for one in found]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def shown(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        article = _found(session, args.id)
        whole = asdict(article) | _counts(articles.count_uses(session, [article.id])[article.id])
        whole |= {"versions": [asdict(one) for one in articles.versions(session, article.id)]}
        whole |= {"tickets": articles.tickets_of(session, article.id)}
    if args.json:
        output.as_json(whole)
        return 0
    output.fields({name: whole[name] for name in (*_COLUMNS, "tickets")})
    for line in article.text.splitlines():
        print("    " + escaped(line))
    return 0


def given_out(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """All that no private team keeps, as JSON."""
    with opened(settings) as store, store.database.reading() as session:
        found = articles.page(session, Audience.INTERNAL, ArticleFilter(state=args.state or "", most=_MOST))
    rows = [{name: asdict(one)[name] for name in _TAKEN} for one in reversed(found) if one.team_id is None]
    text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    if args.file == "-":
        print(text, end="")
    else:
        Path(args.file).write_text(text, encoding="utf-8")
        print(f"{len(rows)} articles are in {args.file}")
    return 0


def taken_in(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    try:
        given = json.loads(Path(args.file).read_text(encoding="utf-8"))
        wanted = [_read(one, now) for one in given]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Trouble(f"{args.file} is no list of articles: {error}", 65) from error
    with opened(settings) as store, store.database.transaction() as session:
        done = _take_in(session, wanted, now, args.dry_run)
    if args.json:
        output.as_json(asdict(done))
    else:
        print(
            f"{done.new} new, {done.changed} changed, {done.same} as they were" + args.dry_run * " (nothing was kept)"
        )
    return 0


def _take_in(session: Session, wanted: list[Article], now: datetime, dry_run: bool) -> _Taken:
    known = {
        (one.title, one.language): one for one in articles.page(session, Audience.INTERNAL, ArticleFilter(most=_MOST))
    }
    done = _Taken()
    for one in wanted:
        old = known.get((one.title, one.language))
        if old is None:
            done = replace(done, new=done.new + 1)
            known[one.title, one.language] = one if dry_run else articles.add(session, one)
            continue
        new = replace(old, **{name: getattr(one, name) for name in _TAKEN})
        done = replace(done, same=done.same + 1) if new == old else replace(done, changed=done.changed + 1)
        if new != old and not dry_run:
            articles.save(session, old, replace(new, updated_at=now), None)
    return done


def _read(given: Mapping[str, Any], now: datetime) -> Article:
    unknown = sorted(set(given) - set(_TAKEN))
    texts = {name: given.get(name, "") for name in ("title", "text", "category", "language")}
    if unknown or not all(isinstance(text, str) for text in texts.values()) or not texts["title"].strip():
        raise ValueError(
            f"an article has {', '.join(_TAKEN)}; title and text are texts" + f"; not {unknown}" * bool(unknown)
        )
    state, audience = State(given.get("state", State.DRAFT)), Audience(given.get("audience", Audience.INTERNAL))
    published = now if state is State.PUBLISHED else None
    return Article(0, created_at=now, updated_at=now, state=state, audience=audience, published_at=published, **texts)


def _found(session: Session, number: int) -> Article:
    article = articles.get(session, number, Audience.INTERNAL)
    if article is None:
        raise Trouble(f"there is no article {number}")
    return article


def _counts(uses: Mapping[str, int]) -> dict[str, int]:
    return {kind: uses.get(kind, 0) for kind in ("suggested", "used", "helped", "not_helped")}
