"""What Slack says of an account: a name, whether it is a guest's, an address that Slack confirmed; or nothing yet.

Who could not be asked is `unknown`: neither a member nor a guest, and asked again before anything is done for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NO_MEMBER = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")


@dataclass(frozen=True, slots=True)
class Account:
    """`guest` also where the account is another workspace's, a bot's or closed; `email` only if Slack confirmed it."""

    name: str = ""
    guest: bool = False
    email: str = ""
    unknown: bool = False


UNKNOWN = Account(unknown=True)


def read(answer: Mapping[str, Any], own_team: str) -> Account:
    """The account in the answer of `users.info`; `own_team` is the bot's workspace, empty where every one is ours."""
    user = answer.get("user")
    if not isinstance(user, Mapping):
        return UNKNOWN
    guest = any(user.get(mark) for mark in _NO_MEMBER) or _is_elsewhere(user, own_team)
    profile = user.get("profile")
    email = profile.get("email") if isinstance(profile, Mapping) else None
    proven = isinstance(email, str) and user.get("is_email_confirmed") is True and not guest
    return Account(_real_name(user), guest, str(email).strip().lower() if proven else "")


def _is_elsewhere(user: Mapping[str, Any], own_team: str) -> bool:
    """Whether the account is another workspace's: in a shared channel Slack tells of those too."""
    whole = user.get("enterprise_user")
    teams = whole.get("teams") if isinstance(whole, Mapping) else None
    homes = [user.get("team_id"), *(teams if isinstance(teams, list) else [])]
    return bool(own_team and homes[0]) and own_team not in homes


def _real_name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile")
    names = [profile.get("real_name")] if isinstance(profile, Mapping) else []
    return next((name for name in (*names, user.get("real_name"), user.get("name")) if isinstance(name, str)), "")
