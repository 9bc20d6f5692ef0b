"""The upload hosts: one request with a form, or pieces with `Content-Range`; each kind answers its own way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from channels.testing.max_server.quirks import UPLOAD_FIELDS, Quirks
from channels.testing.max_server.refusal import ApiError, bad_payload
from channels.testing.max_server.world import Upload, World

UPLOAD_TYPES: Final = ("image", "video", "audio", "file")
TOKEN_FIRST: Final = frozenset({"video", "audio"})
"""Kinds whose token comes with the address of the upload, not with its answer."""

MOST_BYTES: Final = {
    "image": 50 * 1024 * 1024,
    "video": 250 * 1024 * 1024,
    "audio": 256 * 1024 * 1024,
    "file": 4 * 1024 * 1024 * 1024,
}
_JSON: Final = "application/json"
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_NAME: Final = re.compile(r'[;\s]name="?([^";]*)"?', re.IGNORECASE)
_FILE_NAME: Final = re.compile(r'[;\s]filename="?([^";]*)"?', re.IGNORECASE)
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class StorageAnswer:
    """What an upload host says."""

    status: int
    content_type: str
    body: bytes


class Storage:
    """Takes the bytes of uploads that POST /uploads gave an address for."""

    def __init__(self, world: World, quirks: Quirks) -> None:
        self.world = world
        self.quirks = quirks

    def begin(self, given: Mapping[str, str]) -> Upload:
        """POST /uploads. Raises a 400 for a type that does not exist (any more)."""
        kind = given.get("type", "")
        if kind not in UPLOAD_TYPES:
            raise bad_payload(f"type is one of {', '.join(UPLOAD_TYPES)}, not {kind!r}")
        return self.world.upload(kind, not_ready=self.quirks.not_ready)

    def receive(self, token: str, headers: Mapping[str, str], body: bytes) -> StorageAnswer:
        """Bytes arrived at the address of an upload. Raises a refusal."""
        upload = self.world.uploads.get(token)
        if upload is None:
            raise ApiError(404, "not.found", "There is no such upload")
        if upload.content is not None:
            raise ApiError(400, "upload.done", "One file can be sent to one address")
        content_type = headers.get("Content-Type", "")
        if content_type.lower().startswith("multipart/form-data"):
            upload.name, content = self._form(upload, content_type, body)
        else:
            piece = self._piece(upload, headers, body)
            if piece is None:
                ranges = ",".join(f"{at}-{at + len(one) - 1}" for at, one in sorted(upload.parts.items()))
                return StorageAnswer(201, "text/plain", ranges.encode())
            content = piece
        if not content:
            raise ApiError(400, "upload.empty", "The file is empty")
        if len(content) > MOST_BYTES[upload.kind]:
            raise ApiError(413, "upload.too.large", f"More than {MOST_BYTES[upload.kind]} bytes")
        upload.content, upload.size = content, len(content)
        return _answer(upload)

    def _form(self, upload: Upload, content_type: str, body: bytes) -> tuple[str, bytes]:
        boundary = _BOUNDARY.search(content_type)
        if boundary is None:
            raise ApiError(400, "upload.broken", "A form without a boundary")
        # A leading line break lets the first delimiter look like all the others.
        pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
        if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - before and behind a delimiter
            raise ApiError(400, "upload.broken", "The form is cut")
        if len(pieces) != 3:  # noqa: PLR2004 - before, the only part, behind
            raise ApiError(400, "upload.broken", "One file is sent in one request")
        head, _, content = pieces[1].partition(b"\r\n\r\n")
        header = head.decode(errors="replace")
        name, file_name = _NAME.search(header), _FILE_NAME.search(header)
        field = name[1] if name else ""
        wanted = self.quirks.media_field if upload.kind in TOKEN_FIRST else None
        if field not in UPLOAD_FIELDS or (wanted is not None and field != wanted):
            raise ApiError(415, "upload.unsupported", f"There is no file in the field {field!r}")
        if file_name is None:
            raise ApiError(400, "upload.broken", "The field is not a file")
        return file_name[1], content

    @staticmethod
    def _piece(upload: Upload, headers: Mapping[str, str], body: bytes) -> bytes | None:
        """One piece of a resumable upload; gives the whole file once it is complete."""
        found = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None:
            raise ApiError(415, "upload.unsupported", "Neither a form nor a Content-Range")
        begin, end, total = (int(number) for number in found.groups())
        if end - begin + 1 != len(body) or end >= total:
            raise ApiError(416, "upload.range", "The range does not fit the bytes")
        file_name = _FILE_NAME.search(headers.get("Content-Disposition", ""))
        if file_name is None:
            raise ApiError(400, "upload.broken", "Content-Disposition names no file")
        upload.name = file_name[1]
        upload.parts[begin] = body
        at = 0
        for start in sorted(upload.parts):
            if start != at:
                return None
            at += len(upload.parts[start])
        if at < total:
            return None
        whole = b"".join(upload.parts[start] for start in sorted(upload.parts))
        upload.parts.clear()
        return whole


def _answer(upload: Upload) -> StorageAnswer:
    match upload.kind:
        case "image":
            photos = {"photos": {f"photo-{upload.id}": {"token": upload.token}}}
            return StorageAnswer(200, _JSON, orjson.dumps(photos))
        case "file":
            return StorageAnswer(200, _JSON, orjson.dumps({"fileId": upload.id, "token": upload.token}))
        case _:
            return StorageAnswer(200, "application/xml", b"<retval>1</retval>")
