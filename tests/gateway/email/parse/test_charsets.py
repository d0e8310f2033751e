"""Text in the charsets that mail still uses, under the names of many programs, declared wrongly or not at all."""

from __future__ import annotations

from base64 import b64encode, encodebytes

import pytest

from tests.gateway.email.mails import mail, read

WORDS = {
    "gb18030": "打印机坏了，请帮忙。", "gb2312": "打印机坏了，请帮忙。", "hz-gb-2312": "打印机",
    "big5": "印表機壞了，請幫忙。",
    "big5-hkscs": "印表機", "iso-2022-jp": "プリンターが壊れました。", "shift_jis": "プリンターが壊れました。",
    "euc-jp": "プリンターが壊れました。", "euc-kr": "프린터가 고장났습니다.", "iso-2022-kr": "프린터",
    "koi8-r": "Принтер сломан, помогите.", "koi8-u": "Принтер зламано, їжак.", "windows-1251": "Принтер сломан.",
    "windows-1250": "Tiskárna je rozbitá, žluťoučký kůň.", "windows-1252": "Größe – “müde” €",
    "windows-1253": "Ο εκτυπωτής χάλασε.", "windows-1254": "Yazıcı bozuldu, şöyle.",
    "windows-1255": "המדפסת מקולקלת.", "windows-1256": "الطابعة معطلة.", "windows-1257": "Spausdintuvas sugedo, ąčęė.",
    "windows-1258": "Máy in", "iso-8859-1": "Größe müde", "iso-8859-2": "Drukarka się zepsuła, żółć.",
    "iso-8859-4": "ąčęė", "iso-8859-5": "Принтер", "iso-8859-6": "الطابعة", "iso-8859-7": "Ο εκτυπωτής",
    "iso-8859-8": "המדפסת", "iso-8859-9": "Yazıcı şöyle", "iso-8859-13": "ąčęė", "iso-8859-15": "Größe 5 €",
    "iso-8859-16": "ășț", "tis-620": "เครื่องพิมพ์เสีย", "utf-7": "Grüße, müde", "utf-16": "Größe 打",
    "utf-16le": "Größe 打", "utf-16be": "Größe 打", "macintosh": "Größe müde", "x-mac-cyrillic": "Принтер",
    "ibm850": "Größe", "cp437": "Größe", "ibm866": "Принтер", "utf-8": "Größe 打",
}  # fmt: skip
PYTHON = {
    "macintosh": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "ibm850": "cp850", "ibm866": "cp866",
    "hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr", "big5-hkscs": "big5hkscs",
}  # fmt: skip


def encoded(name: str) -> bytes:
    return WORDS[name].encode(PYTHON.get(name, name))


def plain(content: bytes, kind: str) -> str:
    """The text of a mail with this body and Content-Type."""
    body = encodebytes(content).decode()
    return read(mail(body, f"Content-Type: {kind}", "Content-Transfer-Encoding: base64")).text.strip()


@pytest.mark.parametrize("name", WORDS)
def test_a_body_in_its_charset_is_read(name: str) -> None:
    assert plain(encoded(name), f'text/plain; charset="{name}"') == WORDS[name]


@pytest.mark.parametrize("name", WORDS)
def test_a_subject_in_its_charset_is_read(name: str) -> None:
    word = f"=?{name}?B?{b64encode(encoded(name)).decode()}?="
    assert read(mail("x", f"Subject: {word}", without="Subject")).subject == WORDS[name]


@pytest.mark.parametrize(
    "name",
    [
        "utf8", "UTF_8", "unicode", "default", "none", "x-user-defined", "_iso-2022-jp$ESC", "ansi_x3.4-1968",
        "us-ascii//translit", "iso-8859-1", "ISO_8859-15", "8859-1", "Windows1252", "win-1251", "x-sjis",
    ],
)  # fmt: skip
def test_utf8_under_a_wrong_name_is_still_utf8(name: str) -> None:
    assert plain("Grüße an Kim".encode(), f"text/plain; charset={name}") == "Grüße an Kim"


@pytest.mark.parametrize(
    ("name", "codec", "words"),
    [
        ("8859-1", "latin-1", "Grüße an Kim"), ("win-1251", "cp1251", "Принтер"), ("Windows1252", "cp1252", "“Grüße”"),
        ("cp-1250", "cp1250", "žluťoučký"), ("ANSI-1251", "cp1251", "Принтер"), ("x-windows-1253", "cp1253", "χάλασε"),
        ("dos-866", "cp866", "Принтер"), ("iso8859_2", "iso-8859-2", "żółć"), ("x-gbk", "gbk", "打印机坏了"),
    ],
)  # fmt: skip
def test_charsets_have_many_names(name: str, codec: str, words: str) -> None:
    assert plain(words.encode(codec), f"text/plain; charset={name}") == words


@pytest.mark.parametrize(
    ("declared", "codec", "words"),
    [
        ("utf-8", "cp1252", "Die Größe ist “falsch”."), ("us-ascii", "cp1252", "Die Größe ist müde und schön."),
        ("", "cp1251", "Принтер сломан, помогите пожалуйста. Спасибо!"),
        ("", "iso-2022-jp", "プリンターが壊れました。"),
        ("us-ascii", "iso-2022-jp", "プリンターが壊れました。"), ("utf-8", "iso-2022-jp", "プリンターが壊れました。"),
        ("utf-16", "utf-16-be", "Hello, the size of it"), ("utf-16", "utf-16-le", "Hello, the size of it"),
    ],
)  # fmt: skip
def test_a_wrong_or_missing_declaration_is_seen_through(declared: str, codec: str, words: str) -> None:
    kind = f"text/plain; charset={declared}" if declared else "text/plain"
    assert plain(words.encode(codec), kind) == words


def test_japanese_programs_write_more_than_their_charset_has() -> None:
    assert (
        plain(b"\x1b(I\x4c\x5f\x5d\x1b(B \x1b$B\x2d\x21\x24\x22\x1b(B", "text/plain; charset=iso-2022-jp") == "ﾌﾟﾝ ①あ"
    )


def test_a_raw_japanese_subject_is_read() -> None:
    raw = mail("x", "Subject: HERE", without="Subject")
    assert read(raw.replace(b"HERE", "プリンター".encode("iso-2022-jp"))).subject == "プリンター"
