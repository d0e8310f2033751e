"""What a person newly wrote in a mail, and what was set aside with its reason; linear, and never empty for nothing.

It takes the text of a mail, and lines that were sent earlier on its ticket, and returns the reply and the cuts. Each
line gets a letter (desk/mail/line_kinds.py), then a few ordered rules decide over the letters. It knows no HTML and
no mail format. Answers between quotes, passed-on mails and fenced code stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from desk.mail import line_kinds as kinds
from desk.mail.attribution import is_attribution
from desk.mail.contact_block import contact_block, is_card
from desk.mail.inbound_request import Cut
from desk.mail.reply_lines import joined
from desk.mail.reply_lines.devices import names_device, names_kind_of_device

MAX_SIGNATURE_LINES = 20
MAX_DASHED_LINES = 6
MAX_FOOTER_LINES = 12
MAX_DISCLAIMER_LINES = 30

_DASHED_NAME = re.compile(r"(?:-{1,2}|-- |[—–] ?)(?:[^\W\d_a-zà-þ][^\W\d_.'’-]{1,20}[ .'’-]{0,2}){1,3}")

QUOTE, SIGNATURE, FOOTER = "quote", "signature", "footer"


def split(text: str, known: Sequence[str] = ()) -> tuple[str, tuple[Cut, ...]]:
    """The reply in a text and the parts cut from it. If nothing would be left, the whole text is the reply."""
    reply, cuts = _parted(text, known)
    return (reply, cuts) if reply.strip() else (text.strip("\n") if text.strip() else "", ())


def has_own_words(text: str) -> bool:
    """Whether anything but quotes and a signature is in it."""
    return bool(_parted(text, ())[0].strip())


def _parted(text: str, known: Sequence[str]) -> tuple[str, tuple[Cut, ...]]:
    """What is left, which may be nothing."""
    if not text.strip():
        return "", ()
    lines = joined.parted(text.split("\n"), lambda line, marked: is_attribution(line, quoted=marked))
    letters = kinds.letters(lines, known)
    lines, letters = kinds.with_shared_lines_parted(lines, letters)
    reasons = _reasons(lines, letters)
    return _joined(line for line, reason in zip(lines, reasons, strict=True) if not reason), _cuts(lines, reasons)


def _reasons(lines: list[str], letters: str) -> list[str]:
    """For each line the reason why it is cut, or ""."""
    reasons = [SIGNATURE if letter == kinds.ARMOUR else "" for letter in letters]
    end = _forward_start(letters)
    _cut_embedded(lines, letters, reasons, end)
    _cut_attributed(letters, reasons, end)
    _cut_trailing_quote(lines, letters, reasons, end)
    if end == len(lines):
        _cut_signature(lines, letters, reasons)
        _cut_trailing_quote(lines, letters, reasons, end)
    _cut_rule_above(letters, reasons)
    return reasons


def _forward_start(letters: str) -> int:
    """Where a passed-on mail begins that stays whole: a forward mark with nothing quoted above it."""
    at = letters.find(kinds.FORWARD)
    if at < 0 or any(letters.find(mark, 0, at) >= 0 for mark in (kinds.ATTRIBUTION, kinds.ORIGINAL, kinds.HEADER)):
        return len(letters)
    return at


def _cut_embedded(lines: list[str], letters: str, reasons: list[str], end: int) -> None:
    """From the mark or header block of an embedded mail on, everything is the earlier mail."""
    starts = [at for mark in (kinds.ORIGINAL, kinds.HEADER) if (at := letters.find(mark, 0, end)) >= 0]
    if not starts:
        return
    start = min(starts)
    if letters[start] == kinds.HEADER and not letters[:start].strip(kinds.EMPTY + kinds.RULE + kinds.DASHES):
        # A mail that begins with such lines has its own words below them.
        return
    while start and letters[start - 1] in kinds.EMPTY + kinds.RULE:
        start -= 1
    reasons[start:end] = [QUOTE] * (end - start)


def _cut_attributed(letters: str, reasons: list[str], end: int) -> None:
    """An attribution goes with the quote below it; without a quote mark below, with all that follows."""
    at = letters.find(kinds.ATTRIBUTION, 0, end)
    while at >= 0 and not reasons[at]:
        after = _run(letters, at, end, kinds.ATTRIBUTION)
        below = _run(letters, after, end, kinds.EMPTY)
        marked = below < end and letters[below] == kinds.QUOTE
        stop = _quote_end(letters, below, end) if marked else end
        if not marked and not _has_words(letters, reasons, at):
            # The quote is deleted and the line above it is left: what follows is the person's.
            stop = after
        if marked and _is_interleaved(letters, stop, end):
            stop = after
        reasons[at:stop] = [QUOTE] * (stop - at)
        at = letters.find(kinds.ATTRIBUTION, stop, end)


def _has_words(letters: str, reasons: list[str], end: int) -> bool:
    """Whether a person's words stand above."""
    return any(letters[index] in kinds.WORDS + kinds.QUOTE and not reasons[index] for index in range(end))


def _is_interleaved(letters: str, at: int, end: int) -> bool:
    """Whether answers and quotes alternate from here on; then the quotes stay, or nobody knows what is answered."""
    answer = letters.find(kinds.TEXT, at, end)
    quote = letters.find(kinds.QUOTE, answer, end) if answer >= 0 else -1
    return quote >= 0 and letters.find(kinds.TEXT, quote, end) >= 0


def _quote_end(letters: str, at: int, end: int) -> int:
    """The end of a quote: quoted lines, and empty ones between them."""
    last = at
    while at < end and letters[at] in kinds.QUOTE + kinds.EMPTY:
        if letters[at] == kinds.QUOTE:
            last = at
        at += 1
    return last + 1


def _run(letters: str, at: int, end: int, kind: str) -> int:
    while at < end and letters[at] in kind:
        at += 1
    return at


def _cut_trailing_quote(lines: list[str], letters: str, reasons: list[str], end: int) -> None:
    """A quote with nothing but signatures and cuts below it is nobody's new words."""
    at = _signed_off(lines, letters, reasons, end)
    while at and (reasons[at - 1] or letters[at - 1] in kinds.QUOTE + kinds.EMPTY):
        at -= 1
    for index in range(at, end):
        if letters[index] == kinds.QUOTE and not reasons[index]:
            reasons[index] = QUOTE


def _signed_off(lines: list[str], letters: str, reasons: list[str], end: int) -> int:
    """Where the quote ends that has only a name below, or `end`; sentences must stand above, and no other quote."""
    at = end - 1
    while at > 0 and (reasons[at] or letters[at] == kinds.EMPTY):
        at -= 1
    shape = letters[:at].rstrip(kinds.EMPTY)
    above = shape.rstrip(kinds.QUOTE + kinds.EMPTY)
    if at < 3 or lines[at - 1].strip("> \t") or letters[at] != kinds.TEXT or shape[-1:] != kinds.QUOTE:
        return end
    is_alone = set(above) <= {kinds.TEXT, kinds.EMPTY} and above and letters[len(above)] == kinds.EMPTY
    name, last = lines[at].strip(), lines[len(above) - 1].strip()
    is_name = len(name) < 30 and name.count(" ") < 3 and name[-1:] not in ",.:;!?。" and not name[:1].islower()
    return at if is_alone and is_name and last[-1:] in tuple(".!?。") else end


def _cut_rule_above(letters: str, reasons: list[str]) -> None:
    """A long rule between the reply and a quote or footer that goes to the end belongs to it."""
    first = len(letters)
    while first and (reasons[first - 1] or letters[first - 1] in kinds.EMPTY):
        first -= 1
    start = first
    reason = next((one for one in reasons[first:] if one in (QUOTE, FOOTER)), "")
    while start and letters[start - 1] in kinds.RULE + kinds.EMPTY + (kinds.DASHES if reason == FOOTER else ""):
        start -= 1
    if start < first and reason:
        reasons[start:first] = [reason] * (first - start)


def _cut_signature(lines: list[str], letters: str, reasons: list[str]) -> None:
    """A signature or a list's footer below the words, and lines that a phone adds."""
    _cut_sent_from(lines, letters, reasons)
    _cut_below(kinds.FOOTER, MAX_FOOTER_LINES, FOOTER, letters, reasons)
    _cut_below(kinds.DISCLAIMER, MAX_DISCLAIMER_LINES, FOOTER, letters, reasons)
    _cut_below(kinds.SIGNATURE, MAX_SIGNATURE_LINES, SIGNATURE, letters, reasons)
    _cut_dashed(lines, letters, reasons)
    start, stop = contact_block(lines, letters, reasons)
    reasons[start:stop] = [SIGNATURE] * (stop - start)
    _cut_dashed_name(lines, letters, reasons)


def _cut_sent_from(lines: list[str], letters: str, reasons: list[str]) -> None:
    """A line that a phone adds is the last; with a person's words below it, it is a person's too."""
    start = _phones_end(lines, letters, reasons)
    reasons[start + 1 :] = [reason or QUOTE for reason in reasons[start + 1 :]]
    last = True
    for index in range(len(letters) - 1, -1, -1):
        if letters[index] == kinds.SENT_FROM and (last or _is_above_cut(lines, reasons, index)):
            reasons[index] = SIGNATURE
        elif letters[index] in kinds.WORDS and not reasons[index]:
            last = False


def _is_above_cut(lines: list[str], reasons: list[str], index: int) -> bool:
    """Whether a phone's line stands right above what is cut: the answer is then below the quote."""
    below = next((at for at in range(index + 1, min(len(lines), index + 4)) if lines[at].strip()), index)
    return bool(reasons[below]) and names_device(lines[index].strip())


def _phones_end(lines: list[str], letters: str, reasons: list[str]) -> int:
    """The phone's line that parts a person's words from an earlier mail without any mark; else the last line.

    The line must name a device and stand alone, words must stand above it and no quote, and a whole mail below it.
    """
    end = len(letters) - 1
    at = letters.find(kinds.SENT_FROM)
    if at < 2 or reasons[at] or any(letter in letters[:at] for letter in (kinds.QUOTE, kinds.ATTRIBUTION)):
        return end
    alone = letters[at - 1] == kinds.EMPTY and letters[at + 1 : at + 2] == kinds.EMPTY
    below = sum(letters[index] == kinds.TEXT and not reasons[index] for index in range(at + 1, len(letters)))
    return at if alone and below > 2 and kinds.TEXT in letters[:at] and names_kind_of_device(lines[at].strip()) else end


def _cut_dashed(lines: list[str], letters: str, reasons: list[str]) -> None:
    """Two dashes without the space of RFC 3676 are often a person's divider: only few lines, and no sentences, go."""
    at = _last_divider(letters, reasons)
    if at < 0:
        return
    stop = next((index for index in range(at + 1, len(letters)) if reasons[index]), len(letters))
    below = [line.strip() for line in lines[at + 1 : stop] if line.strip()]
    if len(below) > MAX_DASHED_LINES or any(map(_is_sentence, below)):
        return
    is_title = letters[at] == kinds.RULE and letters[at - 1 : at] == kinds.TEXT and lines[at].strip()[0] in "-=~*"
    if lines[at].strip() in ("--", "—", "––") or (is_card(below) and not is_title):
        reasons[at:stop] = [SIGNATURE] * (stop - at)


def _last_divider(letters: str, reasons: list[str]) -> int:
    """The last dashes or rule that is not cut; what an earlier mail had below its own is its business."""
    for index in range(len(letters) - 1, -1, -1):
        if letters[index] in kinds.DASHES + kinds.RULE and not reasons[index]:
            return index
    return -1


def _cut_dashed_name(lines: list[str], letters: str, reasons: list[str]) -> None:
    """A name right behind dashes ("--Ann", "—Ann Example") as the last line."""
    at = len(lines) - 1
    while at > 0 and (reasons[at] or letters[at] == kinds.EMPTY):
        at -= 1
    if (
        at > 0
        and letters[at] == kinds.TEXT
        and letters[at - 1] == kinds.EMPTY
        and _DASHED_NAME.fullmatch(lines[at].strip())
    ):
        reasons[at] = SIGNATURE


def _is_sentence(line: str) -> bool:
    """A line that ends as a sentence does; "Example Ltd." is none."""
    return line.endswith(("?", "!", ":")) or (line.endswith(".") and line.count(" ") > 2)


def _cut_below(mark: str, most: int, reason: str, letters: str, reasons: list[str]) -> None:
    """From a mark to the next cut, if there are few enough lines for what the mark announces."""
    at = letters.find(mark)
    while at >= 0:
        stop = at + 1
        while stop < len(letters) and not reasons[stop]:
            stop += 1
        words = sum(1 for index in range(at + 1, stop) if letters[index] != kinds.EMPTY)
        if not reasons[at] and words <= most:
            reasons[at:stop] = [reason] * (stop - at)
        at = letters.find(mark, stop)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()


def _cuts(lines: list[str], reasons: list[str]) -> tuple[Cut, ...]:
    cuts: list[Cut] = []
    start = 0
    for index in range(1, len(lines) + 1):
        if index < len(lines) and reasons[index] == reasons[start]:
            continue
        if reasons[start]:
            cuts.append(Cut(reasons[start], "\n".join(lines[start:index])))
        start = index
    return tuple(cuts)
