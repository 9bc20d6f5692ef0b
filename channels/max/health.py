"""Says in words how a bot is doing, from what MAX tells about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.contract import Health, HealthState, Transport
from channels.errors import ChannelError, RetryLater, Unauthorized
from channels.max.api import Bot, Subscription
from channels.max.subscription import host
from channels.phrase import phrase


def refused(error: ChannelError) -> Health:
    """Give the health of a bot whose probe ended in `error`."""
    if isinstance(error, Unauthorized):
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    if isinstance(error, RetryLater):
        return Health(
            state=HealthState.DEGRADED, hint=phrase("max.wait", "MAX asks us to wait: {why}", why=error)
        )
    if "ca_file" in str(error):
        return Health(state=HealthState.DOWN, hint=str(error))
    return Health(
        state=HealthState.DOWN,
        hint=phrase("max.check_network", "{why}. Check the network, `proxy` and `api_base`.", why=error),
    )


def diagnose(
    me: Bot,
    subscriptions: Sequence[Subscription],
    *,
    mode: Transport,
    url: str | None,
    conflict: str,
    repaired: Mapping[str, str],
) -> Health:
    """Give the health of a bot from who it is and where MAX pushes.

    `url` is the address that this process has set, None if it has set none; `conflict` is what is wrong with the
    receiving just now; `repaired` tells what was mended.
    """
    hosts = list(dict.fromkeys(host(subscription.url) for subscription in subscriptions))
    details = {"mode": mode.value, "subscriptions": str(len(subscriptions)), **repaired}
    if hosts:
        details["webhook_host"] = ", ".join(hosts)
    hint = conflict or _delivery_hint(mode, subscriptions, hosts, url)
    return Health(
        state=HealthState.DEGRADED if hint else HealthState.OK,
        identity=f"@{me.username}" if me.username else me.name or str(me.id),
        hint=hint,
        details=details,
    )


def _delivery_hint(
    mode: Transport, subscriptions: Sequence[Subscription], hosts: Sequence[str], url: str | None
) -> str:
    if mode is Transport.POLLING:
        if not subscriptions:
            return ""
        return phrase(
            "max.webhook_steals",
            "A webhook at {hosts} is set for this bot, so polling gets nothing. It is removed when this"
            " bot starts; if it comes back, another copy of the bot runs in webhook mode.",
            hosts=", ".join(hosts),
        )
    if not subscriptions:
        return phrase(
            "webhook.not_set",
            "No webhook is set, so no message can arrive. Start the bot with server.public_url set.",
        )
    if url is not None and url not in {subscription.url for subscription in subscriptions}:
        return phrase(
            "max.webhook_elsewhere",
            "The webhook is set to {hosts} and not to this bot. It is set right within ten minutes.",
            hosts=", ".join(hosts),
        )
    if len(subscriptions) > 1:
        return phrase(
            "max.many_webhooks",
            "There are {count} webhooks ({hosts}), so every update comes more than once. The running "
            "bot removes all but its own.",
            count=len(subscriptions),
            hosts=", ".join(hosts),
        )
    return ""
