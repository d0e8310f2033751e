"""Who wrote a mail, whether it may be answered automatically, and who the person is: 186 labelled header blocks."""

from __future__ import annotations

import pytest

from tests.gateway.email.parse.header_blocks import Block, blocks, judged

ALL = blocks()


def test_there_are_enough_blocks_of_every_kind_and_no_name_stands_twice() -> None:
    assert len(ALL) >= 150 and len({block.name for block in ALL}) == len(ALL)
    assert {block.writer for block in ALL} == {"person", "auto-reply", "notice", "newsletter", "receipt", "bounce"}


@pytest.mark.parametrize("block", ALL, ids=[block.name for block in ALL])
def test_a_header_block_says_who_wrote_whether_to_answer_and_for_whom(block: Block) -> None:
    assert judged(block) == block.wanted
