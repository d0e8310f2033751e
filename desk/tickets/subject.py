"""Subjects: what is left without reply and forward prefixes, and the ticket numbers that stand in it.

It takes a subject, and returns its base for comparing threads, our own tags, and the numbers of other desks. It does
not decide whether a number is to be believed.
"""

from __future__ import annotations

import re
from functools import cache

from desk.mail.inbound_request import MAX_LINE
from desk.text import mail_words

_SPACE = re.compile(r"\s+")
_LIST_TAG = re.compile(r"\[[^\[\]#]{1,40}\]\s*")
_OUR_TAG = re.compile(r"\[#(\d{1,12})\]")
_OTHER_NUMBER = re.compile(
    # [Ticket#2026030112], [Case: 12], [SUPPORT-123], [#ABC-123-45678]
    r"\[(?:ticket|case|ref|request|vorgang|dossier|caso)?\s*[#:]?\s*([A-Za-z]{0,8}[#-]?\d{3,20}(?:-\d{1,12})?)\]"
    # ServiceNow
    r"|\b((?:INC|RITM|REQ|CHG|PRB|TASK|SCTASK|CS|CASE|SR)\d{5,12}|CASE-\d{1,6}-\d{3,10})\b"
    # Jira, whose keys look like UTF-8 and ISO-9001 where nothing marks them
    r"|[(\[]([A-Z][A-Z0-9]{1,9}-\d{1,7})[)\]]|^\s*((?!(?:UTF|ISO|COVID|SHA|RFC|CVE|DIN|USB)-)[A-Z][A-Z0-9]{1,9}-\d{1,7}):"
    # Salesforce, Zendesk
    r"|\bref:\s?([!_\w]{5,40}\.[!_\w]{3,40}):ref\b|\[((?=[A-Z]*\d)[A-Z0-9]{6}-[A-Z0-9]{4})\]"
    r"|##\s?-?\s?([\w-]{3,20}?)\s?-?\s?##"
    r"|\b(?:ticket|case|request|issue)\s?(?:id|no\.?|number|nr\.?)?\s?[#:]\s?([A-Za-z]{0,4}\d[\w-]{1,20})"
    # Request Tracker
    r"|\[[\w.-]{1,40} #(\d{1,12})\]"
    r"|\(#(\d{3,12})\)",
    re.IGNORECASE,
)


# Three digits, a year, a month, a day, a standard: they stand in the subjects of many matters.
_OF_MANY_MATTERS = re.compile(
    r"\d{1,3}|(?:[A-Z]{1,9}(?:\d?[#-])?)?(?:19|20)\d\d(?:-\d{1,2})?|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])"
    r"|(?:UTF|ISO|COVID|SHA|RFC|CVE|DIN|USB|GPT|Q[1-4]|KW|V)-?\d+",
    re.IGNORECASE,
)


@cache
def _announced() -> re.Pattern[str]:
    """A ticket's number behind the word for it, in any language."""
    words = mail_words.alternatives("ticket_words", "number")
    mark = r"(?:[ -]?(?:id|no|nr|n[°ºo]|number|č)\b\.?)?\s?[#:：№.]?\s?(?:n[°º.]\s?|nr\.?\s|č\.\s?|№\s?)?"
    return re.compile(rf"(?<![^\W_]){words}{mark}((?:[A-Za-z]{{1,4}}-?)?\d[\w-]{{2,20}})", re.IGNORECASE)


@cache
def _prefix() -> re.Pattern[str]:
    words = mail_words.alternatives("reply_prefixes", "reply", "forward")
    count = r"(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\d{1,3})?"
    return re.compile(rf"\s*{words}\s{{0,2}}{count}\s{{0,2}}[:：]\s*", re.IGNORECASE)


@cache
def _answered() -> re.Pattern[str]:
    words = mail_words.alternatives("reply_prefixes", "reply")
    return re.compile(rf"\s*{words}\s{{0,2}}(?:\[\d{{1,3}}\]|\(\d{{1,3}}\))?\s{{0,2}}[:：]\s*", re.IGNORECASE)


@cache
def _forward() -> re.Pattern[str]:
    words = mail_words.alternatives("reply_prefixes", "forward")
    return re.compile(rf"\s*(?:\[[^\]]{{1,40}}\]\s*)?(?:{words}\s{{0,2}}[:：]|\[fwd:)", re.IGNORECASE)


@cache
def _doubtful() -> re.Pattern[str]:
    both = set(mail_words.texts("reply_prefixes", "reply")) & set(mail_words.texts("reply_prefixes", "forward"))
    return re.compile(rf"\s*(?:\[[^\]]{{1,40}}\]\s*)?(?:{'|'.join(map(re.escape, sorted(both)))})\s{{0,2}}[:：]", re.I)


def base(subject: str) -> str:
    """The subject without prefixes of any language, list tags and our own tag, in single spaces."""
    plain = _SPACE.sub(" ", _OUR_TAG.sub(" ", subject[:MAX_LINE])).strip()
    if plain[:5].lower() == "[fwd:" and plain.endswith("]"):
        plain = plain[1:-1]
    at = 0
    while at < len(plain):
        match = _prefix().match(plain, at) or _LIST_TAG.match(plain, at)
        if match is None or match.end() == at:
            break
        if match.end() >= len(plain):
            break
        at = match.end()
    return plain[at:].strip() or plain


def answer(subject: str) -> str:
    """The subject of an answer: the same but for one "Re:", or mail programs show it as another conversation."""
    plain = _SPACE.sub(" ", subject[:MAX_LINE]).strip()
    while (match := _answered().match(plain)) and match.end() < len(plain):
        plain = plain[match.end() :]
    return f"Re: {plain}"


def is_forward(subject: str) -> bool:
    """Whether the first prefix says that a mail was passed on."""
    return _forward().match(subject[:MAX_LINE]) is not None


def is_surely_forward(subject: str) -> bool:
    """The same, without prefixes that mean an answer in another language (VS is Danish, and Finnish)."""
    return is_forward(subject) and _doubtful().match(subject[:MAX_LINE]) is None


def tag(number: int) -> str:
    """Our mark in a subject."""
    return f"[#{number}]"


def tags(subject: str) -> tuple[int, ...]:
    """The numbers of our marks in a subject, in order, each once."""
    return tuple(dict.fromkeys(int(number) for number in _OUR_TAG.findall(subject[:MAX_LINE])))


def foreign_numbers(subject: str) -> tuple[str, ...]:
    """Ticket numbers of other desks (ServiceNow, Jira, OTRS, RT, ...), as they are written, each once."""
    without_ours = _OUR_TAG.sub(" ", subject[:MAX_LINE])
    matches = [*_OTHER_NUMBER.finditer(without_ours), *_announced().finditer(without_ours)]
    places = ((match.start(match.lastindex), match[match.lastindex]) for match in matches if match.lastindex)
    return tuple(dict.fromkeys(number for _, number in sorted(places)))


def lasting_numbers(subject: str) -> tuple[str, ...]:
    """Those of other desks' numbers, in capitals, that tell one matter from another for as long as it lasts."""
    if not any(map(str.isdigit, subject)):
        return ()
    found = (number.upper() for number in foreign_numbers(subject))
    return tuple(dict.fromkeys(number for number in found if not _OF_MANY_MATTERS.fullmatch(number)))
