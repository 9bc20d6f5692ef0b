"""The aiohttp application and its life: one port for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from channels.phrase import phrase
from optfm_bot.errors import StartRefused
from optfm_bot.i18n.hints import translate
from optfm_bot.observe.readiness import Verdict

log = structlog.get_logger("optfm_bot.web")

_SHUTDOWN_SECONDS = 10.0


class StatusPages:
    """`/` for programs, `/healthz`, `/readyz` and `/metrics`.

    `status` gives the JSON of `/`, `ready` the verdict whether the bot can work, and what is wrong,
    `metrics` the Prometheus text. `home` is where a browser is sent from `/`, if there is a page to show.
    Problems are told in `language`.
    """

    def __init__(
        self,
        *,
        status: Callable[[], Mapping[str, Any]],
        ready: Callable[[], Awaitable[Verdict]],
        metrics: Callable[[], bytes],
        home: str | None,
        language: str = "en",
    ) -> None:
        self._status = status
        self._ready = ready
        self._metrics = metrics
        self._home = home
        self._language = language

    def routes(self) -> Sequence[web.RouteDef]:
        """Give the routes of these pages."""
        return [
            web.get("/", self._root),
            web.get("/healthz", self._healthz),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics_page),
        ]

    async def _root(self, request: web.Request) -> web.Response:
        accepted = request.headers.get("Accept", "")
        if self._home is not None and "text/html" in accepted:
            return web.Response(status=302, headers={"Location": self._home, "Vary": "Accept"})
        return _json(self._status(), headers={"Vary": "Accept"})

    async def _healthz(self, _request: web.Request) -> web.Response:
        # Whoever reads this answer knows that the loop turns; nothing else may make the process be restarted.
        return _json({"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        verdict = await self._ready()
        return _json(
            {
                "status": verdict.status,
                "problems": [translate(problem.text, self._language) for problem in verdict.problems],
                "channels": self._status().get("channels", {}),
            },
            status=200 if verdict.ready else 503,
        )

    async def _metrics_page(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )


class HttpServer:
    """Serves routes on one address, and `apps` with manners of their own below theirs.

    `port` 0 takes a free one; `port` tells which after `start`.
    """

    def __init__(
        self,
        routes: Iterable[web.RouteDef],
        *,
        apps: Mapping[str, web.Application] | None = None,
        host: str,
        port: int,
        body_limit: int,
        observe: Callable[[str, str, int], None],
    ) -> None:
        self._app = web.Application(client_max_size=body_limit, middlewares=[_counting(observe)])
        self._app.add_routes(routes)
        for prefix, app in (apps or {}).items():
            self._app.add_subapp(prefix, app)
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises `StartRefused` with what to change if the address cannot be had."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise StartRefused(
                phrase(
                    "start.cannot_listen",
                    "Cannot listen on {host}:{port}: {why}. Is another copy running? Choose another port with "
                    "server.port or OPTFM__SERVER__PORT",
                    host=self._host,
                    port=self._port,
                    why=error.strerror or error,
                )
            ) from error
        addresses = self._runner.addresses
        if addresses:
            self._port = int(addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and end open requests within a limit."""
        if self._runner is not None:
            async with asyncio.timeout(_SHUTDOWN_SECONDS + 5):
                await self._runner.cleanup()
            self._runner = None


def _json(
    data: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(data), status=status, content_type="application/json", headers=headers
    )


def _counting(observe: Callable[[str, str, int], None]) -> Any:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests by route template; an error of ours is logged and never shown."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        try:
            response = await handler(request)
        except web.HTTPException as error:
            observe(route, request.method, error.status)
            raise
        except (asyncio.CancelledError, ConnectionResetError):
            raise
        except Exception:
            log.exception("web.broken", route=route)
            observe(route, request.method, 500)
            return web.Response(
                status=500, text="Something went wrong on our side. The log has the details.\n"
            )
        observe(route, request.method, response.status)
        return response

    return count
