"""An address of this machine at which a fake answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_BACKLOG: Final = 1024
_KEEP_ALIVE: Final = 3600.0


class LocalSite:
    """Listens from `open` to `close`, as often as one likes, and at the same port again.

    With `cancels` a call ends as soon as its caller hangs up.
    """

    def __init__(self, handler: Handler, *, host: str, port: int = 0, cancels: bool = False) -> None:
        self.host = host
        self.port = port
        """0 until it listens, if any free one will do."""
        self._handler = handler
        self._cancels = cancels
        self._runner: web.ServerRunner | None = None

    @property
    def address(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    async def open(self) -> None:
        """Listen; the port is known afterwards."""
        server = web.Server(
            self._handler,
            access_log=None,
            keepalive_timeout=_KEEP_ALIVE,
            lingering_time=0.0,
            handler_cancellation=self._cancels,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, backlog=_BACKLOG, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Close every connection; may be called twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
