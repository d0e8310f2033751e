"""Is this the line above a quote, "On <date>, <name> wrote:", in any language?

It takes one to four lines joined, and returns yes or no. The words come from desk/text/mail_words/attributions.tsv;
the shape (a date, a time, an address, a colon) is the same everywhere.
"""

from __future__ import annotations

import re
from functools import cache

from desk.mail.reply_lines.shape import INVISIBLE, ends_in_colon, is_shaped
from desk.text import mail_words

MOST_LINES = 4
MAX_LENGTH = 450

_TIME = re.compile(r"\d{1,2}\s?[:.h時时시點点]\s?\d{2}|\d{1,2}\s?(?:am|pm|uhr|時|点|點|시)\b|\b\d{1,2}:\d{2}", re.I)
_DAY = re.compile(
    r"\d{1,4}\s?[./\-年년]\s?\d{1,2}\s?[./\-月월]\s?\d{1,4}|\b\d{4}\b|\b\d{1,2}\.?(?:\s|-|\s?de\s)[^\W\d_]{3,12}|[^\W\d_]{3,12}\.?\s\d{1,2}\b|\d{1,2}\s?月\s?\d{1,2}"
)
_DATE = re.compile(r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}|\b(?:19|20|25)\d\d\b|\d\s?年")
_ADDRESS = re.compile(r"[^\s<>\"(),;:]@[^\s<>\"(),;:]")
_GMT = re.compile(r"\b(?:GMT|UTC)\s?[+-]\d{1,2}", re.I)
_TAIL = " \t\u00a0\u200e\u200f\u202b\u202c*_-—–>:：׃៖։․\"'”’)"
_NAMED = re.compile(r"[<(][^\s<>()]{1,128}@[^\s<>()]{1,200}[>)]")
_SHARED = re.compile(
    r"(?P<words>.{1,300}?)[ \t]?-{0,6}[ \t]?(?P<rest>\b(?:On|Am|Le|El|Il|Em|Op|Den)\s"
    r"(?:\w{2,10}[.,]{0,2}\s\d|\w{2,10}\.?,\s\w{2,10}\.?\s\d|\d{1,4}[./\s-]).{0,300})"
)
_SHARED_WORDS = ("On ", "Am ", "Le ", "El ", "Il ", "Em ", "Op ", "Den ")
_DATE_FIRST = re.compile(r"\d{4}[./-]\d{1,2}[./-]\d{1,2}\s|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}[\s,]")
_DECORATED = re.compile(r"-{2,}[^-].{2,110}[^-]\s?-{2,}:?")


def is_attribution(joined: str, *, quoted: bool) -> bool:
    """Whether the text is an attribution; `quoted` says that a quoted line follows, which makes less proof enough."""
    joined = joined.strip(INVISIBLE)
    if not 6 <= len(joined) <= MAX_LENGTH:
        return False
    return _is_worded(joined, quoted=quoted) or (is_shaped(joined, quoted=quoted) and (quoted or not is_own(joined)))


def has_verb(joined: str) -> bool:
    """Whether the verb of an attribution stands in it ("wrote", "schrieb")."""
    return _has_verb(joined.casefold())


def is_own(joined: str) -> bool:
    """Whether a person speaks of a mail ("I wrote to you on …:"), which no program does."""
    return _own().search(joined.casefold()) is not None


def _is_worded(joined: str, *, quoted: bool) -> bool:
    """Whether it is one by the words of the tables."""
    folded = joined.casefold().strip("*_ \t\u00a0\u200e\u200f\u202a\u202b")
    colon = ends_in_colon(joined)
    address, time, day = _signs(joined)
    if not folded:
        return False
    if folded[0] == "-" and _DECORATED.fullmatch(folded) and (_ends_with_verb(folded) or _is_whole(joined, folded)):
        return True
    if not (address or time or day):
        named = _ends_with_verb(folded) or _quoting().match(folded) is not None
        return quoted and colon and named and len(joined) < 80
    if folded.startswith(">>>"):
        # GroupWise: `>>> Kim Park <kim@example.org> 03/03/26 9:41 AM >>>`
        return folded.endswith(">>>") and day and time
    if _ends_with_verb(folded):
        return _verb_enough(folded, colon=colon, address=address, dated=time and day, quoted=quoted)
    if not colon:
        return quoted and address and _DATE_FIRST.match(folded) is not None
    if (address or (quoted and day)) and _quoting().match(folded) and joined.count(" ") < 14:
        return True
    if _is_whole(joined, folded):
        return True
    shaped = day and (time or address) and (_begins(folded) or (time and quoted))
    if shaped and _has_verb(folded):
        return True
    # Yandex, Mail.ru and Gmail in some languages write only a date and a name: `26.06.2014, 14:41, "A" <a@b>:`
    return day and time and ((folded[0].isdigit() and quoted) or (address and joined.endswith((">:", ">："))))


def _is_whole(joined: str, folded: str) -> bool:
    """Who, when and a verb, in any order: `Kim Park <kim@example.org> schrieb am 3. März 2026 um 09:41:`.

    The hour may be missing where the address is the last: `tisdag 3 mars 2026 skrev Kim Park <kim@example.org>:`.
    """
    named = _NAMED.search(folded)
    if not (named and _DAY.search(joined) and _has_verb(folded)):
        return False
    timed = _TIME.search(joined) is not None or joined.endswith((">:", "> :", ">："))
    timed = timed or folded[named.end() :].lstrip().startswith(_verbs())
    return timed and not _own().search(folded)


def _signs(joined: str) -> tuple[bool, bool, bool]:
    address = _ADDRESS.search(joined) is not None
    time = _TIME.search(joined) is not None or _GMT.search(joined) is not None
    return address, time, _DAY.search(joined) is not None


def _verb_enough(folded: str, *, colon: bool, address: bool, dated: bool, quoted: bool) -> bool:
    """A line that ends with "wrote" must also begin like an attribution or carry a date or an address."""
    begins = _begins(folded)
    if quoted:
        return begins or dated or address
    if folded.rstrip(_TAIL).endswith(mail_words.texts("attributions", "own")):
        return False
    if not (colon or folded.rstrip().endswith("-")):
        return begins and dated and address
    return (begins and (dated or address)) or (address and (dated or "<" in folded))


def _ends_with_verb(folded: str) -> bool:
    """The verb stands in the last words ("wrote:", "schrieb:", "님이 작성:")."""
    tail = folded.rstrip(_TAIL)
    # The words are tried by hand: one expression of them all is forty times slower.
    verbs = _verbs_by_end().get(tail[-2:], ())
    return any(tail.endswith(verb) and _begins_word(tail, len(tail) - len(verb), verb) for verb in verbs)


def _has_verb(folded: str) -> bool:
    return any(_begins_word(folded, at, verb) for verb in _verbs() if (at := folded.find(verb)) >= 0)


def _begins_word(text: str, at: int, verb: str) -> bool:
    """Where a script has capitals it also has spaces, and there a verb must begin a word."""
    return not at or verb[0].upper() == verb[0] or not (text[at - 1].isalnum() or text[at - 1] == "_")


def opens(line: str) -> bool:
    """Whether a line is the first of an attribution that goes on below it: it begins like one and has a date."""
    folded = line.casefold().strip("*_ \t\u00a0\u200e\u200f\u202a\u202b")
    return bool(folded) and _begins(folded) and _DAY.search(line) is not None


def goes_on(line: str, below: str) -> bool:
    """Whether a line is plainly cut off from an attribution below it: it has a sign of one, or its end is missing."""
    plain = line.strip(INVISIBLE)
    if not plain or (plain[-1] in ".!?…。" and not plain[-2:-1].isdigit()):
        return False
    signs = _ADDRESS.search(plain) or _TIME.search(plain) or _DATE.search(plain)
    return below.startswith(("<", "(")) or signs is not None or _begins(plain.casefold())


def is_tail(joined: str, above: str, *, quoted: bool) -> bool:
    """Whether a name and address in the line above belong to it ("Kim <kim@example.org> wrote on / March 3 at …")."""
    if not above or _ADDRESS.search(joined) or not _NAMED.search(above):
        return False
    open_bracket = above.rfind("(") > above.rfind(")")
    if above.rstrip(INVISIBLE).endswith(("!", "?", ":", "：", ">.", ").")) and not open_bracket:
        return False
    return is_attribution(f"{above.strip()} {joined}", quoted=quoted)


def is_verb_alone(line: str) -> bool:
    """Whether a line is only the end of an attribution, such as `> wrote:` where the bracket of an address broke."""
    return len(line) < 24 and line.casefold().strip(_TAIL) in _verbs()


def _begins(folded: str) -> bool:
    return folded[0].isdigit() or _on().match(folded.lstrip("-*_> \t")) is not None


@cache
def _verbs() -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.rstrip(_TAIL) for word in mail_words.texts("attributions", "wrote")))


@cache
def _verbs_by_end() -> dict[str, tuple[str, ...]]:
    """The verbs by their last two letters."""
    ends: dict[str, tuple[str, ...]] = {}
    for verb in _verbs():
        ends[verb[-2:]] = (*ends.get(verb[-2:], ()), verb)
    return ends


@cache
def _quoting() -> re.Pattern[str]:
    return re.compile(rf"{mail_words.alternatives('attributions', 'quoting')}\s")


@cache
def _own() -> re.Pattern[str]:
    return re.compile(mail_words.alternatives("attributions", "own"))


@cache
def _on() -> re.Pattern[str]:
    words = mail_words.alternatives("attributions", "on")
    return re.compile(rf"{words}(?=[\s\d,])|(?:\u05d1-|\u202b\u05d1|在|于|於|เมื่อ|في)")


def parted(line: str) -> tuple[str, str]:
    """The reply and the attribution where they stand on one line; ("", line) where they do not."""
    if len(line) > MAX_LENGTH or not any(line.find(word, 1) > 0 for word in _SHARED_WORDS):
        return "", line
    match = _SHARED.match(line)
    if match is None or not is_attribution(match["rest"], quoted=True):
        return "", line
    words = match["words"].rstrip(" -—–\t")
    return (words, match["rest"]) if words.strip(" >*_") else ("", line)
