"""Webhooks as the module sends them: late, signed over PHP's JSON, without a word about what happened.

A body is the state of the moment of sending; after a failure it is that old body again and again, ten times in all.
Nothing is sent by itself: tests call `deliver`, a process lets it run every few milliseconds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from optfm_bot.testing.freescout_server import shape
from optfm_bot.testing.freescout_server.world import Conversation, World

EVENTS: Final = frozenset({
    "convo.created", "convo.assigned", "convo.status", "convo.moved", "convo.customer.reply.created",
    "convo.agent.reply.created", "convo.note.created", "convo.deleted", "convo.deleted_forever", "convo.restored",
    "customer.created", "customer.updated",
})  # fmt: skip
ATTEMPTS: Final = 10
PAUSE: Final = timedelta(minutes=2)


@dataclass(slots=True, kw_only=True)
class Subscription:
    """Where events go; without events all of them, without mailboxes those of all."""

    id: int
    url: str
    events: frozenset[str] = EVENTS
    mailboxes: frozenset[int] = frozenset()


@dataclass(slots=True, kw_only=True)
class Pending:
    """An event on its way to one address. `body` is there once it was written down."""

    event: str
    subscription: Subscription
    conversation_id: int | None
    customer_id: int | None = None
    due: datetime
    body: bytes | None = field(default=None, repr=False)
    attempts: int = 0


class Webhooks:
    """What waits to be sent, and what was."""

    def __init__(
        self, world: World, secret: str, base: Callable[[], str], *, undo: float, retry_scale: float
    ) -> None:
        self.world = world
        self.secret = secret
        self.undo = timedelta(seconds=undo)
        self._pause = PAUSE * retry_scale
        self.subscriptions: dict[int, Subscription] = {}
        self.pending: list[Pending] = []
        self.sent: list[tuple[Pending, int]] = []
        """Every attempt with the status that it got, 0 for none."""
        self.counts: Counter[str] = Counter()
        self._base = base
        self._session: aiohttp.ClientSession | None = None

    def subscribe(
        self, url: str, events: Sequence[str] | None = None, mailboxes: Sequence[int] = ()
    ) -> Subscription:
        """Send events there from now on; unknown names are dropped."""
        wanted = EVENTS if events is None else EVENTS & frozenset(events)
        made = Subscription(
            id=self.world.next_id("webhook"), url=url, events=wanted, mailboxes=frozenset(mailboxes)
        )
        self.subscriptions[made.id] = made
        return made

    def event(self, name: str, conversation: Conversation, *, late: bool = False) -> None:
        """Something happened; `late` waits until it cannot be undone any more."""
        due = self._moment() + (self.undo if late else timedelta())
        self.pending.extend(
            Pending(event=name, subscription=one, conversation_id=conversation.id, due=due)
            for one in self.subscriptions.values()
            if name in one.events
        )

    def last_words(self, name: str, conversation: Conversation) -> None:
        """The same for a conversation that will not be there when it is sent."""
        before = len(self.pending)
        self.event(name, conversation)
        for one in self.pending[before:]:
            one.body = shape.php_json(shape.conversation(self.world, self._base(), conversation))

    def customer(self, number: int) -> None:
        """A customer was made."""
        self.pending.extend(
            Pending(
                event="customer.created",
                subscription=one,
                conversation_id=None,
                customer_id=number,
                due=self._moment(),
            )
            for one in self.subscriptions.values()
            if "customer.created" in one.events
        )

    def freeze(self) -> None:
        """Write down what waits as it is now, as after a failure: later it will be old news."""
        for one in self.pending:
            one.body = one.body or self._body(one)

    async def deliver(
        self, *, everything: bool = False, backwards: bool = False, times: int = 1
    ) -> list[int]:
        """Send what is due (or everything), perhaps last one first and several times; gives the statuses."""
        now = self._moment()
        ready = [one for one in self.pending if everything or one.due <= now]
        self.pending = [one for one in self.pending if not (everything or one.due <= now)]
        statuses: list[int] = []
        for one in reversed(ready) if backwards else ready:
            answers = [await self._attempt(one) for _ in range(times)]
            statuses += answers
            if not any(200 <= status < 300 for status in answers):  # noqa: PLR2004 - the 2xx class of HTTP
                self._again(one)
        return statuses

    async def repeat(self) -> list[int]:
        """Send everything that was ever sent once more, with the bodies of then."""
        earlier = {id(pending): pending for pending, _ in self.sent}
        return [await self._attempt(one) for one in earlier.values()]

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def sign(self, body: bytes) -> str:
        """The signature over the raw body."""
        return base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha1).digest()).decode()

    async def _attempt(self, one: Pending) -> int:
        body = one.body = one.body or self._body(one)
        if body is None:
            return 204  # deleted, or moved to a mailbox that this address does not hear of
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {
            "Content-Type": "application/json",
            "X-FreeScout-Event": one.event,
            "X-FreeScout-Signature": self.sign(body),
        }
        try:
            async with self._session.post(
                one.subscription.url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=30),
                allow_redirects=False,
            ) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, OSError):
            status = 0
        self.counts["attempts"] += 1
        self.sent.append((one, status))
        return status

    def _moment(self) -> datetime:
        return self.world.clock() + self.world.ahead

    def _again(self, one: Pending) -> None:
        one.attempts += 1
        if one.attempts >= ATTEMPTS:
            self.counts["lost"] += 1
            return
        one.due = self._moment() + self._pause * one.attempts
        self.pending.append(one)

    def _body(self, one: Pending) -> bytes | None:
        if one.customer_id is not None:
            found = self.world.customers.get(one.customer_id)
            return None if found is None else shape.php_json(shape.customer(found))
        conversation = self.world.conversations.get(one.conversation_id or 0)
        mailboxes = one.subscription.mailboxes
        if conversation is None or (mailboxes and conversation.mailbox_id not in mailboxes):
            return None
        return shape.php_json(shape.conversation(self.world, self._base(), conversation))
