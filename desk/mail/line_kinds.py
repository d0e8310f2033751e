"""One letter for each line of a mail's text: quote, attribution, header block, signature and so on.

It takes lines, and lines that were sent earlier, and returns a string with a letter for each line. It looks at a line
and a few of its neighbours, never farther, and takes its words from desk/text/mail_words and shapes from
desk/mail/reply_lines; what becomes of a letter is decided in desk/mail/reply_text.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import islice

from desk.mail.attribution import (
    MOST_LINES,
    goes_on,
    has_verb,
    is_attribution,
    is_own,
    is_tail,
    is_verb_alone,
    opens,
    parted,
)
from desk.mail.footers import is_disclaimer, is_footer, is_notice
from desk.mail.reply_lines.delimiters import DASH_SIGNS, asks_above, delimiters, forward_starts, is_garbled_mark
from desk.mail.reply_lines.devices import may_be_phones, names_device
from desk.mail.reply_lines.header_blocks import block_end, is_apples
from desk.mail.reply_lines.protected import mark_armour, mark_code
from desk.mail.reply_lines.quote_repairs import (
    BARS,
    is_named_quote,
    mark_broken_links,
    mark_cut_addresses,
    mark_named_quotes,
    mark_quoted_attribution,
    mark_wrapped_quotes,
)
from desk.mail.reply_lines.shape import COLONS, INVISIBLE, ends_in_colon, has_moment, is_addressed
from desk.text import mail_words

EMPTY, TEXT, QUOTE, ATTRIBUTION = "e", "t", "q", "a"
TITLE = "T"
"""An attribution behind quote marks, which is one only where no quote stands around it."""
ORIGINAL, HEADER, FORWARD = "o", "h", "f"
WORDS = "tc"
SIGNATURE, DASHES, SENT_FROM, RULE, FOOTER, CODE, ARMOUR = "s", "d", "m", "r", "l", "c", "p"
DISCLAIMER = "i"

_ENDS = frozenset(":：-*>׃៖։․")
MIN_KNOWN = 12
"""Shorter lines ("Hello,") are written by everybody and prove no quote."""
MAX_LOOK = 1_000
"""Characters of a line that are looked at."""
MAX_LINES = 50_000
"""Lines that are looked at; nobody writes more, and what follows is taken for text."""
MOST_ABOVE = 20
"""Empty lines above the first words of a mail."""
MAX_TRIES = 1_000
"""Lines of one mail that are tried as the end of an attribution, or as the start of a header block."""

_QUOTE = re.compile(r"[ \t\u00a0\u200e\u200f\u202a\u202b\u2067]{0,3}(?:[>＞]|&gt;)")
_NOT_QUOTE = re.compile(r"[ \t]{0,3}>>{1,9} >>{1,9} [^<>]{0,200}<")
_SHORT_RULES = frozenset(("--", "—", "––", "__", "___", "____", "---", "***", "~~~", "===", "* * *", "— — —"))
_RULE = re.compile(r"[ \t>*]{0,8}(?:[-_=—–─━*~◆◇■□●○★☆※]{5,}|(?:[-_*=~—] ){3,}[-_*=~—]?)[ \t*]{0,8}")
_ABOVE_QUOTE = re.compile(f"{EMPTY}{TEXT}(?={EMPTY}{{0,2}}[{ATTRIBUTION}{QUOTE}])")
_RULED = frozenset("-_=—–─━*~◆◇■□●○★☆※")
_RUN_ON = re.compile(r" {1,4}([^\s:：]{1,30}[ ,].{10,250}?[:：]) {2,8}\S")
_MARKED = re.compile(r"(-{2,30}|={2,30}|\*{2,30}) ?[^\W_][^\n]{1,60}[^\W_]\S? ?(-{2,30}|={2,30}|\*{2,30})")
_TITLED = re.compile(r">{3,5} (?:\"|On )")


def letters(lines: Sequence[str], known: Sequence[str] = ()) -> str:
    """The letters of all lines."""
    sent = {_bare(line) for line in known}
    all_lines, lines = lines, lines[:MAX_LINES]
    found = [_letter(line[:MAX_LOOK], sent) for line in lines]
    mark_code(lines, found)
    mark_armour(lines, found)
    shape = "".join(found)
    if TEXT + QUOTE in shape:
        mark_cut_addresses(lines, found)
    if QUOTE + TEXT in shape:
        mark_broken_links(lines, found)
        mark_wrapped_quotes(lines, found)
    _mark_attributions(lines, found)
    _settle_titles(found)
    mark_quoted_attribution(lines, found)
    mark_named_quotes(lines, found)
    _mark_devices(lines, found)
    _mark_header_blocks(lines, found)
    _mark_footers(lines, found)
    _mark_disclaimers(lines, found)
    return "".join(found) + TEXT * (len(all_lines) - len(lines))


def with_shared_lines_parted(lines: list[str], found: str) -> tuple[list[str], str]:
    """A reply and an attribution on one line ("ok On Mon, … wrote:") become two lines."""
    at = found.find(ATTRIBUTION)
    if at < 0:
        return lines, found
    words, rest = parted(lines[at])
    if not words:
        return lines, found
    return [*lines[:at], words, rest, *lines[at + 1 :]], found[:at] + TEXT + found[at:]


def _letter(line: str, sent: set[str]) -> str:
    plain = line.strip()
    if not plain.isascii():
        plain = plain.strip(INVISIBLE)
    if not plain:
        return EMPTY
    if plain[0] in ">＞&" and _QUOTE.match(line):
        if plain[-3:] == ">>>" and len(plain) < 200 and is_attribution(plain, quoted=False):
            return ATTRIBUTION
        if _TITLED.match(plain) and is_attribution(plain.lstrip("> "), quoted=False):
            # GroupWise `>>> On 3/3/2026 …, Kim Park wrote:`, and Supercite `>>>>> "Kim" == Kim Park writes:`.
            return TITLE
        if _NOT_QUOTE.match(line) or (plain[-1] in ":：" and is_verb_alone(plain)):
            return TEXT
        return QUOTE
    if sent and len(plain) >= MIN_KNOWN and _bare(plain) in sent:
        return QUOTE
    if len(plain) < 6 and plain in _SHORT_RULES:
        return SIGNATURE if line.endswith((" ", "\u00a0")) else DASHES
    if plain[-1] in _RULED and _RULE.fullmatch(plain):
        return RULE
    if len(plain) < 120:
        return _worded(plain)
    return TEXT


def _worded(plain: str) -> str:
    """The letter of a short line by its words."""
    folded = (plain.replace("&nbsp;", " ") if "&nbsp;" in plain else plain).casefold()
    decorated = _is_decorated(plain)
    bare = DASH_SIGNS.sub(" ", folded).strip() if decorated else folded.rstrip(".。")
    if (decorated and bare in delimiters("original")) or bare.rstrip(" .") in delimiters("above"):
        return ORIGINAL
    if plain[:3] == "##-" and plain[-3:] == "-##" and len(plain) > 10:
        # Zendesk: "type your reply above this line", in whatever language its desk speaks.
        return ORIGINAL
    if decorated and asks_above(plain, bare):
        return ORIGINAL
    if bare in delimiters("forward") or (decorated and bare.startswith(forward_starts())):
        return FORWARD
    if plain[:4] == plain[-4:] == "----" and is_garbled_mark(bare):
        return ORIGINAL
    if bare[-1:] in _sent_from_last() and bare.endswith(_sent_from_ends()) and names_device(plain):
        return SENT_FROM
    lead = folded.lstrip("-*_([<•· \u200e\u200f\u202a\u202b")
    if lead[:2] in _sent_from_heads() and (_is_exact(lead) or (_is_short_tail(folded) and _is_sent_from(lead))):
        return SENT_FROM
    return TEXT


def _is_sent_from(lead: str) -> bool:
    """By how it begins, or by beginning and end ("Von meinem … gesendet")."""
    if _sent_from().match(lead):
        return True
    return any(lead.startswith(start) and end in lead[len(start) :] for start, end in _around())


def _is_exact(lead: str) -> bool:
    """As a whole, where sentences begin alike."""
    return lead.split("<", 1)[0].strip(" .。_*") in mail_words.texts("sent_from", "exact")


def _is_decorated(plain: str) -> bool:
    return plain[0] in "-—–_=*<>+#" or plain[-1] in "-—–_=*:：>"


def is_forward_mark(line: str) -> bool:
    """Whether a line, quoted or not, says that a passed-on mail begins."""
    plain = line[:MAX_LOOK].strip("> \t")
    if not 4 < len(plain) < 120:
        return False
    return _worded(plain) == FORWARD if _is_decorated(plain) else plain.casefold() in delimiters("forward")


def _is_short_tail(folded: str) -> bool:
    """A line that a phone adds is no sentence that goes on ("Sent from my desk, is much easier …")."""
    if folded.startswith("sent from") and (len(folded) > 45 or folded.endswith(".")):
        if ", " in folded:
            return folded[-1] != "." and names_device(folded)
        return "sent from my" in folded and len(folded) < 90
    if ", " in folded:
        return folded[-1] != "." and names_device(folded)
    return len(folded) < 90 and not folded.endswith("?")


@cache
def _sent_from() -> re.Pattern[str]:
    return re.compile(mail_words.alternatives("sent_from", "sent", "via"))


@cache
def _sent_from_heads() -> frozenset[str]:
    """The first two letters of those lines: most other lines are dismissed by them."""
    return frozenset(text[:2] for _, _, text in mail_words.rows("sent_from"))


@cache
def _sent_from_ends() -> tuple[str, ...]:
    return mail_words.texts("sent_from", "end")


@cache
def _sent_from_last() -> frozenset[str]:
    """The last letters of those ends: most other lines are dismissed by them."""
    return frozenset(text[-1] for text in _sent_from_ends())


@cache
def _around() -> tuple[tuple[str, str], ...]:
    halves = (text.partition("…") for text in mail_words.texts("sent_from", "around"))
    return tuple((start.strip(), end.strip()) for start, _, end in halves)


def _bare(line: str) -> str:
    return " ".join(line.split()).lstrip("> ").casefold()


def _mark_attributions(lines: Sequence[str], found: list[str]) -> None:
    """The lines above a quote that say who wrote it and when; up to four lines, judged from the last upwards."""
    ends = (index for index in range(len(lines)) if found[index] in (TEXT, SENT_FROM) and _may_end(lines, found, index))
    for index in islice(ends, MAX_TRIES):
        start = _attribution_start(lines, found, index)
        if start >= 0:
            found[start : index + 1] = [ATTRIBUTION] * (index + 1 - start)
    _mark_run_on(lines, found)


def _mark_run_on(lines: Sequence[str], found: list[str]) -> None:
    """Yahoo's app writes the quote on the attribution's own line: `  On Tue, …, Kim <kim@…> wrote:   old words`."""
    for index, line in enumerate(lines):
        match = _RUN_ON.match(line[:MAX_LOOK]) if found[index] == TEXT and line[:1] == " " else None
        if match and is_attribution(match[1], quoted=False):
            found[index] = ATTRIBUTION
            return


def _mark_devices(lines: Sequence[str], found: list[str]) -> None:
    """Right above a quote, a line alone that names a device or an app is the phone's, in any language."""
    for match in _ABOVE_QUOTE.finditer("".join(found)):
        at = match.start() + 1
        if may_be_phones(lines[at].strip(INVISIBLE)):
            found[at] = SENT_FROM


def _settle_titles(found: list[str]) -> None:
    for index in [at for at, letter in enumerate(found) if letter == TITLE]:
        found[index] = QUOTE if index and found[index - 1] == QUOTE else ATTRIBUTION


def _may_end(lines: Sequence[str], found: list[str], index: int) -> bool:
    """Whether an attribution could end here: most lines are dismissed by their last character."""
    if lines[index].rstrip(INVISIBLE)[-1:] in _ENDS or _next_letter(found, index) == QUOTE:
        return True
    return index + 1 < len(lines) and lines[index + 1][:1] in BARS


def _attribution_start(lines: Sequence[str], found: list[str], last: int) -> int:
    """Where the attribution that ends in this line begins, or -1."""
    quoted = _next_letter(found, last) == QUOTE or is_named_quote(lines, found, last) or _is_first(lines, found, last)
    joined, best = "", -1
    for start in range(last, max(-1, last - MOST_LINES - 1), -1):
        if found[start] not in (TEXT, SENT_FROM, EMPTY) or len(joined) > 600:
            break
        if found[start] == EMPTY:
            # Only a line that plainly goes on (`<` or `wrote:` alone) reaches over an empty line.
            if not (joined.startswith("<") or (best < 0 and len(joined) <= 60 and (quoted or is_verb_alone(joined)))):
                break
            continue
        line, below = lines[start][:MAX_LOOK].strip(), joined
        joined = f"{line} {joined}".strip()
        is_linked = best < 0 or (best == start + 1 and goes_on(line, below))
        if is_attribution(joined, quoted=quoted):
            if opens(line):
                above = lines[start - 1][:MAX_LOOK] if start and found[start - 1] == TEXT else ""
                return start - 1 if is_tail(joined, above, quoted=quoted) else start
            best = start if is_linked else best
    return best


def _is_first(lines: Sequence[str], found: list[str], last: int) -> bool:
    """Whether nothing but the attribution itself can stand above, and it has an address and a moment."""
    if last > MOST_ABOVE:
        return False
    first = next((index for index, letter in enumerate(found[: last + 1]) if letter != EMPTY), last)
    if last - first > 1 or any(letter not in (TEXT, EMPTY) for letter in found[first : last + 1]):
        return False
    joined = " ".join(lines[first : last + 1])[:MAX_LOOK]
    if last > first and ends_in_colon(lines[first][:MAX_LOOK]):
        return False
    if not ends_in_colon(joined):
        return False
    return has_moment(joined) and (is_addressed(joined) or has_verb(joined)) and not is_own(joined)


def _next_letter(found: list[str], index: int) -> str:
    for letter in found[index + 1 : index + 6]:
        if letter != EMPTY:
            return letter
    return EMPTY


def _mark_header_blocks(lines: Sequence[str], found: list[str]) -> None:
    """Two or more header lines in a row ("From: … Sent: … To: …") open an embedded mail."""
    starts = (index for index, line in enumerate(lines) if found[index] == TEXT and (":" in line or "：" in line))
    looked = [line[:MAX_LOOK] for line in lines]
    for index in islice(starts, MAX_TRIES):
        stop = block_end(looked, index)
        found[index:stop] = [HEADER] * (stop - index)
        if stop > index:
            _mark_above(lines, found, index)


def _mark_above(lines: Sequence[str], found: list[str], block: int) -> None:
    """A line above a header block that no table has: a mark in dashes, or what Apple's Mail writes above a forward."""
    at = block - 1
    while at > block - 3 and at >= 0 and found[at] == EMPTY:
        at -= 1
    if at < 0 or found[at] != TEXT:
        return
    plain = lines[at][:MAX_LOOK].strip(INVISIBLE)
    mark = _MARKED.fullmatch(plain)
    if mark:
        # Gmail alone writes ten dashes and nine, and only above what it forwards.
        found[at] = FORWARD if (len(mark[1]), len(mark[2])) == (10, 9) else ORIGINAL
    elif plain[-1:] in COLONS and len(plain) < 50 and (at == 0 or found[at - 1] == EMPTY) and is_apples(lines, block):
        found[at] = FORWARD


def _mark_footers(lines: Sequence[str], found: list[str]) -> None:
    """A long rule with a mailing list's or a ticket system's words below it is a footer."""
    for index, letter in enumerate(found):
        if letter not in (RULE, SIGNATURE, DASHES):
            continue
        if any(is_footer(line[:MAX_LOOK]) for line in lines[index + 1 : index + 5]):
            found[index] = FOOTER


def _mark_disclaimers(lines: Sequence[str], found: list[str]) -> None:
    """A paragraph that begins as the ones do that companies hang under every mail."""
    for index, letter in enumerate(found):
        starts = not index or found[index - 1] in EMPTY + RULE + SIGNATURE + DASHES + DISCLAIMER
        if letter == TEXT and starts and (is_disclaimer(lines[index]) or (index and is_notice(lines[index]))):
            found[index] = DISCLAIMER
