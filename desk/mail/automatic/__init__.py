"""Automatic mail: did a machine write it, and may it be answered automatically?"""

from desk.mail.automatic.rules import judge, judge_words
from desk.mail.automatic.signs import LISTED, Judgement, Signs, wants

__all__ = ["LISTED", "Judgement", "Signs", "judge", "judge_words", "wants"]
