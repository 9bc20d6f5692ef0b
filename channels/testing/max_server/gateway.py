"""The HTTP side of the fake: who is let in, which operation a request is, and what a fault does to the connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web

from channels.testing import steering
from channels.testing.max_server.control import control_of
from channels.testing.max_server.dispatch import Answer, Call, refusal
from channels.testing.max_server.faults import Fault, FaultKind
from channels.testing.max_server.refusal import ApiError, not_found, unauthorized
from channels.testing.max_server.routes import EDITS, SENDS, find_route, read_path
from channels.testing.trouble import BAD_GATEWAY_PAGE, LONGEST_HANG, cut_off, cut_short, pause, reset

if TYPE_CHECKING:
    from channels.testing.max_server.server import MaxServer

MAX_BODY: Final = 300 * 1024 * 1024
UPLOADS: Final = "/_upload/"
MEDIA: Final = "/_media/"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_HTML: Final = {"Content-Type": "text/html"}


class Gateway:
    """Answers the requests to one server."""

    def __init__(self, server: MaxServer) -> None:
        self.server = server
        self._control = control_of(server)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or break its connection."""
        raw, _, query = request.raw_path.partition("?")
        path = read_path(raw)
        if path.startswith(steering.PREFIX):
            return await self._control.answer(request, path, query)
        try:
            if path.startswith((UPLOADS, MEDIA)):
                return await self._handle_file(request, path)
            return await self._handle_call(request, path, query)
        except ApiError as error:
            return _response(refusal(error))

    async def _handle_file(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """An upload host or a media host: no token, and none wanted."""
        self.server.leaked_tokens += "Authorization" in request.headers
        uploading = path.startswith(UPLOADS)
        fault = self.server.faults.take("upload" if uploading else "media")
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        if fault is not None and (refused := fault.answer()) is not None:
            raise refused
        if uploading:
            if request.method != "POST":
                raise ApiError(405, "method.not.allowed", "Uploads are posted")
            body = await _read(request)
            found = self.server.api.storage.receive(path.removeprefix(UPLOADS), request.headers, body)
            answer = Answer(found.status, found.body, {"Content-Type": found.content_type})
        else:
            upload = self.server.world.uploads.get(path.removeprefix(MEDIA))
            if upload is None or upload.content is None:
                raise not_found("not.found", "There is no such file")
            answer = Answer(
                200,
                upload.content,
                {
                    "Content-Type": "application/octet-stream",
                    "Content-Disposition": f'attachment; filename="{upload.name}"',
                },
            )
        self.server.changed()
        return await self._write(request, answer, fault)

    async def _handle_call(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        try:
            self._check_token(request.headers.get("Authorization"), query)
        except ApiError:
            self.server.refused_tokens += 1
            raise
        route, parts = find_route(request.method, path)
        call = Call(route.operation, self.server.clock())
        self.server.call_log.append(call)
        self.server.call_count += 1
        try:
            body = await _read(request)
            self.server.api.read(route, call, parts, query, request.headers.get("Content-Type", ""), body)
        except ApiError as error:
            call.status = error.status
            raise
        if route.operation not in SENDS:
            return await self._respond(request, call)
        self.server.in_flight += 1
        self.server.changed()
        try:
            return await self._respond(request, call)
        finally:
            self.server.in_flight -= 1
            self.server.changed()

    def _check_token(self, given: str | None, query: str) -> None:
        if given is None:
            if "access_token=" in query:
                raise unauthorized(
                    "The access_token parameter is deprecated, use the Authorization header instead"
                )
            raise unauthorized("No access token")
        if given.lower().startswith("bearer "):
            raise unauthorized("Malformed access token")
        if given != self.server.token:
            raise unauthorized("Invalid access_token")

    async def _respond(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        fault = self.server.faults.take(call.method, call.chat_id)
        if fault is not None and (early := await self._strike(request, fault)) is not None:
            return early
        answer = await self.server.api.answer(call, fault)
        self.server.changed()
        heard = False
        try:
            if self.server.latency and (call.method in SENDS or call.method in EDITS):
                await pause(self.server.latency, self.server.closing)
            response = await self._write(request, answer, fault)
            heard = request.transport is not None and not request.transport.is_closing()
        finally:
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
            case FaultKind.RESET:
                return reset(request)
            case _:
                return None

    async def _write(
        self, request: web.BaseRequest, answer: Answer, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None and fault.kind is FaultKind.DROP_AFTER:
            return cut_off(request)
        whole = _response(answer)
        if fault is not None and fault.kind is FaultKind.CUT_BODY:
            return await cut_short(request, whole)
        return whole


def _response(answer: Answer) -> web.Response:
    headers: Mapping[str, str] = {**_JSON, **answer.headers} if answer.headers else _JSON
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _read(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise ApiError(413, "proto.payload", "Request entity too large")
    return await request.content.read() if request.body_exists else b""
