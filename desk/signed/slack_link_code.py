"""The code by which an agent links the own account in Slack: shown in the console, typed in Slack within minutes.

It takes an agent, the desk's secret, the time, and returns a code, or the agent of a genuine one. It proves both
sides: only who is signed in sees it, and Slack vouches for who types it. The other way round a stranger could have an
agent click.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from desk.signed.reply_address import sign

VALID = timedelta(minutes=15)
_USE = "slack-link"


def code_for(agent_id: int, key_version: int, secret: bytes, now: datetime) -> str:
    """A code of this agent, good for a quarter of an hour and until the agent's keys change."""
    until = int((now + VALID).timestamp())
    return f"{agent_id}-{until}-{_mac(agent_id, until, key_version, secret)}"


def agent_of(code: str, now: datetime) -> int:
    """Whose code it says that it is, if it is not too old; 0 otherwise. `is_genuine` must be asked besides."""
    number, until, _ = _parts(code)
    return number if now.timestamp() <= until <= (now + VALID).timestamp() else 0


def until(code: str) -> int:
    """Until when the code says that it is good, as seconds of the epoch; codes are told apart by it."""
    return _parts(code)[1]


def is_genuine(code: str, key_version: int, secret: bytes) -> bool:
    number, until, mac = _parts(code)
    return hmac.compare_digest(mac.encode(), _mac(number, until, key_version, secret).encode())


def _mac(agent_id: int, until: int, key_version: int, secret: bytes) -> str:
    return sign(_USE, f"{agent_id}:{until}:{key_version}", secret)


def _parts(code: str) -> tuple[int, int, str]:
    parts = code.strip().split("-")
    if len(parts) != 3 or not all(one.isascii() and one.isdigit() and len(one) < 15 for one in parts[:2]):
        return 0, 0, ""
    return int(parts[0]), int(parts[1]), parts[2]
