"""Bytes to parameters: JSON, form and multipart bodies, of calls and of webhook answers alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from channels.testing.telegram_server.methods import Upload
from channels.testing.telegram_server.refusal import ApiError, bad_request

_BOUNDARY: Final = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_FIELD_NAME: Final = re.compile(rb'[;\s]name="?([^";]*)"?', re.IGNORECASE)
_FILE_NAME: Final = re.compile(rb'[;\s]filename="?([^";]*)"?', re.IGNORECASE)

Parameters = dict[str, Any]
Uploads = dict[str, Upload]


def read_parameters_of(content_type: str, body: bytes) -> tuple[Parameters, Uploads]:
    """The parameters and files of a body. Raises a 400 when it cannot be read as what it says it is."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}, {}
    if kind == "application/json":
        return _json(body), {}
    if kind == "application/x-www-form-urlencoded":
        return read_query(body.decode()), {}
    if kind in {"multipart/form-data", "multipart/mixed"}:
        boundary = _BOUNDARY.search(content_type)
        if boundary is None:
            raise bad_request("multipart body without a boundary")
        return _multipart(body, boundary.group(1).encode())
    raise bad_request(f"unsupported content type {kind!r}")


def read_query(query: str) -> Parameters:
    """The parameters of an address or of a form; a repeated one is refused."""
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise bad_request("a parameter is given twice")
    return found


def _json(body: bytes) -> Parameters:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request("can't parse JSON object in the request body") from error
    if not isinstance(found, dict):
        raise bad_request("JSON object expected in the request body")
    return found


def _multipart(body: bytes, boundary: bytes) -> tuple[Parameters, Uploads]:
    given: Parameters = {}
    files: Uploads = {}
    # A leading line break lets the first delimiter look like all the others.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return given, files
        head, separator, content = piece.partition(b"\r\n\r\n")
        name = _FIELD_NAME.search(_disposition(head))
        if not separator or name is None:
            raise bad_request("a multipart part has no name")
        file_name = _FILE_NAME.search(_disposition(head))
        if file_name is None:
            given[name.group(1).decode()] = content.decode()
        else:
            files[name.group(1).decode()] = Upload(file_name.group(1).decode(), content)
    raise bad_request("multipart body is cut")


def _disposition(head: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            return line
    return b""


def success(result: Any, description: str | None = None) -> bytes:
    """The body of a successful answer."""
    body: dict[str, Any] = {"ok": True, "result": result}
    if description is not None:
        body["description"] = description
    return orjson.dumps(body)


def failure(error: ApiError) -> bytes:
    """The body of a refusal."""
    return orjson.dumps(error.answer())


def adopt_files(kinds: Mapping[str, Any], given: Parameters, files: Uploads) -> None:
    """A file part that is named like a parameter is that parameter."""
    for name in files.keys() & kinds.keys():
        given.setdefault(name, f"attach://{name}")
