"""A Telegram group with topics as a helpdesk. It lives inside a channel that is configured anyway."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

from channels.body import text_body
from channels.contract import Channel, Downloads, Health, HealthState, Topics
from channels.errors import Gone, Misconfigured, Rejected, TooLarge, TopicGone, Unauthorized, Unreachable
from channels.model import (
    Block,
    Body,
    Bold,
    Break,
    ChatRef,
    Inbound,
    Inline,
    Italic,
    ListBlock,
    Media,
    MediaKind,
    Outbound,
    Paragraph,
    Purpose,
    Text,
)
from channels.phrase import phrase
from channels.render import render, split_outbound
from optfm_bot.helpdesk.contract import (
    AgentFile,
    Customer,
    DeskFile,
    DeskMessage,
    Helpdesk,
    HelpdeskContext,
    HelpdeskEvent,
    HelpdeskSpec,
    Resident,
    ThreadRef,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.topics.spec import SPEC, TopicsSettings
from optfm_bot.helpdesk.topics.understanding import file_id, understood
from optfm_bot.scratch import Scratch, safe_name, scratch

NOTE_SIGN = "📝"
_REMEMBERED = 1000
_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_NOT_SHOWN = frozenset({"image/svg+xml", "image/tiff", "image/heic"})
"""Pictures that Telegram takes as files only."""


@dataclass(slots=True)
class _Progress:
    """How much of a message is in the topic already: its steps are its texts, then its files."""

    steps: int = 0
    first: str = ""
    refused: list[str] = field(default_factory=list)


class TelegramTopics(Helpdesk, Resident):
    """One group: a topic for each ticket, named after the customer.

    Telegram shows bots no history, so nothing can be looked up: `find_ticket` and `find_message` give None, and
    `spec.lookup` says that this means nothing. What a call is known to have done is remembered while the process
    lives, so that a message of several parts goes on where it was stopped.
    """

    spec: ClassVar[HelpdeskSpec] = SPEC
    settings: TopicsSettings

    def __init__(self, settings: TopicsSettings, context: HelpdeskContext) -> None:
        super().__init__(settings, context)
        self._find_channel = context.channel
        self._begun: OrderedDict[str, _Progress] = OrderedDict()
        self._made: OrderedDict[str, str] = OrderedDict()

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Find the channel. Raises `Misconfigured` if it is not there or has no topics."""
        self._channel()
        self._topics()

    async def probe(self) -> Health:
        """Ask the channel; whether the bot is in the group and may manage topics shows at the first ticket."""
        try:
            channel = self._channel()
            self._topics()
        except Misconfigured as error:
            return Health(state=HealthState.DOWN, identity=self.instance, hint=str(error))
        return await channel.probe()

    @property
    def chat(self) -> tuple[str, str]:
        """The channel and the group."""
        return self.settings.channel, self.settings.group

    # -- towards it ---------------------------------------------------------------------------------------

    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        """Begin a topic and post the first message in it, with who the customer is above it.

        A topic of which nobody knows whether it was made is made again: an empty one harms nobody. So does a first
        message twice, while one that is missing would leave a topic that says nothing.
        """
        thread = self._made.get(draft.key)
        try:
            if thread is None:
                with _group_is_there():
                    thread = await self._topics().open_topic(self.settings.group, _title(draft.customer))
                _remember(self._made, draft.key, thread)
            body = Body((_introduction(draft.customer), *text_body(draft.message.text).blocks))
            posted = await self._post(thread, draft.message, body, Purpose.CUSTOMER)
        except TopicGone:
            self._made.pop(draft.key, None)
            raise
        except Unreachable as error:
            failure = Unreachable(str(error), maybe_sent=False)
        else:
            self._made.pop(draft.key, None)
            link = f"https://t.me/c/{self.settings.group.removeprefix('-100')}/{thread}"
            return TicketRef(id=thread, number=thread, url=link, thread_id=posted.id, refused=posted.refused)
        raise failure

    async def find_ticket(
        self, draft: TicketDraft, *, since: datetime, known: Collection[str]
    ) -> TicketRef | None:
        """Give None: Telegram shows bots no history."""
        del draft, since, known
        return None

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        """Post it in the topic, which is open again by that. Raises `Gone` if the topic was deleted."""
        begun = self._begun.get(message.key)
        if begun is None or not begun.steps:
            with _group_is_there():
                await self._topics().close_topic(self.settings.group, ticket.id, closed=False)
        return await self._post(ticket.id, message, text_body(message.text), Purpose.CUSTOMER)

    async def add_note(self, ticket: TicketRef, note: DeskMessage) -> ThreadRef:
        """Post it in italics behind a sign, without a sound."""
        body = Body(tuple(_in_italics(block) for block in text_body(note.text).blocks))
        return await self._post(ticket.id, note, body, Purpose.NOTE)

    async def find_message(
        self, ticket: TicketRef, message: DeskMessage, *, since: datetime, known: Collection[str], note: bool
    ) -> ThreadRef | None:
        """Give None: Telegram shows bots no history."""
        del ticket, message, since, known, note
        return None

    async def close_ticket(self, ticket: TicketRef) -> None:
        """Close the topic."""
        with _group_is_there():
            await self._topics().close_topic(self.settings.group, ticket.id)

    # -- from it ------------------------------------------------------------------------------------------

    def understand(self, event: Inbound) -> Sequence[HelpdeskEvent]:
        """Read what was said or done in a topic."""
        return understood(event, channel=self.settings.channel, group=self.settings.group)

    async def fetch(self, file: AgentFile, *, limit: int) -> bytes:
        """Get a file through the channel."""
        channel = self._channel()
        if not isinstance(channel, Downloads):
            raise Rejected(
                phrase(
                    "topics.no_files",
                    "the channel {channel} gives no files",
                    channel=repr(self.settings.channel),
                )
            )
        media = Media(
            kind=MediaKind.FILE, file_id=file_id(file), name=file.name, mime=file.mime, size=file.size
        )
        return await channel.download(media, limit=limit)

    # -- posting ------------------------------------------------------------------------------------------

    async def _post(self, thread: str, message: DeskMessage, body: Body, purpose: Purpose) -> ThreadRef:
        """Post the parts that are not there yet. Raises `TooLarge` if nothing of the message can be taken."""
        if purpose is Purpose.NOTE:
            body = _signed(body)
        channel = self._channel()
        chat = ChatRef(channel=channel.instance, chat_id=self.settings.group, thread_id=thread)
        empty = Outbound(chat=chat, body=Body(), purpose=purpose)
        texts = _parts(replace(empty, body=body), channel)
        done = self._begun.setdefault(message.key, _Progress())
        while len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)
        try:
            with _group_is_there():
                await self._post_rest(done, channel, texts, message, empty)
        except TopicGone:
            self._begun.pop(message.key, None)  # in another topic it begins anew
            raise
        self._begun.pop(message.key, None)
        if not done.first:
            raise TooLarge(phrase("topics.nothing_taken", "the group takes nothing of this message"))
        return ThreadRef(id=done.first, refused=tuple(done.refused))

    async def _post_rest(
        self,
        done: _Progress,
        channel: Channel,
        texts: Sequence[Outbound],
        message: DeskMessage,
        empty: Outbound,
    ) -> None:
        for number, text in enumerate(texts, 1):
            if number > done.steps:
                self._posted(done, number, await self._send(channel, text, f"{message.key}.{number}"))
        async with scratch() as folder:
            for number, file in enumerate(message.files, len(texts) + 1):
                if number > done.steps:
                    sent = await self._send_file(channel, empty, file, folder)
                    if sent is None:
                        done.refused.append(file.name)
                    self._posted(done, number, sent)

    @staticmethod
    def _posted(done: _Progress, steps: int, message_id: str | None) -> None:
        done.steps = steps
        done.first = done.first or message_id or ""

    async def _send(self, channel: Channel, message: Outbound, key: str) -> str:
        receipt = await channel.deliver(render(message, channel.capabilities, key=key))
        return receipt.external_ids[0] if receipt.external_ids else key

    async def _send_file(
        self, channel: Channel, message: Outbound, file: DeskFile, folder: Scratch
    ) -> str | None:
        """Send a file as what it is, else as a plain file; None if neither is taken."""
        name = safe_name(file.name, mime=file.mime)
        kinds = [kind for kind in _kinds_of(file) if len(file.data) <= self._limit(channel, kind)]
        if not kinds:
            return None
        try:
            path = await folder.keep(name, file.data)
        except OSError as error:
            raise Unreachable(
                phrase("topics.file_not_kept", "a file cannot be kept here: {why}", why=error.strerror),
                maybe_sent=False,
            ) from error
        for kind in kinds:
            media = Media(kind=kind, path=path, name=name, mime=file.mime)
            try:
                return await self._send(channel, replace(message, media=(media,)), name)
            except Rejected:
                continue
        return None

    def _limit(self, channel: Channel, kind: MediaKind) -> int:
        return min(self.settings.file_limit, channel.capabilities.media.get(kind, 0))

    # -- the channel --------------------------------------------------------------------------------------

    def _channel(self) -> Channel:
        found: Any = self._find_channel(self.settings.channel)
        if not isinstance(found, Channel):
            raise Misconfigured(
                phrase(
                    "topics.no_channel",
                    "There is no channel {channel}, which has the group",
                    channel=repr(self.settings.channel),
                )
            )
        return found

    def _topics(self) -> Topics:
        found = self._channel()
        if not isinstance(found, Topics):
            raise Misconfigured(
                phrase(
                    "topics.no_topics",
                    "The channel {channel} has no topics: it has to be Telegram",
                    channel=repr(self.settings.channel),
                )
            )
        return found


@contextmanager
def _group_is_there() -> Iterator[None]:
    """Tell a topic that was deleted from a group that we were thrown out of: no ticket ends by that."""
    lost = ""
    try:
        yield
    except TopicGone:
        raise
    except Gone as error:
        lost = str(error)
    if lost:
        raise Unauthorized(
            phrase(
                "topics.thrown_out",
                "The bot may not write in the group any more: add it again ({lost})",
                lost=lost,
            )
        )


def _title(customer: Customer) -> str:
    return f"{customer.name} · {customer.channel}"


def _introduction(customer: Customer) -> Paragraph:
    known = [customer.channel, customer.phone, customer.email]
    about = " · ".join(one for one in known if one)
    return Paragraph((Bold((Text(customer.name),)), Break(), Text(about)))


def _signed(body: Body) -> Body:
    first, *rest = body.blocks or (Paragraph(()),)
    if isinstance(first, ListBlock):  # text from outside has none
        return body
    return Body((Paragraph((Text(f"{NOTE_SIGN} "), *first.children)), *rest))


def _in_italics(block: Block) -> Block:
    if isinstance(block, ListBlock):
        return block
    pieces: list[Inline] = [
        child if isinstance(child, Break) else Italic((child,)) for child in block.children
    ]
    return Paragraph(tuple(pieces))


def _parts(message: Outbound, channel: Channel) -> Sequence[Outbound]:
    try:
        return split_outbound(message, channel.capabilities)
    except ValueError:  # nothing that can be seen: files alone
        return ()


def _kinds_of(file: DeskFile) -> Sequence[MediaKind]:
    kind = _KINDS.get(file.mime.partition("/")[0], MediaKind.FILE)
    if kind is MediaKind.FILE or file.mime in _NOT_SHOWN:
        return (MediaKind.FILE,)
    return (kind, MediaKind.FILE)


def _remember(memory: OrderedDict[str, str], key: str, value: str) -> None:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
