"""Calls as they come over the wire: where they lead, and what they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import BodyPartReader, MultipartReader, web

from channels.testing.green_server.instance import Instance
from channels.testing.green_server.methods import Method
from channels.testing.green_server.refusal import Refusal, invalid
from channels.testing.green_server.upload import Upload

MAX_JSON: Final = 100 * 1024
MAX_FILE: Final = 100 * 1024 * 1024
PREFIX: Final = "/v3"


@dataclass(slots=True)
class Call:
    """One call of the bot, as it came; `status` is 0 until it is answered and stays 0 if it never was."""

    instance: str
    method: str
    given: dict[str, Any] = field(repr=False)
    received_at: float
    status: int = 0

    def as_json(self) -> dict[str, Any]:
        """The call as plain JSON."""
        shown = {
            name: value.as_json() if isinstance(value, Upload) else value
            for name, value in self.given.items()
        }
        return {
            "instance": self.instance,
            "method": self.method,
            "given": shown,
            "received_at": self.received_at,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A path taken apart: `/v3/waInstance{instance}/{method}/{token}/{tail}`."""

    instance: str
    method: str
    token: str
    tail: str = ""
    prefixed: bool = False


def read_address(path: str) -> Address | None:
    """Take a path apart; None when it is none of an instance."""
    prefixed = path.startswith(f"{PREFIX}/")
    parts = path.removeprefix(PREFIX).split("/")
    match parts:
        case ["", instance, method, token, *rest] if instance.startswith("waInstance") and len(rest) <= 1:
            return Address(
                instance=instance.removeprefix("waInstance"),
                method=method,
                token=token,
                tail=rest[0] if rest else "",
                prefixed=prefixed,
            )
        case _:
            return None


async def read_call(request: web.BaseRequest, method: Method, query: str) -> dict[str, Any]:
    """What a call carries, unread: the fields of its body, or of its address. Raises a refusal."""
    found = dict(parse_qsl(query, keep_blank_values=True))
    if found.keys() - method.query:
        raise invalid(f"'{min(found.keys() - method.query)}' is not allowed")
    if method.verb != "POST":
        await request.read()
        return found
    if (request.content_length or 0) > (MAX_FILE if method.body in {"form", "raw"} else MAX_JSON):
        raise _too_large(method)
    if method.body == "form":
        return await _form(request)
    body = await request.read()
    if method.body == "raw":
        name = request.headers.get("GA-Filename", "")
        if not name:
            raise invalid("'GA-Filename' is required")
        return {"file": Upload(name=name, mime=request.headers.get("Content-Type", ""), content=body)}
    if len(body) > MAX_JSON:
        raise _too_large(method)
    return _json(request.headers.get("Content-Type", ""), body)


def _too_large(method: Method) -> Refusal:
    if method.body == "json":
        return Refusal(500, title="Internal Server Error")
    return Refusal(413, title="Request Entity Too Large")


def _json(kind: str, body: bytes) -> dict[str, Any]:
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "Content-Type must be application/json")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"Unexpected token in JSON: {error}") from error
    if not isinstance(found, dict):
        raise invalid("the body must be an object")
    return found


async def _form(request: web.BaseRequest) -> dict[str, Any]:
    if not request.content_type.startswith("multipart/"):
        raise Refusal(400, "Multipart: Boundary not found")
    found: dict[str, Any] = {}
    try:
        reader = MultipartReader(request.headers, request.content)
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise Refusal(400, "Multipart: a part has no name")
            content = bytes(await part.read())
            if part.filename is None:
                found[part.name] = content.decode()
            else:
                mime = part.headers.get("Content-Type", "")
                found[part.name] = Upload(name=part.filename, mime=mime, content=content)
    except ValueError as error:
        raise Refusal(400, "Multipart: Unexpected end of form") from error
    return {name: _number(name, value) for name, value in found.items()}


def _number(name: str, value: Any) -> Any:
    """In a form everything is text; the one number of the methods with files is read as one."""
    if name == "typingTime" and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value


def choose_group(instance: Instance, method: Method, given: dict[str, Any]) -> dict[str, Any]:
    """Put the group of a call under one name. Raises a 400 when its own name is not one of this network."""
    if not method.group:
        return given
    known = instance.group_parameters
    names = [name for name in known if name in given]
    if not names:
        raise invalid(f"'{known[0]}' is required")
    rest = {name: value for name, value in given.items() if name != names[0]}
    return rest | {"group": given[names[0]]}
