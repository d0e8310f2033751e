"""Which language a text is in, roughly."""

from __future__ import annotations

import pytest

from desk.text.language import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I cannot log in to my account, please help", "en"),
        ("Ich kann mich nicht anmelden, bitte helfen Sie mir", "de"),
        ("Je n'arrive pas à me connecter avec mon mot de passe", "fr"),
        ("No puedo iniciar sesión en mi cuenta, por favor", "es"),
        ("Não consigo entrar na minha conta, por favor", "pt"),
        ("Non riesco ad accedere al mio account e la password è scaduta", "it"),
        ("Ik kan niet inloggen met mijn wachtwoord", "nl"),
        ("Не могу войти в свою учётную запись", "ru"),
        ("ログインできません", "ja"),
        ("我无法登录我的账户", "zh"),
        ("로그인이 되지 않습니다", "ko"),
        ("", ""),
        ("4711 XJ-12", ""),
        ("Invoice", ""),
    ],
)
def test_the_language_is_told_by_script_or_small_words(text: str, code: str) -> None:
    assert language(text) == code
