"""Remote pictures of a mail: which ones a click would load, and from which hosts.

It finds the origins for the frame's security policy, the hosts to name, and how many pictures are never loaded:
tracking pictures of one pixel, and addresses that are no public host name (a mail must not reach into our own network).
It loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

ATTRIBUTE = "data-elsewhere"
"""Where the sanitiser (gateway/email/html/clean.py) keeps an address so that nothing loads it."""
MOST_HOSTS = 40
MOST_NAMED = 5
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?!local\b|localhost\b|internal\b)[a-z][a-z0-9-]{1,62}"
)
_DOT = re.compile(r"0*[01](?:\.\d*)?(?:px)?")


@dataclass(frozen=True, slots=True)
class RemoteImages:
    """Remote pictures of a mail; `origins` are those of the `pictures` that a click shows, `hosts` their names."""

    pictures: int = 0
    trackers: int = 0
    refused: int = 0
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The hosts as text."""
        more = len(self.hosts) - MOST_NAMED
        return ", ".join(self.hosts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def find_remote_images(images: Iterable[Mapping[str, str]]) -> RemoteImages:
    """Classifies these pictures."""
    outside = [given for given in images if given.get(ATTRIBUTE)]
    trackers = sum(map(is_tracker, outside))
    origins = [origin(given) for given in outside if not is_tracker(given)]
    kept = tuple(dict.fromkeys(filter(None, origins)))[:MOST_HOSTS]
    pictures = sum(each in kept for each in origins)
    hosts = tuple(dict.fromkeys(each.partition("://")[2].partition(":")[0] for each in kept))
    return RemoteImages(pictures, trackers, len(origins) - pictures, kept, hosts)


def is_tracker(given: Mapping[str, str]) -> bool:
    """Whether a picture is an invisible dot that only reports that the mail was read."""
    return all(_DOT.fullmatch(given.get(name, "").strip()) for name in ("width", "height"))


def origin(given: Mapping[str, str]) -> str:
    """Scheme, host and port for a Content-Security-Policy; "" for an address that is not loaded."""
    try:
        parts = urlsplit(unescape(given.get(ATTRIBUTE, "")))
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except (UnicodeError, ValueError):
        return ""
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return ""
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
