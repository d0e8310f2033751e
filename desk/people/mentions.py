"""Who is meant by `@name` in a note: an agent's name, address, or the part before the @ of it where only one has it.

It takes a text and who there is, and returns numbers of agents in the order of their mention. What fits nobody is
plain text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

_BEFORE = " \t\n([{,;:\"'"


def names(agents: Iterable[tuple[int, str, str]]) -> Mapping[str, int]:
    """Everything that an agent (number, name, address) may be called; what several are called means nobody."""
    called = [
        (word.casefold(), number)
        for number, name, address in agents
        for word in {name.casefold(), address.casefold(), address.partition("@")[0].casefold()}
        if word
    ]
    count = Counter(word for word, _ in called)
    return {word: number for word, number in called if count[word] == 1}


def mentioned(text: str, known: Mapping[str, int]) -> tuple[int, ...]:
    """The longest name counts: @Ann Lee is not @Ann."""
    lower, found = text.casefold(), dict[int, None]()
    longest_first = sorted(known, key=len, reverse=True)
    at = lower.find("@")
    while at >= 0:
        if at == 0 or lower[at - 1] in _BEFORE:
            rest = lower[at + 1 : at + 400]
            name = next((one for one in longest_first if rest.startswith(one) and _ends(rest[len(one) :])), None)
            if name is not None:
                found[known[name]] = None
        at = lower.find("@", at + 1)
    return tuple(found)


def _ends(rest: str) -> bool:
    """Not in the middle of a longer word or address."""
    return not rest or not (rest[0].isalnum() or rest[0] in "_@-" or (rest[0] == "." and rest[1:2].isalnum()))
