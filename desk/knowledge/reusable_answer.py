"""An answer as it can be said to somebody else: without its greeting, its farewell, its author's name and signature.

It takes the words of a reply, whom it was for and who wrote it, and returns what it says. Words in the middle stay as
they are. The greetings and farewells are those of desk/text/mail_words/courtesies.tsv, the signatures those of
desk/mail/reply_text.py.
"""

from __future__ import annotations

import re
from functools import cache

from desk.mail.reply_text import split
from desk.text import mail_words

_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_HEAD = re.compile(r"([^,!.:;，！。、：–—\n]{1,80})([,!.:;，！。、：–—]{0,3}[ \t]*)(.*)", re.DOTALL)
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
MOST_NAME_WORDS = 4
MOST_FAREWELL_LINES = 6
MOST_FAREWELL_LETTERS = 60


def for_others(text: str, requester: str = "", author: str = "") -> str:
    """The answer itself; all of the text where nothing else would be left."""
    said = split(text)[0].strip()
    rest = _without_greeting(said, _names(requester))
    rest = _without_farewell(rest, _names(author))
    rest = _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in rest.split("\n"))).strip()
    return rest or said


def _without_greeting(text: str, names: frozenset[str]) -> str:
    found = _HEAD.match(text)
    if found is None:
        return text
    head, mark, rest = found.groups()
    ends_line = rest == "" or rest.startswith("\n")
    if not (mark.strip() or ends_line) or not _is_greeting(head, names, marked=bool(mark.strip(" .:;"))):
        return text
    # "Dear Ms. Park, …": the full stop belongs to the title.
    if mark.startswith(".") and not ends_line:
        return _without_greeting(rest, names) if _names_only(rest, names) else text
    rest = rest.strip()
    return rest[:1].upper() + rest[1:]


def _names_only(text: str, names: frozenset[str]) -> bool:
    """Whether a text begins with a name and the mark behind it, as what is left of "Dear Ms. Park, …" does."""
    found = _HEAD.match(text)
    return found is not None and bool(found[2].strip()) and _are_names(_WORDS.findall(found[1]), names)


def _is_greeting(head: str, names: frozenset[str], *, marked: bool) -> bool:
    """A hello with or without a name, or the requester's name alone with a mark behind it."""
    words = _WORDS.findall(head)
    folded = [word.casefold() for word in words]
    for count in range(min(len(words), 6), 0, -1):
        if " ".join(folded[:count]) in _phrases("hello"):
            return _are_names(words[count:], names)
    return marked and bool(words) and set(folded) <= names


def _are_names(words: list[str], names: frozenset[str]) -> bool:
    """So few, and each one a name as it is written, or a title."""
    known = _phrases("hello")
    return len(words) <= MOST_NAME_WORDS and all(
        word.casefold() in names or word.casefold() in known or not word[:1].islower() for word in words
    )


def _without_farewell(text: str, names: frozenset[str]) -> str:
    """From the line that takes leave on, if nothing but names and titles stands below it; then the author's name."""
    lines = text.rstrip().split("\n")
    while len(lines) > 1:
        at = _farewell(lines)
        if at is None and _is_of(lines[-1], names):
            at = len(lines) - 1
        if at is None or not any(line.strip() for line in lines[:at]):
            break
        lines = "\n".join(lines[:at]).rstrip().split("\n")
    return "\n".join(lines)


def _farewell(lines: list[str]) -> int | None:
    below = 0
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at].strip()
        if not line:
            continue
        if _is_farewell(line):
            return at
        below += 1
        if below > MOST_FAREWELL_LINES or len(line) > MOST_FAREWELL_LETTERS or line[-1] in ".?!:;…。！？":
            return None
    return None


def _is_farewell(line: str) -> bool:
    """ "Kind regards", also with a name on the same line; "Thanks" counts, "thanks for the file" does not."""
    if len(line) > MOST_FAREWELL_LETTERS:
        return False
    head, _, rest = line.partition(",")
    if rest.strip() and not _are_names(_WORDS.findall(rest), frozenset()):
        return False
    said = " ".join(word.casefold() for word in _WORDS.findall(head))
    return said in _phrases("bye") or said in _phrases("thanks")


def _is_of(line: str, names: frozenset[str]) -> bool:
    words = {word.casefold() for word in _WORDS.findall(line)}
    return bool(words) and words <= names


def _names(name: str) -> frozenset[str]:
    """The words of a name; of an address, what stands before its @."""
    return frozenset(word.casefold() for word in _WORDS.findall(name.partition("@")[0]))


@cache
def _phrases(kind: str) -> frozenset[str]:
    return frozenset(" ".join(_WORDS.findall(text)) for text in mail_words.texts("courtesies", kind))
