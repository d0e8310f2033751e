"""The base of enumerations whose values are stored: a word that is not in the list is kept as it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class StoredWord(StrEnum):
    """A word in a column.

    A word that another release stored becomes a member of its own, so that what it left stays readable after a
    downgrade. Such a member equals its text, and is in no list of the kinds that there are.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_, member._value_ = value.upper(), value
        return member
