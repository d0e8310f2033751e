"""Detects a link in HTML whose text names another host than the one it goes to."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

MAX_SHOWN = 300

_NAMED = re.compile(r"(?:https?://)?([^\W_][\w-]{0,62}(?:\.[^\W_][\w-]{0,62}){1,8})(?::\d{1,5})?(?:[/?#]\S*)?", re.I)
_FILES = frozenset({
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "csv", "txt", "rtf", "png", "jpg", "jpeg", "gif",
    "svg", "webp", "heic", "bmp", "tif", "tiff", "zip", "rar", "gz", "tar", "exe", "msg", "eml", "ics", "vcf", "xml",
    "json", "yml", "yaml", "html", "htm", "php", "asp", "aspx", "jsp", "js", "ts", "css", "py", "rb", "rs", "go",
    "java", "cpp", "md", "log", "sql", "ini", "cfg", "conf", "dll", "bat", "sh", "ps", "mp3", "mp4", "mov", "avi",
    "wav", "key", "pem",
})  # fmt: skip
_BETWEEN = {
    "safelinks.protection.outlook.com": "url", "www.google.com": "q", "l.facebook.com": "u", "lnkd.in": "url",
    "href.li": "url", "slack-redir.net": "url", "linkprotect.cudasvc.com": "a", "urldefense.com": "u",
    "urldefense.proofpoint.com": "u",
}  # fmt: skip


def hidden_target(words: str, target: str) -> str:
    """The target, if the words are an address of another host; "" where nothing is hidden."""
    named = _named_host(words)
    if not named or not target.lower().startswith(("http://", "https://")):
        return ""
    real = _host(_behind(target)) or _host(target)
    if not real or _same(named, real):
        return ""
    shown = "".join(char for char in target if char.isprintable() and char not in " <>")
    return shown if len(shown) <= MAX_SHOWN else shown[:MAX_SHOWN] + "…"


def _named_host(words: str) -> str:
    """The host that the words of a link name, if they are nothing but an address."""
    plain = words.strip(" \t\r\n\u00a0\u200b<>()[]\"'.,")
    match = _NAMED.fullmatch(plain[:2_000])
    if match is None:
        return ""
    host = match[1].lower()
    last = host.rpartition(".")[2]
    spelt_out = plain.lower().startswith(("http://", "https://", "www."))
    if not spelt_out and (last in _FILES or last.isdigit() or not last.isalpha() or len(last) < 2):
        return ""
    return host


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").lower()
    except ValueError:
        return ""


def _behind(target: str) -> str:
    """The address behind a service that stands between."""
    host = _host(target)
    for known, name in _BETWEEN.items():
        if host == known or host.endswith("." + known):
            try:
                return parse_qs(urlsplit(target).query, max_num_fields=50).get(name, [""])[0]
            except ValueError:
                return ""
    return ""


def _same(one: str, two: str) -> bool:
    one, two = one.removeprefix("www."), two.removeprefix("www.")
    return one == two or one.endswith("." + two) or two.endswith("." + one)
