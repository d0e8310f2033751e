"""`frontdesk article`: list, show, export and import as JSON.

What is taken in is known by its title and language: the same words again change nothing, other words are another
version of the same article.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cli import output
from cli.command import DRY_RUN, ID, Call, DeskGroup, most
from cli.trouble import Trouble
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


_STATE = click.option("--state", type=click.Choice([str(state) for state in State]), default=None, help="Only those.")

article_group = DeskGroup("article", help="What solved one ticket, written for the next.")


@article_group.command("list")
@click.option("--search", metavar="WORDS", default="", help="Only those with these words.")
@_STATE
@click.option("--category", default="", help="Only those of this category.")
@most(50)
def list_articles(call: Call, search: str, state: str | None, category: str, most: int) -> None:
    """The newest articles."""
    with call.reading() as session:
        if search:
            page = articles.search(session, Audience.INTERNAL, search, most)
        else:
            page = articles.page(
                session, Audience.INTERNAL, ArticleFilter(state=state or "", category=category, most=most)
            )
        uses = articles.count_uses(session, [article.id for article in page])
    call.rows([asdict(article) | _counts(uses[article.id]) for article in page], _COLUMNS)


@article_group.command()
@ID
def show(call: Call, number: int) -> None:
    """One article with its versions and uses."""
    with call.reading() as session:
        article = articles.get(session, number, Audience.INTERNAL)
        if article is None:
            raise Trouble(f"there is no article {number}")
        whole = asdict(article) | _counts(articles.count_uses(session, [article.id])[article.id])
        whole |= {"versions": [asdict(version) for version in articles.versions(session, article.id)]}
        whole |= {"tickets": articles.tickets_of(session, article.id)}
    if call.as_json:
        return output.as_json(whole)
    output.fields({name: whole[name] for name in (*_COLUMNS, "tickets")})
    for line in article.text.splitlines():
        print("    " + escaped(line))
    return None


@article_group.command("export")
@click.argument("file", metavar="FILE.json")
@_STATE
def export_articles(call: Call, file: str, state: str | None) -> None:
    """All articles as JSON, but for those that a private team keeps; - writes them to the standard output."""
    with call.reading() as session:
        page = articles.page(session, Audience.INTERNAL, ArticleFilter(state=state or "", most=_MOST))
    rows = [{name: asdict(one)[name] for name in _TAKEN} for one in reversed(page) if one.team_id is None]
    text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    if file == "-":
        print(text, end="")
        return
    Path(file).write_text(text, encoding="utf-8")
    print(f"{len(rows)} articles are in {file}")


@article_group.command("import")
@click.argument("file", metavar="FILE.json")
@DRY_RUN
def import_articles(call: Call, file: str, dry_run: bool) -> None:
    """Take articles in, known by title and language."""
    try:
        wanted = [_read(row, call.now) for row in json.loads(Path(file).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Trouble(f"{file} is no list of articles: {error}", 65) from error
    with call.writing() as session:
        done = _take_in(session, wanted, call.now, dry_run)
    text = f"{done.new} new, {done.changed} changed, {done.same} as they were" + dry_run * " (nothing was kept)"
    call.answer(asdict(done), text)


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


def _counts(uses: Mapping[str, int]) -> dict[str, int]:
    return {kind: uses.get(kind, 0) for kind in ("suggested", "used", "helped", "not_helped")}
