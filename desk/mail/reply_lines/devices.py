"""Recognises the line that a phone or a mail app adds, by the device or app that it names, in any language."""

from __future__ import annotations

import re

MOST_WIDTH = 80
MOST_WORDS = 12

_DEVICE = re.compile(
    r"iphon|ipad|ipod|android|galaxy|samsung|huawei|honor|xiaomi|redmi|oppo|oneplus|nokia|motorola|moto\b|pixel|xperia|"
    r"fairphone|blackberry|windows phone|outlook|yahoo|proton|gmail|k-9|thunderbird|fairemail|bluemail|blue mail|"
    r"aqua ?mail|\bnine\b|spark\b|edison|airmail|mailspring|"
    r"mail\.ru|яндекс|yandex|web\.de|gmx|libero|tutanota|\btuta\b|"
    r"smartphone|スマートフォン|手机|手機|휴대폰|小米|华为|華為",
    re.I,
)
_KIND = re.compile(
    r"phone|tel[eé]fon|mobil|móvil|celular|handy|tablet|puhelim|tālru|телефон|смартфон|мобил|טלפון|هاتف|گوشی|"
    r"โทรศัพท์|điện thoại|ponsel|電話|전화|फ़ोन|ტელეფონ|հեռախոս|\bapp\b",
    re.I,
)
_PERSON = frozenset({
    "i", "we", "i'm", "it's", "it", "is", "have", "use", "my", "ich", "wir", "habe", "nutze", "ist", "das",
    "j'ai", "je", "nous", "c'est", "est", "yo", "tengo", "uso", "es", "eu", "tenho", "é", "io", "ho", "è",
    "ik", "wij", "heb", "jag", "vi", "jeg", "har", "är", "er", "minulla", "on", "mam", "mám", "máme", "to",
    "jest", "я", "мы", "у", "меня", "есть", "это", "в", "мене", "є", "bende", "benim", "έχω", "είναι",
})  # fmt: skip
"""Words of sentences that people write of their devices."""
LEAST_WORDS = 3


def may_be_phones(line: str) -> bool:
    """Whether a line that names a device may be a phone's in a language of no table, and no answer ("an iPhone 12")."""
    words = line.casefold().strip("()[]*_.").split(" ")
    named = len(words) >= LEAST_WORDS and names_device(line)
    return named and _PERSON.isdisjoint(words) and not any(map(str.isdigit, line))


def names_device(line: str) -> bool:
    """Whether a short line names a device or an app and is no question."""
    if len(line) > MOST_WIDTH or line[-1:] in "?!？！:" or line.count(" ") >= MOST_WORDS:
        return False
    return _DEVICE.search(line) is not None


def names_kind_of_device(line: str) -> bool:
    """Whether a phone's line names a device, an app or only what it is ("from my phone")."""
    return names_device(line) or (len(line) <= MOST_WIDTH and _KIND.search(line) is not None)
