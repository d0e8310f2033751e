"""What a requester really wrote, as words: the mail's greeting, signature, disclaimer and quotes are put aside first.

In comes the text of a mail, a Slack message or a form; out come its lower-case words in order. Everything here is
one pass over lines or characters, so that the time grows with the text and with nothing else. It refuses to know
categories, models and where the text came from. It never answers "nothing" for a text that has words: where only
noise is left, the noise is the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

# The words that decide stand at the top; a megabyte of log below them only costs time.
LONGEST_TEXT = 20_000
LONGEST_BODY = 6_000
LONGEST_WORD = 40
# "With my very kindest regards, yours sincerely" and a name have fewer; prose that fills its line has more.
MOST_CLOSING_SPACES = 13

_GREETINGS = frozenset([
    "hi", "hello", "hey", "hallo", "hola", "ola", "bonjour", "bonsoir", "salut", "servus", "moin", "ciao", "buongiorno",
    "dear", "greetings", "guten", "buenos", "buenas", "bom", "boa", "sehr", "liebe", "lieber", "liebes", "cher",
    "chere", "estimado", "estimada", "estimados", "prezado", "prezada", "prezados", "caro", "cara", "gentile",
    "geachte", "beste", "hei", "hej", "kedves", "szanowni", "witam", "dobry", "good",
])  # fmt: skip
# These begin sentences as well; only what stands here may follow them in a greeting.
_AFTER_GREETING = {
    "good": ("morning", "afternoon", "evening", "day"),
    "guten": ("morgen", "tag", "abend"),
    "sehr": ("geehrte", "geehrter", "geehrtes"),
    "bom": ("dia",),
    "boa": ("tarde", "noite"),
    "buenos": ("dias",),
    "buenas": ("tardes", "noches"),
}
# Matched against folded words in lower case: no accents, no apostrophes.
_THANKS = (
    r"(?:many\s+|a\s+million\s+)?(?:thanks|thank\s+you|thx|tks)"
    r"(?:\s+(?:a\s+lot|so\s+much|in\s+advance|again|very\s+much|and(?:\s+(?:best|kind))?\s+regards))*"
    r"(?:\s+for\s+(?:your|any|the|all)\s+(?:\w+\s+){0,2}"
    r"(?:help|support|assistance|time|attention|understanding|cooperation|reply|response|consideration))?"
)
_CLOSINGS = re.compile(
    r"(?:(?:(?:best|kind|kindest|warm|warmest|many|with|my|yours?)\s+){1,3}"
    r"(?:regards?|wishes|sincerely|faithfully|truly)|best|regards|cheers|sincerely(?:\s+yours)?|respectfully"
    r"|" + _THANKS + r"|br|rgds|take\s+care|yours|looking\s+forward\s+to\s+(?:hearing|your)(?:\s+\w+){0,3}"
    r"|(?:any|your)\s+help\s+(?:is|would\s+be|will\s+be)(?:\s+\w+)?\s+appreciated"
    r"|(?:have\s+a\s+)(?:nice|good|great|lovely)\s+(?:day|evening|weekend|week)"
    r"|(?:mit\s+)?(?:freundliche[nr]?|beste[nr]?|viele[n]?|liebe[n]?|herzliche[nr]?|schone[nr]?)\s+(?:grusse?n?|dank)"
    r"|grusse?|mfg|vg|lg|(?:vielen|besten|herzlichen)\s+dank(?:\s+im\s+voraus|\s+fur\s+ihre\s+hilfe)?"
    r"|danke(?:\s+(?:im\s+voraus|schon|sehr|fur\s+ihre\s+hilfe))?"
    r"|(?:bien\s+)?(?:cordialement|amicalement)|merci(?:\s+(?:davance|beaucoup|par\s+avance|pour\s+votre\s+aide))*"
    r"|bonne\s+journee|(?:meilleures\s+)?salutations"
    r"|(?:un\s+)?(?:cordial(?:es)?|atentos?)\s+saludos?|(?:un\s+)?saludos?(?:\s+cordial(?:es)?)?|(?:um\s+)?abracos?"
    r"|abrazos?|atentamente|(?:muchas\s+)?gracias(?:\s+(?:de\s+antemano|por\s+su\s+ayuda))?|atenciosamente|att"
    r"|(?:com\s+os\s+)?(?:melhores\s+)?cumprimentos|(?:muito\s+)?obrigad[oa](?:\s+(?:desde\s+ja|pela\s+ajuda))?"
    r"|(?:cordiali|distinti)\s+saluti|grazie(?:\s+mille)?|met\s+vriendelijke\s+groet(?:en)?|groet(?:en|jes)?|mvg"
    r"|med\s+vanlig\s+halsning|med\s+venlig\s+hilsen|mvh|z\s+powazaniem|pozdrawiam)\b[\s,.!:;-]*"
)
# What a closing may begin with: looking the first word up costs a tenth of trying the pattern.
_CLOSING_WORDS = frozenset([
    "best", "kind", "kindest", "warm", "warmest", "many", "with", "my", "your", "yours", "regards", "regard",
    "cheers", "sincerely", "respectfully", "a", "thanks", "thank", "thx", "tks", "br", "rgds", "take", "looking",
    "any", "have", "mit", "freundliche", "freundlichen", "freundlicher", "beste", "besten", "bester", "viele",
    "vielen", "liebe", "lieben", "herzliche", "herzlichen", "herzlicher", "schone", "schonen", "schoner", "grusse",
    "gruss", "mfg", "vg", "lg", "danke", "bien", "cordialement", "amicalement", "merci", "bonne", "meilleures",
    "salutations", "un", "cordial", "cordiales", "atento", "atentos", "saludo", "saludos", "um", "abraco", "abracos",
    "abrazo", "abrazos", "atentamente", "muchas", "gracias", "atenciosamente", "att", "com", "melhores",
    "cumprimentos", "muito", "obrigado", "obrigada", "cordiali", "distinti", "saluti", "grazie", "met",
    "vriendelijke", "groet", "groeten", "groetjes", "mvg", "med", "mvh", "z", "pozdrawiam",
])  # fmt: skip
_LETTERS = re.compile("[a-z]+")
_WISHES = re.compile(
    r"\s*(?:i\s+(?:really\s+)?hope\s+(?:this|you|your|all|everything|that)\b[^.!?\n]{0,60}\b(?:well|fine|great|day|good)"
    r"|how\s+are\s+you|ich\s+hoffe,?\s+(?:es\s+geht|sie\s+hatten|ihnen)[^.!?\n]{0,40}"
    r"|j['’]espère\s+que\s+(?:vous|tu|tout)[^.!?\n]{0,40}\bbien|espero\s+que[^.!?\n]{0,40}\b(?:bien|bem))\s*[.!?,]*",
    re.IGNORECASE,
)
_RULE = " \t>*_=-"
_RULE_SIGNS = "-_—"
_SIGNATURE_MARKS = ("--", "__", "___", "—", "---")
_BEGINS_FORWARDED = re.compile(
    r"begin forwarded|original message|ursprüngliche nachricht|message d'origine", re.IGNORECASE
)
_ORIGINAL = re.compile(
    r"[^@]{0,60}?(?:original|forward|weitergeleitet|ursprüngliche|nachricht|message|mensaje|mensagem|messaggio)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\s*\*?(?:from|von|de|da|van|från|fra|od|sent|gesendet|envoyé|enviado|発信|发件人)\s*:\*?\s*\S", re.IGNORECASE
)
_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|skrev|napisał|写道|書きました)\b.{0,40}$",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(
    r"(?:sent from|get outlook for|gesendet (?:von|mit)|von meinem|envoyé (?:de|depuis)|enviado (?:desde|do|de) m"
    r"|inviato da|verzonden vanaf)\b",
    re.IGNORECASE,
)
# One of these makes a line a footer, two of the others do.
_FOOTER = (
    "consider the environment", "before printing this", "confidentiality notice", "intended recipient", "unsubscribe",
    "virus-free", "scanned for viruses", "this message is intended only", "this email is intended only",
)  # fmt: skip
_DISCLAIMER = (
    "confidential", "intended recipient", "intended solely", "intended only", "privileged", "unauthori", "disclos",
    "received this", "please notify", "legally", "addressee", "delete it", "before printing", "disclaimer",
    "vertraulich", "adressat", "irrtümlich", "unbefugt", "vernichten", "confidentiel", "destinataire", "par erreur",
    "détruire", "confidencial", "destinatario", "por error", "destinatário", "por engano", "riservat", "vertrouwelijk",
)  # fmt: skip
_SIGNS: tuple[tuple[str, ...], ...] = (
    (*_FOOTER, *_DISCLAIMER),
    (
        "wrote", "writes", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "schreef", "skrev", "napisał",
        "写道", "書きました",
    ),
    ("begin forwarded", "original message", "ursprüngliche nachricht", "message d'origine"),
    ("sent from", "get outlook", "gesendet ", "von meinem", "envoyé de", "enviado d", "inviato da", "verzonden vanaf"),
)  # fmt: skip
_CONTACT = re.compile(r"(?:\+?\d[\d\s()./-]{6,}\d|@\w|www\.|https?://|\s\|\s)", re.IGNORECASE)
# Scripts that write no spaces: every sign is a word, and the pairs of words do what words do elsewhere.
_SPACELESS = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# "can't" is one word and not "can"; "l'imprimante" is two.
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]{{1,{LONGEST_WORD}}}(?:['’](?:t|s|m|d|re|ve|ll)\b)?")


def words(text: str) -> list[str]:
    """The words of the text as they stand in it (in lower case), noise left out."""
    return _WORD.findall(clean(text).lower())


@lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """The word as it is compared: "não" and "nao", "Größe" and "Grösse", "printer's" and "printer" are typed alike."""
    word = word.replace("’", "'").removesuffix("'s").replace("'", "")
    if word.isascii():
        return word
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", word) if not "\u0300" <= sign <= "\u036f")
    return plain.replace("ß", "ss").replace("ø", "o").replace("æ", "ae") or word


def clean(text: str) -> str:
    """The text without what mail puts around it; the whole text where nothing else would be left."""
    shown = text[:LONGEST_TEXT]
    if not shown.isascii():
        shown = unicodedata.normalize("NFKC", shown)
    lines = shown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = _without_contact_lines(_without_greeting(_body(lines)))
    body = "\n".join(kept)
    return (body if _WORD.search(body) else shown)[:LONGEST_BODY]


class _Signs(NamedTuple):
    """What stands anywhere in a text. Most texts have none of it, so their lines need not be looked at one by one."""

    noise: bool
    quotes: bool
    forwards: bool
    phones: bool


def _signs(text: str) -> _Signs:
    return _Signs(*(any(sign in text for sign in signs) for signs in _SIGNS))


def _body(lines: list[str]) -> list[str]:
    """The lines above the signature and the quoted history, without quoted lines and disclaimers."""
    kept: list[str] = []
    begun = False
    signs = _signs("\n".join(lines).lower())
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            kept.append("")
        elif begun and _ends_the_body(lines, number, bare, signs):
            break
        elif not (_is_aside(bare, signs) or (signs.noise and _is_noise(bare))):
            kept.append(_without_last_thanks(line))
            begun = True
    return kept


def _without_last_thanks(line: str) -> str:
    """ "It is jammed again. Thanks, Ada" without its last sentence."""
    line = line.rstrip()
    while True:
        near = max(0, len(line) - 90)
        end = max(line.rfind(". ", near), line.rfind("! ", near), line.rfind("? ", near))
        if end < 0 or not _is_closing(line[end + 2 :]):
            return line
        line = line[: end + 1]


def _ends_the_body(lines: list[str], number: int, bare: str, signs: _Signs) -> bool:
    line = lines[number]
    if _is_closing(line):
        return True
    if bare[0] in _RULE_SIGNS and (bare in _SIGNATURE_MARKS or bare.startswith("_____")):
        return True
    if (signs.forwards or bare[0] in _RULE) and _is_original_mark(line):
        return True
    if signs.phones and len(line) < 80 and _SENT_FROM.match(bare):
        return True
    return ":" in line and _starts_a_quote(line, lines[number + 1 : number + 4], quoting=signs.quotes)


def _is_original_mark(line: str) -> bool:
    """ "-----Original Message-----" and its like. The rule is cut off first: one pattern for all takes squared time."""
    words = line.lstrip(_RULE)
    rule = line[: len(line) - len(words)]
    if any(mark in rule for mark in ("--", "__", "==")):
        return bool(_ORIGINAL.match(words))
    begun = _BEGINS_FORWARDED.match(words)
    return bool(begun and _ORIGINAL.match(words, begun.end()))


def _starts_a_quote(line: str, below: list[str], *, quoting: bool) -> bool:
    ends_so = line.rstrip().endswith(":")
    if quoting and len(line) < 300 and _WROTE.search(line) and (ends_so or any(_is_quoted(b) for b in below)):
        return True
    if ends_so and below and any(_is_quoted(next_line) for next_line in below[:2]):
        return True
    return ":" in line and bool(_HEADER.match(line)) and any(_HEADER.match(next_line) for next_line in below)


def _is_closing(line: str) -> bool:
    """ "Best regards," alone, or with the name behind it; not "thanks for the printer, but …"."""
    first = line.split(None, 1) if len(line) <= 80 else None
    if not first or not _may_close(first[0]) or line.count(" ") > MOST_CLOSING_SPACES:
        return False
    plain = " ".join(map(fold, line.lower().split()))
    found = _CLOSINGS.match(plain)
    if not found:
        return False
    behind = len(plain[found.end() :].split())
    return not behind or (found.group().rstrip()[-1] in ",.!-" and _is_name(line.split()[-behind:]))


@lru_cache(maxsize=20_000)
def _may_close(word: str) -> bool:
    letters = _LETTERS.match(fold(word.lower()))
    return letters is not None and letters.group() in _CLOSING_WORDS


def _is_name(spoken: list[str]) -> bool:
    return len(spoken) == 1 or (len(spoken) <= 3 and all(word[:1].isupper() for word in spoken))


def _is_aside(bare: str, signs: _Signs) -> bool:
    """A quoted line, or what a phone adds."""
    return _is_quoted(bare) or (signs.phones and len(bare) < 80 and _SENT_FROM.match(bare) is not None)


def _is_noise(bare: str) -> bool:
    lowered = bare[:2000].lower()
    return any(stem in lowered for stem in _FOOTER) or sum(stem in lowered for stem in _DISCLAIMER) >= 2


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith((">", "|>"))


def _without_greeting(lines: list[str]) -> list[str]:
    """Greetings stand on the first lines; below a subject line they stand on the second."""
    kept: list[str] = []
    for line in lines[:8]:
        if sum(1 for earlier in kept[:4] if earlier.strip()) > 2:
            break
        kept.append(_after_wishes(_after_greeting(line)))
    return kept + lines[len(kept) :]


def _after_greeting(line: str) -> str:
    """What follows "Hello dear support team," on its line; the line itself where it opens with something else."""
    head, mark, rest = _split_once(line)
    spoken = [fold(word) for word in _WORD.findall(head.lower())]
    if not spoken or spoken[0] not in _GREETINGS or len(spoken) > 6:
        return line
    needed = _AFTER_GREETING.get(spoken[0])
    if needed and (len(spoken) < 2 or spoken[1] not in needed):
        return line
    return rest if mark or len(spoken) <= 3 else line


def _after_wishes(line: str) -> str:
    found = _WISHES.match(line)
    return line[found.end() :] if found else line


def _split_once(line: str) -> tuple[str, str, str]:
    """The line around its first comma, exclamation mark, full stop or colon within 60 characters."""
    for place, sign in enumerate(line[:60]):
        if sign in ",!.:;،，":
            return line[:place], sign, line[place + 1 :]
    return (line, "", "") if len(line) <= 60 else (line[:60], "", line[60:])


def _without_contact_lines(lines: list[str]) -> list[str]:
    """Signatures without a closing formula end in telephone numbers, sites and "name | role"."""
    last = len(lines)
    while last > 1 and _is_contact(lines[last - 1]):
        last -= 1
    return lines[:last]


def _is_contact(line: str) -> bool:
    bare = line.strip()
    return not bare or (len(bare) <= 100 and len(bare.split()) <= 10 and bool(_CONTACT.search(bare)))
