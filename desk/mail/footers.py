"""Lines that hang under a mail by themselves: a mailing list's or a ticket system's footer, a company's disclaimer.

In: one line. Out: whether it is one. The words of disclaimers come from desk/text/mail_words/disclaimers.tsv.
"""

from __future__ import annotations

import re
from functools import cache

from desk.text import mail_words

_FOOTER = re.compile(
    r"mailing[ -]?list|mailman|unsubscribe|[+-](?:leave|request|owner)@|@lists?\.|\blists?\.[a-z0-9-]{1,60}\.[a-z]{2,}|"
    r"liste de diffusion|lista de correo|lista de discuss|lista de distribu|lista di distrib|lista dyskusyjn|"
    r"mailinglijst|sähköpostilista|levelezőlista|рассылк|розсилк|メーリングリスト|邮件列表|郵件列表|메일링|"
    r"grupos d[eo] google|groupes google|google-gruppe|groups? google|group/[a-z0-9_.-]{2,60}|listinfo|"
    r"google groups|yahoo! groups|view it on github|reply to this email directly|"
    r"you received this (?:message|email) because|you are receiving this|list archive",
    re.I,
)
_LONGEST_LEAD = 80


def is_footer(line: str) -> bool:
    """Whether it has a word that stands in footers."""
    return _FOOTER.search(line) is not None


def is_disclaimer(line: str) -> bool:
    """Whether it begins as the paragraphs do that companies hang under every mail."""
    lead = line[:_LONGEST_LEAD].lstrip(" \t*_-–—\"'([•").casefold()
    return lead[:3] in _heads() and lead.startswith(mail_words.texts("disclaimers", "start"))


@cache
def _heads() -> frozenset[str]:
    """The first letters of those paragraphs: most lines are dismissed by them."""
    return frozenset(text[:3] for text in mail_words.texts("disclaimers", "start"))
