"""The end of DATA: wherever the wire is cut, a mail comes out as it went in, and only CR LF . CR LF ends it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.email.smtp.data_reader import DataReader
from gateway.email.smtp.envelope_path import read_path

PIECES = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\0", b"a", b"..", b"\r\n."]), max_size=40)
CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=10)


def feed(wire: bytes, cuts: list[int]) -> tuple[DataReader, bytes | None]:
    """The wire in chunks of the given sizes, over and over, until the mail has ended."""
    dotted, at, turn, rest = DataReader(10_000), 0, 0, None
    while at < len(wire) and rest is None:
        step = cuts[turn % len(cuts)]
        rest = dotted.feed(wire[at : at + step])
        at, turn = at + step, turn + 1
    return dotted, None if rest is None else rest + wire[at:]


@given(PIECES, CUTS, st.binary(max_size=10))
def test_what_a_correct_sender_stuffs_comes_out_unchanged(pieces: list[bytes], cuts: list[int], after: bytes) -> None:
    mail = b"".join(pieces) + b"\r\n"
    wire = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    dotted, rest = feed(wire + after, cuts)
    assert rest == after
    assert dotted.content() == mail


@given(PIECES, CUTS)
@example([b"\r\n.", b"\r", b"\r\n.", b"\r\n"], [1])
def test_how_the_wire_is_cut_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(pieces)
    whole, whole_rest = feed(wire, [max(1, len(wire))])
    cut, cut_rest = feed(wire, cuts)
    assert cut_rest == whole_rest
    if whole_rest is not None:
        assert (cut.content(), cut.lone_dot) == (whole.content(), whole.lone_dot)


@given(PIECES, CUTS)
def test_nothing_but_crlf_dot_crlf_ends_a_mail(pieces: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(pieces)
    _, rest = feed(wire, cuts)
    assert (rest is not None) == (b"\r\n.\r\n" in b"\r\n" + wire)


def test_past_the_limit_nothing_is_kept_but_the_end_is_still_found() -> None:
    dotted = DataReader(10)
    assert dotted.feed(b"x" * 11 + b"\r\n") is None
    assert dotted.feed(b".\r\nQUIT\r\n") == b"QUIT\r\n"
    assert dotted.too_large
    assert dotted.content() == b""


@given(st.text(max_size=60))
def test_any_argument_is_an_address_or_a_value_error(text: str) -> None:
    try:
        path = read_path(text)
    except ValueError:
        return
    assert not any(sign in path.domain for sign in "<> \r\n@")
