"""The TLS certificate of STARTTLS: replaced files are read again, so that a renewal needs no restart.

Files that do not fit each other (yet) change nothing.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import structlog

log = structlog.get_logger()


class Certificate:
    """`context` stays the same object; what it shows follows the files."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = (certificate, key or certificate)
        self._seen = self._stamps()
        self.context = self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def refresh(self) -> None:
        """Called for each connection: checks the files' times, and reads them only if they have changed."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return
            # Tried on another context first: half of a new pair would leave this one without a key that fits.
            self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._loaded(self.context)
        except (OSError, ValueError) as error:
            log.warning("certificate_not_reloaded", error=type(error).__name__)
            return
        self._seen = stamps
        log.info("certificate_reloaded")

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        found = (path.stat() for path in self._files)
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files)
        return context
