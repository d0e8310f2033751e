"""Recognises the tags of mail programs: a quote, a signature, an earlier mail, an emoji picture.

The classes of a further mail program are added here.
"""

from __future__ import annotations

import html
import re

_ATTRIBUTE = re.compile(
    r"""\b(class|id|style|type|data-marker|name)\s*=\s*(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s"'>]{1,500}))""", re.I
)
_QUOTE_MARK = re.compile(
    r"\b(?:x_|ecx)?(?:protonmail_quote|yahoo_quoted|yahoo-quoted|olk_src_body_section|zmail_extra|tutanota_quote|mail_quote|"
    r"js-readmsg-msg|front-blockquote|moz-email-headers-table|yqt\d{5,}|gmx-quote|wmquote|mailru-quote|mcntmcntquote|reply_message|"
    r"quoted_text|isreplycontent|mail-app-auto-quote|messagereplysection|bloop_original_html|__quoted_text__|quoted-content)\b"
)
_GMAIL_MARK = re.compile(r"\b(?:x_|ecx)?gmail_quote(?:_container)?\b")
_SIGNATURE_MARK = re.compile(
    r"\b(?:x_)?(?:gmail_signature|moz-signature|applemailsignature|ms-outlook-mobile-signature|protonmail_signature_block|"
    r"mobile-signature|gmail_signature_prefix|bloop_sign\w*|spark_signature|signature_block|"
    r"messagesignaturesection|ydp\w{1,20}signature|tutanota-signature|__sig_pre__|__sig_post__|mail-editor-signature)\b"
)
_CUT_MARK = re.compile(
    r"\b(?:x_)?(?:divrplyfwdmsg|appendonsend|stopspelling|__divider__|zwchr|mail-editor-reference-message-container|"
    r"replysplit|reply-intro|orimsghtmlseperator|ms-outlook-mobile-reference-message)\b"
)
_OUTLOOK_BORDER = re.compile(
    r"border-top\s*:\s*(?:solid\s+#(?:b5c4df|e1e1e1)\s+1\.0pt|#(?:b5c4df|e1e1e1)\s+1\.0pt\s+solid|#?\w+\s+1pt\s+solid)"
)


_BAR = re.compile(r"border-left\s*:\s*(?:\d|solid|thin|medium|#|rgb)")


def kind(tag: str, source: str) -> str:
    """What a start tag marks: "quote", "gmail", "cut", "signature", "bar" (on the left) or nothing."""
    for match in _ATTRIBUTE.finditer(source):
        value = (match[2] or match[3] or match[4] or "").lower()
        if match[1].lower() == "style":
            if tag in ("div", "p") and _OUTLOOK_BORDER.search(value):
                return "cut"
            if tag in ("div", "td", "table", "p") and _BAR.search(value):
                return "bar"
        elif _CUT_MARK.search(value):
            return "cut"
        elif tag != "blockquote" and _GMAIL_MARK.search(value):
            return "gmail"
        elif _QUOTE_MARK.search(value) or (value == "quote" and match[1].lower() == "name"):
            return "quote"
        elif _SIGNATURE_MARK.search(value) or value in ("signature", "x_signature"):
            return "signature"
    return "quote" if tag == "blockquote" else ""


def is_gmail(source: str) -> bool:
    """Whether these are the attributes of a Gmail quote."""
    return _GMAIL_MARK.search(source) is not None


def emoji(source: str) -> str:
    """The sign that a small picture stands for, as Gmail and Outlook write them; pictures with words stay pictures."""
    match = _ALT.search(source)
    alt = html.unescape(match[1] or match[2] or "") if match else ""
    return "" if not alt or alt.isascii() or any(map(str.isalnum, alt)) or len(alt) > 8 else alt


def href(source: str) -> str:
    """Where a link goes."""
    match = _HREF.search(source)
    return html.unescape(match[1] or match[2] or match[3] or "").strip() if match else ""


_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]{0,60})"|'([^']{0,60})')""", re.I)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]{0,4000})"|'([^']{0,4000})'|([^\s"'>]{1,4000}))""", re.I)
