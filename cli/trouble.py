"""What is amiss, for the person at the keyboard."""

from __future__ import annotations


class Trouble(RuntimeError):
    """Something that the person at the keyboard can mend; the text says how. `code` is the exit status."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code
