"""Stores a frozen dataclass as a JSON object and reads it back, also from rows that other releases stored.

Every field has a default. What equals its default is not stored; a key that is missing, unknown or of another type
leaves the default.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[Any], Any]
_PLAIN_TYPES = frozenset({str, int, bool, float, type(None)})
"""What JSON has as it is; a word of an enumeration is stored as its text."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One field: its name in the class, its key in the JSON, and how its value is read."""

    name: str
    key: str
    default: Any
    read: Reader
    takes_none: bool
    always: bool


def stored_as(key: str, default: str = "") -> Any:
    """A text field whose key in the JSON is not its name."""
    return field(default=default, metadata={"key": key})


def always_stored(default: Any) -> Any:
    """A field that is stored even if it equals its default."""
    return field(default=default, metadata={"always": True})


def to_json(record: Any) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    row: dict[str, Any] = {}
    for column in _columns_of(type(record)).values():
        value = getattr(record, column.name)
        # Most fields have their default, and that very object: the comparison is for the others.
        if column.always or (value is not column.default and value != column.default):
            row[column.key] = value if type(value) in _PLAIN_TYPES else _plain(value)
    return row


def from_json(cls: type[T], stored: Mapping[str, Any]) -> T:
    """The record that was stored so."""
    columns, values = _columns_of(cls), {}
    for key, value in stored.items():
        column = columns.get(key)
        if column is None or (value is None and not column.takes_none):
            continue
        try:
            values[column.name] = None if value is None else column.read(value)
        except (TypeError, ValueError, AttributeError):
            continue
    return cls(**values)


def _plain(value: Any) -> Any:
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, str):
        return str(value)
    if is_dataclass(value):
        own = getattr(value, "to_json", None)
        return own() if own else to_json(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value]


def _columns_of(cls: Any) -> Mapping[str, _Column]:
    return _columns(cls)


@cache
def _columns(cls: Any) -> Mapping[str, _Column]:
    hints = typing.get_type_hints(cls)
    listed = [_column(each, hints[each.name]) for each in fields(cls)]
    return {column.key: column for column in listed}


def _column(each: Field[Any], hint: Any) -> _Column:
    default = each.default if each.default_factory is MISSING else each.default_factory()
    optional = hint is Any or type(None) in typing.get_args(hint)
    always = bool(each.metadata.get("always"))
    return _Column(each.name, each.metadata.get("key", each.name), default, _reader(hint), optional, always)


def _reader(hint: Any) -> Reader:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _reader(next(each for each in inner if each is not type(None)))
    if origin is tuple:
        read = _reader(inner[0])
        return lambda value: tuple(read(each) for each in _a_list(value))
    if is_dataclass(hint) and isinstance(hint, type):
        own = getattr(hint, "from_json", None)
        return own or (lambda value: from_json(hint, value))
    if isinstance(hint, type) and (issubclass(hint, Enum) or hint in (str, int, bool)):
        return hint
    return dict if origin is not None else lambda value: value


def _a_list(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError
    return value
