"""Lines that hang under a mail by themselves: a mailing list's or a ticket system's footer, a company's disclaimer.

It takes one line, and returns whether it is one. The words of disclaimers come from
desk/text/mail_words/disclaimers.tsv.
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
_LONGEST_LOOK = 600
_LEAST_SECRET, _LONGEST_SCANNER = 40, 200
_SECRET = re.compile(
    r"confiden|riservat|vertraulich|vertrouwelijk|konfiden|fortrolig|luottamuks|poufn|důvěrn|dôvern|bizalmas|gizli|"
    r"конфиденц|конфіденц|поверит|доверит|εμπιστευτικ|povjerljiv|poverljiv|zaupn|konfidents|konfidenc|rahasia|"
    r"sulit|機密|保密|机密|기밀|سري|חסוי|bảo mật|ความลับ",
    re.I,
)
_MEANT = re.compile(
    r"address(?:ee|ed)|recipient|intended|adressat|empfänger|destinat|geadresseerde|ontvanger|mottak|mottag|modtag|"
    r"vastaanott|adresat|adresát|címzett|alıcı|адресат|получател|отримувач|одержувач|получател|παραλήπτ|primatelj|"
    r"primalac|prejemnik|naslovnik|saaja|adresāt|gavėj|penerima|penerima|收件人|收信人|受信者|宛先|수신|المستلم|المرسل|נמען|"
    r"người nhận|ผู้รับ",
    re.I,
)
_VIRUS = re.compile(r"virus|malware|вирус|вірус|ウイルス|病毒|바이러스", re.I)
_SCANNER = re.compile(
    r"avast|\bavg\b|\beset\b|mcafee|norton|kaspersky|sophos|mailscanner|dr\.web|clamav|bitdefender|avira", re.I
)


def is_footer(line: str) -> bool:
    """Whether it has a word that stands in footers."""
    return _FOOTER.search(line) is not None


def is_disclaimer(line: str) -> bool:
    """Whether it begins as the paragraphs do that companies hang under every mail."""
    lead = line[:_LONGEST_LEAD].lstrip(" \t*_-–—\"'([•").casefold()
    return lead[:3] in _heads() and lead.startswith(mail_words.texts("disclaimers", "start"))


def is_notice(line: str) -> bool:
    """Whether a line below a person's words is such a paragraph by what it speaks of, or a virus scanner's."""
    return _is_secret(line[:_LONGEST_LOOK]) or (len(line) < _LONGEST_SCANNER and _is_scanners(line))


def _is_secret(line: str) -> bool:
    """Whether a long line speaks of secrecy and of whom it is meant for: no person does both."""
    return len(line) >= _LEAST_SECRET and _SECRET.search(line) is not None and _MEANT.search(line) is not None


def _is_scanners(line: str) -> bool:
    """Whether a virus scanner wrote it."""
    return _VIRUS.search(line) is not None and _SCANNER.search(line) is not None


@cache
def _heads() -> frozenset[str]:
    """The first letters of those paragraphs: most lines are dismissed by them."""
    return frozenset(text[:3] for text in mail_words.texts("disclaimers", "start"))
