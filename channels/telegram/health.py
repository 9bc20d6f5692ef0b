"""Says in words how a bot is doing, from what Telegram tells about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from channels.contract import Health, HealthState, Transport
from channels.errors import ChannelError, RetryLater, Unauthorized
from channels.phrase import phrase

_RECENT = timedelta(minutes=10)


def webhook_host(url: str) -> str:
    """Give the host of a webhook's address; the rest may hold somebody's secret and is never shown."""
    return urlsplit(url).hostname or "?"


def refused(error: ChannelError) -> Health:
    """Give the health of a bot whose probe ended in `error`."""
    if isinstance(error, Unauthorized):
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    if isinstance(error, RetryLater):
        return Health(
            state=HealthState.DEGRADED,
            hint=phrase("telegram.wait", "Telegram asks us to wait: {why}", why=error),
        )
    return Health(
        state=HealthState.DOWN,
        hint=phrase(
            "telegram.check_network",
            "{why}. Check the network; where Telegram is blocked, set `proxy` or another `api_base`.",
            why=error,
        ),
    )


def diagnose(
    me: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    mode: Transport,
    now: datetime,
    conflict: str,
    removed_webhook: str | None,
    redact: Callable[[str], str],
) -> Health:
    """Give the health of a bot from the results of `getMe` and `getWebhookInfo`.

    `conflict` is what the last poll was refused with, `removed_webhook` the host of a webhook that we took
    away.
    """
    url = str(info.get("url") or "")
    last_error = redact(str(info.get("last_error_message") or ""))
    details = {
        "mode": mode.value,
        "pending_update_count": str(info.get("pending_update_count", 0)),
        "reads_all_group_messages": "yes" if me.get("can_read_all_group_messages") is True else "no",
    }
    if url:
        details["webhook_host"] = webhook_host(url)
    if last_error:
        details["last_error_message"] = last_error
    if removed_webhook:
        details["removed_webhook_host"] = removed_webhook
    hint = conflict or _delivery_hint(
        mode, url, last_error, recent=_is_recent(info.get("last_error_date"), now)
    )
    return Health(
        state=HealthState.DEGRADED if hint else HealthState.OK,
        identity=f"@{me['username']}" if me.get("username") else str(me.get("id", "")),
        hint=hint,
        details=details,
    )


def _delivery_hint(mode: Transport, url: str, last_error: str, *, recent: bool) -> str:
    if mode is Transport.POLLING:
        if not url:
            return ""
        return phrase(
            "telegram.webhook_steals",
            "A webhook at {host} is set for this bot, so polling gets nothing. It is removed when this "
            "bot starts; if it comes back, another copy of the bot runs in webhook mode.",
            host=webhook_host(url),
        )
    if not url:
        return phrase(
            "webhook.not_set",
            "No webhook is set, so no message can arrive. Start the bot with server.public_url set.",
        )
    if last_error and recent:
        return phrase(
            "telegram.not_delivered",
            "Telegram could not deliver to {host}: {last_error}. Check that the public address and its "
            "certificate work from outside.",
            host=webhook_host(url),
            last_error=last_error,
        )
    return ""


def _is_recent(seconds: Any, now: datetime) -> bool:
    return isinstance(seconds, int) and 0 <= now.timestamp() - seconds < _RECENT.total_seconds()
