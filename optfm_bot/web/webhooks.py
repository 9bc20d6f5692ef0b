"""The door for platforms that push: authenticate, read, store, and only then say 200."""

from __future__ import annotations

import hashlib
from typing import Protocol

import structlog
from aiohttp import web

from channels.contract import Channel, Pages, Webhook, WebhookRequest
from channels.errors import BadPayload, Unauthorized
from channels.model import RawUpdate
from optfm_bot.dispatch.intake import Intake
from optfm_bot.errors import StoreUnavailable
from optfm_bot.helpdesk.hook import Hook

log = structlog.get_logger("optfm_bot.web")

_RETRY_AFTER = {"Retry-After": "5"}


class WebhookObserver(Protocol):
    """Hears of requests that were refused. `reason` is bad_secret, malformed, too_large or unavailable."""

    def refused(self, channel: str, reason: str) -> None:
        """A request was not taken."""


class WebhookDoor:
    """Takes the requests of one channel.

    Everything that is stored is answered with 200, after the commit. What a platform pushes with the right secret and
    nobody can read is stored too, and parked: refused, it would come again for hours, and hold up what is behind it.
    While the store cannot be written, or the
    program is stopping, the answer is 503 with Retry-After: the platform keeps the update and repeats it.
    """

    def __init__(self, channel: Channel | Hook, intake: Intake, observer: WebhookObserver) -> None:
        if not isinstance(channel, Webhook):
            raise TypeError(f"{channel.instance} cannot receive webhooks")
        self.name = channel.instance
        self._webhook: Webhook = channel
        self._intake = intake
        self._observer = observer
        # A page takes what anybody posts; a platform has shown its secret.
        self._open_to_all = isinstance(channel, Pages)
        self.draining = False

    async def receive(self, request: WebhookRequest) -> int:
        """Give the HTTP status for a request, after its updates are stored."""
        try:
            self._webhook.authenticate(request)
        except Unauthorized:
            self._observer.refused(self.name, "bad_secret")
            return 401
        if self.draining:
            return 503
        try:
            updates = self._webhook.split(request)
        except BadPayload as error:
            self._observer.refused(self.name, "malformed")
            log.warning("webhook.malformed", channel=self.name, error=str(error))
            if self._open_to_all:
                return 400
            updates = [unreadable(self.name, request.body)]
        try:
            await self._intake.receive(self.name, updates)
        except StoreUnavailable as error:
            self._observer.refused(self.name, "unavailable")
            log.error("webhook.store_unavailable", channel=self.name, error=str(error))
            return 503
        return 200

    async def post(self, request: web.Request) -> web.Response:
        """Handle a push. Too long a body is answered 413 without being read to its end."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            self._observer.refused(self.name, "too_large")
            return web.Response(status=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        status = await self.receive(
            WebhookRequest(headers=headers, body=body, remote=request.remote or "", query=request.query)
        )
        return web.Response(status=status, headers=_RETRY_AFTER if status == 503 else None)  # noqa: PLR2004 - the HTTP status

    async def get(self, _request: web.Request) -> web.Response:
        """Say that the address is alive, for a person with a browser and for `doctor`."""
        return web.Response(
            text=f"The webhook of {self.name} is alive. The platform sends POST requests here.\n"
        )


def unreadable(channel: str, body: bytes) -> RawUpdate:
    """Give a body that no channel can read as an update. The same body has the same key.

    Bytes are no JSON, so the inbox keeps them as a text that its turn parks, where an operator sees it.
    """
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    return RawUpdate(key=f"unreadable:{digest}", lane=f"{channel}:unreadable", payload={"unreadable": body})
