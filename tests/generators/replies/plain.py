"""Conversations in plain text, one function for each style of answering: the mail's text and the right reply."""

from __future__ import annotations

from collections.abc import Callable

from tests.generators.replies import data
from tests.generators.replies.parts import MARKS, Source, hard_wrapped, quoted

Answer = tuple[list[str], list[str]]
"""The lines of the mail, and those of the true reply."""


def top(source: Source, template: str) -> Answer:
    """The words above, the quote below."""
    words, mark = source.words(), source.random.choice(MARKS[:4])
    gap = [""] if source.random.random() < 0.9 else []
    between = source.random.choice(([], [], [], [""]))
    return [*words, *gap, *source.attribution(template), *between, *quoted(source.older(), mark)], words


def top_nested(source: Source, template: str) -> Answer:
    """The same with an older quote in the quote."""
    words = source.words()
    inner = [*source.older(2), "", *source.attribution(template), *quoted(source.older(2), "> ")]
    return [*words, "", *source.attribution(template), *quoted(inner, "> ")], words


def top_signed(source: Source, template: str) -> Answer:
    """The words, a signature, the quote."""
    words = source.words()
    return [*words, "", *source.signature(), "", *source.attribution(template), *quoted(source.older(), "> ")], words


def top_phone(source: Source, template: str) -> Answer:
    """The words, a phone's line, the quote."""
    words, older = source.words(), source.older()
    gap = source.random.choice(([""], [""], []))
    return [*words, "", *source.phone(), *gap, *source.attribution(template), *quoted(older, "> ")], words


def top_wrapped(source: Source, template: str) -> Answer:
    """A quote that was broken a second time."""
    words, older = source.words(), [" ".join(source.older(3)), *source.older(2)]
    return [*words, "", *source.attribution(template), "", *hard_wrapped(older, "> ")], words


def top_footer(source: Source, template: str) -> Answer:
    """A list's footer below the quote."""
    words = source.words()
    quote = quoted(source.older(), "> ")
    return [*words, "", *source.attribution(template), *quote, "", *source.footer()], words


def bottom(source: Source, template: str) -> Answer:
    """The quote above, the words below."""
    words = source.words()
    tail = source.random.choice(([], [], ["", *source.signature()]))
    gap = source.random.choice(([""], [""], []))
    return [*source.attribution(template), *gap, *quoted(source.older(), "> "), "", *words, *tail], words


def interleaved(source: Source, template: str) -> Answer:
    """Answers between the quoted lines: they stay with what they answer."""
    older, answers = source.older_language.older, source.random.sample(source.language.answers, 2)
    body = [f"> {older[0]}", "", answers[0], "", f"> {older[1]}", "", answers[1]]
    return [*source.attribution(template), *body], body


def attribution_left(source: Source, template: str) -> Answer:
    """The person deleted the quote and left the line above it."""
    words = source.words()
    return [*source.attribution(template), "", *words], words


def flattened(source: Source, template: str) -> Answer:
    """A program that joined all lines."""
    words = [" ".join(line for line in source.words() if line)]
    quote = " ".join(["", *source.attribution(template), *quoted(source.older(2), "> ")])
    return [words[0] + quote], words


def bar(source: Source, template: str) -> Answer:
    """A quote behind bars."""
    words = source.words()
    older = [*source.older(), source.older_language.older[0]]
    return [*words, "", *source.attribution(template), *quoted(older, "| ")], words


def unmarked(source: Source, template: str) -> Answer:
    """A quote without marks, as programs leave that turn HTML into text."""
    words = source.words()
    return [*words, "", *source.attribution(template), "", *source.older()], words


def block(source: Source, template: str) -> Answer:
    """Outlook's header lines above the earlier mail."""
    words = source.words()
    rule = source.random.choice(([], ["_" * 32], ["-" * 20]))
    tail = source.random.choice(([], [], ["", *source.phone()]))
    return [*words, *tail, "", *rule, *_block(source), "", *source.older()], words


def original(source: Source, template: str) -> Answer:
    """A mark in dashes above the earlier mail."""
    words, mark = source.words(), data.blocks()[source.language.code].original
    shape = source.random.choice(
        (
            "-----{}-----",
            "-------- {} --------",
            "------------------ {} ------------------",
            "-----{}-----",
            "------ {} ------",
            "---- {} ----",
            "---------- {} ----------",
        )
    )
    older = source.older()
    older = quoted(older, "> ") if source.random.random() < 0.3 else older
    return [*words, "", shape.format(mark), *_block(source), "", *older], words


def flattened_original(source: Source, template: str) -> Answer:
    """The mark in dashes on the line of the words."""
    words, mark = [" ".join(line for line in source.words() if line)], data.blocks()[source.language.code].original
    return [" ".join([words[0], f"-----{mark}-----", *_block(source), *source.older(2)])], words


def above_mark(source: Source, template: str) -> Answer:
    """A desk's line that asks to answer above it, quoted or not."""
    words = source.words()
    mark = source.random.choice(ABOVE)
    if source.random.random() < 0.5:
        return [*words, "", *source.attribution(template), *quoted([mark, "", *source.older()], "> ")], words
    return [*words, "", mark, "", *source.older()], words


def forward(source: Source, template: str) -> Answer:
    """A mail that is passed on stays whole."""
    mark = data.blocks()[source.language.code].forward
    shape = source.random.choice(("---------- {} ---------", "-------- {} --------", "{}:", "----- {} -----"))
    block = _block(source)
    if shape == "{}:":
        block = ["", block[0], block[3], block[1], block[2]] if len(block) == 4 else block
    lines = [*source.words(), "", shape.format(mark), *block, "", *source.older()]
    return lines, lines


def signed(source: Source, template: str) -> Answer:
    """No quote, a signature."""
    words = source.words()
    return [*words, "", *source.signature()], words


def signed_footer(source: Source, template: str) -> Answer:
    """No quote, a list's footer."""
    words = source.words()
    return [*words, "", *source.footer()], words


def phone_only(source: Source, template: str) -> Answer:
    """No quote, a phone's line."""
    words = source.words()
    return [*words, "", *source.phone()], words


def phone_unmarked(source: Source, template: str) -> Answer:
    """The earlier mail stands below a phone's line without any mark."""
    words = source.words()
    older = [*source.older_language.older, "", source.older_language.closings[0], source.older_language.names[0]]
    return [*words, "", *source.phone(), "", *older], words


def bare(source: Source, template: str) -> Answer:
    """Only words."""
    words = source.words()
    return words, words


def disclaimed(source: Source, template: str) -> Answer:
    """A company's paragraph below the words, and a virus scanner's below that."""
    words = source.words()
    rule = source.random.choice(([], [""], ["", "_" * 32], ["", "-- "], ["", "---"]))
    tail = source.random.choice(([], [], ["", "---", *source.random.choice(SCANNERS)], ["", *SCANNERS[0]]))
    return [*words, *rule, "", source.random.choice(DISCLAIMERS), *tail], words


def marked(source: Source, template: str) -> Answer:
    """Quote marks that are no `>`."""
    words, mark = source.words(), source.random.choice(("＞", "> > ", "» ", "&gt; ", "\u2502 ", "›", "| "))
    older = [*source.older(), source.older_language.older[0]]
    return [*words, "", *source.attribution(template), *quoted(older, mark)], words


def twice(source: Source, template: str) -> Answer:
    """Two earlier mails below each other, each with its header block."""
    words = source.words()
    return [*words, "", *_block(source), "", *source.older(), "", *_block(source), "", *source.older()], words


def own_words(source: Source, template: str) -> Answer:
    """What people write that looks like what programs write."""
    words = source.random.choice(data.own_words()).split("\n")
    return words, words


def quote_alone(source: Source, template: str) -> Answer:
    """A quote without a line above it."""
    words = source.words()
    return [*words, "", *quoted(source.older(), "> ")], words


def _block(source: Source) -> list[str]:
    labels = data.blocks()[source.language.code]
    name, address = source.who()
    date = source.random.choice(source.language.dates).replace("{D}", "3").replace("{T}", "9:41")
    shape = source.random.choice(("{}: {}", "{}: {}", "*{}:* {}", "{} : {}", "{}:\t{}"))
    values = (
        (labels.sender, f"{name} <{address}>"),
        (labels.sent, date),
        (labels.to, "Desk <desk@example.com>"),
        (labels.subject, "RE: Printer"),
    )
    order = values if source.random.random() < 0.8 else (values[3], values[1], values[0], values[2])
    return [shape.format(*pair) for pair in order]


ABOVE = (
    "##- Please type your reply above this line -##",
    "--- Please reply above this line ---",
    "Reply above this line to add a comment",
    "=== Bitte antworten Sie oberhalb dieser Zeile ===",
    "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##",
    "--- Répondez au-dessus de cette ligne ---",
    "##- Veuillez entrer votre réponse au-dessus de cette ligne -##",
    "-- Responda por encima de esta línea --",
    "##- Por favor, escriba su respuesta por encima de esta línea -##",
    "##- Digite sua resposta acima desta linha -##",
    "--- Rispondi sopra questa riga ---",
    "##- Typ uw antwoord boven deze regel -##",
    "--- Svara ovanför denna rad ---",
    "--- Skriv dit svar over denne linje ---",
    "--- Vastaa tämän rivin yläpuolelle ---",
    "##- Wpisz odpowiedź powyżej tej linii -##",
    "--- Odpovězte nad tímto řádkem ---",
    "##- Пожалуйста, введите ваш ответ выше этой строки -##",
    "---- Lütfen yanıtınızı bu satırın üstüne yazın ----",
    "--- この行より上に返信を入力してください ---",
    "##- 请在此行上方输入您的回复 -##",
    "--- 이 줄 위에 답장을 입력하세요 ---",
)

DISCLAIMERS = (
    "This e-mail and any attachments are confidential and may be legally privileged. Delete it if it is not for you.",
    "CONFIDENTIALITY NOTICE: the content of this message is for the named recipient only.",
    "Please consider the environment before printing this e-mail.",
    "The information in this email is confidential and intended solely for the addressee.",
    "Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der Adressat, löschen Sie sie bitte.",
    "Der Inhalt dieser E-Mail ist vertraulich und ausschließlich für den bezeichneten Adressaten bestimmt.",
    "Ce message et les pièces jointes sont confidentiels et établis à l'intention exclusive de ses destinataires.",
    "Este mensaje y sus archivos adjuntos van dirigidos exclusivamente a su destinatario y son confidenciales.",
    "Esta mensagem e os seus anexos são confidenciais e destinam-se apenas ao destinatário.",
    "Questo messaggio e i suoi allegati sono destinati esclusivamente al destinatario e sono riservati.",
    "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde.",
    "Det här meddelandet är konfidentiellt och endast avsett för mottagaren.",
    "Denne e-mail er fortrolig og kun beregnet til modtageren.",
    "Treść tej wiadomości jest poufna i przeznaczona wyłącznie dla adresata.",
    "Tato zpráva je důvěrná a je určena pouze adresátovi.",
    "Данное сообщение является конфиденциальным и предназначено только для адресата.",
    "Bu e-posta ve ekleri gizlidir ve yalnızca alıcısı içindir.",
)
SCANNERS = (
    ["This email has been checked for viruses by Avast antivirus software.", "https://www.avast.com/antivirus"],
    ["Diese E-Mail wurde von Avast-Antivirussoftware auf Viren geprüft.", "www.avast.com"],
    ["L'absence de virus dans ce courrier électronique a été vérifiée par le logiciel antivirus Avast."],
    ["El software de antivirus Avast ha analizado este correo electrónico en busca de virus."],
    ["Virus-free. www.avast.com"],
)

WITH_ATTRIBUTION: dict[str, Callable[[Source, str], Answer]] = {
    style.__name__: style
    for style in (top, top_nested, top_signed, top_phone, top_wrapped, top_footer, bottom, interleaved,
                  attribution_left, flattened, bar, unmarked, marked)
}  # fmt: skip
WITHOUT: dict[str, Callable[[Source, str], Answer]] = {
    style.__name__: style
    for style in (block, original, flattened_original, above_mark, forward, signed, signed_footer, phone_only,
                  phone_unmarked, bare, own_words, disclaimed, twice, quote_alone)
}  # fmt: skip
