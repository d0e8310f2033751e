"""How mail programs quote the mail that they answer: the reply as Gmail, Outlook and Apple Mail would send it."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from tests.small_desk import words

BODY = re.compile(r"<body>(.*)</body>", re.S)


def html_of(mail: EmailMessage) -> str:
    """What stands in the HTML part of a mail."""
    part = mail.get_body(("html",))
    match = BODY.search(str(part.get_content()) if part else "")
    assert match is not None
    return match[1]


def _quoted(mail: EmailMessage) -> str:
    return "\n".join(f"> {line}".rstrip() for line in words(mail).rstrip("\n").splitlines())


def gmail(mail: EmailMessage, new: str) -> tuple[str, str]:
    said = f"On Mon, Nov 2, 2026 at 10:12 AM {mail['From'].addresses[0].display_name} <{_address(mail)}> wrote:"
    text = f"{new}\n\n{said}\n\n{_quoted(mail)}\n"
    html = (
        f'<div dir="ltr">{_div(new)}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class='
        f'"gmail_attr">{_escaped(said)}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;'
        f'border-left:1px solid rgb(204,204,204);padding-left:1ex">{html_of(mail)}</blockquote></div>'
    )
    return text, html


def apple(mail: EmailMessage, new: str) -> tuple[str, str]:
    said = f"On 2. Nov 2026, at 10:12, {mail['From'].addresses[0].display_name} <{_address(mail)}> wrote:"
    text = f"{new}\n\n> {said}\n> \n{_quoted(mail)}\n"
    html = (
        f'<html><body style="overflow-wrap: break-word;">{_div(new)}<br id="lineBreakAtBeginningOfMessage"><div><br>'
        f'<blockquote type="cite"><div>{_escaped(said)}</div><br class="Apple-interchange-newline"><div>{html_of(mail)}'
        "</div></blockquote></div><br></body></html>"
    )
    return text, html


def outlook(mail: EmailMessage, new: str) -> tuple[str, str]:
    head = {
        "From": mail["From"],
        "Sent": "Monday, November 2, 2026 10:12 AM",
        "To": mail["To"],
        "Subject": mail["Subject"],
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    text = "\n".join([new, "", "_" * 32, *lines, "", words(mail).replace("\r\n", "\n")])
    bold = "<br>".join(f"<b>{name}:</b> {_escaped(str(value))}" for name, value in head.items())
    html = (
        f'<html><body><div class="elementToProof">{_div(new)}</div><div id="appendonsend"></div><hr style="display:'
        f'inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">{bold}<div>&nbsp;</div></div>'
        f"<div>{html_of(mail)}</div></body></html>"
    )
    return text, html


def outlook_desktop(mail: EmailMessage, new: str) -> tuple[str, str]:
    text, _ = outlook(mail, new)
    head = f"<b>From:</b> {_escaped(str(mail['From']))}<br><b>Sent:</b> Monday, November 2, 2026 10:12 AM"
    html = (
        f'<html><body><div class="WordSection1">{_div(new)}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
        f'padding:3.0pt 0in 0in 0in"><p class="MsoNormal">{head}</p></div></div>{html_of(mail)}</div></body></html>'
    )
    return text.replace("_" * 32, "-----Original Message-----"), html


PROGRAMS: dict[str, Callable[[EmailMessage, str], tuple[str, str]]] = {
    "gmail": gmail,
    "apple": apple,
    "outlook": outlook,
    "outlook-desktop": outlook_desktop,
}


def reply(to: EmailMessage, program: str, new: str, form: str, sender: str) -> EmailMessage:
    """A requester's answer; `form` says which of "text" and "html" it has, or "both"."""
    text, html = PROGRAMS[program](to, new)
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, str(to["Reply-To"] or to["From"]), str(to["Subject"])
    mail["Message-ID"] = f"<{program}-{form}-{abs(hash(new))}@home.example.test>"
    mail["In-Reply-To"] = str(to["Message-ID"])
    mail["References"] = f"{to['References'] or ''} {to['Message-ID']}".strip()
    if form == "html":
        mail.set_content(html, subtype="html")
        return mail
    mail.set_content(text)
    if form == "both":
        mail.add_alternative(html, subtype="html")
    return mail


def _address(mail: EmailMessage) -> str:
    return str(mail["From"].addresses[0].addr_spec)


def _div(text: str) -> str:
    return "".join(f"<div>{_escaped(line) or '<br>'}</div>" for line in text.split("\n"))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
