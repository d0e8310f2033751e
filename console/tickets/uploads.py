"""Files of an answer: uploaded one by one while it is written, or sent with its form.

An uploaded file is stored at once and named by a signed token, which the form carries. So a form that was refused, a
page that was closed and another device have it still (the draft keeps it), and nobody can name a file that they never
sent.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable, Mapping

import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, check_csrf, read_form, redirect_to_sign_in, signed_in_visit
from desk.access.permissions import Verb
from desk.mail.stored_file import StoredFile
from desk.signed.reply_address import sign
from desk.text.file_names import clean_name
from desk.tickets.ticket import NotAllowed

MOST_FILES = 20
FIELD = "file-"
"""The fields of a form that carry tokens: `file-0`, `file-1`, …"""
_SHARE = 0.7
"""Base64 makes a file a third larger; the rest of a mail needs room too."""


def most_bytes(desk: Desk) -> int:
    """So many bytes the files of one answer have together, so that the mail is no larger than mails may be."""
    return int(desk.settings.max_message_bytes * _SHARE)


def route(desk: Desk) -> BaseRoute:
    def store_all(request: Request, fields: Mapping[str, str], files: Iterable[UploadFile]) -> Response:
        with desk.store.database.transaction() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            check_csrf(desk, request, fields, visit.cookie)
            visit.require(Verb.NOTE)
            stored = store(visit, files)
        return JSONResponse({"files": [describe(desk, file) for file in stored]})

    async def upload(request: Request) -> Response:
        form = await read_form(request, most_bytes(desk), MOST_FILES)
        return await anyio.to_thread.run_sync(store_all, request, form.fields, form.files)

    return Route("/uploads", upload, methods=["POST"])


def store(visit: Visit, files: Iterable[UploadFile]) -> tuple[StoredFile, ...]:
    """Stores the files' contents and says where; files without a name and a byte are none."""
    read = [(file, file.file.read()) for file in files if file.filename or file.size]
    names = visit.desk.store.blobs.put_many(visit.session, [content for _, content in read], visit.now)
    return tuple(
        StoredFile(clean_name(file.filename or "") or "file", _media_type(file), len(content), sha256)
        for (file, content), sha256 in zip(read, names, strict=True)
    )


def describe(desk: Desk, file: StoredFile) -> dict[str, str | int]:
    """A stored file as a page shows and carries it."""
    return {"name": file.name, "size": file.size, "token": token(desk, file)}


def token(desk: Desk, file: StoredFile) -> str:
    """The file's name in a form."""
    body = base64.urlsafe_b64encode(json.dumps(file.to_json()).encode()).decode()
    return f"{body}.{sign('upload', body, desk.store.secret)}"


def files_of_form(desk: Desk, fields: Mapping[str, str]) -> tuple[StoredFile, ...]:
    """The files that the form carries. Raises NotAllowed for a token that is not ours, and for too many bytes."""
    tokens = [value for name, value in fields.items() if name.startswith(FIELD) and value]
    files = tuple(_file(desk, value) for value in tokens)
    check_size(desk, files)
    return files


def check_size(desk: Desk, files: tuple[StoredFile, ...]) -> None:
    if len(files) > MOST_FILES:
        raise NotAllowed(f"a message has at most {MOST_FILES} files")
    if sum(file.size for file in files) > most_bytes(desk):
        raise NotAllowed(f"the files of a message have at most {most_bytes(desk) // 1_000_000} MB together")


def carried(fields: Mapping[str, str]) -> dict[str, str]:
    """The tokens of a form that is shown once more."""
    return {name: value for name, value in fields.items() if name.startswith(FIELD)}


def _file(desk: Desk, value: str) -> StoredFile:
    body, _, mac = value.rpartition(".")
    if not hmac.compare_digest(mac.encode(), sign("upload", body, desk.store.secret).encode()):
        raise NotAllowed("a file of this message is not known here; attach it again")
    return StoredFile.from_json(json.loads(base64.urlsafe_b64decode(body)))


def _media_type(file: UploadFile) -> str:
    return (file.content_type or "application/octet-stream").partition(";")[0].strip().lower()[:100]
