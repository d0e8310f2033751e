"""Rate limits of failed sign-ins: by client address, by account and address, and by account.

Failures from one address lock nobody out elsewhere: the limit of an account is higher than one address can reach. A
browser from which an agent has signed in before has a cookie that proves it and a count of its own, so that failures of
others do not count against it. The cookie gives no access.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from desk.signed.reply_address import sign
from desk.web.rate_limit import Pace

COOKIE = "frontdesk_known"
COOKIE_SECONDS = 180 * 86_400
_LONGEST = 200


class SignInLimits:
    """The limits of one process."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._by_place = Pace(20, timedelta(minutes=5))
        self._by_account_and_place = Pace(10, timedelta(minutes=15))
        # One place reaches ten and then forty an hour; the account's limit is more than that.
        self._by_account = Pace(50, timedelta(hours=1))

    def wait(self, address: str, place: str, cookie: str, now: datetime) -> float:
        """Seconds until a password for this account is checked again; 0 if at once."""
        return max(pace.wait(key, now) for pace, key in self._counts(address, place, cookie))

    def count_failure(self, address: str, place: str, cookie: str, now: datetime) -> None:
        """Counts a wrong password or an unknown account."""
        for pace, key in self._counts(address, place, cookie):
            pace.count(key, now)

    def known_browser(self, address: str) -> str:
        """The cookie for a browser from which an agent has just signed in."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._proof(address, nonce)}"

    def _counts(self, address: str, place: str, cookie: str) -> list[tuple[Pace, str]]:
        nonce, _, proof = cookie[:_LONGEST].partition(".")
        if hmac.compare_digest(proof.encode("utf-8", "replace"), self._proof(address, nonce).encode()):
            return [(self._by_account_and_place, f"{address}\0known {nonce}")]
        by_both = (self._by_account_and_place, f"{address}\0{place}")
        return [(self._by_place, place), by_both, (self._by_account, address)]

    def _proof(self, address: str, nonce: str) -> str:
        return sign("known-browser", f"{address}\0{nonce}", self._secret)
