"""Says in words how an instance is doing, from its state, its account and its settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from channels.contract import Health, HealthState, Transport
from channels.errors import ChannelError, RetryLater, Unauthorized
from channels.greenapi.spec import GreenApiSettings
from channels.greenapi.state import state_health
from channels.phrase import phrase


def refused(error: ChannelError) -> Health:
    """Give the health of an instance whose probe ended in `error`."""
    if isinstance(error, Unauthorized):
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    if isinstance(error, RetryLater):
        return Health(
            state=HealthState.DEGRADED,
            hint=phrase("green_api.wait", "GREEN-API asks us to wait: {why}", why=error),
        )
    return Health(
        state=HealthState.DOWN,
        hint=phrase(
            "green_api.check_network", "{why}. Check the network, `proxy`, and `api_url`.", why=error
        ),
    )


def diagnose(
    state: str,
    account: Mapping[str, Any],
    present: Any,
    *,
    settings: GreenApiSettings,
    instance: str,
) -> Health:
    """Give the health of an instance. `account` and `present` are the answers about its account and its settings."""
    known: Mapping[str, Any] = present if isinstance(present, dict) else {}
    details = {
        "network": settings.network.value,
        "mode": settings.mode.value,
        "incoming_notifications": str(known.get("incomingWebhook", "unknown")),
    }
    url = str(known.get("webhookUrl") or "")
    if url:
        details["webhook_host"] = _host(url)
    phone = str(account.get("phone") or "")
    # A phone is somebody's: the last digits are enough to know which account this is.
    identity = f"…{phone[-4:]}" if phone else str(account.get("chatId") or settings.id_instance)
    health = state_health(state, instance=instance, identity=identity, details=details)
    if health.state is not HealthState.OK:
        return health
    hint = _delivery_hint(known, url, settings, instance)
    return replace(health, state=HealthState.DEGRADED, hint=hint) if hint else health


def _delivery_hint(known: Mapping[str, Any], url: str, settings: GreenApiSettings, instance: str) -> str:
    if settings.mode is Transport.POLLING and url:
        return phrase(
            "green_api.webhook_steals",
            "A webhook at {host} is set for this instance, so polling gets nothing. Stop the program "
            "that uses it and clear the address: optfm-bot channels do {instance} settings-set "
            "webhook_url=",
            host=_host(url),
            instance=instance,
        )
    if settings.mode is Transport.WEBHOOK and not url:
        return phrase(
            "webhook.not_set",
            "No webhook is set, so no message can arrive. Start the bot with server.public_url set.",
        )
    if known.get("incomingWebhook") == "no":
        if settings.manage_settings:
            return phrase(
                "green_api.notifications_off",
                "Notifications of incoming messages are off. They are switched on when the bot starts.",
            )
        return phrase(
            "green_api.notifications_stay_off",
            "Notifications of incoming messages are off, so no message can arrive. Switch "
            "incomingWebhook on in the console, or set manage_settings: true.",
        )
    return ""


def _host(url: str) -> str:
    """Give the host of a webhook's address; the rest may hold somebody's secret and is never shown."""
    return urlsplit(url).hostname or "?"
