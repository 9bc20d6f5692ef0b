"""How updates reach the bot: getUpdates with its conflicts, and the webhook that excludes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from channels.testing.telegram_server.methods import Reply
from channels.testing.telegram_server.refusal import ApiError, bad_request, too_many_requests
from channels.testing.telegram_server.update_queue import UPDATE_TYPES, Entry, UpdateQueue
from channels.testing.telegram_server.webhook import Pusher, WebhookSettings

OTHER_POLLER: Final = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
WEBHOOK_ACTIVE: Final = (
    "Conflict: can't use getUpdates method while webhook is active;"
    " use deleteWebhook to delete the webhook first"
)
BY_SET_WEBHOOK: Final = "Conflict: terminated by setWebhook request"
MAX_LIMIT: Final = 100
MAX_TIMEOUT: Final = 50
MAX_CONNECTIONS: Final = 100
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_SLOW_SECONDS: Final = 3.0
_EAGER_SECONDS: Final = 0.5


class Subscription:
    """The one way, polling or webhook, by which the bot gets its updates.

    `slow_down` turns on what the real server does against pollers that do not advance: the same offset again
    within 3 s waits at least 3 s, within 0.5 s it gets one update, and a second 409 within 3 s comes 3 s
    late.
    """

    def __init__(
        self,
        queue: UpdateQueue,
        pusher: Pusher,
        *,
        clock: Callable[[], float],
        slow_down: bool,
        set_webhook_interval: float,
    ) -> None:
        self.queue = queue
        self.pusher = pusher
        self.clock = clock
        self.slow_down = slow_down
        self.set_webhook_interval = set_webhook_interval
        self.conflicts = 0
        self.delivered = 0
        self._waiting: asyncio.Future[None] | None = None
        self._last_offset: int | None = None
        self._last_start = float("-inf")
        self._quick_conflict_after = float("-inf")
        self._webhook_allowed_at = float("-inf")
        queue.on_put = self._offered

    @property
    def polling(self) -> bool:
        """Whether a getUpdates is waiting right now."""
        return self._waiting is not None

    def _offered(self, entry: Entry) -> None:
        self.pusher.offer(entry)
        self.wake()

    def wake(self) -> None:
        """End the waiting poll with what is there."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _interrupt(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ApiError(409, why))

    async def get_updates(self, given: Mapping[str, Any]) -> list[bytes]:
        """The next updates as JSON. Raises a 409 when a webhook is set or another poller takes over."""
        try:
            return await self._poll(given)
        except ApiError as error:
            if error.code == 409:  # noqa: PLR2004 - the status is the name of the thing
                await self._conflict()
            raise

    async def _conflict(self) -> None:
        self.conflicts += 1
        now = self.clock()
        if self.slow_down and now < self._quick_conflict_after:
            await asyncio.sleep(_SLOW_SECONDS)
        else:
            self._quick_conflict_after = now + _SLOW_SECONDS

    async def _poll(self, given: Mapping[str, Any]) -> list[bytes]:
        if self.pusher.settings is not None:
            raise ApiError(409, WEBHOOK_ACTIVE)
        offset = given.get("offset", 0)
        limit = min(MAX_LIMIT, max(1, given.get("limit", MAX_LIMIT)))
        timeout = float(min(MAX_TIMEOUT, max(0, given.get("timeout", 0))))
        if "allowed_updates" in given:
            self.queue.allow(_types(given["allowed_updates"]))
        if self.slow_down:
            limit, timeout = self._slowed(offset, limit, timeout)
        self._interrupt(OTHER_POLLER)
        entries = self.queue.read(offset=offset, limit=limit, now=self.clock())
        if not entries and timeout:
            await self._wait(timeout)
            entries = self.queue.read(offset=offset, limit=limit, now=self.clock())
        self.delivered += len(entries)
        return [entry.body for entry in entries]

    def _slowed(self, offset: int, limit: int, timeout: float) -> tuple[int, float]:
        now = self.clock()
        if offset == self._last_offset:
            since = now - self._last_start
            if since < _SLOW_SECONDS:
                timeout = max(timeout, _SLOW_SECONDS)
            if since < _EAGER_SECONDS:
                limit = 1
        self._last_offset, self._last_start = offset, now
        return limit, timeout

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting = waiting
        timer = loop.call_later(seconds, _end, waiting)
        try:
            await waiting
        finally:
            timer.cancel()
            if self._waiting is waiting:
                self._waiting = None

    def set_webhook(self, given: Mapping[str, Any], *, has_certificate: bool) -> Reply:
        """Start, change or (with an empty url) end the webhook. Ends a waiting poll."""
        url = given.get("url", "")
        if not url:
            return self.delete_webhook(given)
        now = self.clock()
        if now < self._webhook_allowed_at:
            raise too_many_requests(1)
        self._webhook_allowed_at = now + self.set_webhook_interval
        settings = _webhook_settings(given, url, has_certificate=has_certificate)
        if settings.allowed_updates is not None:
            self.queue.allow(settings.allowed_updates)
        if given.get("drop_pending_updates"):
            self.queue.clear()
        self._interrupt(BY_SET_WEBHOOK)
        if settings == self.pusher.settings:
            return Reply(result=True, description="Webhook is already set")
        self.pusher.start(settings)
        return Reply(result=True, description="Webhook was set")

    def delete_webhook(self, given: Mapping[str, Any]) -> Reply:
        """End the webhook; the updates stay, unless they are to be dropped."""
        was_set = self.pusher.settings is not None
        self.pusher.stop()
        if given.get("drop_pending_updates"):
            self.queue.clear()
        return Reply(
            result=True, description="Webhook was deleted" if was_set else "Webhook is already deleted"
        )

    def webhook_info(self) -> Reply:
        """What getWebhookInfo says, in both modes."""
        settings = self.pusher.settings
        found: dict[str, Any] = {
            "url": settings.url if settings else "",
            "has_custom_certificate": bool(settings and settings.has_certificate),
            "pending_update_count": len(self.queue),
        }
        if settings:
            found["max_connections"] = settings.max_connections
            if settings.ip_address:
                found["ip_address"] = settings.ip_address
            if settings.allowed_updates:
                found["allowed_updates"] = list(settings.allowed_updates)
        if failure := self.pusher.failure:
            found |= {"last_error_date": int(failure.at), "last_error_message": failure.message}
        return Reply(found)

    def clear(self) -> None:
        """Back to a bot that has no webhook and no settings; a waiting poll goes on waiting."""
        self.pusher.stop()
        self.pusher.counts.clear()
        self.pusher.most_connections = 0
        self.queue.clear()
        self.queue.allow(())
        self.queue.duplicates_left = self.queue.filtered = self.queue.confirmed = 0
        self.conflicts = self.delivered = 0
        self._last_offset = None
        self._webhook_allowed_at = float("-inf")


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _types(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise bad_request("can't parse allowed updates JSON object")
    for name in given:
        if name not in UPDATE_TYPES:
            raise bad_request(f"unknown update type {name!r} in allowed_updates")
    return tuple(given)


def _webhook_settings(given: Mapping[str, Any], url: str, *, has_certificate: bool) -> WebhookSettings:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    secret = given.get("secret_token", "")
    if secret and _SECRET.fullmatch(secret) is None:
        raise bad_request("secret token contains unallowed characters")
    return WebhookSettings(
        url=url,
        secret_token=secret,
        max_connections=min(MAX_CONNECTIONS, max(1, given.get("max_connections", 40))),
        allowed_updates=_types(given["allowed_updates"]) if "allowed_updates" in given else None,
        ip_address=given.get("ip_address", ""),
        has_certificate=has_certificate,
    )
