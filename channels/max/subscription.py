"""Keeps exactly one webhook: ours. A second one doubles every update, and MAX takes a silent one away after 8 hours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog

from channels.errors import Conflict, Rejected
from channels.max.api import MaxApi, Subscription
from channels.max.requests import UPDATE_TYPES
from channels.phrase import phrase
from config.secret import Secret

log = structlog.get_logger("channels.max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be done: `clear` takes our own away first, `post` sets it, `remove` are others to take away.

    `lost` says that ours was there and is not any more; `rivals` are addresses that came back after we removed them.
    """

    post: bool = False
    clear: bool = False
    remove: tuple[str, ...] = ()
    lost: bool = False
    rivals: tuple[str, ...] = ()


Types: TypeAlias = frozenset[str] | None
_OURS: Types = frozenset(UPDATE_TYPES)


def plan(
    found: Sequence[Subscription],
    url: str,
    *,
    known: bool,
    doubted: bool = False,
    removed_before: Collection[str] = (),
    tried: Collection[Types] = (),
) -> Plan:
    """Decide from what MAX has. `known` says that our address has been there before, set by us or found. Pure.

    Any other address is foreign: a bot has one house, and each further one would answer every person once more. It is
    taken away once. One that comes back belongs to a copy of the bot that is alive; two copies must not take each
    other's away for ever, so a person has to decide, and it is left alone. Kinds of updates that are not ours are
    set right once as well: `tried` are those that MAX showed in spite of that.
    """
    own = [subscription for subscription in found if subscription.url == url]
    others = dict.fromkeys(subscription.url for subscription in found if subscription.url != url)
    differs = any(
        subscription.update_types != _OURS and subscription.update_types not in tried for subscription in own
    )
    return Plan(
        # Setting what is set already may cost the updates that wait to be pushed. But the secret cannot be read back:
        # when a push came with another one, ours is set again.
        post=len(own) != 1 or differs or doubted,
        clear=len(own) > 1 or (known and differs),
        remove=tuple(other for other in others if other not in removed_before),
        lost=known and not own,
        rivals=tuple(other for other in others if other in removed_before),
    )


def host(url: str) -> str:
    """Give the host of a webhook's address; the rest may hold somebody's secret and is never shown."""
    return urlsplit(url).hostname or "?"


@dataclass(slots=True)
class Repairs:
    """What was mended since the start, for people to see."""

    lost: int = 0
    lost_at: datetime | None = None
    reset: int = 0
    removed_hosts: dict[str, None] = field(default_factory=dict)

    def details(self) -> dict[str, str]:
        """Give it as words for a probe; empty if nothing was mended."""
        found = {}
        if self.lost and self.lost_at is not None:
            found["subscription_lost"] = f"{self.lost}×, last at {self.lost_at:%Y-%m-%d %H:%M} UTC; set again"
        if self.reset:
            found["subscription_doubled_or_changed"] = f"{self.reset}×; set right"
        if self.removed_hosts:
            found["removed_webhook_hosts"] = ", ".join(self.removed_hosts)
        return found


class SubscriptionKeeper:
    """Looks after the webhook; called at the start and every few minutes."""

    def __init__(self, api: MaxApi, instance: str) -> None:
        self._api = api
        self._instance = instance
        self._removed: set[str] = set()
        self._tried: set[Types] = set()
        self._subscribed: str | None = None
        self._doubted = False
        self.repairs = Repairs()

    @property
    def subscribed(self) -> str | None:
        """The address that this process has set or found, None before it has."""
        return self._subscribed

    def doubt_the_secret(self) -> None:
        """A push came without our secret: it may be a stranger's, or MAX may still have the one before."""
        self._doubted = True

    async def keep(self, url: str, secret: Secret, now: datetime) -> None:
        """Make `url` the only address that MAX pushes to.

        Raises by reaction, `Conflict` when another copy of the bot keeps an address of its own: ours is set then, and
        every update arrives at both.
        """
        found = await self._api.subscriptions()
        known = self._subscribed == url
        todo = plan(
            found,
            url,
            known=known,
            doubted=self._doubted,
            removed_before=self._removed,
            tried=self._tried,
        )
        if todo.clear:
            await self._api.unsubscribe(url)
            self._tried |= {subscription.update_types for subscription in found if subscription.url == url}
            self.repairs.reset += 1
            log.warning(
                "max.webhook_cleared", channel=self._instance, host=host(url), why="doubled or changed"
            )
        if todo.lost:
            self.repairs.lost += 1
            self.repairs.lost_at = now
            log.warning("max.webhook_lost", channel=self._instance, host=host(url))
        if todo.post:
            await self._post(url, secret)
        self._subscribed, self._doubted = url, False
        await self.remove(todo.remove)
        if todo.rivals:
            hosts = ", ".join(map(host, todo.rivals))
            raise Conflict(
                phrase(
                    "max.rival",
                    "Every update also goes to {hosts}: that address was removed and came back, so another copy"
                    " of this bot is running, and people are answered twice. Stop that copy, or give this one a"
                    " token of its own.",
                    hosts=hosts,
                )
            )

    async def remove(self, urls: Sequence[str]) -> None:
        """Take addresses away and remember it."""
        for url in urls:
            await self._api.unsubscribe(url)
            self._removed.add(url)
            self.repairs.removed_hosts[host(url)] = None
            log.warning("max.webhook_removed", channel=self._instance, host=host(url))

    async def _post(self, url: str, secret: Secret) -> None:
        try:
            await self._api.subscribe(url, secret)
        except Rejected as error:
            reason = str(error)
        else:
            log.info("max.webhook_set", channel=self._instance, host=host(url))
            return
        raise Rejected(
            phrase(
                "max.webhook_refused",
                "MAX does not take the webhook at {host}: {reason}. It wants https on port 443 (no port in "
                "server.public_url) with a certificate that is trusted everywhere.",
                host=host(url),
                reason=reason,
            )
        )
