"""Password hashing with argon2id. At most a few checks run at once, and an unknown account takes as long as a known
one."""

from __future__ import annotations

import threading
from functools import cache

import argon2

MOST_AT_ONCE = 2
"""Each check takes 64 MiB for a moment; a flood of sign-ins must not take all memory."""
PATIENCE_SECONDS = 5.0
SHORTEST, LONGEST = 10, 1000
_hasher = argon2.PasswordHasher()
_places = threading.BoundedSemaphore(MOST_AT_ONCE)


class Busy(RuntimeError):
    """Too many passwords are being checked; the agent should try again in a moment."""


def hash_password(password: str) -> str:
    """The hash that is stored."""
    with _place():
        return _hasher.hash(password)


def verify_password(password: str, stored: str) -> bool:
    """Whether the password matches the hash; without a stored hash it takes the same time and never matches."""
    with _place():
        try:
            return _hasher.verify(stored or _nobodys(_hasher), password[:LONGEST]) and bool(stored)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


class _place:  # noqa: N801
    def __enter__(self) -> None:
        if not _places.acquire(timeout=PATIENCE_SECONDS):
            raise Busy("too many sign-ins at once")

    def __exit__(self, *_: object) -> None:
        _places.release()


@cache
def _nobodys(hasher: argon2.PasswordHasher) -> str:
    return hasher.hash("the password of nobody")
