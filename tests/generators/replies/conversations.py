"""Draws conversations from a seed: a program, a language, a style, and what mail programs do to the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.generators.replies import data, markup, plain
from tests.generators.replies.parts import Source

WEBMAILS = ("roundcube", "sogo", "horde", "snappy", "squirrel")
UNMARKED = ("yahoo", "gmail", "apple", "proton", "spark", "ox", "k9", "mailru", "netease", "superhuman", "missive")
"""Programs whose quotes often come without marks once their HTML was turned into text."""
_HEAD = "From: Ann <ann@example.com>\nTo: desk@example.org\nSubject: Re: x\nMessage-ID: <1@example.com>\n"
_MORE = "In-Reply-To: <0@example.org>\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n"
UNSEEN_LANGUAGES = frozenset("bg cs cy el es et eu fa fr gl hy lv tw zh".split())  # noqa: SIM905
UNSEEN_PROGRAMS = frozenset("geary hey netease ox proton snappy squirrel superhuman yandex".split())  # noqa: SIM905
"""Drawn by chance and kept apart while the rules were written: of these only the total was looked at."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One mail and its true reply text."""

    program: str
    language: str
    style: str
    text: str
    is_html: bool
    reply: str

    @property
    def seen(self) -> bool:
        """Whether it is of the part that the rules were developed on."""
        return self.program not in UNSEEN_PROGRAMS and self.language not in UNSEEN_LANGUAGES

    @property
    def raw(self) -> bytes:
        """The bytes of the mail."""
        kind = "html" if self.is_html else "plain"
        return f"{_HEAD}{_MORE}Content-Type: text/{kind}; charset=utf-8\n\n{self.text}\n".encode()


def conversations(count: int, seed: int = 1) -> Iterator[Conversation]:
    """So many of them, the same ones for the same seed."""
    for index in range(count):
        yield conversation(Random(seed * 1_000_003 + index))


def conversation(random: Random) -> Conversation:
    """One of them."""
    if random.random() < 0.3:
        code, style = random.choice(sorted(data.languages())), random.choice((*sorted(plain.WITHOUT), "own_words"))
        return _written(random, style, code, style, random.choice(data.attributions())[2])
    program, code, template = random.choice(data.attributions())
    styles = {**plain.WITH_ATTRIBUTION, **markup.STYLES}
    if program not in UNMARKED:
        styles = {name: style for name, style in styles.items() if name not in ("unmarked", "html nothing_marked")}
    if program in ("groupwise", "mailru", "gnus"):
        styles.pop("flattened", None)
    return _written(random, program, code, random.choice(sorted(styles)), template)


def attributed(random: Random, program: str, code: str, template: str) -> Conversation:
    """A plain answer above a quote with this attribution."""
    return _written(random, program, code, "top", template)


def _written(random: Random, program: str, code: str, style: str, template: str) -> Conversation:
    language = data.languages().get(code) or data.languages()["en"]
    older = language if random.random() < 0.7 else data.languages()["en"]
    write = {**plain.WITH_ATTRIBUTION, **plain.WITHOUT, **markup.STYLES}[style]
    lines, reply = write(Source(random, language, older), template)
    is_html = style.startswith("html ")
    return Conversation(program, code, style, _as_sent(lines, random, is_html=is_html), is_html, "\n".join(reply))


def _as_sent(lines: list[str], random: Random, *, is_html: bool) -> str:
    """What programs do to all lines: no-break spaces at their ends, Windows' line ends."""
    if not is_html and random.random() < 0.1:
        lines = [
            f"{line}\u00a0" if line and not line.endswith(" ") and random.random() < 0.3 else line for line in lines
        ]
    return ("\r\n" if random.random() < 0.3 else "\n").join(lines)
