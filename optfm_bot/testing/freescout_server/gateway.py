"""The HTTP side of the fake: who is let in, what a fault does to the connection, files, and the remote control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import web

from channels.testing.trouble import LONGEST_HANG, cut_off, pause, reset
from optfm_bot.testing.freescout_server import shape
from optfm_bot.testing.freescout_server.control import Control
from optfm_bot.testing.freescout_server.faults import BEFORE, Fault, FaultKind
from optfm_bot.testing.freescout_server.refusal import ApiError
from optfm_bot.testing.freescout_server.routes import Asked, Reply

if TYPE_CHECKING:
    from optfm_bot.testing.freescout_server.server import FreeScoutServer

KEY_HEADER: Final = "X-FreeScout-API-Key"
_CONTROL: Final = "/_control/"
_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html; charset=UTF-8"}
_PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"
_BROKEN: Final = b"Whoops, looks like something went wrong."


class Gateway:
    """Answers the requests to one server."""

    def __init__(self, server: FreeScoutServer) -> None:
        self.server = server
        self._control = Control(server)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or break its connection."""
        if request.path.startswith(_CONTROL):
            query = dict(request.query)
            status, found = await self._control.handle(
                request.path.removeprefix(_CONTROL), query, await request.read()
            )
            return web.Response(status=status, body=orjson.dumps(found, default=str), headers=_JSON)
        if request.path.startswith(shape.FILES):
            return self._file(request.query)
        return await self._api(request)

    async def _api(self, request: web.BaseRequest) -> web.StreamResponse:
        raw, _, query = request.raw_path.partition("?")
        path = unquote(raw)
        asked = dict(parse_qsl(query, keep_blank_values=True))
        path = path.removeprefix("/api") if path.startswith("/api/") and self.server.module else ""
        fault = self.server.faults.take(request.method, path)
        if fault is not None and (early := self._strike(request, fault)) is not None:
            return early
        if not path:
            return self._page(404, b"Page Not Found")
        if request.headers.get(KEY_HEADER, asked.get("api_key")) != self.server.api_key:
            self.server.refused_keys += 1
            return self._answer(401, ApiError(401, "Not Authorized").answer())
        return await self._call(request, path, asked, fault)

    async def _call(
        self, request: web.BaseRequest, path: str, query: dict[str, str], fault: Fault | None
    ) -> web.StreamResponse:
        route = self.server.routes.find(request.method, path)
        if isinstance(route, int):
            if route == 404:  # noqa: PLR2004 - HTTP statuses are known by their numbers
                return self._page(404, b"Page Not Found")
            return self._answer(405, "The method is not supported for this route.")
        if (request.content_length or 0) > self.server.max_body:
            return self._page(413, b"413 Request Entity Too Large")
        self.server.calls.append((request.method, path))
        call, number = route
        body = _object(await request.read(), request.headers.get("Content-Type", ""))
        try:
            reply = call(Asked(id=number, query=query, body=body))
        except ApiError as error:
            return self._answer(error.status, error.answer())
        return await self._write(request, reply, fault)

    def _file(self, query: Mapping[str, str]) -> web.StreamResponse:
        found = self.server.world.files.get(int(query.get("id") or 0))
        if found is None or found.token != query.get("token"):
            return self._page(404, b"Page Not Found")
        return web.Response(body=found.data, headers={"Content-Type": found.mime, **self._date()})

    def _strike(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse | None:
        """What a fault does before the call is handled; a response means that it never will be."""
        if fault.kind not in BEFORE:
            return None
        match fault.kind:
            case FaultKind.UNAUTHORIZED:
                return self._answer(401, ApiError(401, "Not Authorized").answer())
            case FaultKind.TOO_MANY_REQUESTS:
                after = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
                return self._page(429, b"429 Too Many Requests", after)
            case FaultKind.SERVER_ERROR | FaultKind.BAD_GATEWAY:
                return self._page(int(fault.kind), _BROKEN)
            case FaultKind.RESET:
                return reset(request)
            case _:
                return cut_off(request)

    async def _write(self, request: web.BaseRequest, reply: Reply, fault: Fault | None) -> web.StreamResponse:
        match fault.kind if fault else None:
            case FaultKind.DROP_AFTER:
                return cut_off(request)
            case FaultKind.HANG_AFTER:
                await pause(LONGEST_HANG, self.server.closing)
                return cut_off(request)
            case FaultKind.EMPTY:
                return web.Response(status=200, body=b" ", headers={**_HTML, **self._date()})
            case FaultKind.SERVER_ERROR_AFTER:
                return self._page(500, _BROKEN)
        made = {} if reply.made is None else {"Resource-ID": str(reply.made)}
        return self._answer(reply.status, reply.content, made)

    def _answer(
        self, status: int, content: Any, headers: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        body = b"" if content is None else shape.php_json(content)
        return web.Response(status=status, body=body, headers={**_JSON, **self._date(), **(headers or {})})

    def _page(
        self, status: int, title: bytes, headers: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        return web.Response(
            status=status, body=_PAGE % (title, title), headers={**_HTML, **self._date(), **(headers or {})}
        )

    def _date(self) -> dict[str, str]:
        return {"Date": format_datetime(self.server.world.now(), usegmt=True)}


def _object(body: bytes, content_type: str) -> dict[str, Any]:
    """The body as PHP sees it: what is not declared as JSON, or is none, is as good as empty."""
    if "json" not in content_type.lower():
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
