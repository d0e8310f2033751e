"""An answer that goes to somebody else names neither whom it was for nor who wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.knowledge.reusable_answer import for_others


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hi Kim,\n\nplease restart it.\n\nKind regards\nAlice Agent\nIT Support\n\n\n", "Please restart it."),
        ("Dear Ms. Park,\n\nrestart x².\n\nBest,\nAlice", "Restart x²."),
        ("Dear Mr Park,\nrestart it.\n\nBest,\nAlice", "Restart it."),
        ("Hello Kim, please restart it.\n\nBye\nAlice", "Please restart it."),
        ("Restart it.\n\n-- \nAlice\nphone 55", "Restart it."),
        ("Restart it.\n\nViele Grüße\nAlice Agent\n\n", "Restart it."),
        ("Hallo Frau Park,\nbitte neu starten.\n\nMit freundlichen Grüßen\ni. A. Alice Agent", "Bitte neu starten."),
        ("Sehr geehrte Damen und Herren,\n\nfertig.\n\nMfG", "Fertig."),
        ("Bonjour Kim,\n\nRedémarrez.\n\nCordialement,\nAlice", "Redémarrez."),
        ("Kim,\n\nrestart it.\n\nCheers, Alice", "Restart it."),
        ("Restart it.\n\nAlice", "Restart it."),
        ("Restart it.\n\n– Alice", "Restart it."),
        ("Good morning Kim!\n\nSteps:\n1. unplug\n2. plug\n\nThanks\nAlice", "Steps:\n1. unplug\n2. plug"),
        ("Restart it.\n\nThank you\n\nKind regards,\nAlice", "Restart it."),
        ("Здравствуйте!\n\nПерезапустите.\n\nС уважением,\nАлиса", "Перезапустите."),
        ("您好，请重启。\n\n此致\n敬礼", "请重启。"),
        ("Restart it.\n\n\n\n\nThen wait.\n\n\n", "Restart it.\n\nThen wait."),
    ],
)
def test_greeting_farewell_and_signature_go(text: str, left: str) -> None:
    assert for_others(text, "Kim Park", "Alice Agent") == left


@pytest.mark.parametrize(
    "text",
    [
        "Hello world is the name of the program.",
        "Hi is no answer, but this is.",
        "Dear customers get a discount, others do not.",
        "Good morning is when it restarts.",
        "Alice is the server, restart it.",
        "Kim is the printer's name. Restart it.",
        "Restart it.\n\nThanks for the file, it helped us to find the cause.",
        "Say this:\n\nBest regards are sent by the printer itself.",
        "Use the menu\nFile, Print, Best",
        "Thanks",
        "Kind regards\nAlice",
    ],
)
def test_words_that_only_look_like_one_stay(text: str) -> None:
    assert for_others(text, "Kim Park", "Alice Agent") == text


@given(st.text(max_size=400), st.text(max_size=30), st.text(max_size=30))
def test_of_any_words_something_is_left_and_nothing_is_added(text: str, requester: str, author: str) -> None:
    left = for_others(text, requester, author)
    assert bool(left) == bool(text.strip())
    assert set(left.casefold()) <= set(text.casefold()) | set(text.upper().casefold())
