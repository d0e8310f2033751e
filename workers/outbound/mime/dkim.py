"""Signs outbound mail with the desk's DKIM key (RFC 6376, rsa-sha256), where one is set.

A key that cannot be read keeps the mail waiting: unsigned mail would be rejected where the domain's DMARC policy says
so.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from desk.config.settings import Settings
from workers.outbound.errors import TransportError


def signed(data: bytes, sender: str, settings: Settings) -> bytes:
    """The mail, signed for the domain of its From."""
    if not settings.dkim_key:
        return data
    # Imported late: most desks let their relay sign.
    import dkim

    domain = sender.rpartition("@")[2].lower()
    try:
        key = _key(settings.dkim_key)
        signature: bytes = dkim.sign(
            data,
            settings.dkim_selector.encode(),
            domain.encode("ascii"),
            key,
            canonicalize=(b"relaxed", b"relaxed"),
        )
    except (OSError, ValueError, dkim.DKIMException) as error:
        raise TransportError(f"the DKIM key cannot be used ({type(error).__name__})", permanent=False) from error
    return signature + data


@lru_cache(maxsize=4)
def _key(path: str) -> bytes:
    return Path(path).read_bytes().replace(b"\r\n", b"\n")
