"""Conversations by mail as programs and people write them, generated from a seed, each with its true reply text.

`python -m tests.generators.replies` measures the reader of mail on thousands of them, by program and by language.
"""
