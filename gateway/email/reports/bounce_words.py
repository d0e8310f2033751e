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
_WAITING = re.compile(
    r"not yet been delivered|will (?:be (?:re)?tried|continue|keep trying)|no action is required|"
    r"(?:delivery|message) (?:to the following \w+ )?(?:has been |is )(?:delayed|postponed)|still (?:being )?trying|"
    r"this is a warning message only|just a warning",
    re.I,
)
_GIVEN_UP = re.compile(r"permanent|giv(?:ing|en) up|will not (?:be )?(?:continue|retr)|final attempt", re.I)
_PEOPLE_TOO = re.compile(r"po+st[-_.]?master|mailer|mdaemon|bounces?|mail[-_.]?system")
_FORWARDS = re.compile(r"\[?(?:fwd?|wg|tr|rv|i|vs|vb|doorst|enc|pd|转发|轉寄)\s?[:：]", re.I)
_SERVICE = re.compile(
    r"(?:.{0,40}[._-])?(?:webhooks?|events?|notifications?|notify|sns|ses|delivery|bounces?|sendgrid|mailgun|postmark|"
    r"sparkpost|mailjet|mandrill|brevo|alerts?|aws)(?:[._+-].{0,40})?"
)
_DIAGNOSTIC = re.compile(r"^.{0,200}(?<![\d.])(?:[45]\d\d[ -]|[45]\.\d\.\d).{0,300}$", re.M)


def is_machine(author: str) -> bool:
    """Whether a mail server's own account wrote it."""
    local = author.partition("@")[0].lower()
    return bool(local) and _MACHINE.fullmatch(local) is not None


def is_named_machine(value: str) -> bool:
    """Whether a From has the name by which mail servers call themselves, whatever its address is."""
    if "<" not in value[1:]:
        return False
    name = value.partition("<")[0].strip().strip("\"' ").casefold()
    return name in mail_words.texts("bounces", "name")


def is_service(author: str) -> bool:
    """Whether a mail service's program writes from there."""
    return _SERVICE.fullmatch(author.partition("@")[0].lower()) is not None


def account(value: str) -> str:
    """The account that a From without an address names ("MAILER-DAEMON <>")."""
    words = value.replace("<>", "").strip().strip('"').split()
    return words[0] if len(words) == 1 else "mailer-daemon" if "mail delivery" in value.lower() else ""


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


def is_forward(subject: str) -> bool:
    """Whether the subject says that somebody passes a mail on."""
    return _FORWARDS.match(subject) is not None


def is_delay(subject: str) -> bool:
    return _DELAY.search(subject) is not None or _has("delay", subject[:500])


def is_final(text: str) -> bool:
    return _FINAL.search(text) is not None


def is_waiting(text: str) -> bool:
    """Whether the words say that the mail is still on its way."""
    return _WAITING.search(text) is not None and _GIVEN_UP.search(text) is None


def is_failure(subject: str, text: str, author: str, *, null_sender: bool, sure: bool) -> bool:
    """Whether prose from this author is a report of a failed delivery; `sure`: a mail server wrote it by its names."""
    if not (sure or null_sender):
        return False
    named = is_titled(subject)
    if not named and judge(Signs(subject=subject)).reason:
        return False
    spoken = speaks_of_failure(text)
    if sure and not null_sender and _PEOPLE_TOO.fullmatch(author.partition("@")[0].lower()):
        # Behind these names people answer, too.
        coded = _DIAGNOSTIC.search(text) is not None or "@" in text
        return (named or spoken) and coded
    if sure or author.startswith(("no-reply@", "noreply@")):
        return named or spoken
    return named and (spoken or not author)


def diagnostic(text: str) -> str:
    """The first line with an SMTP status in it."""
    match = _DIAGNOSTIC.search(text)
    return match[0].strip() if match else ""
