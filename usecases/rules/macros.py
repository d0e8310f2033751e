"""Macros: a text with placeholders, and actions; for everybody, one team or one agent.

The actions are done in the transaction that stores the text; each use is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.rules import actions
from desk.rules.actions import Action
from desk.rules.macros import fill
from desk.tickets.ticket import Actor, NotAllowed, Ticket
from storage.db.session import Session
from storage.tables.desk import macros
from storage.tables.tickets import memberships
from storage.tickets import placeholders
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro; `team_id` and `owner_id` say whose it is; without both it is for everybody."""

    id: int
    name: str
    text: str
    actions: tuple[Action, ...] = ()
    team_id: int | None = None
    owner_id: int | None = None
    uses: int = 0


def list_all(session: Session) -> list[Macro]:
    return [_macro(row._mapping) for row in session.execute(sa.select(macros).order_by(macros.c.name))]


def macros_of_agent(session: Session, agent_id: int) -> list[Macro]:
    """The macros for everybody, of the agent's teams, and the agent's own."""
    c = macros.c
    own_teams = sa.select(memberships.c.team_id).where(memberships.c.agent_id == agent_id)
    everybodys = sa.and_(c.team_id.is_(None), c.owner_id.is_(None))
    query = sa.select(macros).where(c.active, sa.or_(everybodys, c.owner_id == agent_id, c.team_id.in_(own_teams)))
    return [_macro(row._mapping) for row in session.execute(query.order_by(c.name))]


def get_by_name(session: Session, agent_id: int, name: str) -> Macro:
    """The agent's own before the team's before everybody's; NotAllowed where there is none."""
    folded = name.strip().casefold()
    matches = [macro for macro in macros_of_agent(session, agent_id) if macro.name.casefold() == folded]
    if not matches:
        raise NotAllowed(f"there is no macro {name!r}")
    return min(matches, key=lambda macro: (macro.owner_id is None, macro.team_id is None))


def save(
    session: Session,
    name: str,
    text: str,
    action_entries: Any = (),
    *,
    team_id: int | None = None,
    owner_id: int | None = None,
) -> int:
    """A new one, or another version of the one with this name and owner. Raises BadAction."""
    checked = actions.read(action_entries, f"macro {name}")
    if not name.strip() or len(name) > LONGEST_NAME or not (text.strip() or checked):
        raise NotAllowed("a macro needs a name, and a text or actions")
    c = macros.c
    values = {"text": text, "actions": [{action.do: _plain(action.value)} for action in checked], "active": True}
    same = (c.name == name.strip(), c.team_id.is_not_distinct_from(team_id), c.owner_id.is_not_distinct_from(owner_id))
    stored = session.execute(sa.update(macros).where(*same).values(**values).returning(c.id)).scalar()
    if stored is not None:
        return int(stored)
    insertion = sa.insert(macros).values(name=name.strip(), team_id=team_id, owner_id=owner_id, **values)
    return int(session.execute(insertion.returning(c.id)).scalar_one())


def remove(session: Session, macro_id: int) -> bool:
    return session.execute(sa.delete(macros).where(macros.c.id == macro_id)).rowcount == 1


def render_text(session: Session, macro: Macro, ticket: Ticket, agent: Actor, now: datetime) -> str:
    """The macro's text on this ticket, with its placeholders filled in."""
    return fill(macro.text, placeholders.placeholder_values(session, ticket, agent, now))


def apply(
    session: Session, macro: Macro, ticket: Ticket, agent: Actor, now: datetime, *, react: bool = True
) -> run_actions.ActionResult:
    """Runs the macro's actions, and counts the use."""
    session.execute(sa.update(macros).where(macros.c.id == macro.id).values(uses=macros.c.uses + 1))
    doing = ActionContext(
        agent, now, f"macro {macro.name}", placeholders.placeholder_values(session, ticket, agent, now), react
    )
    return run_actions.run_actions(session, ticket, macro.actions, doing)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _macro(row: Mapping[str, Any] | sa.RowMapping) -> Macro:
    entries: Sequence[Any] = row["actions"]
    checked = actions.read(entries, f"macro {row['name']}")
    return Macro(row["id"], row["name"], row["text"], checked, row["team_id"], row["owner_id"], row["uses"])
