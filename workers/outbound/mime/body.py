"""The body of an outbound mail: the same content as plain text and HTML, signature, quote, images, attachments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desk.mail.content import MailContent
from workers.outbound.mime import html, wire
from workers.outbound.mime.wire import Part

_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CID = re.compile(r"\[cid:([^\[\]\s]{1,300})\]")


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name as one line, its type as we send it, and the id under which the sender's HTML named it."""

    name: str
    media_type: str
    data: bytes
    content_id: str = ""
    inline: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether it is a picture in the text, rather than a file below it."""
        return self.inline and self.media_type in _PICTURES


def build_body(content: MailContent, files: Sequence[File], unique: str) -> Part:
    """The body of text, HTML and files; `unique` is the mail's id."""
    shown = _pictures([file for file in files if file.is_shown])
    reply = _with_names(_clean(content.text), shown)
    signature = _clean(content.signature).strip("\n")
    signature = f"-- \n{signature}" if signature else ""
    attribution, quoted = _clean(content.quote.attribution), _clean(content.quote.text)
    ids = {name: _content_id(number, unique) for number, name in enumerate(shown, 1)}
    page = wire.text("html", html.page(reply, signature, attribution, quoted, ids))
    pictures = [wire.file(name, file.media_type, file.data, content_id=ids[name]) for name, file in shown.items()]
    texts = [
        wire.text("plain", plain(reply, signature, attribution, quoted)),
        wire.multipart("related", [page, *pictures], unique),
    ]
    attached = [_attached(file) for file in files if not file.is_shown]
    return wire.multipart("mixed", [wire.multipart("alternative", texts, unique), *attached], unique)


def _attached(file: File) -> Part:
    """A file as its bytes are, in base64: nobody on the way recodes it or ends its lines otherwise."""
    is_words = file.media_type.startswith("text/") and _is_utf8(file.data)
    return wire.file(file.name or "attachment", file.media_type, file.data, params='; charset="utf-8"' * is_words)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def plain(reply: str, signature: str, attribution: str, quoted: str) -> str:
    """The plain text: the reply, the signature below it, the quote last."""
    quote = "\n".join([attribution, *(_quoted(line) for line in quoted.split("\n"))]) if quoted.strip() else ""
    return "\n\n".join(filter(None, (reply.rstrip(), signature, quote))) + "\n"


def _quoted(line: str) -> str:
    return f">{line}" if line.startswith(">") else f"> {line}".rstrip()


def _pictures(files: Sequence[File]) -> dict[str, File]:
    """Pictures by a name that no other has and that can stand between brackets."""
    named: dict[str, File] = {}
    for number, file in enumerate(files, 1):
        name = file.name.translate({ord("["): "(", ord("]"): ")"}) or "picture"
        named[name if name not in named else f"{number}-{name}"] = file
    return named


def _with_names(reply: str, shown: Mapping[str, File]) -> str:
    """Outlook's `[cid:image001.png@01DC0A1B]` as `[image: image001.png]`, which a person can read."""
    names = {file.content_id: name for name, file in shown.items() if file.content_id}
    return _CID.sub(lambda match: f"[image: {names[match[1]]}]" if match[1] in names else match[0], reply)


def _content_id(number: int, unique: str) -> str:
    domain = unique.rpartition("@")[2]
    return f"p{number}.{hashlib.sha256(unique.encode()).hexdigest()[:20]}@{domain}"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode()
