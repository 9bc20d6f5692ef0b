"""The HTTP side of the fake: who is let in, what a fault does to the connection, files, and the remote control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from aiohttp import web

from channels.testing import steering
from channels.testing.telegram_server.control import control_of
from channels.testing.telegram_server.dispatch import Answer, Call
from channels.testing.telegram_server.faults import Fault, FaultKind
from channels.testing.telegram_server.methods import EDITS, SENDS
from channels.testing.telegram_server.refusal import ApiError, bad_request
from channels.testing.telegram_server.validation import METHODS
from channels.testing.telegram_server.wire import Uploads, failure, read_parameters_of, read_query
from channels.testing.trouble import BAD_GATEWAY_PAGE, LONGEST_HANG, cut_off, cut_short, pause

if TYPE_CHECKING:
    from channels.testing.telegram_server.server import TelegramServer

MAX_BODY: Final = 60 * 1024 * 1024
_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html"}


class Gateway:
    """Answers the requests to one server."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self._control = control_of(server)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or break its connection."""
        path, _, query = request.raw_path.partition("?")
        if "%" in path:
            path = unquote(path)
        if path.startswith("/bot"):
            return await self._call(request, path, query)
        if path.startswith("/file/bot"):
            return await self._file(request, path)
        if path.startswith(steering.PREFIX):
            return await self._control.answer(request, path, query)
        return _refusal(ApiError(404, "Not Found"))

    async def _file(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        token, _, name = path.removeprefix("/file/bot").partition("/")
        if token != self.server.token:
            return _refusal(ApiError(401, "Unauthorized"))
        fault = self.server.faults.take("file")
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        refused = fault.answer() if fault else None
        if refused is not None:
            return _refusal(refused)
        for file in self.server.world.files.values():
            if file.path == name and file.content is not None:
                return await self._write(
                    request, Answer(200, file.content), fault, {"Content-Type": "application/octet-stream"}
                )
        return _refusal(ApiError(404, "Not Found"))

    async def _call(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        token, _, name = path[4:].partition("/")
        if token != self.server.token:
            return _refusal(ApiError(401, "Unauthorized"))
        method = METHODS.get(name.lower())
        if method is None:
            return _refusal(ApiError(404, "Not Found: method not found"))
        try:
            given, files = await _read(request, query)
        except ApiError as error:
            return _refusal(error)
        call = self.server.logged(method, given)
        if method not in SENDS:
            return await self._respond(request, call, files)
        self.server.in_flight += 1
        self.server.changed()
        try:
            return await self._respond(request, call, files)
        finally:
            self.server.in_flight -= 1
            self.server.changed()

    async def _respond(self, request: web.BaseRequest, call: Call, files: Uploads) -> web.StreamResponse:
        fault = self.server.faults.take(call.method, call.given.get("chat_id"))
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        answer = await self.server.api.answer(call, files, fault)
        self.server.changed()
        if self.server.latency and (call.method in SENDS or call.method in EDITS):
            await pause(self.server.latency, self.server.closing)
        response = await self._write(request, answer, fault, _JSON)
        heard = request.transport is not None and not request.transport.is_closing()
        if heard:
            call.status = answer.status
        if answer.sent is not None:
            answer.sent.outcome = "answered" if heard else "lost"
            answer.sent.answered_at = self.server.clock() if heard else None
        return response

    async def _strike(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse | None:
        """What a fault does before the call is handled; a response means that it never will be."""
        match fault.kind:
            case FaultKind.SLOW:
                await pause(fault.seconds, self.server.closing)
                return None
            case FaultKind.BAD_GATEWAY:
                return web.Response(status=502, body=BAD_GATEWAY_PAGE, headers=_HTML)
            case FaultKind.HANG:
                await pause(LONGEST_HANG, self.server.closing)
                return cut_off(request)
            case FaultKind.DROP:
                return cut_off(request)
            case _:
                return None

    async def _write(
        self, request: web.BaseRequest, answer: Answer, fault: Fault | None, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return cut_off(request)
        whole = web.Response(status=answer.status, body=answer.body, headers=headers)
        if fault is not None and fault.kind is FaultKind.CUT_BODY:
            return await cut_short(request, whole)
        return whole


async def _read(request: web.BaseRequest, query: str) -> tuple[dict[str, Any], Uploads]:
    """The parameters of a call, from its address and its body."""
    if (request.content_length or 0) > MAX_BODY:
        raise ApiError(413, "Request Entity Too Large")
    body = await request.content.read() if request.body_exists else b""
    try:
        given, files = read_parameters_of(request.headers.get("Content-Type", ""), body)
        if query:
            given = read_query(query) | given
    except UnicodeDecodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
    return given, files


def _refusal(error: ApiError) -> web.Response:
    return web.Response(status=error.code, body=failure(error), headers=_JSON)
