"""A desk knows its signing key again: a lost or another key is refused before anything is signed with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desk.config.settings import Settings
from storage.open_store import Store, open_store
from storage.runtime import key_values, secret_key
from storage.runtime.secret_key import WrongKey
from tests.small_desk import CAROL, SmallDesk


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A desk whose key is a file, begun and closed again."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    settings = Settings(data_dir=str(tmp_path / "data"), database_url=url, mail_domain="desk.example.test")
    open_store(settings, migrate=True).close()
    yield settings


def _key(settings: Settings) -> Path:
    return settings.data / "secret.key"


def test_the_same_key_is_taken_again(settings: Settings) -> None:
    for _ in range(2):
        open_store(settings, migrate=True).close()


def test_another_key_file_is_refused_and_the_refusal_says_what_to_do(settings: Settings) -> None:
    _key(settings).write_text("f" * 64)
    with pytest.raises(WrongKey, match=r"not the key that this desk signs with: put secret\.key back.*--accept-key"):
        open_store(settings, migrate=True)


def test_a_key_in_the_settings_that_is_not_the_desks_is_refused(settings: Settings) -> None:
    with pytest.raises(WrongKey, match="FRONTDESK_SECRET_KEY"):
        open_store(replace(settings, secret_key="another key of more than 32 letters"), migrate=True)


def test_a_key_that_moved_into_the_settings_is_taken(settings: Settings) -> None:
    key = _key(settings).read_text()
    _key(settings).unlink()
    open_store(replace(settings, secret_key=key), migrate=True).close()


def test_a_lost_key_is_not_replaced_by_a_new_one(settings: Settings) -> None:
    _key(settings).unlink()
    for migrate in (True, False):
        with pytest.raises(WrongKey, match=r"secret\.key is gone"):
            open_store(settings, migrate=migrate)
    assert not _key(settings).exists()


def test_a_desk_of_an_earlier_release_that_lost_its_key_is_refused_too(settings: Settings) -> None:
    """It remembers no fingerprint, but it received something."""
    with closing(open_store(settings)) as store:
        desk = SmallDesk(store)
        desk.receive(desk.mail(CAROL, "Hello", "A question."))
        _forget(store)
    _key(settings).unlink()
    with pytest.raises(WrongKey, match=r"secret\.key is gone"):
        open_store(settings, migrate=True)


def test_a_desk_of_an_earlier_release_remembers_the_key_that_it_has(settings: Settings) -> None:
    with closing(open_store(settings)) as store:
        _forget(store)
    open_store(settings, migrate=True).close()
    _key(settings).write_text("f" * 64)
    with pytest.raises(WrongKey):
        open_store(settings, migrate=True)


def _forget(store: Store) -> None:
    with store.database.transaction() as session:
        key_values.remove(session, secret_key.FINGERPRINT)


@pytest.mark.parametrize("state", ["other", "lost"])
def test_another_key_is_taken_where_a_person_accepts_it(settings: Settings, state: str) -> None:
    if state == "other":
        _key(settings).write_text("f" * 64)
    else:
        _key(settings).unlink()
    with closing(open_store(replace(settings, secret_key="any key, since it is not looked at"))) as store:
        secret_key.accept(settings, store.database)
    open_store(settings, migrate=True).close()


def test_the_fingerprint_does_not_hold_the_key(settings: Settings) -> None:
    with closing(open_store(settings)) as store, store.database.reading() as session:
        kept = key_values.get(session, secret_key.FINGERPRINT)
        assert kept == secret_key.fingerprint(store.secret)
        assert store.secret.decode() not in kept
