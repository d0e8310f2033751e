"""Articles in the console: search, draft from a solved ticket, edit, review, publish, compare and restore versions.

Agents write and submit for review; leads and admins publish and retire. A draft made from a ticket shows which personal
data was removed until somebody edits it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from classifier.text import clean
from console.tickets.actions import plain_name
from console.web.request_context import Action, Desk, Visit, action
from desk.access.permissions import Verb
from desk.knowledge import articles as rules
from desk.knowledge.articles import Audience, Draft, State
from desk.knowledge.reusable_answer import for_others
from desk.text.language import language
from desk.tickets import subject
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, Change, Event, MessageKind, NotAllowed, Ticket
from storage.db.session import Session
from storage.knowledge import articles, csat
from storage.knowledge.articles import Article, ArticleFilter
from storage.people import people
from storage.tickets import listings, tickets
from usecases.tickets.resolution import resolution_from_replies

PER_PAGE = 50


def show(visit: Visit) -> Response:
    """The list; a search covers all states."""
    asked = visit.request.query_params
    words, state = asked.get("q", "").strip()[:500], asked.get("state", "")
    wanted = state if state in set(State) else ""
    page = (
        articles.search(visit.session, Audience.INTERNAL, words, PER_PAGE)
        if words
        else articles.page(
            visit.session,
            Audience.INTERNAL,
            ArticleFilter(state=wanted, category=asked.get("category", ""), before=visit.before()),
        )
    )
    return visit.html(
        "knowledge/articles.html",
        rows=page,
        uses=articles.count_uses(visit.session, [one.id for one in page]),
        states=list(State),
        state=wanted,
        words=words,
        more=page[-1].id if len(page) == PER_PAGE and not words else 0,
        categories=listings.known_categories(visit.session),
    )


def detail(visit: Visit) -> Response:
    """An article with its forms, versions, uses and tickets."""
    article = _found(visit)
    history = articles.versions(visit.session, article.id)
    editors = people.by_ids(visit.session, [v.editor_id for v in history if v.editor_id])
    return visit.html(
        "knowledge/article.html",
        article=article,
        versions=history,
        editors=editors,
        uses=articles.count_uses(visit.session, [article.id])[article.id],
        solved=articles.tickets_of(visit.session, article.id),
        moves=_moves(visit, article),
        removed=_removed(visit, article),
        diff=_diff(visit, history),
        categories=listings.known_categories(visit.session),
    )


def draft_from(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Creates a draft from a ticket; a second click shows the draft of the first."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    drafts = articles.page(visit.session, Audience.INTERNAL, ArticleFilter(ticket_id=ticket.id, most=1))
    article = drafts[0] if drafts else add_draft(visit.session, ticket, visit.actor, visit.now)
    return _to(article.id, "drafted")


def add_draft(session: Session, ticket: Ticket, actor: Actor, now: datetime) -> Article:
    """Stores the draft and its event; a private team's article stays with that team."""
    drafted = drafted_from(session, ticket)
    words = Article(0, drafted.title, drafted.text, now, now, ticket.category or "")
    team = ticket.team_id if csat.is_private(session, ticket.id) else None
    article = replace(
        words, language=language(drafted.text), team_id=team, author_id=actor.id, from_ticket_id=ticket.id
    )
    article = articles.add(session, article)
    articles.record_use(session, [article.id], articles.LINKED, now, ticket.id, actor.id)
    event = Event(ticket.id, now, EventKind.ARTICLE_DRAFTED, actor, after=str(article.id))
    tickets.save(session, Change(ticket, (event,)))
    return article


def drafted_from(session: Session, ticket: Ticket) -> Draft:
    """The draft that this ticket would give. NotAllowed where the ticket has no solution."""
    answer = resolution_from_replies(session, ticket)
    if not answer.strip():
        raise NotAllowed(f"nothing says what solved #{ticket.id}: write its resolution first")
    messages = tickets.messages_of(session, ticket.id)
    asked = next((one.reply for one in messages if one.inbound and one.kind is MessageKind.REPLY), "")
    return rules.draft(subject.base(ticket.subject), clean(asked), for_others(answer), _people(session, ticket))


def new(visit: Visit, fields: Mapping[str, str]) -> Response:
    """A new article without a ticket."""
    article = Article(0, "", "", visit.now, visit.now, author_id=visit.agent.id)
    article = _filled(article, fields)
    if not article.title:
        raise NotAllowed("an article needs a title")
    return _to(articles.add(visit.session, replace(article, language=language(article.text))).id, "kept")


def edit(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Changes text, category or audience."""
    article = _current(visit, fields)
    changed = _filled(article, fields)
    opens = changed.audience is Audience.PUBLIC and article.audience is not changed.audience
    if opens and not visit.may(Verb.PUBLISH):
        raise NotAllowed("only leads and admins may make an article public")
    articles.save(visit.session, article, replace(changed, updated_at=visit.now), visit.agent.id)
    return _to(article.id, "kept")


def set_state(visit: Visit, fields: Mapping[str, str]) -> Response:
    article = _current(visit, fields)
    if fields.get("state") not in set(State):
        raise NotAllowed("that is no state of an article")
    state = rules.moved(article.state, State(fields["state"]), visit.agent.role)
    published = visit.now if state is State.PUBLISHED else article.published_at
    changed = replace(article, state=state, published_at=published, updated_at=visit.now)
    articles.save(visit.session, article, changed, visit.agent.id)
    return _to(article.id, str(state))


def restore(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Restores an older version as a new one."""
    article = _current(visit, fields)
    old = next((v for v in articles.versions(visit.session, article.id) if str(v.version) == fields.get("to")), None)
    if old is None:
        raise NotAllowed("there is no such version")
    changed = replace(article, title=old.title, text=old.text, updated_at=visit.now)
    articles.save(visit.session, article, changed, visit.agent.id)
    return _to(article.id, "kept")


VERBS: Mapping[str, Action] = {"edit": edit, "state": set_state, "restore": restore}


def on_article(desk: Desk, act: Action) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An action on an article; a refused one is explained."""

    def perform(visit: Visit, fields: Mapping[str, str]) -> Response:
        try:
            return act(visit, fields)
        except NotAllowed as error:
            raise HTTPException(409, f"Failed: {error}.") from error

    return action(desk, perform, Verb.WRITE)


def _found(visit: Visit) -> Article:
    article = articles.get(visit.session, visit.number("article_id"), Audience.INTERNAL)
    if article is None:
        raise HTTPException(404, "There is no such article.")
    return article


def _current(visit: Visit, fields: Mapping[str, str]) -> Article:
    """The article, if its version is that of the form."""
    article = _found(visit)
    if fields.get("version") != str(article.version):
        raise NotAllowed("somebody else changed this article meanwhile; go back, reload it and decide again")
    return article


def _filled(article: Article, fields: Mapping[str, str]) -> Article:
    """The article with the values of the form. A private team's article stays internal."""
    title = " ".join(fields.get("title", article.title).replace("\0", "").split())
    text = fields.get("text", article.text).replace("\r\n", "\n").replace("\0", "").strip()
    category = plain_name(fields.get("category", article.category))
    wanted = fields.get("audience", str(article.audience))
    audience = Audience(wanted) if wanted in set(Audience) and article.team_id is None else Audience.INTERNAL
    return replace(article, title=title, text=text, category=category, audience=audience)


def _moves(visit: Visit, article: Article) -> list[State]:
    possible = [state for state in State if state in rules.MOVES[article.state]]
    return [state for state in possible if visit.may(Verb.PUBLISH) or state not in rules.LEADS_ONLY]


def _removed(visit: Visit, article: Article) -> tuple[tuple[str, str], ...]:
    """Personal data removed from a first draft, for agents who may see its ticket."""
    if article.from_ticket_id is None or article.version > 1 or article.state not in (State.DRAFT, State.REVIEW):
        return ()
    ticket = tickets.get(visit.session, article.from_ticket_id)
    try:
        return drafted_from(visit.session, ticket).removed if ticket else ()
    except NotAllowed:
        return ()


def _diff(visit: Visit, history: list[articles.Version]) -> list[tuple[str, str]]:
    """Lines with "+", "-" or " " of the two versions that the query names."""
    by_number = {str(v.version): v for v in history}
    old, new_ = (by_number.get(visit.request.query_params.get(name, "")) for name in ("from", "to"))
    if old is None or new_ is None:
        return []
    lines = difflib.ndiff([old.title, "", *old.text.split("\n")], [new_.title, "", *new_.text.split("\n")])
    return [(line[0], line[2:]) for line in lines if line[0] in "+- "]


def _people(session: Session, ticket: Ticket) -> list[str]:
    """Names and addresses of everybody on the ticket."""
    persons = people.by_ids(session, [i for i in (ticket.requester_id, ticket.assignee_id) if i])
    around = [text for one in persons.values() for text in (one.name, one.address)]
    wrote = [one.author.name for one in tickets.messages_of(session, ticket.id) if one.kind is MessageKind.REPLY]
    return [*around, *wrote, *tickets.participants_of(session, [ticket.id])[ticket.id]]


def _to(number: int, done: str) -> Response:
    return RedirectResponse(f"/articles/{number}?done={done}", 303)
