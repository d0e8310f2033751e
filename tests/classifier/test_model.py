"""The categoriser: learns, guesses, gives its reasons, says when it does not know, and survives any input."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from classifier.model import Categoriser, Guess, NotTrained
from classifier.starter import VERSION, examples, hints, shipped, trained

HOSTILE = ["", "\0\0", "\ud800 broken", "打印机坏了", "zzyzx qqfoo", "\n" * 5000, "؟" * 9]
HOSTILE += ["x" * 1_000_000, "word " * 200_000]
SMALL = (
    ["red apple", "green apple", "sour apple", "fast car", "blue car", "old car"] * 3,
    ["fruit", "fruit", "fruit", "traffic", "traffic", "traffic"] * 3,
)


@pytest.fixture(scope="module")
def model() -> Categoriser:
    return shipped()


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Cannot login", "Access / Authentication"),
        ("Printer not working", "Hardware / Printer"),
        ("Need invoice copy", "Billing / Invoice"),
        ("my vpn is down again", "Access / VPN"),
        ("no internet in the whole office", "Network"),
        ("Where is my parcel?", "Orders & Delivery / Status"),
        ("I'm ill today and stay at home", "HR / Leave"),
        ("There is a mistake in my payslip", "HR / Payroll"),
        ("please give me back my money", "Billing / Refund"),
        ("strange email with a link, phishing?", "Security / Phishing"),
        ("Der Drucker geht nicht", "Hardware / Printer"),
        ("Ich habe mein Passwort vergessen", "Access / Authentication"),
        ("Je n'arrive plus à imprimer", "Hardware / Printer"),
        ("Il me faut une copie de la facture", "Billing / Invoice"),
        ("Mi portátil no enciende", "Hardware / Computer"),
        ("Não consigo acessar minha conta, esqueci a senha", "Access / Authentication"),
    ],
)
def test_common_requests_are_known_on_the_first_day(model: Categoriser, text: str, category: str) -> None:
    assert model.predict([text]).tolist() == [category]
    assert model.guess([text])[0].category == category


def test_a_sure_guess_is_automatic_and_names_its_reasons(model: Categoriser) -> None:
    guess = model.guess(["Printer not working"])[0]
    assert (guess.category, guess.outcome, guess.model_version) == ("Hardware / Printer", "automatic", VERSION)
    assert guess.reasons[0][0] == "printer"
    assert guess.category not in dict(guess.runners_up)


@pytest.mark.parametrize(
    "text",
    ["Happy birthday Anna!", "Meeting moved to 3pm", "ok", "May we present our new products to you?", "Hallo zusammen"],
)
def test_what_belongs_to_no_category_needs_a_human(model: Categoriser, text: str) -> None:
    assert (model.guess([text])[0].category, model.guess([text])[0].outcome) == (None, "unsure")


def test_a_label_of_none_is_learnt_as_belonging_nowhere() -> None:
    texts, labels = [*SMALL[0], "good morning to you", "see you tomorrow"], [*SMALL[1], None, None]
    model = Categoriser().fit(texts, labels)
    assert model.classes_.tolist() == ["fruit", "traffic"]
    assert model.oos_score(["see you in the morning"])[0] > model.oos_score(["red apple"])[0]


@pytest.mark.parametrize("text", ["", "   ", "???", "zzyzx qqfoo vlurp", "打印机坏了"])
def test_a_text_without_known_words_needs_a_human(model: Categoriser, text: str) -> None:
    guess = model.guess([text])[0]
    assert (guess.category, guess.outcome) == (None, "unsure")
    assert len(guess.runners_up) == 3


def test_probabilities_are_finite_and_add_up_whatever_comes_in(model: Categoriser) -> None:
    chances = model.predict_proba(HOSTILE)
    assert np.isfinite(chances).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert np.isfinite(model.oos_score(HOSTILE)).all()
    assert len(model.guess(HOSTILE)) == len(model.predict(HOSTILE)) == len(HOSTILE)


def test_nothing_asked_is_nothing_answered(model: Categoriser) -> None:
    assert model.guess([]) == []
    assert model.predict_proba([]).shape == (0, len(model.classes_))
    assert model.predict([]).shape == (0,)
    assert model.oos_score([]).shape == (0,)


def test_training_survives_any_text() -> None:
    labels = ["a", "b"] * (len(HOSTILE) // 2) + ["a"]
    assert set(Categoriser().fit(HOSTILE, labels).predict(HOSTILE)) <= {"a", "b"}


def test_one_label_is_always_the_answer() -> None:
    model = Categoriser().fit(["broken", "does not work"], ["only", "only"])
    assert model.predict(["anything", ""]).tolist() == ["only", "only"]
    assert model.predict_proba(["anything"]).tolist() == [[1.0]]
    assert model.guess(["broken"])[0].outcome != "automatic"


def test_one_example_a_label_is_enough_to_tell_them_apart() -> None:
    model = Categoriser().fit(["printer jam", "salary is late", "no internet"], ["print", "pay", "net"])
    assert model.predict(["the printer", "my salary", "internet gone"]).tolist() == ["print", "pay", "net"]
    assert model.guess(["printer jam"])[0].outcome != "automatic"


def test_hints_alone_are_enough_to_begin() -> None:
    model = Categoriser().fit_hints([], [], {"Printing": "printer toner paper", "Money": "invoice refund"})
    assert model.predict(["toner empty", "wrong invoice"]).tolist() == ["Printing", "Money"]


def test_a_label_known_by_its_hint_alone_can_be_guessed() -> None:
    model = Categoriser().fit_hints(*SMALL, {"music": "piano guitar song"})
    assert model.predict(["a song on the piano", "apple"]).tolist() == ["music", "fruit"]


def test_learning_from_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to learn"):
        Categoriser().fit([], [])
    with pytest.raises(ValueError, match="2 texts, but 1 labels"):
        Categoriser().fit(["a", "b"], ["x"])


def test_asking_before_learning_is_refused() -> None:
    with pytest.raises(NotTrained):
        Categoriser().predict(["hello"])


def test_the_same_seed_gives_the_same_model() -> None:
    texts, labels = examples()
    one, two = (Categoriser(seed=5).fit(texts[:200], labels[:200]).predict_proba(texts) for _ in range(2))
    assert np.array_equal(one, two)


def test_the_words_of_an_explanation_stand_in_the_text(model: Categoriser) -> None:
    text = "Hello, I can't open L'imprimante; the PRINTER isn't printing: não imprime!"
    for word, _ in [*model.explain(text), *model.guess([text])[0].reasons]:
        assert word in text.lower()


def test_taking_the_loudest_word_away_lowers_the_probability(model: Categoriser) -> None:
    known = [(text, label) for text, label in zip(*examples(), strict=True) if label is not None]
    for text, label in known[::20]:
        place = model.classes_.tolist().index(label)
        loudest = model.explain(text, label)[0][0]
        without = " ".join(word for word in text.lower().split() if loudest not in word)
        before, after = model.predict_proba([text, without])[:, place]
        assert after < before, (text, loudest)


def test_the_shares_of_the_words_add_up_to_the_score(model: Categoriser) -> None:
    text, parts = "the printer on my desk is not printing, not printing at all", model.parts
    columns = {name: place for place, name in enumerate(parts.classes)}
    scores = parts.temperature * np.log(model.predict_proba([text])[0])
    shares = {
        name: sum(share for _, share in model.explain(text, name)) + parts.intercepts[place]
        for name, place in columns.items()
    }
    # Probabilities know the scores only up to a common shift.
    shifts = [scores[place] - shares[name] for name, place in columns.items()]
    np.testing.assert_allclose(shifts, shifts[0], atol=1e-6)


def test_an_explanation_speaks_for_the_label_that_is_asked_about(model: Categoriser) -> None:
    text = "the invoice came by email but the printer is broken"
    assert model.explain(text, "Hardware / Printer")[0][0] == "printer"
    assert model.explain(text, "Billing / Invoice")[0][0] == "invoice"
    with pytest.raises(ValueError, match="no such category"):
        model.explain(text, "Nonsense")


def test_a_stranger_text_has_the_higher_out_of_scope_score(model: Categoriser) -> None:
    inside, outside = model.oos_score(["Printer not working", "which moons does jupiter have and who found them"])
    assert outside > inside


def test_mail_around_the_words_does_not_change_the_guess(model: Categoriser) -> None:
    plain = "Printer not working since this morning"
    mail = f"Hello team,\n\n{plain}\n\nBest regards,\nAda Byron\nInvoice Department\n\n> please reset my password"
    assert model.guess([mail]) == model.guess([plain])


def test_a_batch_gives_the_answers_of_one_at_a_time(model: Categoriser) -> None:
    texts = [*examples()[0][::9], *HOSTILE]
    assert model.guess(texts) == [one for text in texts for one in model.guess([text])]


def test_a_model_without_some_categories_never_names_them(model: Categoriser) -> None:
    text = "Please create a purchase order for our supplier"
    (whole,) = model.guess([text])
    (cut,) = model.without({"Procurement", "How-to"}).guess([text])
    assert whole.category == "Procurement"
    assert not {"Procurement", "How-to"} & {cut.category, *(name for name, _ in cut.runners_up)}


def test_a_model_without_all_of_its_categories_is_whole(model: Categoriser) -> None:
    assert model.without(set(model.classes_)) is model
    assert model.without({"Nonsense"}) is model


def test_a_guess_cannot_be_changed(model: Categoriser) -> None:
    guess: Guess = model.guess(["Printer not working"])[0]
    with pytest.raises(AttributeError):
        guess.category = "x"  # type: ignore[misc]


def test_asking_never_imports_scikit_learn() -> None:
    code = (
        "import sys; from classifier.starter import shipped; shipped().guess(['Cannot login']);"
        "assert not {'sklearn', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_model_remembers_when_it_was_made() -> None:
    made = datetime(2025, 11, 3, 9, 0, tzinfo=UTC)
    parts = Categoriser(version="7", created=made).fit(*SMALL).parts
    assert (parts.version, parts.created) == ("7", "2025-11-03T09:00:00+00:00")


def test_the_shipped_model_is_the_one_made_from_the_data() -> None:
    again = trained()
    texts = examples()[0]
    assert again.parts.vocabulary.words == shipped().parts.vocabulary.words
    np.testing.assert_allclose(again.predict_proba(texts), shipped().predict_proba(texts), atol=0.02)
    assert set(hints()) == set(again.classes_)
