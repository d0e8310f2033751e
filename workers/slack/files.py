"""Fetches files that people share in Slack with the bot's token, at most as large as a mail may be.

Slack's answer names the address, so the address is checked: the token is sent to Slack's own hosts only, and a redirect
to another host is not followed. Called outside of any transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import urljoin

from desk.config.settings import Settings
from desk.mail.inbound_request import Attachment
from desk.slack.orders import SlackFile
from workers.outbound.errors import TransportError
from workers.outbound.slack_api import call, checked, connection, web_client
from workers.runtime.context import Context

SECONDS = 30
_MOST_REDIRECTS = 3
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file's bytes and what kind Slack says it is."""

    data: bytes
    media_type: str


def fetch(settings: Settings, file_id: str) -> Fetched:
    """The bytes of one file."""
    answer = call(web_client(settings), "files.info", {"file": file_id})
    file_data = answer.get("file")
    file = file_data if isinstance(file_data, dict) else {}
    if file.get("is_external") or file.get("mode") in ("external", "tombstone", "hidden_by_limit"):
        raise TransportError("its content is not in Slack", permanent=True)
    size = file.get("size")
    if isinstance(size, int) and size > settings.max_message_bytes:
        raise TransportError(f"it is larger than {settings.max_message_bytes:,} bytes", permanent=True)
    kind = str(file.get("mimetype") or "application/octet-stream")
    url = file.get("url_private_download") or file.get("url_private")
    data, content_type = _downloaded(settings, url if isinstance(url, str) else "")
    if content_type.startswith("text/html") and not kind.startswith("text/html"):
        raise TransportError("Slack shows a sign-in page instead: the app needs the right files:read", permanent=True)
    return Fetched(data, kind)


def fetch_all(context: Context, files: Sequence[SlackFile]) -> tuple[list[Attachment], str]:
    """All of them as attachments; where one cannot be fetched, the others, and the reason."""
    attachments, why = [], ""
    for file in files:
        try:
            fetched = fetch(context.store.settings, file.id)
        except TransportError as error:
            why = f"{file.name or file.id}: {error}"
            continue
        with context.store.database.transaction() as session:
            sha256 = context.store.blobs.put(session, fetched.data, context.now())
        attachments.append(Attachment(file.name or file.id, fetched.media_type, len(fetched.data), sha256))
    return attachments, why


def _downloaded(settings: Settings, address: str) -> tuple[bytes, str]:
    for _ in range(_MOST_REDIRECTS + 1):
        url = checked(settings, address)
        http = connection(settings, url, SECONDS)
        try:
            path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
            http.request("GET", path, headers={"Authorization": f"Bearer {settings.slack_bot_token}"})
            response = http.getresponse()
            if response.status not in (301, 302, 303, 307, 308):
                return _body(response, settings.max_message_bytes), response.headers.get_content_type()
            address = urljoin(address, response.headers.get("Location", ""))
        except (HTTPException, OSError, ValueError) as error:
            raise TransportError(f"Slack could not be reached ({type(error).__name__})", permanent=False) from None
        finally:
            http.close()
    raise TransportError("Slack leads in circles", permanent=True)


def _body(response: HTTPResponse, most: int) -> bytes:
    if response.status == 429:
        wait = response.headers.get("Retry-After", "")
        raise TransportError("Slack asks us to wait", permanent=False, retry_after=int(wait) if wait.isdigit() else 30)
    if response.status != 200:
        raise TransportError(f"Slack answered {response.status}", permanent=response.status in (403, 404, 410))
    data = bytearray()
    while piece := response.read(_PIECE):
        data += piece
        if len(data) > most:
            raise TransportError(f"it is larger than {most:,} bytes", permanent=True)
    return bytes(data)
