"""Decodes bytes to text where the declared charset cannot be trusted: never raises, never a lone surrogate.

Tried in order: valid UTF-8; the declared charset; a detector or Windows-1252; replacement characters.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_ALIASES = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252", "windows-1252http-equivcontent-type": "cp1252", "ansi": "cp1252", "cp-1252": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "windows-874": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "chinesebig5": "big5hkscs",
    "big5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "ks_c_5601-1989": "cp949", "korean": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "iso-2022-jp-ms": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "logical": "iso-8859-8", "visual": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6", "iso-8859-6-e": "iso-8859-6",
    "unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8",
    "uft-8": "utf-8", "uft8": "utf-8", "utf": "utf-8", "unicode": "utf-8", "utf-8mb4": "utf-8", "utf8mb4": "utf-8",
    "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "koi8": "koi8_r",
    "x-euc-jp": "euc_jp", "x-cp1251": "cp1251", "x-cp1250": "cp1250", "x-cp1252": "cp1252",
}  # fmt: skip
_UNSAFE = frozenset(
    {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem", "utf-8-sig"}
)
_STATEFUL = (
    "iso2022",
    "utf-7",
    "utf-16",
    "utf-32",
    "hz",
    "cp037",
    "cp500",
    "cp1140",
    "cp273",
    "cp424",
    "cp1026",
    "cp875",
)
_SAMPLE = 4_096
_CANDIDATES = [
    "cp1252", "cp1251", "cp1250", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874",
    "gb18030", "big5", "cp932", "euc_jp", "cp949",
]  # fmt: skip


_ESCAPES = re.compile(rb"\x1b(?:\$[@B]|\$\(D|\([IJB])")
_JAPANESE = (b"\x1b$B", b"\x1b$@", b"\x1b(I")
_FAMILIES = (
    (re.compile(r"(?:x-)?(?:cp|win|windows|ms|ansi)[-_ ]?(125[0-8])"), "cp"),
    (re.compile(r"(?:x-|iso[-_ ]?)?8859[-_ ]?(\d{1,2})(?:-[ie])?"), "iso-8859-"),
    (re.compile(r"(?:ibm|cp|dos|oem)[-_ ]?(437|850|852|855|857|858|866)"), "cp"),
)
"""How people write the names of numbered charsets."""


@lru_cache(maxsize=256)
def codec(name: str) -> str:
    """The codec of a declared charset, or "" where there is none that is safe to use."""
    name = name.strip().strip("\"'").lower()
    for shape, family in _FAMILIES:
        if match := shape.fullmatch(name):
            name = family + match[1]
    name = _ALIASES.get(name, name)
    if not name.isascii() or not name.isprintable() or len(name) > 60:
        return ""
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if info.name.replace("-", "_") in _UNSAFE or not getattr(info, "_is_text_encoding", True):
        return ""
    return info.name


def decode(data: bytes, declared: str = "") -> str:
    """The text of bytes whose sender declared a charset (or none)."""
    if not data:
        return ""
    name = codec(declared) if declared else ""
    if name.startswith(_STATEFUL):
        return _declared_first(data, name)
    if data.isascii():
        return _japanese(data) if any(mark in data for mark in _JAPANESE) else data.decode("ascii")
    return _utf8(data) or _by_name(data, name) or _detected(data, name)


def guess(data: bytes) -> str:
    """The text of bytes without any declaration, such as a raw 8-bit header field."""
    return data.decode("ascii") if data.isascii() and b"\x1b" not in data else decode(data)


def _japanese(data: bytes) -> str:
    """ISO-2022-JP as Japanese programs write it: with half-width kana, and with the signs that only Windows has."""
    out: list[str] = []
    at, mode = 0, b"\x1b(B"
    for match in (*_ESCAPES.finditer(data), None):
        piece = data[at : match.start() if match else len(data)]
        if mode[:2] == b"\x1b$" and mode != b"\x1b$(D":
            piece = b"".join(map(_shifted, piece[::2], piece[1::2]))
        elif mode == b"\x1b(I":
            piece = bytes(byte | 0x80 for byte in piece)
        out.append(piece.decode("cp932", "replace"))
        if match:
            at, mode = match.end(), match[0]
    return _plain("".join(out))


def _shifted(first: int, second: int) -> bytes:
    """Two bytes of JIS X 0208 as Shift JIS has them; bytes that are none stay as they are."""
    if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
        return bytes((first, second))
    low = second + (0x7E if first % 2 == 0 else 0x1F if second < 0x60 else 0x20)
    high = (first - 0x21 >> 1) + 0x81
    return bytes((high + 0x40 if high > 0x9F else high, low))


def _wide(data: bytes) -> str:
    """UTF-16 without a mark of its order: the order by which most high bytes are zero; big-endian by RFC 2781."""
    little = data[1:_SAMPLE:2].count(0) > data[0:_SAMPLE:2].count(0)
    return data.decode("utf-16-le" if little else "utf-16-be")


def _declared_first(data: bytes, name: str) -> str:
    try:
        if name == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            return _wide(data)
        return data.decode(name)
    except (UnicodeError, ValueError):
        pass
    if name.startswith("iso2022_jp"):
        return _japanese(data)
    found = _utf8(data)
    if found and not name.startswith(("iso2022", "hz")):
        return found
    try:
        return _plain(data.decode(name, "replace"))
    except (UnicodeError, ValueError):
        return data.decode("utf-8", "replace")


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:
            return ""
        return data.decode("utf-8", "replace") if error.start and not data[: error.start].isascii() else ""


def _by_name(data: bytes, name: str) -> str:
    """By the declared charset; a few broken bytes do not disprove it. US-ASCII is disproved by any 8-bit byte."""
    if not name or name == "ascii":
        return ""
    try:
        return _plain(data.decode(name))
    except (UnicodeError, ValueError):
        pass
    try:
        found = data.decode(name, "replace")
    except (UnicodeError, ValueError):
        return ""
    return _plain(found) if found.count("\N{REPLACEMENT CHARACTER}") * 30 <= len(found) else ""


def _detected(data: bytes, name: str) -> str:
    if len(data) >= 16 and name != "utf-8":
        found = _detector(data)
        if found:
            return found
    return data.decode("cp1252", "replace")


def _detector(data: bytes) -> str:
    # Imported late: only the rare mail with undeclared 8-bit text needs it, and it costs the child's start.
    from charset_normalizer import from_bytes

    try:
        best = from_bytes(data[:_SAMPLE], cp_isolation=_CANDIDATES, steps=3, chunk_size=512).best()
        return _plain(data.decode(best.encoding, "replace")) if best else ""
    except (UnicodeError, LookupError, ValueError):
        return ""


def _plain(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
