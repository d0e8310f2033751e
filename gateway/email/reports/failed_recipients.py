"""Finds in a report's prose the addresses that a mail could not be delivered to.

Mail servers write them in a few shapes: behind an announcement, behind a label, at the begin of a line, in the command
that was refused. The first shape that has any decides, the surest first. Every line is cut, so all of it is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

from desk.text import mail_words

MOST_LINES, MOST_CHARACTERS, MOST = 400, 500, 100
_LOCAL = r"(?:\"[^\"\s<>]{1,64}(?: [^\"\s<>]{1,64}){0,3}\"|[^\s<>\"(),;:：，、；\[\]@]{1,64})"
_DOMAIN = r"(?:\[[\d.]{7,15}\]|[^\W_](?:[\w.-]{0,250}\w)?)"
ADDRESS = rf"{_LOCAL}@{_DOMAIN}"

_ANYWHERE = re.compile(ADDRESS)
_LEAD = r"[\s>*•·\-+'\"“„«(\[]{0,16}"
_FIRST = re.compile(rf"{_LEAD}(?:[A-Za-z]{{0,8}}\.?\d{{1,3}}[.)]\s)?<?(?:mailto:)?(?P<it>{ADDRESS})")
_BEHIND_NAME = re.compile(rf"{_LEAD}[^\s<(\[@][^<(\[@]{{0,80}}[<(\[]\s?(?:mailto:|smtp:)?(?P<it>{ADDRESS})[>)\]]", re.I)
_COLON = re.compile(
    rf"[ \t]{{0,8}}<(?P<it>{ADDRESS})>(?: \((?:expanded|generated) from:? {{0,2}}<?{ADDRESS}>?\))?"
    r"[^<>:@]{0,20}(?::|\.{3})"
)
_OWN = re.compile(rf"[ \t]{{0,8}}<?(?P<it>{ADDRESS})>?:")
_EXPANDED = re.compile(rf"\((?:expanded|generated) from:? {{0,2}}<?(?P<it>{ADDRESS})>?\)", re.I)
_EXCHANGE = re.compile(rf"\bSMTP[=:](?P<it>{ADDRESS})", re.I)
_COMMAND = re.compile(rf"\brcpt to: ?<?(?P<it>{ADDRESS})>?", re.I)
_ALONE = re.compile(rf"{_LEAD}<?(?P<it>{ADDRESS})>?[\s.,;:'\"”)\]]{{0,4}}$")
_CODE = re.compile(r"(?<![\d.])[45]\d\d[ -]")
_ORIGINAL = re.compile(r"^[ \t>]{0,8}original-recipient:(?P<it>.{3,320})$", re.I)
_FINAL = re.compile(r"^[ \t>]{0,8}final-recipient:(?P<it>.{3,320})$", re.I)
_SCREEN_NAME = re.compile(r"[ \t]{0,12}([A-Za-z0-9][\w.-]{1,40})\s*(?:\(.{0,60}\))?$")

_COPY = re.compile(
    r"[\s\-=_*>+#~:]{0,90}(?:"
    r"(?:this is a |here is a |a |the )?copy of (?:the|your) (?:original )?(?:message|mail|header)|"
    r"(?:the )?original (?:message|mail)(?: headers?)?(?: follows?| attached| details| as follows| data)?"
    r"[\s\-=_*:.]{0,90}$|"
    r"(?:included|below|attached)(?: the next line| this line| here)? (?:is|are) "
    r"(?:a copy|the (?:original|header|message))|"
    r"(?:start of |here is your |your )?returned (?:message|mail)(?: follows)?[\s\-=_*:.]{0,90}$|"
    r"(?:un(?:sent|delivered) message|message text|message headers?|text of message|old message)"
    r"(?: follows?| is below)?[\s\-=_*:.]{0,90}$|"
    r"your message reads|the header of the original|---? ?the header|forwarded message[\s\-]{0,90}$|"
    r"message d'origine|ursprüngliche nachricht|mensaje original|messaggio originale|mensagem original|"
    r"元のメール|原始邮件|以下是原邮件)|(?:received|return-path|dkim-signature|mime-version): ?\S",
    re.I,
)
_END = re.compile(
    r"[\s\-=_*>]{0,90}(?:transcript of session|session transcript|reporting-mta:|subject:|from:|date:|message-id:|"
    r"sent:|end of message|diagnostic information|for (?:further|more) (?:assistance|information)|"
    r"please (?:contact|reply))",
    re.I,
)
_ANNOUNCES = re.compile(
    r"(?:recipient|addresse?|user|person|people|destination|mailbox)(?:e?s|\(e?s\))? "
    r"(?:or (?:groups|distribution lists) )?"
    r"(?:had|has|have|were|was|is|are|failed|follow|could|did|cannot|below|rejected|affected|listed|of)|"
    r"(?:these|following|intended|failed|undeliverable|affected|some|all|its) (?:\w+ ){0,2}"
    r"(?:recipient|address|user|person)|"
    r"(?:deliver|send|sent|mail|message|e-?mail|reach) (?:\w+ ){0,3}to(?: the)?\s*:?\s*$|"
    r"(?:not|n['’]t) (?:be )?(?:\w+ )?(?:delivered|sent|reach|deliver)\b.{0,40}|"
    r"recipients? of this delivery|failed (?:addresses|recipients?|delivery)|failure reasons?|undeliver|"
    r"delivery (?:has )?(?:to|failed|problem|error)|deliver(?:y|ing) (?:your|the|a) (?:mail|message)|was not delivered|"
    r"error.{0,20} follow|your (?:mail )?message\s*$|delivery status of|failure notification",
    re.I,
)
_LABEL = re.compile(
    r"(?:(?:intended|failed|final|original|rejected|invalid|undeliverable|unknown|bad|bounced|affected|recipient['’]?s?)"
    r"[ -]){0,3}(?:e-?mail[ -])?"
    r"(?:to|recipients?|address(?:es)?(?:ed to)?|user(?:id)?|mailbox|account|destination|error-for|rcpt)"
    r"(?: (?:address|name|is|are|mailbox|unknown|failed|not found))?(?:\(s\))?"
    rf"[ \t]{{0,12}}[:=][ \t]{{0,12}}[<\[\"']?(?:smtp:|mailto:)?(?P<it>{ADDRESS})",
    re.I,
)
_SENTENCE = re.compile(
    r"(?:\b(?:to|for|of|address|recipient|user|mailbox|account|at|an|für|à|pour|a|para|per|til|till|aan|voor|do|destinatario|"
    r"destinataire|empfänger|адрес\w{0,3}|для|на)[ \t:]{1,3}|(?:到|给|收件人|宛先)[ \t:：]{0,3})"
    rf"(?:the (?:following )?(?:address|recipient|user|mailbox)s? )?[<'\"“„«(\[]?(?P<it>{ADDRESS})",
    re.I,
)
_NEXT = re.compile(rf">?\s{{0,3}}(?:[,;]|and|und|et|y|e|och|og)\s{{0,3}}[<'\"]?(?P<it>{ADDRESS})")
_HELPERS = re.compile(
    r"(?:postmaster|mailer-daemon|abuse|hostmaster|support|help|helpdesk|webmaster|mail-?admin)@.*", re.I
)
_NOT_THEIRS = re.compile(
    r"\b(?:contact|reply|assistance|help|support|question|postmaster@|from|sender|sent by|on behalf|message-?id|"
    r"write to|return-path|mail from|generated by|unsubscribe|report this|administrator|forward)\b",
    re.I,
)


def fields(text: str) -> list[str]:
    """The addresses of the fields of RFC 3464 that stand in a text: what was written to, else where it went."""
    lines = text.splitlines()[:2_000]
    for pattern in (_ORIGINAL, _FINAL):
        found = [
            one for line in lines if (match := pattern.match(line[:MOST_CHARACTERS])) for one in of_field(match["it"])
        ]
        if found:
            return found[:MOST]
    return []


def of_field(value: str) -> list[str]:
    """The address in a field "type; address" of a report, however it is quoted; none for X.400 and the like."""
    kind, _, rest = value.partition(";")
    shown = (rest or kind).strip()[:400]
    shown = re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", lambda match: _character(match[1]), shown)
    # RFC 3461 writes these as "+2B", and the reporting server should have turned them back.
    shown = re.sub(r"\+(2B|3D|20)", lambda match: _character(match[1]), shown)
    return [address(match[0]) for match in [_ANYWHERE.search(shown)] if match]


def address(written: str) -> str:
    """An address without what clings to it."""
    bare = written.strip("'`*|{}").rstrip(".-") if not written.startswith("*") else written
    local, _, domain = bare.rpartition("@")
    local = local.rpartition("=")[2] if local.lower().startswith(("smtp=", "rfc822=")) else local
    quoted = len(local) > 2 and local[0] == local[-1] == '"' and not set(local[1:-1]) & set(' "@,;:<>()[]')
    return f"{local[1:-1] if quoted else local}@{domain}"


def prose(text: str, avoid: Collection[str] = (), author: str = "") -> list[str]:
    """Whom the words of a report name; never `avoid` (who is told of it) where anybody else is named.

    `author` is the report's own address; its domain completes names that stand without one.
    """
    whole = [line[:MOST_CHARACTERS] for line in text.splitlines()[:MOST_LINES]]
    report = whole[: _copy_at(whole)]
    avoided = {each.lower() for each in (*avoid, author) if each}
    for way in _WAYS:
        named = [each for each in map(address, way(report)) if each.lower() not in avoided]
        if named:
            theirs = [each for each in named if not _HELPERS.fullmatch(each)]
            return list(dict.fromkeys(theirs or named))[:MOST]
    return _screen_names(report, author.rpartition("@")[2]) or _own(report) or _of_copy(whole[len(report) :])


def _of_copy(lines: list[str]) -> list[str]:
    """The one whom the returned mail was to, if it shows in the text."""
    named = list(map(address, _marked(_COMMAND, lines)))[:1]
    written = next((line for line in lines if line.lower().lstrip(" >\t").startswith("to:")), "")
    addresses = [address(match[0]) for match in _ANYWHERE.finditer(written)]
    return named or (addresses if len(addresses) == 1 else [])


def _own(lines: Iterable[str]) -> list[str]:
    """Somebody who wrote to themselves."""
    return [address(match["it"]) for line in lines if (match := _OWN.match(line))][:1]


def _copy_at(lines: list[str]) -> int:
    """Where the returned mail begins."""
    for number, line in enumerate(lines):
        if number and _COPY.match(line):
            return number
    return len(lines)


def _begun(lines: Iterable[str]) -> list[str]:
    return [*_marked(_COLON, lines), *_marked(_EXPANDED, lines)] if any(map(_COLON.match, lines)) else []


def _announced(lines: Iterable[str]) -> list[str]:
    """The addresses at the begin of lines, below or on a line that announces them."""
    found: list[str] = []
    open_ = False
    for line in lines:
        if _END.match(line):
            open_ = open_ and not found
            continue
        announces = _announces(line)
        if open_ and (not announces or _FIRST.match(line)):
            found += _first(line)
        elif announces and (inline := _SENTENCE.search(line) or _BEHIND_NAME.match(line)):
            found += _row(line, inline)
        open_ = open_ or announces
    return found


def _announces(line: str) -> bool:
    return _ANNOUNCES.search(line) is not None or any(words in line.casefold() for words in _announcements())


@cache
def _announcements() -> tuple[str, ...]:
    return (*mail_words.texts("bounces", "text"), *mail_words.texts("bounces", "announces"))


def _first(line: str) -> list[str]:
    for pattern in (_EXPANDED, _EXCHANGE):
        if match := pattern.search(line):
            return [match["it"]]
    match = _FIRST.match(line)
    if not match and not _NOT_THEIRS.search(line):
        match = _LABEL.match(line.lstrip()) or _BEHIND_NAME.match(line)
    return _row(match.string, match) if match else []


def _row(line: str, match: re.Match[str]) -> list[str]:
    """The address that was found and those that stand in a row with it."""
    found = [match["it"]]
    following = _NEXT.match(line, match.end("it"))
    while following and len(found) < MOST:
        found.append(following["it"])
        following = _NEXT.match(line, following.end("it"))
    return found


def _marked(pattern: re.Pattern[str], lines: Iterable[str]) -> Iterator[str]:
    return (match["it"] for line in lines for match in pattern.finditer(line))


def _labelled(lines: Iterable[str]) -> Iterator[str]:
    return _marked(_LABEL, (line for line in lines if not _NOT_THEIRS.match(line.strip())))


def _refused(lines: Iterable[str]) -> Iterator[str]:
    return _marked(_COMMAND, lines)


def _lone(lines: Iterable[str]) -> Iterator[str]:
    return (match["it"] for line in lines if (match := _ALONE.match(line)))


def _said(lines: Iterable[str]) -> Iterator[str]:
    return _marked(_SENTENCE, (line for line in lines if not _NOT_THEIRS.search(line)))


def _coded(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        code = _CODE.search(line)
        match = _ANYWHERE.search(line, code.end()) if code else None
        if match:
            yield match[0]


def _mentioned(lines: Iterable[str]) -> list[str]:
    shown = [line for line in lines if not _NOT_THEIRS.search(line)]
    return [match[0] for line in shown for match in _ANYWHERE.finditer(line) if "." in match[0].rpartition("@")[2]][:1]


def _screen_names(lines: Iterable[str], domain: str) -> list[str]:
    """Names without a domain in the paragraph behind an announcement; they are the author's own people."""
    names: list[str] = []
    open_ = False
    for line in lines:
        if _announces(line):
            open_ = True
        elif open_ and line.strip():
            match = _SCREEN_NAME.match(line)
            if not match:
                break
            names.append(match[1])
    return [f"{name}@{domain}" for name in names[:MOST]] if domain else []


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if 0x20 <= number < 0xD800 or 0xE000 <= number < 0x110000 else ""


_WAYS: tuple[Callable[[list[str]], Iterable[str]], ...] = (
    _begun, _announced, _labelled, _refused, _lone, _said, _coded, _mentioned,
)  # fmt: skip
