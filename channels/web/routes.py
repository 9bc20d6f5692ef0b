"""The addresses of the web chat: the page, the widget, what visitors send, and how they follow the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from channels.contract import Receive
from channels.web.door import Door
from channels.web.page import (
    Asset,
    assets,
    chat_config,
    common_headers,
    loader,
    page_headers,
    render_page,
    version,
)
from channels.web.streams import Streams

if TYPE_CHECKING:
    from channels.web.channel import WebChatChannel

_YEAR = "public, max-age=31536000, immutable"
_FIVE_MINUTES = "public, max-age=300"
_PUBLIC = {
    **common_headers(),
    # Any site may load the script; whether it may use the chat is decided where it connects.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class ChatRoutes:
    """The handlers of one web chat, under `/chat/<instance>/`."""

    def __init__(
        self,
        channel: WebChatChannel,
        receive: Receive,
        *,
        title: str,
        starters: Callable[[], Sequence[str]],
    ) -> None:
        self._channel = channel
        self._title = title
        self._starters = starters
        self._door = Door(channel, receive)
        self._streams = Streams(channel, self._door)

    def definitions(self) -> list[web.RouteDef]:
        """Give the routes for `app.add_routes`."""
        base = f"/chat/{self._channel.instance}"
        door, streams = self._door, self._streams
        routes = [
            web.get(base, self._to_page),
            web.get(f"{base}/", self._page),
            web.get(f"{base}/widget.js", self._widget),
            web.get(f"{base}/config", self._config),
            web.get(f"{base}/static/{{version}}/{{file}}", self._asset),
            web.get(f"{base}/socket", streams.socket),
            web.get(f"{base}/events", streams.events),
            web.post(f"{base}/messages", door.post),
            web.options(f"{base}/messages", door.preflight),
        ]
        if self._channel.files is not None:
            routes += [
                web.post(f"{base}/files", door.upload),
                web.options(f"{base}/files", door.preflight),
                web.get(f"{base}/files/{{file}}", door.download),
                web.options(f"{base}/files/{{file}}", door.preflight),
            ]
        return routes

    async def _to_page(self, request: web.Request) -> web.StreamResponse:
        query = f"?{request.query_string}" if request.query_string else ""
        # Relative: so it also works behind a proxy that puts us under a path of its own.
        return web.Response(
            status=HTTPStatus.FOUND, headers={"Location": f"{self._channel.instance}/{query}"}
        )

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        headers = page_headers(self._channel.settings.allowed_origins)
        html = render_page(self._told())
        return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)

    async def _config(self, request: web.Request) -> web.StreamResponse:
        # A page of another site cannot tell a refusal from a broken line, so it is told in words.
        allowed = self._door.allowed_to_read(request)
        headers = {**_PUBLIC, "Cache-Control": "no-store", "Vary": "Origin"}
        return web.json_response(
            {**self._told(), "allowed": True} if allowed else {"allowed": False}, headers=headers
        )

    async def _widget(self, request: web.Request) -> web.StreamResponse:
        return _file(request, loader(), _FIVE_MINUTES)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        asset = assets().get(request.match_info["file"])
        if asset is None:
            raise web.HTTPNotFound
        current = request.match_info["version"] == version()
        return _file(request, asset, _YEAR if current else "no-cache")

    def _told(self) -> dict[str, Any]:
        return chat_config(
            instance=self._channel.instance,
            title=self._title,
            starters=self._starters(),
            commands=self._channel.commands,
            settings=self._channel.settings,
        )


def _file(request: web.Request, asset: Asset, cache: str) -> web.Response:
    tag = f'"{asset.version}"'
    headers = {**_PUBLIC, "Cache-Control": cache, "ETag": tag, "Vary": "Accept-Encoding"}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(
        body=asset.packed if packed else asset.content,
        content_type=asset.content_type,
        charset="utf-8",
        headers=headers,
    )
