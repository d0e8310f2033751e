"""The phrases by which mail servers say that a mail could not be delivered, and those of a person's mail about it."""

from __future__ import annotations

import re

from desk.mail.automatic import Signs, judge
from desk.text import mail_words

_MACHINE = re.compile(
    r""
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|po+st[-_.]?master|mail[-_.]?delivery(?:[-_.](?:system|subsystem))?|mdaemon|"
    r"double-?bounce|bounces?|mail[-_.]?system|mailer|internet[-_.]?mail[-_.]?delivery|"
    r"microsoftexchange[0-9a-f]{16,64})(?:[+-][^@]*)?"
)
_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|delivery (?:status|fail|notification|report|problem|error|has failed|delayed)|"
    r"returned mail|returned to sender|"
    r"return(?:ing|ed) (?:message|mail|to sender)|failure notice|"
    r"mail (?:delivery|system) (?:fail|error|status)|could ?n[o']t be delivered|"
    r"(?:message|mail|email|e-mail).{0,20}(?:delivery (?:has )?fail|not delivered|was not|bounced|rejected)|"
    r"mail status report|"
    r"delivery has failed|failed delivery|failure delivery|delivery failure|message status|bounce notification|"
    r"postmaster notify|"
    r"error sending your mail|warning: (?:message|could not send)|mail delivery|dsn:|bounced mail|mail failure|"
    r"unzustellbar|nicht zugestellt|zustellung (?:fehlgeschlagen|nicht)|fehlgeschlagene zustellung|non remis|"
    r"non délivré|échec de (?:la )?(?:remise|distribution)|"
    r"no se (?:puede|pudo|ha podido) entregar|no entregado|não (?:foi )?entregue|falha na entrega|"
    r"não entregável|mancato recapito|"
    r"messaggio non consegnat|impossibile recapitare|onbestelbaar|niet (?:bezorgd|afgeleverd)|"
    r"kunde inte levereras|kunne ikke leveres|"
    r"toimittaminen epäonnistui|niedostarcz|nie (?:został[ao]? )?dostarcz|недостав|не достав|"
    r"не может быть доставлен|ваше сообщение|nedoruč|kézbesít|"
    r"teslim edilem|iletilemedi|配信不能|配信でき|送信エラー|エラーメール|配達できません|"
    r"退信|无法投递|無法傳遞|投递失败|未送达|系统退信|반송|전송 실패|배달되지",
    re.I,
)
_DELAY = re.compile(r"delay|warning|retry|not (?:yet|been) delivered|verzöger|retard|задерж|still being", re.I)
_TEXT = re.compile(
    r"could ?n[o']t be (?:delivered|found|sent)|undeliver|"
    r"delivery (?:to the following|failed|failure|has failed|has been|status|attempt)|"
    r"unable to deliver|wasn't able to deliver|was not delivered|not been delivered|has been delayed|"
    r"permanent(?:ly)? (?:fatal )?(?:error|fail)|"
    r"user unknown|unknown user|no such user|mailbox (?:is )?(?:full|unavailable|not found)|"
    r"recipient(?:s)? (?:rejected|unknown|address)|"
    r"did ?n[o']t reach|address(?:es)? (?:had|failed|rejected)|"
    r"message (?:was |has been )?(?:rejected|blocked|undelivered|returned)|"
    r"returned (?:to sender|mail|message)|over quota|quota exceeded|"
    r"host (?:or domain name )?(?:unknown|not found)|does not exist|"
    r"could not (?:deliver|send)|failed (?:recipient|address|permanently)|reason (?:for|of) (?:the )?fail|"
    r"transcript of session|"
    r"550[ -]5?|553[ -]|554[ -]|final-recipient:|diagnostic-code:|status: ?[45]\.|unrouteable|"
    r"relay(?:ing)? (?:access )?denied|"
    r"konnte nicht zugestellt|n'a pas (?:pu|été)|no se (?:pudo|ha podido)|не (?:удалось|может быть|был[оа]? )|"
    r"配信|宛先|无法|無法|遅延|エラー|受信",
    re.I,
)
_FINAL = re.compile(
    r"permanent|giving up|will not (?:be )?retr|could not be delivered|\b5\d\d[ -]|expired|too long", re.I
)
_NOTICE = re.compile(r'"notificationType"\s{0,4}:\s{0,4}"(?:Bounce|Complaint)"|"eventType"\s{0,4}:\s{0,4}"Bounce"')
_DIAGNOSTIC = re.compile(r"^.{0,200}(?<![\d.])(?:[45]\d\d[ -]|[45]\.\d\.\d).{0,300}$", re.M)
_NAMED = (
    re.compile(r"^[ \t]{0,8}<([^<>\s]{1,128}@[^<>\s]{1,200})>[ \t]{0,3}(?::|\.{3}|$)", re.M),
    re.compile(r"(?:final|original)-recipient:[^\n;]{0,40};[ \t]{0,4}<?([^<>\s;]{1,128}@[^<>\s;]{1,200})", re.I),
    re.compile(r"^[ \t]{1,12}<?([^<>\s:;]{1,128}@[^<>\s:;]{1,200}?)>?[ \t]{0,3}:?$", re.M),
    re.compile(
        r"(?:recipients?|address|to|for|user|mailbox)[ \t]{0,3}:?[ \t]{0,3}<?([^<>\s:;,]{1,128}@[^<>\s:;,]{1,200}\w)>?",
        re.I,
    ),
)
_ANY = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,200}\.[A-Za-z]{2,24}")


def is_machine(author: str) -> bool:
    """Whether a mail server's own account wrote it."""
    local = author.partition("@")[0].lower()
    return bool(local) and _MACHINE.fullmatch(local) is not None


def account(value: str) -> str:
    """The account that a From without an address names ("MAILER-DAEMON <>")."""
    words = value.replace("<>", "").strip().strip('"').split()
    return words[0] if len(words) == 1 else "mailer-daemon" if "mail delivery" in value.lower() else ""


def is_notice(text: str) -> bool:
    """Whether it is a mail service's notification in JSON."""
    return '"Bounce"' in text[:5_000] and _NOTICE.search(text[:5_000]) is not None


def speaks_of_failure(text: str) -> bool:
    shown = text[:20_000]
    return _TEXT.search(shown) is not None or _has("text", shown)


def is_titled(subject: str) -> bool:
    """Whether the subject is one of a report."""
    shown = subject[:500]
    return _SUBJECT.search(shown) is not None or _has("subject", shown)


def _has(kind: str, text: str) -> bool:
    # One search for each of the words is many times faster than one expression of them all.
    folded = text.casefold()
    return any(words in folded for words in mail_words.texts("bounces", kind))


def is_delay(subject: str) -> bool:
    return _DELAY.search(subject) is not None or _has("delay", subject[:500])


def is_final(text: str) -> bool:
    return _FINAL.search(text) is not None


def is_failure(subject: str, text: str, author: str, *, null_sender: bool, failed: bool) -> bool:
    """Whether prose from this author is a report of a failed delivery."""
    if is_notice(text):
        return True
    machine = is_machine(author)
    if not (machine or null_sender or failed):
        return False
    named = is_titled(subject)
    if not named and judge(Signs(subject=subject)).reason:
        return False
    spoken = speaks_of_failure(text)
    if machine or failed:
        return named or spoken
    if author.startswith(("no-reply@", "noreply@")):
        return named or spoken
    return named and (spoken or not author)


def diagnostic(text: str) -> str:
    """The first line with an SMTP status in it."""
    match = _DIAGNOSTIC.search(text)
    return match[0].strip() if match else ""


def recipients(text: str) -> list[str]:
    """The addresses that the prose says failed, by the first way of writing that finds any."""
    for pattern in _NAMED:
        found = [match.rstrip(".,;:>") for match in pattern.findall(text)[:100]]
        if found:
            return found
    return list(dict.fromkeys(_ANY.findall(text[:3_000])))[:1]
