"""Parses address fields into mailboxes, and marks those that parsed strictly.

The strictness is what an agent's proof rests on, so the grammar is a narrow part of RFC 5322 and 6531: a dot-atom or a
simple quoted string, an @, a domain of letters, digits and hyphens, in angle brackets or alone, with a name before it
or one comment after it. Everything else is read as well as it goes and marked as not strict. One pass, capped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from desk.mail.inbound_request import Party, clean_line
from gateway.email.mime import charset, header
from storage.people.addresses import canonical

MAX_ADDRESSES = 1_000

_TOKEN = re.compile(r'[(),;:<>"]|[^(),;:<>"]+')
_QUOTED = re.compile(r'((?:[^"\\]|\\.)*)"', re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)
_DOTTED = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_ODD_SPACE = re.compile(r"[^\S \t\u3000]")
_AROUND = re.compile(r"[;,]")
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}){0,20}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){0,20}[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]"
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]{0,61}[A-Za-z0-9\u0080-\U0010ffff])?"
_WIDE = re.compile(rf"{_LOCAL}{{1,64}}(?:\.{_LOCAL}{{1,64}}){{0,20}}@(?:{_LABEL}\.){{0,20}}{_LABEL}")
_QUOTED_LOCAL = re.compile(
    r'(?:"?([\w .\-]{0,100})"?[ \t]+)?(<)?"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~. -]{1,64})"@([^\s<>"(),;:@]{1,255})(?(2)>)'
)
_LOOSE = re.compile(r"[^\s<>\"(),;:\[\]@]{1,128}@[^\s<>\"(),;:\[\]@]{1,255}")
_PHRASE = re.compile(r"[\w\s!#$%&'*+/=?^`{|}~.\-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as it was written: lower case, with the name that was given to it."""

    address: str
    name: str
    strict: bool
    clear: bool = False
    """Odd or not, nobody would take it for another address: enough for a requester, never for an agent."""

    def party(self) -> Party:
        return Party(self.address, self.name)


@dataclass(slots=True)
class _Draft:
    """One mailbox while its tokens are read."""

    phrase: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None
    sound: bool = True

    def empty(self) -> bool:
        return self.angle is None and not self.comments and not "".join(self.phrase).strip()


def mailboxes(values: Iterable[bytes]) -> list[Mailbox]:
    """The mailboxes of all fields of one name, at most MAX_ADDRESSES."""
    found: list[Mailbox] = []
    for value in values:
        found.extend(_read(value, MAX_ADDRESSES - len(found)))
    return found


def sender(values: list[bytes]) -> tuple[Mailbox, str]:
    """The one author of a mail and, where it is not proven to be one, the defect. The address may be empty."""
    found = mailboxes(values)
    named = [box for box in found if "@" in box.address]
    best = named[0] if named else found[0] if found else Mailbox("", "", False)
    if best.address.startswith("mailto:") and best.address.count("@") == 1:
        best = Mailbox(best.address.removeprefix("mailto:"), best.name, strict=False)
    if len(values) > 1:
        return _doubted(best), "several From fields"
    best = _cleared(best, {box.address for box in named}, values)
    if len(found) > 1:
        return _doubted(best, clear=best.clear), "several addresses in From"
    if not best.strict or not _stands_alone(values[0]):
        return _doubted(best, clear=best.clear), "From is not one plain address"
    return best, ""


def _doubted(box: Mailbox, *, clear: bool = False) -> Mailbox:
    return Mailbox(box.address, box.name, strict=False, clear=clear)


def _cleared(box: Mailbox, addresses: set[str], values: list[bytes]) -> Mailbox:
    """The author with the word on whether there is but one who can be meant."""
    clear = len(addresses) == 1 and (box.strict or _is_named(box.address, values[0]))
    return Mailbox(box.address, box.name, box.strict, clear)


def _is_named(address: str, value: bytes) -> bool:
    """Whether the field has that address, whole, where programs look for it: in its only brackets, or alone."""
    source = charset.guess(value[: header.MAX_VALUE])
    if _CONTROL.search(source) or not (address.isascii() or _is_utf8(value)):
        return False
    written = re.findall(r"<([^<>]*)>", source) or _words_with_at(source)
    return len(written) == 1 and written[0].strip().lower() == address and _is_usable(written[0].strip())


def _words_with_at(source: str) -> list[str]:
    """The words that may be addresses. Split, since a search would take the square of the field's length."""
    parts = [word.partition("@") for word in re.split(r"[\s;,]+", source) if "@" in word]
    return [f"{before.rpartition(':')[2]}@{behind}" for before, _, behind in parts]


def _is_usable(address: str) -> bool:
    """Whether mail can be sent there: a plain address, or one with the dots that some Japanese providers gave out."""
    local, _, domain = address.rpartition("@")
    return _is_address(address) or (_DOTTED.fullmatch(local) is not None and _is_address(f"a@{domain}"))


def _stands_alone(value: bytes) -> bool:
    """Whether nothing but one mailbox is in the field: no further separator, no space that only looks like one."""
    source = charset.guess(value[: header.MAX_VALUE])
    if _ODD_SPACE.search(source):
        return False
    return not _AROUND.search(source) or len(_drafts(source)) == 1


def _read(value: bytes, most: int) -> list[Mailbox]:
    value = value[: header.MAX_VALUE]
    boxes = _boxes(charset.guess(value), most)
    return boxes if value.isascii() or _is_utf8(value) else [_unguessed(box) for box in boxes]


def _unguessed(box: Mailbox) -> Mailbox:
    """Letters beyond ASCII prove something only if they were not guessed."""
    return box if box.address.isascii() else _doubted(box)


def _boxes(source: str, most: int) -> list[Mailbox]:
    simple = _simple(source) or _with_quoted_local(source)
    if simple:
        return [simple] if most > 0 else []
    strict = _CONTROL.search(source) is None
    found: list[Mailbox] = []
    for draft in _joined(_drafts(source)):
        if len(found) >= most:
            break
        found.append(_mailbox(draft, strict))
    return found or _salvaged(source)[:most]


_SIMPLE = re.compile(r'(?:"?([\w .\-]{0,100})"?[ \t]+)?<([^<>\s@]{1,64}@[^<>\s@"(),;:]{1,255})>')


def _simple(source: str) -> Mailbox | None:
    """The common forms, `Name <a@b>` and `a@b`, without a walk through the tokens."""
    match = _SIMPLE.fullmatch(source)
    address = match[2] if match else source
    if not _is_address(address) or source.count('"') % 2:
        return None
    return Mailbox(canonical(address), (match[1] or "").strip() if match else "", strict=True)


def _with_quoted_local(source: str) -> Mailbox | None:
    """`"john doe"@x.example` with or without a name; the quotes go where RFC 5322 does not need them."""
    match = _QUOTED_LOCAL.fullmatch(source) if '"@' in source else None
    if match is None or not _is_address(f"a@{match[4]}") or (match[1] and not match[2]):
        return None
    local = match[3] if _DOTTED.fullmatch(match[3]) else f'"{match[3]}"'
    return Mailbox(canonical(f"{local}@{match[4]}"), (match[1] or "").strip(), strict=True)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _drafts(source: str) -> list[_Draft]:
    """The mailboxes of a list, separated at commas and at the marks of a group."""
    drafts: list[_Draft] = []
    draft = _Draft()
    at, quotes = 0, True
    while at < len(source) and len(drafts) <= MAX_ADDRESSES:
        match = _TOKEN.match(source, at)
        if match is None:
            break
        token, at = match[0], match.end()
        if token in (",", ";"):
            drafts.append(draft)
            draft = _Draft(sound=token == ",")
        elif token == ":":
            draft = _Draft(sound=False)
        elif token == "<":
            at = _angle(source, at, draft)
        elif token == "(":
            at = _comment(source, at, draft)
        elif token == '"' and quotes:
            at, quotes = _quoted(source, at, draft)
        else:
            _word(token, draft)
    drafts.append(draft)
    return drafts


def _word(token: str, draft: _Draft) -> None:
    if token.strip() and draft.angle is not None:
        draft.sound = False
    if token in ('"', ">", ")"):
        draft.sound = False
        return
    draft.phrase.append(token)


def _angle(source: str, at: int, draft: _Draft) -> int:
    end = source.find(">", at)
    if end < 0 or draft.angle is not None:
        draft.sound = False
    if end < 0:
        end = len(source)
    if draft.angle is None or "@" not in draft.angle:
        draft.angle = source[at:end]
    return end + 1


def _comment(source: str, at: int, draft: _Draft) -> int:
    depth, start = 1, at
    while depth and at < len(source):
        char = source[at]
        depth += (char == "(") - (char == ")")
        at += 2 if char == "\\" else 1
    if depth:
        draft.sound = False
    draft.comments.append(source[start : at - (not depth)])
    return at


def _quoted(source: str, at: int, draft: _Draft) -> tuple[int, bool]:
    match = _QUOTED.match(source, at)
    if match is None:
        # No closing quote from here on: later quotes are plain characters, or each would be searched again.
        draft.sound = False
        return at, False
    if draft.angle is not None or source[match.end() : match.end() + 1] == "@":
        draft.sound = False
    draft.phrase.append('"' + _ESCAPE.sub(r"\1", match[1]) + '"')
    return match.end(), True


def _joined(drafts: list[_Draft]) -> list[_Draft]:
    """`Doe, John <j@example.com>` is one mailbox: words without an address join the next that has one."""
    out: list[_Draft] = []
    waiting: list[str] = []
    for draft in drafts:
        if draft.empty():
            continue
        if draft.angle is None and "@" not in "".join(draft.phrase):
            waiting.append("".join(draft.phrase).strip() or " ".join(draft.comments))
            continue
        if waiting:
            draft.phrase[:0] = [", ".join(waiting) + (", " if draft.angle is not None else " ")]
            draft.sound = False
            waiting = []
        out.append(draft)
    return out or [_Draft(phrase=[word], sound=False) for word in waiting[:1]]


def _mailbox(draft: _Draft, strict: bool) -> Mailbox:
    phrase = "".join(draft.phrase).strip()
    if draft.angle is None:
        return _bare(draft, phrase, strict)
    address = draft.angle.strip()
    sound = strict and draft.sound and draft.angle == address and _is_address(address)
    sound = sound and _is_phrase(phrase) and len(draft.comments) <= 1
    name = _name(phrase) or _name(" ".join(draft.comments))
    if "@" not in address:
        inside = None if address else _LOOSE.search(phrase)
        address = inside[0] if inside else address
    return Mailbox(_clean(address), name, sound)


def _bare(draft: _Draft, phrase: str, strict: bool) -> Mailbox:
    sound = strict and draft.sound and _is_address(phrase) and len(draft.comments) <= 1
    name = _name(" ".join(draft.comments))
    if sound:
        return Mailbox(canonical(phrase), name, strict=True)
    match = _LOOSE.search(phrase)
    if match is None:
        return Mailbox("", _name(phrase) or name, strict=False)
    rest = phrase[: match.start()].strip()
    return Mailbox(_clean(match[0]), _name(rest) or name, strict=False)


def _is_address(source: str) -> bool:
    """A plain address; an encoded word in its place is a dot-atom by the letter and a disguise in fact."""
    if source.isascii():
        return "=?" not in source and _ADDRESS.fullmatch(source) is not None
    return len(source) <= 320 and "=?" not in source and _WIDE.fullmatch(source) is not None and _is_sound(source)


def _is_sound(source: str) -> bool:
    """Whether an address with letters beyond ASCII (RFC 6531) can be taken for no other.

    A compatibility letter (the Kelvin sign, a long s) could fall together with an ASCII one, and Cyrillic or Greek
    letters among Latin ones only look like them.
    """
    if unicodedata.normalize("NFKC", source) != source:
        return False
    if any(unicodedata.category(char)[0] not in "LMN" for char in source if not char.isascii()):
        return False
    return not any(map(_is_mixed, source.rpartition("@")[2].split(".")))


def _is_mixed(label: str) -> bool:
    scripts = {unicodedata.name(char, "?").split()[0] for char in label if char.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def _is_phrase(phrase: str) -> bool:
    """A name may be words or quoted strings; an @ outside quotes is a disguise."""
    bare = "".join(phrase.split('"')[::2])
    if not bare.isascii():
        # The vowel marks of Indic and Thai names.
        bare = "".join(char for char in bare if unicodedata.category(char)[0] != "M")
    return _PHRASE.fullmatch(bare) is not None


def _name(phrase: str) -> str:
    value = " ".join(phrase.replace('"', "").split())
    if "=?" in value:
        value = header.text(value.encode("utf-8", "replace")).replace('"', "").strip()
    return clean_line(value)[:200].strip()


def _clean(address: str) -> str:
    """An address for keeping and showing: no spaces, no controls, at most 320 characters."""
    return canonical("".join(char for char in address if char.isprintable() and not char.isspace()).strip("<>"))[:320]


def _salvaged(source: str) -> list[Mailbox]:
    """Addresses out of a field that no grammar fits."""
    return [Mailbox(_clean(match), "", strict=False) for match in _LOOSE.findall(source)[:MAX_ADDRESSES]]
