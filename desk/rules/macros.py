"""Texts with `{name}` in them: macros, canned replies, warning mails. Plain substitution, and nothing else.

No expressions, attributes or formats: an agent's template can neither run anything nor use much memory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_NAME = re.compile(r"\{([a-z][a-z0-9_.]{0,60})\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Each known `{name}` by its value; unknown ones stay as they are, so that the agent sees them."""
    return _NAME.sub(lambda match: values.get(match[1], match[0]), text)


def unknown(text: str, known: Collection[str]) -> tuple[str, ...]:
    """The names in the text that nothing is known for, once each."""
    return tuple(dict.fromkeys(name for name in _NAME.findall(text) if name not in known))
