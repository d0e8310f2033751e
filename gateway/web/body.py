"""Reads the body of a web request within limits of size, number of files and time; large files are kept on disk.

It is the only asynchronous code of the web channels. Raises BadBody with the HTTP status to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from desk.web.clean_input import clean_text
from gateway.web.submission import File

MEGABYTE = 1_000_000
READ_SECONDS = 120
MOST_FIELDS = 150
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class BadBody(ValueError):
    """The body cannot be taken; `problem` is a key of the texts, `status` the HTTP status."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status, self.problem = status, problem


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted form: the texts, and the files where they lie until somebody reads them."""

    texts: Mapping[str, str]
    uploads: tuple[UploadFile, ...]

    def files(self) -> list[File]:
        """The files' contents; only while they are stored."""
        return [_file(upload) for upload in self.uploads]


async def whole(request: Request, most: int) -> bytes:
    """The body as bytes."""
    try:
        with anyio.fail_after(READ_SECONDS):
            return await _bounded(request, most).body()
    except TimeoutError:
        raise BadBody(408, "slow") from None
    except ClientDisconnect:
        raise BadBody(400, "broken") from None


async def form(request: Request, most: int, most_files: int) -> Posted:
    """The body as a form. The caller closes the request when it is done with the files."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _FORMS:
        raise BadBody(415, "broken")
    try:
        with anyio.fail_after(READ_SECONDS):
            data = await _bounded(request, most).form(
                max_files=most_files, max_fields=MOST_FIELDS, max_part_size=MEGABYTE
            )
    except TimeoutError:
        raise BadBody(408, "slow") from None
    except HTTPException as error:
        raise BadBody(400, "count" if "Too many files" in error.detail else "broken") from None
    except (ClientDisconnect, ValueError, LookupError) as error:
        raise error if isinstance(error, BadBody) else BadBody(400, "broken") from None
    return _posted(data)


def _bounded(request: Request, most: int) -> Request:
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or len(declared) > 12:
        raise BadBody(400, "broken")
    if int(declared) > most:
        raise BadBody(413, "large")
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise BadBody(413, "large")
        return message

    return Request(request.scope, receive)


def _posted(data: FormData) -> Posted:
    texts = {clean_text(name): clean_text(value) for name, value in data.multi_items() if isinstance(value, str)}
    uploads = [value for _, value in data.multi_items() if isinstance(value, UploadFile)]
    return Posted(texts, tuple(upload for upload in uploads if upload.filename or upload.size))


def _file(upload: UploadFile) -> File:
    upload.file.seek(0)
    return File(upload.filename or "", upload.content_type or "", upload.file.read())
