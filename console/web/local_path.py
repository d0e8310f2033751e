"""The path to which a form leads back: one of the console's own, never another site's address."""

from __future__ import annotations

LONGEST_PATH = 500


def local_path(wanted: str) -> str:
    """The wanted path if it is one of ours, else the inbox."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and "\\" not in wanted
    return wanted if plain and wanted.isprintable() and wanted.isascii() and len(wanted) < LONGEST_PATH else "/tickets"
