"""Who gets a ticket: ordered rules first, then the team's strategy among those who are there; always with why.

It takes rules, the facts of a ticket, a team with its members as they are at that moment, and returns an agent or
nobody, and the reason in words that stand in the history. It knows nothing of tables and tickets; `now` carries the
desk's time zone.

Rules are asked in order; each that holds acts, and one that names a team or an assignee is the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from desk.routing.skills import Need, language_of, matching, needed
from desk.rules import actions as acts
from desk.rules import conditions as asked
from desk.rules.actions import Action
from desk.rules.conditions import Condition, TicketFacts
from desk.sla.business_hours import ALWAYS, Calendar, is_open, open_spans

MAY = frozenset({"assign", "team", "priority", "category", "tag", "untag", "field", "note", "notify", "watch"})
MOST_SKILLS = 20
MOST_NAMED = 4
LOOKED_AHEAD = timedelta(days=14)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Strategy(StrEnum):
    MANUAL = "manual"
    ROUND_ROBIN = "round-robin"
    LEAST_LOADED = "least-loaded"
    SKILL = "skill"


class BadRouting(ValueError):
    """A rule or option that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `conditions` hold, `actions` are done; `skills` are what the agent must have."""

    name: str
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    skills: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        return any(action.do in ("team", "assign") for action in self.actions)


@dataclass(frozen=True, slots=True)
class Options:
    """`previous`: who had this requester's last ticket comes first. After `escalate_minutes` without anybody, leads are
    told again and skills no longer count."""

    previous: bool = False
    escalate_minutes: int = 30


@dataclass(frozen=True, slots=True)
class Member:
    """An agent as seen from one team: `open` tickets in hand, `last` given by this team's routing. Weight 0: none."""

    id: int
    name: str
    weight: int = 1
    capacity: int | None = None
    skills: tuple[str, ...] = ()
    calendar: Calendar = ALWAYS
    available: bool = True
    away_from: datetime | None = None
    away_until: datetime | None = None
    open: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Team:
    id: int
    name: str
    strategy: Strategy = Strategy.MANUAL
    members: tuple[Member, ...] = ()
    calendar: Calendar = ALWAYS
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a ticket asks of an agent. `never` are agents who gave it away; `late`: waited so long that skills no longer
    count."""

    category: str = ""
    language: str = ""
    skills: tuple[str, ...] = ()
    previous: int | None = None
    never: frozenset[int] = frozenset()
    late: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent, or None and why nobody. `closed`: only for want of opening hours."""

    member: Member | None
    why: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """One member before a choice: `hindrance` is empty for those who can take it."""

    member: Member
    hindrance: str = ""
    closed: bool = False
    skills: tuple[str, ...] = ()


def read_rule(name: str, given_conditions: Any, given_actions: Any, place: str = "rule") -> Rule:
    """From JSON or TOML; BadRouting where it is not understood. `skills` may stand among the actions."""
    given, skills = _without_skills(given_actions, place)
    try:
        conditions = asked.read(given_conditions, f"{place}.conditions")
        actions = acts.read(given, f"{place}.actions")
    except (asked.BadCondition, acts.BadAction) as error:
        raise BadRouting(str(error)) from error
    wrong = [action.do for action in actions if action.do not in MAY]
    if wrong:
        raise BadRouting(f"{place}: {wrong[0]!r} is nothing for a routing rule; there are {', '.join(sorted(MAY))}")
    if not actions and not skills:
        raise BadRouting(f"{place} should do something, as a team, an assignee, a priority, tags or skills")
    return Rule(name, conditions, actions, skills)


def read_skills(given: Any, place: str = "skills") -> tuple[str, ...]:
    """Texts such as "German", "VPN", "category:Billing / Invoice", "language:de"."""
    many = [given] if isinstance(given, str) else given
    if not isinstance(many, list | tuple) or len(many) > MOST_SKILLS:
        raise BadRouting(f"{place} should be a list of at most {MOST_SKILLS} texts")
    found = [" ".join(one.split()) if isinstance(one, str) else "" for one in many]
    if any(not one or len(one) > 100 for one in found):
        raise BadRouting(f"{place} should be texts of at most 100 characters")
    return tuple(dict.fromkeys(found))


def read_options(given: Mapping[str, Any], place: str = "routing") -> Options:
    """What a team's row says besides its strategy."""
    unknown = set(given) - {"previous", "escalate_minutes"}
    minutes = given.get("escalate_minutes", Options().escalate_minutes)
    if unknown or isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= 10_080:
        raise BadRouting(f'{place} should look like {{"previous": true, "escalate_minutes": 30}}')
    return Options(bool(given.get("previous", False)), minutes)


def walk(rules: Sequence[Rule], facts: TicketFacts) -> list[Rule]:
    """The rules that act on a ticket with these facts; what one sets, the next ones see."""
    fired: list[Rule] = []
    for rule in rules:
        if not asked.hold(rule.conditions, facts):
            continue
        fired.append(rule)
        if rule.is_last:
            break
        facts = _after(facts, rule.actions)
    return fired


def choose(team: Team, wish: Wish, now: datetime) -> Choice:
    """The one who gets it by the team's strategy."""
    every = standings(team, wish, now)
    able = [one for one in every if not one.hindrance]
    if not able:
        return Choice(None, _why_nobody(team, wish, every), closed=bool(every) and all(one.closed for one in every))
    before = next((one for one in able if one.member.id == wish.previous), None)
    if before is not None and team.options.previous:
        return Choice(before.member, f"had this requester before, {_load(before.member, now)}")
    order: Callable[[Standing], Any] = _in_turn if team.strategy is Strategy.ROUND_ROBIN else _by_load
    chosen = min(able, key=order)
    return Choice(chosen.member, f"{_because(team, wish, chosen)}, {_load(chosen.member, now)}")


def standings(team: Team, wish: Wish, now: datetime) -> list[Standing]:
    """Every member with what speaks against them now."""
    needs = needs_of(team, wish)
    return [_standing(member, needs, wish, now) for member in team.members]


def needs_of(team: Team, wish: Wish) -> tuple[Need, ...]:
    """What counts: named skills always; category and language only in a skill team, and if anybody there has them."""
    if wish.late:
        return ()
    named = tuple(Need("language", language_of(one)) if language_of(one) else Need("skill", one) for one in wish.skills)
    if team.strategy is not Strategy.SKILL:
        return named
    return tuple(dict.fromkeys((*named, *needed(wish.category, wish.language, [m.skills for m in team.members]))))


def hindrance(member: Member, now: datetime) -> tuple[str, bool]:
    """Why this agent can take nothing now, and whether that is only the hour; empty if nothing speaks against it."""
    if member.weight == 0:
        return "takes no routed tickets", False
    gone = absence(member, now)
    if gone:
        return gone, False
    if member.capacity is not None and member.open >= member.capacity:
        return f"has {member.open} of {member.capacity} open", False
    if not is_open(member.calendar, now):
        return f"is off work{_next_opening(member.calendar, now)}", True
    return "", False


def absence(member: Member, now: datetime) -> str:
    """ "away until Tue 3 Mar 09:00", or nothing."""
    if not member.available:
        return "is not available"
    begun = member.away_from is None or member.away_from <= now
    if member.away_until is not None and begun and now < member.away_until:
        return f"is away until {_when(member.away_until, now)}"
    return "is away" if member.away_from is not None and begun and member.away_until is None else ""


def given(team: Team, agent_id: int, at: datetime | None) -> Team:
    """The team after this agent got one more ticket; `at` None: from another team, so it was no turn here."""
    changed = (replace(m, open=m.open + 1, last=at or m.last) if m.id == agent_id else m for m in team.members)
    return replace(team, members=tuple(changed))


def _standing(member: Member, needs: Iterable[Need], wish: Wish, now: datetime) -> Standing:
    found = {need: matching(member.skills, need) for need in needs}
    missing = [need.words for need, skill in found.items() if skill is None]
    if missing:
        return Standing(member, f"lacks {' + '.join(missing)}")
    if member.id in wish.never:
        return Standing(member, "gave it away")
    why, closed = hindrance(member, now)
    return Standing(member, why, closed, tuple(dict.fromkeys(skill for skill in found.values() if skill)))


def _in_turn(one: Standing) -> Any:
    return one.member.last or _NEVER, one.member.id


def _by_load(one: Standing) -> Any:
    return (one.member.open + 1) / one.member.weight, *_in_turn(one)


def _because(team: Team, wish: Wish, chosen: Standing) -> str:
    if chosen.skills:
        return f"skill {' + '.join(chosen.skills)}"
    if wish.late and (wish.skills or team.strategy is Strategy.SKILL):
        return "nobody with the skills came in time"
    return "next in turn" if team.strategy is Strategy.ROUND_ROBIN else "has most room"


def _load(member: Member, now: datetime) -> str:
    load = f"{member.open} open" if member.capacity is None else f"{member.open} of {member.capacity} open"
    return f"{load}, last assigned {_when(member.last, now)}" if member.last else f"{load}, nothing assigned before"


def _why_nobody(team: Team, wish: Wish, every: Sequence[Standing]) -> str:
    if not every:
        return f"team {team.name} has no members"
    needs = " + ".join(need.words for need in needs_of(team, wish))
    # Who has the skills and is away says more than who lacks them; who never takes any says nothing.
    usual = [one for one in every if one.member.weight] or every
    ordered = sorted(usual, key=lambda one: one.hindrance.startswith("lacks"))
    told = [f"{one.member.name} {one.hindrance}" for one in ordered[:MOST_NAMED]]
    more = [f"and {len(ordered) - MOST_NAMED} more"] if len(ordered) > MOST_NAMED else []
    return f"nobody in {team.name}{f' for {needs}' if needs else ''}: {', '.join((*told, *more))}"


def _when(moment: datetime, now: datetime) -> str:
    """The time, with the day if it is another one, in the zone of `now`."""
    local = moment.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%a} {local.day} {local:%b %H:%M}"


def _next_opening(calendar: Calendar, now: datetime) -> str:
    first = next(open_spans(calendar, now, now + LOOKED_AHEAD), None)
    return f" until {_when(first[0], now)}" if first else ""


def _after(facts: TicketFacts, actions: Sequence[Action]) -> TicketFacts:
    """The facts as these actions make them, as far as conditions can ask."""
    changed = dict(facts)
    for action in actions:
        if action.do in ("priority", "category"):
            changed[action.do] = action.value
        elif action.do in ("tag", "untag"):
            held = changed.get("tags")
            kept = tuple(held) if isinstance(held, list | tuple) else ()
            less = tuple(tag for tag in kept if tag not in action.value)
            changed["tags"] = less if action.do == "untag" else (*less, *action.value)
        elif action.do == "field":
            changed |= {f"field.{name}": value for name, value in action.value.items()}
    return changed


def _without_skills(given_actions: Any, place: str) -> tuple[Any, tuple[str, ...]]:
    if isinstance(given_actions, Mapping):
        rest = {name: value for name, value in given_actions.items() if name != "skills"}
        return rest, read_skills(given_actions.get("skills", ()), f"{place}.skills")
    if not isinstance(given_actions, list | tuple):
        raise BadRouting(f'{place}.actions should look like {{"team": "Billing", "skills": ["German"]}}')
    named = [one["skills"] for one in given_actions if isinstance(one, Mapping) and set(one) == {"skills"}]
    rest_list = [one for one in given_actions if not (isinstance(one, Mapping) and set(one) == {"skills"})]
    return rest_list, tuple(skill for one in named for skill in read_skills(one, f"{place}.skills"))
