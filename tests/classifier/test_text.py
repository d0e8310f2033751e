"""The cleaner: noise of mail around the words goes, the words stay, and no text takes long."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.text import LONGEST_BODY, clean, fold, words

QUESTION = "The scanner on floor four sends nothing"
GREETINGS = [
    "Hi,", "Hello support team,", "Dear Sir or Madam,", "Good morning,", "Hallo zusammen,",
    "Sehr geehrte Damen und Herren,", "Guten Tag Frau Weber,", "Bonjour,", "Chère équipe,",
    "Hola a todos:", "Buenos días,", "Olá,", "Bom dia,", "Ciao,",
]  # fmt: skip
CLOSINGS = [
    "Best regards,\nAda Byron", "Kind regards\nAda", "Thanks,\nAda", "Thank you in advance!\n\nAda Byron\nAcme Ltd",
    "Mit freundlichen Grüßen\nAda Byron", "Viele Grüße, Ada", "Cordialement,\nAda", "Merci d'avance", "Saludos,\nAda",
    "Un cordial saludo\nAda", "Atenciosamente,\nAda", "Obrigado\nAda", "-- \nAda Byron\nHead of Sums", "Cheers, Ada",
    "Met vriendelijke groet,\nAda", "Sent from my iPhone", "Get Outlook for Android", "Von meinem iPhone gesendet",
]  # fmt: skip
QUOTES = [
    "> did you try turning it off?\n> yes",
    "On Mon, 3 Nov 2025 at 10:02, Help Desk <help@acme.example> wrote:\n> please restart it",
    "Am 03.11.2025 um 10:02 schrieb Help Desk:\n> bitte neu starten",
    "Le lun. 3 nov. 2025 à 10:02, Help Desk <help@acme.example> a écrit :\n> redémarrez",
    "-----Original Message-----\nFrom: Help Desk\nSent: Monday\nSubject: RE: salary\n\nAbout your salary",
    "From: Help Desk <help@acme.example>\nSent: Monday, 3 November\nTo: Ada\nSubject: salary\n\nAbout your salary",
    "Von: Help Desk\nGesendet: Montag\nAn: Ada\n\nIhr Gehalt",
    "________________________________\nFrom: Help Desk\nAbout your salary",
]
DISCLAIMERS = [
    "This e-mail is confidential and intended only for the addressee. If you received this in error, please notify us.",
    "Diese Nachricht ist vertraulich. Wenn Sie nicht der richtige Adressat sind, informieren Sie bitte den Absender.",
    "Ce message est confidentiel. Si vous n'êtes pas le destinataire, merci de le détruire.",
    "Este mensaje es confidencial y va dirigido a su destinatario.",
]


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_greeting_is_not_part_of_the_request(greeting: str) -> None:
    assert words(f"{greeting}\n\n{QUESTION}") == words(QUESTION)
    assert words(f"Scanner dead\n\n{greeting}\n{QUESTION}") == words(f"Scanner dead\n{QUESTION}")


@pytest.mark.parametrize("greeting", [g for g in GREETINGS if g.endswith(",")])
def test_a_greeting_on_the_line_of_the_request_goes_and_the_request_stays(greeting: str) -> None:
    assert words(f"{greeting} {QUESTION}") == words(QUESTION)


@pytest.mark.parametrize("closing", CLOSINGS)
def test_a_closing_and_what_follows_it_is_not_part_of_the_request(closing: str) -> None:
    assert words(f"{QUESTION}.\n\n{closing}") == words(QUESTION)


@pytest.mark.parametrize("quote", QUOTES)
def test_quoted_history_is_not_part_of_the_request(quote: str) -> None:
    assert words(f"{QUESTION}.\n\n{quote}\n") == words(QUESTION)


@pytest.mark.parametrize("disclaimer", DISCLAIMERS)
def test_a_disclaimer_is_not_part_of_the_request(disclaimer: str) -> None:
    assert words(f"{QUESTION}\n\n{disclaimer}") == words(QUESTION)


@pytest.mark.parametrize(
    "noise",
    ["Thanks in advance for your help.", "Many thanks, Ada Byron", "Have a nice day!", "Muchas gracias.", "Danke!"],
)
def test_a_last_sentence_of_thanks_is_not_part_of_the_request(noise: str) -> None:
    assert words(f"{QUESTION}. {noise}") == words(f"{QUESTION}.\n{noise}\n\n> old") == words(QUESTION)


@pytest.mark.parametrize("wish", ["I hope this finds you well.", "How are you?", "Espero que esté bien."])
def test_good_wishes_are_not_part_of_the_request(wish: str) -> None:
    assert words(f"Hello Ada,\n\n{wish} {QUESTION}") == words(f"Hello,\n{wish}\n{QUESTION}") == words(QUESTION)


def test_thanks_with_news_behind_them_stay() -> None:
    text = "I restarted it.\nThanks, still not printing"
    assert words(text)[-4:] == ["thanks", "still", "not", "printing"]


def test_contact_lines_at_the_end_are_not_part_of_the_request() -> None:
    assert words(f"{QUESTION}\n\nAda Byron | Head of Sums\nTel. +44 20 7946 0000\nwww.acme.example") == words(QUESTION)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for the new printer, but it does not print",
        "Dear colleagues told me that the VPN is down",
        "Good printers are hard to find, ours is broken",
        "Regards from the printer: it is jammed again and again",
        "From: field is wrong in my outgoing mails",
        "Please help: nothing prints",
    ],
)
def test_sentences_that_only_begin_like_noise_stay(text: str) -> None:
    assert words(text) == words(f"x {text}")[1:]


@pytest.mark.parametrize("text", ["Thank you", "Hello", "Hi,", "> only a quote", "Best regards", "Sent from my iPhone"])
def test_where_only_noise_is_left_the_noise_is_the_text(text: str) -> None:
    assert words(text)


def test_contractions_are_one_word_and_elisions_are_two() -> None:
    assert words("I can't open l'imprimante") == ["i", "can't", "open", "l", "imprimante"]
    assert fold("can't") == fold("can’t") == "cant"
    assert fold("printer's") == "printer"


def test_accents_and_widths_do_not_matter() -> None:
    assert [fold(word) for word in words("Größe ｐｒｉｎｔｅｒ não")] == ["grosse", "printer", "nao"]
    assert words("cafe\u0301") == words("café")


def test_scripts_without_spaces_are_read_sign_by_sign() -> None:
    assert words("打印机坏了 help") == ["打", "印", "机", "坏", "了", "help"]


@given(st.text())
def test_any_text_has_words_or_none_and_never_raises(text: str) -> None:
    assert all(word == word.lower() for word in words(text))


@given(st.text(st.characters(categories=["Cs", "Cc", "Lu", "Po"])))
def test_lone_surrogates_and_control_characters_do_no_harm(text: str) -> None:
    for word in words(text):
        fold(word).encode("utf-8")


@pytest.mark.parametrize(
    "piece",
    ["a", "> ", "\n", " \n", "--\n", "On ", "thanks ", "From: x\n", "+1 (", "1 ", "'s", "é", "confidential ", "\0"],
)
def test_a_megabyte_of_anything_costs_no_more_than_its_length(piece: str) -> None:
    assert_cost_grows_with_length(lambda length: piece * (length // len(piece)))


def test_blank_lines_above_quotes_cost_no_more_than_their_length() -> None:
    assert_cost_grows_with_length(lambda length: "\n" * (length // 2) + "> q\n" * (length // 8))


def assert_cost_grows_with_length(text_of: Callable[[int], str]) -> None:
    """Eight times the text takes about eight times as long; what looks at each pair of places takes sixty-four."""
    short, long = (cost(text_of(length)) for length in (125_000, 1_000_000))
    assert long < 24 * max(short, 0.002)


def cost(text: str) -> float:
    """Processor seconds, the best of three: other work on the machine does not count."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        words(text)
        times.append(time.thread_time() - begun)
    return min(times)


def test_only_the_top_of_a_very_long_text_is_read() -> None:
    assert len(clean("word " * 1_000_000)) <= LONGEST_BODY


@pytest.mark.parametrize("sign", ["-", "_", "=", "*", "> ", "- "])
def test_a_line_of_forty_thousand_signs_takes_no_time(sign: str) -> None:
    begun = time.process_time()
    words("It is stuck.\n" + sign * (40_000 // len(sign)) + "\nx")
    assert time.process_time() - begun < 1.0
