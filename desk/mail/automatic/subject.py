"""Recognises an automatic answer by its subject: the words of programs in many languages, where people write others.

A subject comes in; the reason comes out, empty for a person's. The words are in
desk/text/mail_words/automatic_subjects.tsv.
"""

from __future__ import annotations

import re
from functools import cache

from desk.text import mail_words

_AFTER_START = re.compile(r"\s*(?:[:：\-–—|(\[]|$|re\b|\d)", re.IGNORECASE)
_GOES_ON = re.compile(r"[,，、]|^ (?:and|but|und|aber|et|mais|y|pero|e|ma|och|men|og|en|maar|i|ale|и|но) ")
_ENDS = re.compile(r"\s*(?:$|[\])}>】）」:：–—|-])")
ANSWER = re.compile(r"^(?:(?:re|aw|sv|fw|fwd)\s*:\s*)+", re.IGNORECASE)
"""A subject that answers or passes on a mail."""
_REPORT = re.compile(r"report domain: ?\S{1,250}[;,]? {0,3}submitter: ?\S")


def reason(whole: str) -> str:
    """Why the subject is an automatic answer's; empty if it is not."""
    subject = whole[:300].casefold().strip()
    if not subject:
        return ""
    match = _starts().match(subject)
    if match and _AFTER_START.match(subject, match.end()):
        return f"subject begins with {match[0]!r}"
    match = _away().match(subject)
    if match:
        return f"subject begins with {match[0]!r}"
    return "" if subject.endswith("?") or ANSWER.match(subject) else _worded(subject)


def _worded(subject: str) -> str:
    for words in mail_words.texts("automatic_subjects", "open"):
        if subject.startswith(words) and "," not in subject[len(words) :]:
            return f"subject begins with {words!r}"
    for words in mail_words.texts("automatic_subjects", "anywhere"):
        # "I am out of the office, and cannot log in" is a person's.
        if words in subject and not _GOES_ON.search(subject.partition(words)[2]):
            return f"subject has {words!r}"
    for words in mail_words.texts("automatic_subjects", "inside"):
        if words in subject and _ENDS.match(subject.partition(words)[2]):
            return f"subject has {words!r}"
    return ""


def is_report(subject: str) -> bool:
    """Whether it is the subject of an aggregate report (RFC 7489, RFC 8460)."""
    return _REPORT.match(subject[:600].casefold().strip()) is not None


@cache
def _starts() -> re.Pattern[str]:
    return re.compile(mail_words.alternatives("automatic_subjects", "start"))


@cache
def _away() -> re.Pattern[str]:
    """Words of an absence right before the prefix of an answer ("On leave: Re: Printer")."""
    words = mail_words.alternatives("automatic_subjects", "away")
    prefix = mail_words.alternatives("reply_prefixes", "reply")
    return re.compile(rf"{words}\s{{0,2}}[:：–—-]?\s{{0,2}}{prefix}\s?[:：]")
