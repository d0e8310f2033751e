"""The desk's signing key, and the fingerprint by which a wrong key is noticed.

Reply addresses, Message-IDs and links are signed with it, so a desk with another key would not recognise its own
addresses. The database stores a fingerprint: a lost or wrong key is noticed before anything is signed. A new key is
made only for a desk that has not received anything yet.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from desk.config.settings import BadSetting, Settings
from storage.db.session import Database
from storage.db.statements import insert_ignore
from storage.runtime import key_values
from storage.tables.tickets import inbound
from storage.tables.tickets import settings as key_value_table

FINGERPRINT = "secret_fingerprint"
SETTING = "FRONTDESK_SECRET_KEY"
_MEND = (
    "put secret.key back from the backup, or set FRONTDESK_SECRET_KEY as it was; if the key is lost for good, "
    "`frontdesk init --accept-key` goes on with another one: addresses and links in mail that was sent stop working"
)


class WrongKey(BadSetting):
    """The key is not the one that this desk signs with, or the desk's key is lost."""

    def __init__(self, problem: str) -> None:
        super().__init__(SETTING, f"{problem}: {_MEND}")


def load(settings: Settings, database: Database) -> bytes:
    """The key: the setting, or a file of 32 random bytes (hex) in the data folder, made once."""
    if settings.secret_key:
        return settings.secret_key.encode()
    path = _path(settings)
    if not path.exists():
        if _is_used(database):
            raise WrongKey(f"{path} is gone, and this desk has signed with it")
        _make(path)
    return _read(path)


def check(database: Database, secret: bytes) -> None:
    """Raises WrongKey where the stored fingerprint is of another key; without one, stores this key's."""
    own = fingerprint(secret)
    with database.reading() as session:
        stored = key_values.get(session, FINGERPRINT)
    if stored is None:
        with database.transaction() as session:
            session.execute(insert_ignore(session, key_value_table), {"key": FINGERPRINT, "value": own})
            stored = key_values.get(session, FINGERPRINT)
    if stored != own:
        raise WrongKey("this is not the key that this desk signs with")


def accept(settings: Settings, database: Database) -> None:
    """Accepts the key that is there, or a new one where there is none."""
    path = _path(settings)
    if not settings.secret_key and not path.exists():
        _make(path)
    with database.transaction() as session:
        key_values.remove(session, FINGERPRINT)


def fingerprint(secret: bytes) -> str:
    """A hash that tells whether two keys are the same, and nothing else about them."""
    return hashlib.sha256(b"frontdesk signing key\0" + secret).hexdigest()[:32]


def _path(settings: Settings) -> Path:
    return settings.data / "secret.key"


def _is_used(database: Database) -> bool:
    """Whether requests were received, or a fingerprint is stored."""
    file = database.engine.url.database or ""
    # Looking into an SQLite file that is not there would make one.
    if database.engine.dialect.name == "sqlite" and not Path(file).exists():
        return False
    with database.reading() as session:
        if not sa.inspect(session.connection).has_table(key_value_table.name):
            return False
        came = session.execute(sa.select(inbound.c.id).limit(1)).first()
        return came is not None or key_values.get(session, FINGERPRINT) is not None


def _make(path: Path) -> None:
    """Written beside its place and linked, so that nobody reads half a key, and two who make one keep the first."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(partial, path)
    partial.unlink()


def _read(path: Path) -> bytes:
    text = path.read_text().strip()
    if len(text) < 32:
        raise BadSetting(SETTING, f"{path} holds no key; restore it from the backup")
    return text.encode()
