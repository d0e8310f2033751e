"""Who sees which tickets: those of a private team only its members, and a requester only what is theirs.

It takes teams, memberships and who asks, and returns a Viewer that says yes or no, ticket by ticket. It does not know
how rows are read: `storage/access/visibility.py` turns a Viewer into the condition of every listing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from desk.access.permissions import Role, Verb, may

OPENED_FOR = timedelta(hours=1)
"""So long an admin sees a private ticket that was opened anyway; then it has to be asked for, and told, again."""
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks. `hidden` are the private teams that they are no part of, `opened` the tickets of these that
    they opened anyway; `audited` are all private teams, for who reads their tickets is written down."""

    agent_id: int | None = None
    name: str = ""
    hidden: frozenset[int] = frozenset()
    audited: frozenset[int] = frozenset()
    opened: frozenset[int] = frozenset()

    def sees(self, ticket_id: int, team_id: int | None) -> bool:
        return team_id not in self.hidden or ticket_id in self.opened


EVERYBODY = Viewer()
"""The desk itself: its workers and whoever sits at its command line. Nothing is hidden from it."""


def viewer(
    agent_id: int | None,
    name: str,
    role: str,
    private: Mapping[int, bool],
    *,
    admins_see_private: bool = False,
    opened: Collection[int] = (),
) -> Viewer:
    """`private` are the private teams, and whether this agent is a member. A token is a member of none."""
    every = frozenset(private)
    by_role = role == Role.ADMIN and admins_see_private
    hidden = frozenset() if by_role else frozenset(team for team, member in private.items() if not member)
    return Viewer(agent_id, name, hidden, every, frozenset(opened) if may(role, Verb.OPEN_PRIVATE) else frozenset())


def requester_sees(
    person_id: int,
    organisation_id: int | None,
    shared: Collection[int],
    ticket_owner: int,
    ticket_organisation: int | None,
    *,
    private: bool = False,
) -> bool:
    """Their own tickets, and those of their organisation if it is one of those that share them; what is with a private
    team, nobody shares."""
    if person_id == ticket_owner:
        return True
    return (
        not private
        and organisation_id is not None
        and organisation_id == ticket_organisation
        and organisation_id in shared
    )


def moved(private: Collection[int], before: int | None, after: int | None) -> str:
    """What a change of team means for who sees the ticket, as a sentence; empty if nothing."""
    if after in private:
        return "from now on only the members of this team see it"
    return "it was private, and is seen by all agents from now on" if before in private else ""
