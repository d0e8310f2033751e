"""Strategies for whole mails: sound ones, by the standard library that knows nothing of our reader, and broken ones.

Out: `Written` mails with what was put into them, and raw bytes that were such a mail before something happened to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import strategies as st

_LETTERS = {
    "utf-8": "abcxyz äöüß éñ žřů жщю 日本語 한국 שלום 🖨",
    "us-ascii": "abcxyz ABC 0123 ,.?!",
    "iso-8859-1": "abcxyz äöüß éñç",
    "koi8-r": "abcxyz приветмир",
    "iso-2022-jp": "abc 日本語印刷",
    "windows-1250": "abc žřůěščd",
}
_ENCODINGS = ("quoted-printable", "base64")
_TYPES = (("image", "png"), ("application", "pdf"), ("application", "octet-stream"), ("text", "csv"), ("audio", "mpeg"))


@dataclass(frozen=True)
class Written:
    """A mail and what stands in it. `text` has LF and no empty lines at its ends; files are (name, bytes)."""

    raw: bytes
    subject: str
    text: str
    files: tuple[tuple[str, bytes], ...]


def words(alphabet: str) -> st.SearchStrategy[str]:
    """Lines of words; never one that looks like a quote, a signature or a uuencoded file."""
    word = st.text(alphabet.replace(" ", ""), min_size=1, max_size=12)
    line = st.lists(word, min_size=1, max_size=8).map(" ".join)
    return st.lists(line, min_size=1, max_size=8).map("\n".join)


_NAMES = st.text("abcäöž日本 _-", min_size=1, max_size=30).map(lambda name: f"{'-'.join(name.split())}x.bin")
_FILES = st.lists(st.tuples(_NAMES, st.binary(max_size=300), st.sampled_from(_TYPES)), max_size=4)


@st.composite
def written(draw: st.DrawFn) -> Written:
    """A sound mail: a text, perhaps HTML beside it, perhaps files."""
    charset = draw(st.sampled_from(sorted(_LETTERS)))
    text = draw(words(_LETTERS[charset]))
    subject = draw(words(_LETTERS["utf-8"])).replace("\n", " ")
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ann <ann@example.com>", "desk@example.com"
    mail["Message-ID"], mail["Date"] = "<1@example.com>", "Mon, 02 Mar 2026 10:00:00 +0100"
    mail.set_content(text, charset=charset, cte=draw(st.sampled_from(_ENCODINGS)))
    if draw(st.booleans()):
        mail.add_alternative(f"<p>{text}</p>", subtype="html", cte=draw(st.sampled_from(_ENCODINGS)))
    files = draw(_FILES)
    for name, content, (main, sub) in files:
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    for number, part in enumerate(mail.walk()):
        if part.is_multipart():
            part.set_boundary(f"=-={number}")
    # The newer writer of header fields loses spaces between encoded words; the older one does not.
    head = "Subject: " + Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n") + "\r\n"
    raw = head.encode() + mail.as_bytes(policy=SMTP)
    return Written(raw, subject, text, tuple((name, content) for name, content, _ in files))


_ACCIDENTS = st.sampled_from(
    [b"", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\x00", b"\xff", b"--", b"=", b"=?utf-8?b?", b"?=", b"<div>", b">",
     b"Content-Type: multipart/mixed; boundary=x\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\x1b$B", b"+AAA-",
     b"begin 644 x\r\n", b"From: b@example.org\r\n", b";", b'"', b" ", b"\t", b"charset=utf-16"]
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A sound mail to which up to eight accidents happened: something cut out, doubled, put in or cut off."""
    raw = draw(written()).raw
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(raw)))
        to = min(len(raw), at + draw(st.integers(0, 60)))
        kind = draw(st.sampled_from(("cut", "double", "put", "end")))
        if kind == "cut":
            raw = raw[:at] + raw[to:]
        elif kind == "double":
            raw = raw[:to] + raw[at:to] + raw[to:]
        elif kind == "put":
            raw = raw[:at] + draw(_ACCIDENTS) + raw[at:]
        else:
            raw = raw[: max(at, 200)]
    return raw
