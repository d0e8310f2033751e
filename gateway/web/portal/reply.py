"""What requesters do on the page of a request: answer, with files, and say that it is solved.

An answer is an inbound request like a mail to the signed reply address of that requester and ticket: it goes through
the intake, and the worker appends it by the same rules. In: a posted form. Out: a way back to the page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from desk.channels import Channel
from desk.mail.inbound_request import Envelope
from desk.signed.reply_address import REQUESTER, reply_address
from desk.tickets.ticket import NotAllowed
from gateway.intake import Incoming
from gateway.web.body import Posted
from gateway.web.portal import view
from gateway.web.portal.access import Entrance, Portal, Turned, enter
from gateway.web.portal.request_context import LONGEST
from gateway.web.submission import File, Submission, incoming
from storage.db.session import Session
from storage.people import people
from storage.runtime.idempotency import KeyReused
from storage.tickets.tickets import Stale
from usecases.tickets import requester_view

log = structlog.get_logger()

SOURCE = "portal"


def answer(portal: Portal, request: Request, posted: Posted) -> Response:
    """Written down before the page says so; what was typed stays with whoever it cannot be taken from."""
    with portal.door.reachable(), portal.store.database.reading() as session:
        entrance = enter(portal, session, request)
        to = _reply_address(portal, session, entrance)
    if not entrance.seen.answers:
        raise Turned(403, "not_yours")
    key = portal.key(posted.texts.get("token", ""), entrance.secret)
    text = _text(posted)
    _wait(portal, request, entrance)
    now = portal.door.clock()
    made = _incoming(entrance, text, posted.files(), key, to, portal.door.came_from(request), now)
    try:
        inbound_id = portal.door.accept(made, f"{SOURCE}:{key}", now)
    except KeyReused:
        raise Turned(422, "used", again=True) from None
    log.info("status_page_answered", inbound_id=inbound_id, ticket_id=entrance.seen.ticket.id)
    return RedirectResponse(f"{entrance.base}?sent={inbound_id}#note", 303, headers=dict(view.HEADERS))


def solved(portal: Portal, request: Request, posted: Posted) -> Response:
    """The requester's own word, in the history as theirs."""
    try:
        with portal.door.reachable(), portal.store.database.transaction() as session:
            entrance = enter(portal, session, request)
            portal.key(posted.texts.get("token", ""), entrance.secret)
            if not entrance.seen.owns:
                raise Turned(403, "not_yours")
            _wait(portal, request, entrance)
            requester_view.solve(session, entrance.seen, portal.door.clock())
    except NotAllowed:
        raise Turned(409, "done", again=True) from None
    except Stale:
        raise Turned(409, "token", again=True) from None
    log.info("status_page_solved", ticket_id=entrance.seen.ticket.id)
    return RedirectResponse(f"{entrance.base}?solved=1#note", 303, headers=dict(view.HEADERS))


def _text(posted: Posted) -> str:
    text = posted.texts.get("text", "").replace("\r\n", "\n").strip("\n").rstrip()
    if not text.strip() and not posted.uploads:
        raise Turned(422, "empty", again=True)
    if len(text) > LONGEST:
        raise Turned(422, "long", again=True)
    return text


def _wait(portal: Portal, request: Request, entrance: Entrance) -> None:
    now = portal.door.clock()
    wait = portal.answers_by_peer.take(portal.peer(request), now)
    wait = wait or portal.answers_by_person.take(str(entrance.seen.person.id), now)
    if wait:
        raise Turned(429, "often", wait, again=True)


def _incoming(
    entrance: Entrance, text: str, files: Sequence[File], key: str, to: str, peer: str, now: datetime
) -> Incoming:
    """The same as a form's request, but delivered to the reply address, which proves who answers on what."""
    seen, person = entrance.seen, entrance.seen.person
    typed = Submission(person.name, person.address, seen.subject, text)
    made = incoming(typed, files, Channel.WEB, SOURCE, f"{person.id}.{key}", peer, now)
    # Two answers may say the same: only the same form sent twice is one.
    digest = hashlib.sha256(f"{key}.{seen.ticket.id}.{made.request.content_hash}".encode()).hexdigest()
    envelope = Envelope(person.address, (to,), peer)
    fields = (("verified", "status link"),)
    return replace(made, request=replace(made.request, content_hash=digest, envelope=envelope, fields=fields))


def _reply_address(portal: Portal, session: Session, entrance: Entrance) -> str:
    ticket, boxes = entrance.seen.ticket, people.all_mailboxes(session)
    own = next((box.address for box in boxes if box.id == ticket.mailbox_id), None)
    box = own or (boxes[0].address if boxes else f"support@{portal.settings.mail_domain or 'localhost'}")
    person = people.by_ids(session, [entrance.seen.person.id])[entrance.seen.person.id]
    secret, now = portal.store.secret, portal.door.clock()
    return reply_address(box, REQUESTER, ticket.id, person.id, person.key_version, secret, now)
