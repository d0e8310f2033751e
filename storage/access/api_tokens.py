"""API tokens: shown once, stored as a hash, limited to scopes, revocable.

A token is long and random, so a plain hash is enough.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.db.session import Session
from storage.tables.runtime import api_tokens

SCOPES = ("inbound", "tickets", "tickets:write", "configuration")
_PREFIX = "fd_"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An API token, without its secret."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None


_COLUMNS = [api_tokens.c[name] for name in ApiToken.__dataclass_fields__]


def create(session: Session, name: str, scopes: Sequence[str], now: datetime) -> str:
    """A new token for those scopes; its text is returned this once and cannot be read again."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ValueError(f"a scope is one of {', '.join(SCOPES)}")
    token = _PREFIX + secrets.token_urlsafe(32)
    row = {"name": name, "token_hash": _hash(token), "scopes": list(scopes), "created_at": now}
    session.execute(sa.insert(api_tokens).values(**row))
    return token


def find(session: Session, token: str) -> ApiToken | None:
    """The token if it is known and not revoked."""
    where = (api_tokens.c.token_hash == _hash(token), api_tokens.c.revoked_at.is_(None))
    row = session.execute(sa.select(*_COLUMNS).where(*where)).one_or_none()
    return _token(row) if row else None


def revoke(session: Session, token_id: int, now: datetime) -> bool:
    """Revokes the token; False if there is no such valid token."""
    where = (api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
    return session.execute(sa.update(api_tokens).where(*where).values(revoked_at=now)).rowcount == 1


def all_tokens(session: Session) -> list[ApiToken]:
    return [_token(row) for row in session.execute(sa.select(*_COLUMNS).order_by(api_tokens.c.id))]


def _token(row: sa.Row[tuple[object, ...]]) -> ApiToken:
    values = dict(row._mapping)
    return ApiToken(**values | {"scopes": tuple(values["scopes"])})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
