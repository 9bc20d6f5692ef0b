"""The door of the API: who may come in, what they ask, and in which form they are answered."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler as HttpHandler
from pydantic import BaseModel

from optfm_bot.api.accounts import AccountDesk
from optfm_bot.api.call import Answer, Call, Handler, Masks
from optfm_bot.api.conversations import ConversationDesk
from optfm_bot.api.endpoint import Endpoint
from optfm_bot.api.endpoints import ENDPOINTS
from optfm_bot.api.language import accepted_language
from optfm_bot.api.logins import Logins
from optfm_bot.api.messages import MessageDesk
from optfm_bot.api.openapi import BASE, description
from optfm_bot.api.proposals import ProposalDesk
from optfm_bot.api.refusals import Refusal
from optfm_bot.api.requests import RequestDesk
from optfm_bot.api.tickets import TicketDesk
from optfm_bot.api.tokens import Doorkeeper, WrongToken, scopes_of
from optfm_bot.clock import Clock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.house import House
from optfm_bot.ids import IdSource
from optfm_bot.store.records import TokenRow

log = structlog.get_logger("optfm_bot.api")

BODY_LIMIT = 64 * 1024
"""Bytes of the largest body that is read."""

_BODY_SECONDS = 10.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_ID = web.RequestKey("api_request_id", str)
_LANGUAGE = web.RequestKey("api_language", str)


class Api:
    """The REST API of a house, as an application to be mounted under `/api`.

    `request_id` names requests whose clients do not name them themselves, `new_id` what is written down of them.
    """

    def __init__(
        self,
        house: House,
        clock: Clock,
        *,
        request_id: Callable[[], str] = lambda: secrets.token_hex(8),
        new_id: Callable[[], int] | None = None,
    ) -> None:
        self._house = house
        self._clock = clock
        self._request_id = request_id
        self._doorkeeper = Doorkeeper(house.store, clock)
        masks = Masks(house.channels)
        self.logins = Logins(clock, done=lambda name: house.deliveries[name].resume())
        messages = MessageDesk(house, clock, masks)
        accounts = AccountDesk(house, clock, masks, self.logins)
        new_id = new_id or IdSource(clock.ms, secrets.randbelow(1024)).next
        conversations = ConversationDesk(house, clock, new_id)
        requests = RequestDesk(house, clock, new_id)
        proposals = ProposalDesk(house.store)
        self._handlers: Mapping[str, Handler] = {
            "send_message": messages.send,
            "message": messages.look,
            "channels": accounts.channels,
            "channel": accounts.channel,
            "operations": accounts.operations,
            "operate": accounts.operate,
            "start_login": accounts.start_login,
            "login": accounts.login,
            "cancel_login": accounts.cancel_login,
            "conversation": conversations.look,
            "change_stage": conversations.change,
            "tickets": TicketDesk(house.store).tickets,
            "requests": requests.requests,
            "request": requests.request,
            "change_request": requests.change,
            "proposals": proposals.proposals,
            "decide_proposal": proposals.decide,
            "description": self._description,
        }

    def application(self) -> web.Application:
        """Make the application. Everything below its prefix is answered by it, mistakes too."""
        made = web.Application(middlewares=[self._middleware()])
        for endpoint in ENDPOINTS:
            made.router.add_route(endpoint.method, endpoint.path, self._serve(endpoint))
        return made

    async def close(self) -> None:
        """End what the API has begun and nobody waits for."""
        await self.logins.close()

    async def _description(self, _call: Call) -> Answer:
        return Answer(body=description(self._house.settings.talk.name))

    # -- one request --------------------------------------------------------------------------------------

    def _serve(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        handler = self._handlers[endpoint.name]

        async def serve(request: web.Request) -> web.StreamResponse:
            token = await self._admit(endpoint, request) if endpoint.scopes else None
            body = await self._body(request) if endpoint.takes is not None else {}
            call = Call(
                places=request.match_info,
                headers=request.headers,
                body=body,
                language=request[_LANGUAGE],
                token=token,
                query=request.query,
            )
            answer = await handler(call)
            return web.Response(
                body=_written(answer.body),
                status=endpoint.status,
                content_type=None if answer.body is None else "application/json",
                headers=answer.headers,
            )

        return serve

    async def _admit(self, endpoint: Endpoint, request: web.Request) -> TokenRow:
        try:
            row = await self._doorkeeper.admit(request.headers.get("Authorization", ""), request.remote or "")
        except WrongToken as error:
            if error.wait:
                raise Refusal("too_many_failures", after=error.wait) from None
            raise Refusal("bad_token", headers={"WWW-Authenticate": "Bearer"}) from None
        if not endpoint.scopes & scopes_of(row):
            raise Refusal("wrong_scope", scopes=" / ".join(sorted(endpoint.scopes)))
        return row

    async def _body(self, request: web.Request) -> Mapping[str, Any]:
        """Read a JSON object; no body at all is an empty one."""
        content = await self._read(request)
        if not content.strip():
            return {}
        if request.content_type != "application/json":
            raise Refusal("wrong_type")
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise Refusal("bad_json") from None
        if not isinstance(found, dict):
            raise Refusal("bad_json")
        return found

    async def _read(self, request: web.Request) -> bytes:
        content = bytearray()
        try:
            async with self._clock.limit(_BODY_SECONDS):
                async for chunk in request.content.iter_any():
                    content += chunk
                    if len(content) > BODY_LIMIT:
                        raise Refusal("too_large", limit=str(BODY_LIMIT))
        except TimeoutError:
            raise Refusal("too_slow") from None
        return bytes(content)

    # -- every request ------------------------------------------------------------------------------------

    async def _answered(self, request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as error:
            refusal = error
        except StoreUnavailable:
            refusal = Refusal("store_unavailable")
        except web.HTTPMethodNotAllowed as error:
            refusal = Refusal("wrong_method", headers={"Allow": ", ".join(sorted(error.allowed_methods))})
        except web.HTTPNotFound:
            refusal = Refusal("no_address")
        except ConnectionResetError:
            raise  # nobody is there any more to be answered
        except Exception:
            log.exception("api.broken", path=request.path, request_id=request[_ID])
            refusal = Refusal("internal", request=request[_ID])
        log.info("api.refused", method=request.method, code=refusal.code, request_id=request[_ID])
        return refusal.response(request[_LANGUAGE])

    def _middleware(self) -> Any:
        @web.middleware
        async def answer(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
            """Name the request, choose the language, and turn what goes wrong into an answer of the API's form."""
            given = request.headers.get("X-Request-ID", "")
            request[_ID] = given if _REQUEST_ID.fullmatch(given) else self._request_id()
            request[_LANGUAGE] = accepted_language(
                request.headers.get("Accept-Language", ""), self._house.settings.language
            )
            response = await self._answered(request, handler)
            response.headers.update(_ALWAYS)
            response.headers["X-Request-ID"] = request[_ID]
            response.headers["Content-Language"] = request[_LANGUAGE]
            return response

        return answer


def _written(body: BaseModel | Mapping[str, Any] | None) -> bytes | None:
    if body is None:
        return None
    return body.model_dump_json().encode() if isinstance(body, BaseModel) else orjson.dumps(body)


__all__ = ["BASE", "BODY_LIMIT", "Api"]
