"""Who may do what: the one table of roles and verbs, for the console, the JSON API, mail and Slack alike.

A role is a stored word; a word that no release knows may do as little as the least role. What a verb means for one
private team, and who may own a ticket there, is decided in `storage/people/holders.py` besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    """The roles of agents, the most powerful first."""

    ADMIN = "admin"
    LEAD = "lead"
    AGENT = "agent"
    LIGHT = "light"
    READ_ONLY = "read-only"


class Verb(StrEnum):
    """What somebody may do. The value is the word in the documentation."""

    READ = "read"
    ACCOUNT = "account"
    NOTE = "note"
    WATCH = "watch"
    REPLY = "reply"
    SIDE = "side conversation"
    CHANGE = "change"
    ASSIGN = "assign"
    OWN = "own"
    MERGE = "merge"
    RELEASE = "release"
    INCIDENT = "incident"
    WRITE = "write"
    AVAILABILITY = "availability"
    MANAGE = "manage"
    PUBLISH = "publish"
    AUDIT = "audit"
    CONFIGURE = "configure"
    OPEN_PRIVATE = "open private"
    ERASE = "erase"


MEANS: Mapping[Verb, str] = {
    Verb.READ: "read tickets, lists and pages",
    Verb.ACCOUNT: "use their own account",
    Verb.NOTE: "write internal notes",
    Verb.WATCH: "watch tickets",
    Verb.REPLY: "answer requesters",
    Verb.SIDE: "write to third parties",
    Verb.CHANGE: "change tickets",
    Verb.ASSIGN: "assign tickets or move them to a team",
    Verb.OWN: "own tickets",
    Verb.MERGE: "merge tickets",
    Verb.RELEASE: "release quarantined mail",
    Verb.INCIDENT: "work on incidents",
    Verb.WRITE: "write articles, macros and signatures of their own",
    Verb.AVAILABILITY: "say when they are away",
    Verb.MANAGE: "manage teams, rules, due times, fields and training",
    Verb.PUBLISH: "publish and retire articles",
    Verb.AUDIT: "read the audit",
    Verb.CONFIGURE: "apply a configuration",
    Verb.OPEN_PRIVATE: "open a private ticket without being a member, or change who is in a private team",
    Verb.ERASE: "erase people",
}
"""Each verb in words that complete "may"; the documentation's table and every refusal are written with them."""

_READ_ONLY = frozenset({Verb.READ, Verb.ACCOUNT})
_LIGHT = _READ_ONLY | {Verb.NOTE, Verb.WATCH}
_AGENT = _LIGHT | {
    Verb.REPLY, Verb.SIDE, Verb.CHANGE, Verb.ASSIGN, Verb.OWN, Verb.MERGE, Verb.RELEASE, Verb.INCIDENT, Verb.WRITE,
    Verb.AVAILABILITY,
}  # fmt: skip
_LEAD = _AGENT | {Verb.MANAGE, Verb.PUBLISH, Verb.AUDIT}

TABLE: Mapping[Role, frozenset[Verb]] = {
    Role.ADMIN: frozenset(Verb),
    Role.LEAD: _LEAD,
    Role.AGENT: _AGENT,
    Role.LIGHT: _LIGHT,
    Role.READ_ONLY: _READ_ONLY,
}

_COMMANDS: Mapping[str, Verb] = {
    **dict.fromkeys(
        ("status", "pending", "hold", "resolve", "close", "reopen", "snooze", "priority", "category", "tag", "field",
         "macro", "undo", "copy", "requester"),
        Verb.CHANGE,
    ),
    **dict.fromkeys(("assign", "take", "team"), Verb.ASSIGN),
    "note": Verb.NOTE,
    "reply": Verb.REPLY,
    "side": Verb.SIDE,
    "merge": Verb.MERGE,
    "alias": Verb.ACCOUNT,
    "help": Verb.READ,
}  # fmt: skip


def role_named(text: str) -> Role:
    """The role of that word; ValueError where there is none."""
    try:
        return Role(text)
    except ValueError:
        raise ValueError(f"{text!r} is no role; there are {', '.join(Role)}") from None


def may(role: str, verb: Verb) -> bool:
    """Whether the table allows it. Nobody (no role) may nothing; an unknown role may what the least one may."""
    if not role:
        return False
    known = Role(role) if role in set(Role) else Role.READ_ONLY
    return verb in TABLE[known]


def roles_with(verb: Verb) -> tuple[Role, ...]:
    """The roles that may do it."""
    return tuple(role for role in Role if verb in TABLE[role])


def verb_of_command(name: str) -> Verb:
    """What a command by mail or in Slack needs."""
    return _COMMANDS[name]


def refused(role: str, verbs: Iterable[Verb]) -> str:
    """Why these may not all be done, as a sentence without its stop; empty where they may."""
    missing = [MEANS[verb] for verb in dict.fromkeys(verbs) if not may(role, verb)]
    return f"your role, {role}, may not {' or '.join(missing)}" if missing else ""
