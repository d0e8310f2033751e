"""Conversations in HTML as mail programs mark their quotes, and as programs write them that mark nothing."""

from __future__ import annotations

import html
from collections.abc import Callable

from tests.generators.replies import data
from tests.generators.replies.parts import Source
from tests.generators.replies.plain import Answer

_BORDER = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"
_BAR = "border-left:2px solid #ccc;margin-left:5px;padding-left:5px"


def gmail(source: Source, template: str) -> Answer:
    """Gmail's container, its attribution and its blockquote."""
    words = source.words()
    above = f'<div dir="ltr" class="gmail_attr">{_line(source, template)}<br></div>'
    quote = f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{_lines(source.older())}</blockquote>'
    return [f'<div dir="ltr">{_lines(words)}</div><br><div class="gmail_quote">{above}{quote}</div>'], words


def cite(source: Source, template: str) -> Answer:
    """A blockquote of type cite with the attribution before it (Thunderbird, Roundcube) or in it (Apple)."""
    words, above, older = source.words(), _line(source, template), _lines(source.older())
    shape = source.random.choice(
        (
            f'<div class="moz-cite-prefix">{above}<br></div><blockquote type="cite">{older}</blockquote>',
            f'<br><div><blockquote type="cite"><div>{above}</div><br><div>{older}</div></blockquote></div>',
            f'<p id="reply-intro">{above}</p><blockquote type="cite" style="padding:0 .4em">{older}</blockquote>',
            f"<p>{above}</p><blockquote>{older}</blockquote>",
        )
    )
    return [f"<div>{_lines(words)}</div>{shape}"], words


def signed_below(source: Source, template: str) -> Answer:
    """A blockquote, and the signature below it."""
    words, older = source.words(), _lines(source.older())
    name = source.random.choice(source.language.names)
    sign = f'<div class="moz-signature">-- <br>{name}<br>Example Ltd.</div>'
    return [f"<p>{_lines(words)}</p><p>{_line(source, template)}</p><blockquote>{older}</blockquote>{sign}"], words


def no_attribution(source: Source, template: str) -> Answer:
    """A blockquote that nothing introduces, perhaps with a signature below."""
    words, older = source.words(), _lines(source.older())
    sign = source.random.choice(("", f"<div>-- <br>{source.language.names[0]}<br>Example Ltd.</div>"))
    return [f'<p>{_lines(words)}</p><blockquote type="cite">{older}</blockquote>{sign}'], words


def name_below(source: Source, template: str) -> Answer:
    """A quote that nothing introduces, and a name below it."""
    words, older = source.random.sample(source.language.answers[:1], 1), _lines(source.older())
    name = source.random.choice(source.language.names)
    words = [words[0] if words[0][-1] in ".!?。" else f"{words[0]}."]
    return [f"<p>{_lines(words)}</p><blockquote>{older}</blockquote><p>{name}</p>"], [*words, name]


def border(source: Source, template: str) -> Answer:
    """Outlook's border above the header lines."""
    words, labels, (name, address) = source.words(), data.blocks()[source.language.code], source.who()
    date = source.random.choice(source.language.dates).replace("{D}", "3").replace("{T}", "9:41")
    values = ((labels.sender, f"{name} <{address}>"), (labels.sent, date), (labels.to, "Desk"), (labels.subject, "x"))
    head = "<br>".join(f"<b>{label}:</b> {html.escape(value)}" for label, value in values)
    shape = source.random.choice(
        (
            f'<div><div style="{_BORDER}"><p>{head}</p></div></div>',
            f'<hr style="width:98%"><div id="divRplyFwdMsg">{head}</div>',
            f"<hr><p>{head}</p>",
            f"<p>{head}</p>",
        )
    )
    return [f"<div>{_paragraphs(words)}</div>{shape}<p>{_lines(source.older())}</p>"], words


def bar_left(source: Source, template: str) -> Answer:
    """A div with a bar on its left, as web mails write that know no blockquote."""
    words, older = source.words(), _lines(source.older())
    return [
        f'<div>{_lines(words)}</div><br><div>{_line(source, template)}</div><div style="{_BAR}">{older}</div>'
    ], words


def nothing_marked(source: Source, template: str) -> Answer:
    """The attribution in a paragraph, the older mail in others."""
    words, older = source.words(), _paragraphs(source.older())
    return [f"{_paragraphs(words)}<p>{_line(source, template)}</p>{older}"], words


def phone(source: Source, template: str) -> Answer:
    """A phone's line between the words and the quote."""
    words, older, line = source.words(), _lines(source.older()), html.escape(source.phone()[0])
    quote = f'<blockquote type="cite">{_line(source, template)}<br><br>{older}</blockquote>'
    return [f'<div dir="auto">{_lines(words)}<br><br><div dir="ltr">{line}</div><div><br>{quote}</div></div>'], words


def named(source: Source, template: str) -> Answer:
    """Containers by which web mails and apps name what they quote."""
    words, above, older = source.words(), _line(source, template), _lines(source.older())
    shape = source.random.choice(
        (
            '<div name="quote" style="margin:10px 5px">{}<br>{}</div>',
            '<div id="mail-app-auto-quote"><div>{}</div><div>{}</div></div>',
            '<div class="protonmail_quote">{}<br><blockquote class="protonmail_quote">{}</blockquote></div>',
            '<div class="yahoo_quoted" id="yahoo_quoted_1"><div>{}</div><div>{}</div></div>',
            '<div class="tutanota_quote">{}<br>{}</div>',
            '<div class="zmail_extra"><div id="1">{}</div><blockquote>{}</blockquote></div>',
            '<blockquote id="isReplyContent" style="padding-left:1ex"><div>{}</div>{}</blockquote>',
            '<div id="isReplyContent" style="padding-left:7px"><div>{}</div>{}</div>',
            '<div id="oriMsgHtmlSeperator"></div><div class="quoted_text">{}<br>{}</div>',
            '<div class="moz-forward-container">{}<blockquote>{}</blockquote></div>',
            '<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__QUOTED_TEXT__">{}<br>{}</div>',
            '<div class="x_gmail_quote"><div dir="ltr">{}</div><blockquote>{}</blockquote></div>',
            '<div class="front-blockquote">{}<br>{}</div>',
            '<div class="ms-outlook-mobile-reference-message">{}<br>{}</div>',
            '<div name="messageReplySection">{}<blockquote>{}</blockquote></div>',
            '<div class="gmail_extra"><div class="gmail_quote">{}<br>{}</div></div>',
            '<div class="WordSection1"><div style="border:none;border-top:solid #B5C4DF 1.0pt">{}</div>{}</div>',
            '<div class="bloop_original_html">{}<blockquote class="clean_bq">{}</blockquote></div>',
            '<div id="reply-intro">{}</div><blockquote type="cite">{}</blockquote>',
            '<div class="cm_quote">{}</div><blockquote class="cm_quote" type="cite">{}</blockquote>',
            "<p>{}</p><table><tr><td style='border-left:2px solid blue;padding-left:4px'>{}</td></tr></table>",
        )
    )
    return [f"<div>{_lines(words)}</div><br>{shape.format(above, older)}"], words


def signed_app(source: Source, template: str) -> Answer:
    """A signature that an app marks, above the quote."""
    words, above, older = source.words(), _line(source, template), _lines(source.older())
    name = source.random.choice(source.language.names)
    sign = source.random.choice(
        (
            '<div class="gmail_signature" data-smartmail="gmail_signature">{}<br>Example Ltd.</div>',
            '<div id="Signature"><p>{}</p><p>Example Ltd.</p></div>',
            '<div id="x_Signature"><p>{}</p><p>Example Ltd.</p></div>',
            '<div class="moz-signature">-- <br>{}</div>',
            '<pre class="moz-signature" cols="72">-- \n{}\nExample Ltd.</pre>',
            '<div id="AppleMailSignature"><div>{}</div></div>',
            '<div class="protonmail_signature_block"><div>{}<br>Example Ltd.</div></div>',
            '<div id="ms-outlook-mobile-signature">{}</div>',
            '<div name="messageSignatureSection"><br>{}</div>',
            '<div class="spark_signature">{}</div>',
            '<div data-marker="__SIG_PRE__">{}<br>Example Ltd.</div>',
            '<div class="ydp1signature">{}</div>',
            '<div class="tutanota-signature">{}</div>',
        )
    ).format(name)
    return [f"<div>{_lines(words)}</div><br>{sign}<br><div>{above}</div><blockquote>{older}</blockquote>"], words


def _line(source: Source, template: str) -> str:
    return html.escape(" ".join(source.attribution(template)))


def _lines(lines: list[str]) -> str:
    return "<br>".join(html.escape(line) for line in lines)


def _paragraphs(lines: list[str]) -> str:
    return "".join(f'<p class="MsoNormal">{html.escape(line) or "&nbsp;"}</p>' for line in lines)


STYLES: dict[str, Callable[[Source, str], Answer]] = {
    f"html {style.__name__}": style
    for style in (
        gmail,
        cite,
        signed_below,
        no_attribution,
        name_below,
        border,
        bar_left,
        nothing_marked,
        phone,
        named,
        signed_app,
    )
}  # fmt: skip
