"""Skills: what an agent says of themselves, and what a ticket needs.

It takes texts such as "German", "VPN", "category:Billing / Invoice", "language:de"; a ticket's category and language,
and returns needs, and the skill that meets one. A bare text is a name, a category or a part of one ("VPN" of "Access
/ VPN"), or the name of a language, whichever fits. It knows nothing of agents and teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from desk.rules.conditions import fold

_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "ar": ("Arabic", "العربية"),
    "cs": ("Czech", "čeština"),
    "da": ("Danish", "dansk"),
    "de": ("German", "Deutsch"),
    "el": ("Greek", "ελληνικά"),
    "en": ("English",),
    "es": ("Spanish", "español"),
    "fi": ("Finnish", "suomi"),
    "fr": ("French", "français"),
    "he": ("Hebrew", "עברית"),
    "hi": ("Hindi", "हिन्दी"),
    "hu": ("Hungarian", "magyar"),
    "it": ("Italian", "italiano"),
    "ja": ("Japanese", "日本語"),
    "ko": ("Korean", "한국어"),
    "nl": ("Dutch", "Nederlands"),
    "no": ("Norwegian", "norsk"),
    "pl": ("Polish", "polski"),
    "pt": ("Portuguese", "português"),
    "ro": ("Romanian", "română"),
    "ru": ("Russian", "русский"),
    "sv": ("Swedish", "svenska"),
    "th": ("Thai", "ไทย"),
    "tr": ("Turkish", "Türkçe"),
    "uk": ("Ukrainian", "українська"),
    "zh": ("Chinese", "中文"),
}
_CODES: Mapping[str, str] = {fold(name): code for code, names in _LANGUAGES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Need:
    """`kind` is "language" (a code), "category" or "skill" (a name)."""

    kind: str
    value: str

    @property
    def words(self) -> str:
        """For people."""
        return _LANGUAGES.get(self.value, (self.value,))[0] if self.kind == "language" else self.value


def needed(category: str, language: str, skills: Iterable[Sequence[str]]) -> tuple[Need, ...]:
    """What the ticket needs of a team: only what somebody there has, else nobody could ever take it."""
    wanted = [Need("language", language)] if language else []
    wanted += [Need("category", category)] if category else []
    every = list(skills)
    return tuple(need for need in wanted if any(matching(own, need) is not None for own in every))


def matching(skills: Sequence[str], need: Need) -> str | None:
    """The skill that meets the need, as people read it."""
    return next((_shown(skill) for skill in skills if _meets(skill, need)), None)


def language_of(skill: str) -> str:
    """The code of a language that is named so, or nothing. Two letters alone are no language: "IT" is a trade."""
    kind, colon, value = skill.partition(":")
    if colon and fold(kind) == "language":
        return _CODES.get(fold(value), fold(value))
    return _CODES.get(fold(skill), "")


def _meets(skill: str, need: Need) -> bool:
    kind, colon, value = skill.partition(":")
    is_category = bool(colon) and fold(kind) == "category"
    if need.kind == "language":
        return language_of(skill) == need.value
    if need.kind == "category":
        top, category = fold(value if is_category else skill), fold(need.value)
        parts = () if is_category else tuple(part.strip() for part in category.split("/"))
        return category == top or category.startswith(f"{top} /") or top in parts
    return fold(value if is_category else skill) == fold(need.value)


def _shown(skill: str) -> str:
    code = language_of(skill)
    return _LANGUAGES[code][0] if code in _LANGUAGES else skill.partition(":")[2].strip() or skill
