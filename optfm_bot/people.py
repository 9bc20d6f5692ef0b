"""People: from settings to what stands behind the front of a house. Helpdesk, forms, hours, managers, notices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from channels.body import plain_text
from channels.contract import Channel, Downloads
from channels.model import Inbound, Media, RawUpdate
from faq import FaqManager
from optfm_bot.clock import Clock
from optfm_bot.dispatch.answering import Front
from optfm_bot.dispatch.inner import left_out_update, lost_update
from optfm_bot.dispatch.opening import Opening
from optfm_bot.dispatch.orders import Orders
from optfm_bot.dispatch.people import People
from optfm_bot.dispatch.requests import Office, Requests
from optfm_bot.domain.filling import Filling
from optfm_bot.domain.hours import Hours
from optfm_bot.domain.manners import ReceptionSettings
from optfm_bot.domain.reception import Reception
from optfm_bot.domain.talk import Talk
from optfm_bot.domain.words import Words
from optfm_bot.helpdesk.contract import Helpdesk, Hooked, Resident
from optfm_bot.helpdesk.desk import Desk
from optfm_bot.i18n.hints import translate
from optfm_bot.ids import IdSource
from optfm_bot.outbox.files import Fetch, FileDoor
from optfm_bot.outbox.outgoing import Carrier, DeliverySettings, Outgoing
from optfm_bot.outbox.plan import Policy
from optfm_bot.store.contract import Store

_MOSCOW = ZoneInfo("Europe/Moscow")
_FOREVER = 1_000_000
"""Tries of what a ticket is to hear: a helpdesk that is down for a day loses nothing."""

DESK_DELIVERY = DeliverySettings(
    policy=Policy.AT_LEAST_ONCE,
    per_chat=0,
    per_bot=0,
    max_attempts=_FOREVER,
    concurrency=8,
    longest_delay=60.0,  # who waits for a person shall not wait for us, too
    file_attempts=8,  # two minutes; then the words behind a file that does not come go on without it
)
NOTICE_DELIVERY = DeliverySettings(policy=Policy.AT_MOST_ONCE, per_chat=0, per_bot=0, concurrency=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSettings:
    """What the owner decides about people of ours."""

    reception: ReceptionSettings = field(default_factory=ReceptionSettings)
    office: Office = field(default_factory=Office)
    hours: Hours = field(default_factory=lambda: Hours(zone=_MOSCOW))
    zone: ZoneInfo = _MOSCOW


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePlan:
    """Who is there: the helpdesk, unopened, whether its webhooks reach us, and the carrier of notices."""

    helpdesk: Helpdesk | None = None
    hooked: bool = False
    notify: Carrier | None = None


class Staff:
    """Builds the parts of a house that people of ours stand behind.

    `receive` stores updates as the intake does.
    """

    def __init__(
        self,
        plan: PeoplePlan,
        settings: PeopleSettings,
        *,
        channels: Mapping[str, Channel],
        store: Store,
        clock: Clock,
        ids: IdSource,
        words: Words,
        receive: Callable[[str, Sequence[RawUpdate]], Awaitable[int]],
    ) -> None:
        self.plan = plan
        self.settings = settings
        self._channels = channels
        self._store = store
        self._ids = ids
        self._words = words
        self._receive = receive
        self.desk: Desk | None = None
        if plan.helpdesk is not None:
            self.desk = Desk(
                plan.helpdesk,
                store,
                clock,
                channels=channels,
                receive=receive,
                new_id=ids.next,
                words=words,
                language=settings.reception.language,
            )
        self._requests = Requests(settings.office, channels, store, clock, words=words, zone=settings.zone)
        lines = {self.desk.instance: self.desk.sentences.line} if self.desk is not None else {}
        limits = {self.desk.instance: self.desk.file_limit} if self.desk is not None else {}
        self.files = FileDoor(self._fetchers(), clock, lines=lines, limits=limits)

    def front(self, talk: Callable[[], Talk]) -> Front:
        """What answers; `talk` gives the talk of the moment."""
        return Front(
            talk=talk,
            reception=Reception(self._words, self.settings.reception),
            filling=Filling(self.settings.office.forms, self._words),
            words=self._words,
            hours=self.settings.hours,
            zone=self.settings.zone,
            requests=self._requests,
            desk_down=self._desk_down,
        )

    def people(self, faq: Callable[[], FaqManager]) -> People:
        """What the handler asks of people; `faq` gives the base of the moment."""
        notify = self.plan.notify.instance if self.plan.notify is not None else None
        desk = self.desk
        if desk is None:
            return People(orders=Orders(self._ids, desk=None, notify=notify), requests=self._requests)
        opening = Opening(
            self._store,
            self._words,
            desk=desk.instance,
            zone=self.settings.zone,
            language=self.settings.reception.language,
            faq=faq,
        )
        resident = desk.helpdesk.chat if isinstance(desk.helpdesk, Resident) else None

        async def look(_: str, ticket: str) -> None:
            await desk.look(ticket)

        async def overheard(event: Inbound) -> None:
            await desk.hear(event)

        return People(
            orders=Orders(self._ids, desk=desk.instance, notify=notify),
            requests=self._requests,
            opening=opening,
            desks=(desk.instance,),
            look=look,
            resident=resident,
            overheard=overheard,
        )

    def carriers(self) -> Mapping[str, tuple[Carrier, DeliverySettings]]:
        """What else messages leave through, by name, and how."""
        found: dict[str, tuple[Carrier, DeliverySettings]] = {}
        if self.desk is not None:
            found[self.desk.instance] = (self.desk, DESK_DELIVERY)
        if self.plan.notify is not None:
            found[self.plan.notify.instance] = (self.plan.notify, NOTICE_DELIVERY)
        return found

    @property
    def hooked(self) -> Hooked | None:
        """The helpdesk, if it tells us of changes by webhooks."""
        helpdesk: object = self.plan.helpdesk
        return helpdesk if self.plan.hooked and isinstance(helpdesk, Hooked) else None

    @property
    def lost(self) -> Callable[[Outgoing, str | None], Awaitable[None]] | None:
        """Lets an agent know that their message, or its files, did not arrive; None where there are no agents."""
        return self._lost if self.desk is not None else None

    async def _lost(self, outgoing: Outgoing, reason: str | None) -> None:
        if self.desk is None:
            return
        if reason is None:
            language = self.settings.reception.language
            files = [(name, translate(why, language)) for name, why in outgoing.left_out]
            update = left_out_update(outgoing.id, outgoing.lane, files)
        else:
            text = plain_text(outgoing.message.body)
            update = lost_update(outgoing.id, outgoing.lane, reason=reason, text=text)
        await self._receive(self.desk.instance, [update])

    def _desk_down(self) -> bool:
        return self.desk is not None and self.desk.down

    def _fetchers(self) -> Mapping[str, Fetch]:
        found: dict[str, Fetch] = {
            name: _download(channel)
            for name, channel in self._channels.items()
            if isinstance(channel, Downloads)
        }
        if self.desk is not None:
            found[self.desk.instance] = self.desk.fetch
        return found


def _download(channel: Downloads) -> Fetch:
    async def fetch(file: Media, limit: int) -> bytes:
        return await channel.download(file, limit=limit)

    return fetch
