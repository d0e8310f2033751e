"""How situations are written down, and the texts that they stand for."""

from __future__ import annotations

from classifier import situations

FILE = """
= ask: may I|can I|how do I
= thing: lamp|table

# Orders / Return
<ask> {return|send back|exchange|swap} the <thing>{|, please}
no label in the box
# None
{hello|thanks}
"""


def read() -> list[situations.Example]:
    return list(situations.read(FILE.splitlines(), first_family=7))


def test_every_member_of_a_choice_stands_in_a_text() -> None:
    texts = " / ".join(example.text for example in read())
    assert all(word in texts for word in ("return", "send back", "exchange", "swap", "lamp", "table", ", please"))


def test_a_situation_stands_for_as_many_texts_as_its_longest_choice_has_members() -> None:
    assert [example.family for example in read()] == [7, 7, 7, 7, 8, 9, 9]


def test_texts_have_the_category_of_their_heading() -> None:
    assert [example.label for example in read()] == ["Orders / Return"] * 5 + [None] * 2


def test_what_was_left_out_leaves_no_space() -> None:
    assert situations.expand("{when|} does it come{, please|}", {}) == ["when does it come, please", "does it come"]
    assert situations.expand("<ask> leave", {"ask": ["may I", "can I"]}) == ["may I leave", "can I leave"]


def test_the_same_file_gives_the_same_texts() -> None:
    assert read() == read()
