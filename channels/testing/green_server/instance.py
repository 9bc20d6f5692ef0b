"""One instance: its credentials, its account, and everything that its methods work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.green_server import notices
from channels.testing.green_server.account import Account, new_settings
from channels.testing.green_server.book import Book, Sent
from channels.testing.green_server.faults import RateLimits, Tariff
from channels.testing.green_server.fields import MAX
from channels.testing.green_server.groups import Groups
from channels.testing.green_server.inbound import Inbound
from channels.testing.green_server.lookups import Journals, People
from channels.testing.green_server.notifications import NotificationQueue
from channels.testing.green_server.outgoing import OutgoingQueue, Waiting
from channels.testing.green_server.queues import Queues
from channels.testing.green_server.sending import Sending
from channels.testing.green_server.webhook import Pusher

OWN_PHONE: Final = 79990000000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much quicker than the real gateway an instance is: factors on its waits, and its restart in seconds."""

    poll: float = 1.0
    delay: float = 1.0
    retry: float = 1.0
    restart: float = 0.2
    read_timeout: float = 60.0


class Instance:
    """An instance of one network; what people do is `push`, what reached them is `sent`."""

    def __init__(
        self,
        *,
        id_instance: str,
        token: str,
        network: str,
        clock: Callable[[], float],
        base_url: Callable[[], str],
        next_seq: Callable[[], int],
        pace: Pace,
        limits_on: bool,
        name: str = "",
    ) -> None:
        self.id = id_instance
        self.token = token
        self.network = network
        self.clock = clock
        self.name = name
        self.created = clock()
        self.deleted_at = 0.0
        self.prefix_required = False
        self.group_parameters = ("chatId",) if network == MAX else ("groupId",)
        """Which name a group's id may come under; the MAX client of the gateway itself sends the other one."""
        self.settings = new_settings(network)
        self.book = Book(network=network, phone=OWN_PHONE, name="The owner")
        self.tariff = Tariff()
        self.limits = RateLimits(on=limits_on)
        self.notifications = NotificationQueue(self.settings, clock)
        self.account = Account(
            book=self.book,
            queue=self.notifications,
            settings=self.settings,
            tariff=self.tariff,
            clock=clock,
            notify=self.notify,
            restart_seconds=pace.restart,
        )
        self.outgoing = OutgoingQueue(
            book=self.book,
            account=self.account,
            clock=clock,
            notify=self.notify,
            delay_scale=pace.delay,
            next_seq=next_seq,
        )
        self.pusher = Pusher(
            self.notifications, clock=clock, retry_scale=pace.retry, read_timeout=pace.read_timeout
        )
        self.sending = Sending(
            book=self.book,
            account=self.account,
            queue=self.outgoing,
            tariff=self.tariff,
            clock=clock,
            base_url=base_url,
            next_seq=next_seq,
        )
        self.groups = Groups(book=self.book, clock=clock)
        self.journals = Journals(book=self.book, account=self.account, clock=clock)
        self.people = People(book=self.book, account=self.account, tariff=self.tariff)
        self.queues = Queues(
            notifications=self.notifications, outgoing=self.outgoing, clock=clock, poll_scale=pace.poll
        )
        self.push = Inbound(
            book=self.book,
            account=self.account,
            queue=self.notifications,
            outgoing=self.outgoing,
            clock=clock,
            head=self._head,
            base_url=base_url,
        )
        self.handlers: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            **self.account.handlers,
            **self.sending.handlers,
            **self.groups.handlers,
            **self.journals.handlers,
            **self.people.handlers,
            **self.queues.handlers,
            "updateApiToken": self._new_token,
        }
        self.account.changed = self._changed
        self.notifications.on_put = self.pusher.pump

    @property
    def sent(self) -> Sequence[Sent]:
        """The messages that reached people, in order."""
        return self.book.sent

    def says(self, text: str, chat: int) -> None:
        """Let somebody write."""
        self.push.text(text, chat=chat)

    def configure(self, **settings: Any) -> None:
        """Change settings at once, without a restart; see `getSettings` for their names."""
        if unknown := settings.keys() - self.settings.keys():
            raise ValueError(f"there is no setting {min(unknown)!r}")
        self.settings |= settings
        self._changed()

    def listen(self) -> None:
        """Switch every kind of notification on."""
        self.configure(**{name: "yes" for name in self.settings if name.endswith("Webhook")})

    def _head(self, kind: str, at: float) -> dict[str, Any]:
        wid = f"{self.book.phone}@c.us"
        return notices.head(kind, id_instance=self.id, wid=wid, network=self.network, at=at)

    def notify(self, kind: str, body: Mapping[str, Any]) -> int | None:
        """Put a notification of this kind into the queue, if it is switched on."""
        return self.notifications.put(self._head(kind, self.clock()) | dict(body))

    def _changed(self) -> None:
        self.outgoing.pump()
        self.pusher.pump()
        self.notifications.wake()

    def _new_token(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        self.token = f"{self.token[::-1]}0"
        return {"apiTokenInstance": self.token}

    def take_accepted(self) -> list[Waiting]:
        """What the last call has put into the queue."""
        found, self.sending.accepted = self.sending.accepted, []
        return found

    def clear(self) -> None:
        """Forget people, messages, queues, limits and settings; the account is logged in."""
        self.outgoing.clear()
        self.account.become("authorized")
        self.account.saves = 0
        self.notifications.clear()
        self.book.clear()
        self.tariff.set()
        self.pusher.counts.clear()
        self.settings.clear()
        self.settings |= new_settings(self.network)

    async def close(self) -> None:
        """End deliveries, timers and waits."""
        self.account.close()
        self.outgoing.close()
        self.notifications.wake()
        await self.pusher.close()
