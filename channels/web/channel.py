"""The web chat as a channel: pages push like a platform, and follow their talks from the record and from memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import structlog

from channels.contract import (
    BotCommand,
    Channel,
    ChannelContext,
    ChannelSpec,
    Downloads,
    Health,
    HealthState,
    Pages,
    Receive,
    Shared,
    Webhook,
    WebhookRequest,
)
from channels.errors import BadPayload, Gone, Rejected, TooLarge, Unauthorized, Unreachable
from channels.model import (
    ActionIn,
    ChatRef,
    Inbound,
    Media,
    MediaIn,
    RawUpdate,
    Receipt,
    Rendered,
    TextIn,
)
from channels.phrase import phrase
from channels.web.bubbles import ChatMessage, SentFile, arranged, bubble, recalled
from channels.web.files import FileFolder, FileRules
from channels.web.frames import talk_name
from channels.web.hearsay import Changed, Hearsay, Missed, Passing, heard, told
from channels.web.origin import origin_allowed
from channels.web.reading import Reader, sent_file
from channels.web.sessions import HEARTBEAT, RECALL_AGAIN, Sessions
from channels.web.spec import SPEC, WebChatSettings
from channels.web.window import StreamEvent

if TYPE_CHECKING:
    from aiohttp import web

log = structlog.get_logger("channels.web")

_WINDOW = 30
"""Messages of a talk that stay in memory: enough to bridge the moments until the record has them."""
_RECALL_SECONDS = 5.0
_READERS = 8
"""Records read at once: after a restart all pages come back together."""

_FIELDS = frozenset({"session", "id", "text", "token", "message", "start", "file", "lang"})


class WebChatChannel(Channel, Webhook, Pages, Shared, Downloads):
    """A chat on web pages: one of our own, and any site that shows the widget.

    A page sends `{"session", "id"}` with exactly one of `"text"`, `"token"` (a pressed button, with the `"message"` it
    was under), `"start"` (true, or the payload of a link) or `"file"` (one that was just uploaded); the same `id` again
    is the same update. Nobody has to sign in, so `authenticate` checks where the page came from. Messages go by
    `Rendered.key`: sent again, they are still one message.
    """

    spec: ClassVar[ChannelSpec] = SPEC
    settings: WebChatSettings

    def __init__(self, settings: WebChatSettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self.commands: Mapping[str, Sequence[BotCommand]] = {}
        self.files = _folder(settings)
        self._reader = Reader(context.instance, longest=settings.max_message_length, place=self._place)
        self._transcript = context.transcript
        self._reading = asyncio.Semaphore(_READERS)
        self._readable = True
        self._open = True
        self._epoch = f"{int(self.clock().timestamp() * 1000):x}"
        self._made = 0
        self._uploaded: dict[tuple[str, str], SentFile] = {}
        self._tell: Callable[[str], None] | None = None
        self.sessions = Sessions(
            clock=self.clock,
            recall=self._recall,
            window=min(_WINDOW, settings.history),
            max_sessions=settings.max_sessions,
            idle=timedelta(hours=settings.idle_hours),
            rest=timedelta(minutes=settings.idle_minutes),
        )

    # -- coming in ----------------------------------------------------------------------------------------

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the page's origin: our own host, or one of `allowed_origins`. Raises `Unauthorized`.

        A request without an origin comes from a program, not from a browser, and passes only on this machine.
        """
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if not origin_allowed(origin, host, self.settings.allowed_origins, remote=request.remote):
            raise Unauthorized(
                phrase(
                    "web.foreign_site",
                    "this site may not write to the chat; add its address to allowed_origins",
                )
            )

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the one update out of a request; the time is ours, since we are the platform here."""
        try:
            payload = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise BadPayload(phrase("web.body_no_json", "the body is not JSON")) from error
        if not isinstance(payload, dict):
            raise BadPayload(phrase("web.body_no_object", "the body is not a JSON object"))
        stamped = payload | {"received_at": int(self.clock().timestamp() * 1000)}
        if payload.keys() - _FIELDS:
            raise BadPayload(
                phrase("web.body_strange_fields", "the body has fields that this chat does not send")
            )
        if "file" in payload:
            # A page may name only what it has just uploaded; what is known about it, we say ourselves.
            sent = self._uploaded.get((str(payload.get("session")), str(payload.get("id"))))
            if sent is None or payload["file"] != sent.name:
                raise BadPayload(phrase("web.not_uploaded", "no such file was uploaded"))
            stamped["file"] = sent.as_json()
        event = self._reader.read(stamped)
        return (
            RawUpdate(key=f"{event.chat.chat_id}:{event.event_id}", lane=str(event.chat), payload=stamped),
        )

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one raw update: a text, a pressed button, a start or a file."""
        return (self._reader.read(raw.payload),)

    def remember(self, raw: RawUpdate) -> None:
        """Show what a visitor said in all their tabs, once its update is committed; twice is harmless."""
        event = self._reader.read(raw.payload)
        if isinstance(event, TextIn):
            said = ChatMessage(message_id=event.event_id, author="visitor", at=event.at, text=event.text)
        elif isinstance(event, MediaIn):
            file = sent_file(raw.payload["file"])
            said = ChatMessage(message_id=event.event_id, author="visitor", at=event.at, file=file)
        else:
            self.sessions.expect(event.chat.chat_id)
            return
        self._show(event.chat.chat_id, said)

    # -- going out ----------------------------------------------------------------------------------------

    async def deliver(self, message: Rendered) -> Receipt:
        """Put the message into the talk: seen at once where it is followed, later by who returns.

        The same key again is the same message; one that replaces another keeps the other's place and name.
        """
        if not self._open:
            raise Unreachable(phrase("web.closed", "the web chat is closed"), maybe_sent=False)
        if message.media:
            raise Rejected(phrase("web.files_as_links", "the web chat shows files as links"))
        if len(message.plain) > self.capabilities.text_limit:
            raise TooLarge(phrase("web.too_long", "the text is longer than the web chat shows"))
        name = message.replaces or message.key or self._own_name()
        shown = bubble(message, name, self.clock(), edited=message.replaces is not None)
        self._show(message.chat.chat_id, shown)
        return Receipt(external_ids=(name,), sent_at=self.clock(), degraded=message.degraded)

    async def download(self, file: Media, *, limit: int) -> bytes:
        """Give a visitor's file from the folder where uploads are kept. Raises as `Downloads` says."""
        if self.files is None or file.url is None:
            raise Gone(phrase("web.no_files", "visitors' files are not kept here"))
        return await self.files.read(file.url, limit=limit)

    async def typing(self, chat: ChatRef) -> None:
        """Show the dots to those who look at the talk now."""
        self._pass(chat.chat_id, StreamEvent(kind="typing"))

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Show the notice for a moment to those who look at the talk now."""
        if notice:
            data = {"text": notice, "for": action.callback_id}
            self._pass(action.chat.chat_id, StreamEvent(kind="notice", data=data))

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        """Remember the commands: the page makes them pressable where the bot names them."""
        self.commands = {language: tuple(listed) for language, listed in commands.items()}

    # -- other processes ----------------------------------------------------------------------------------

    def share(self, tell: Callable[[str], None]) -> None:
        """Have the same talks as other processes: pages may follow them here while they are answered there."""
        self._tell = tell
        self.sessions.shared = True

    def hear(self, text: str) -> None:
        """Let those who follow the talk here see what another process has said in it."""
        try:
            hearsay = heard(text)
        except BadPayload as error:  # another version tells more than this one knows
            log.info("webchat.not_understood", channel=self.instance, error=str(error))
            return
        match hearsay:
            case Changed(session):
                self.sessions.changed_elsewhere(session)
            case Passing(session, event):
                self.sessions.signal(session, event)
            case Missed():
                self.sessions.missed()
        if not text:  # what this process told meanwhile may be lost, too
            self._say(Missed())

    def _show(self, session: str, message: ChatMessage) -> None:
        self.sessions.put(session, message)
        self._say(Changed(session))

    def _pass(self, session: str, event: StreamEvent) -> None:
        self.sessions.signal(session, event)
        self._say(Passing(session, event))

    def _say(self, hearsay: Hearsay) -> None:
        if self._tell is not None:
            self._tell(told(hearsay))

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Let pages follow their talks."""
        self._open = True
        self.sessions.reopen()

    async def close(self) -> None:
        """End every stream, so that the web server can stop."""
        self._open = False
        self.sessions.close()

    async def probe(self) -> Health:
        """Say how many talks and streams there are; nobody else has to be asked."""
        details = {"sessions": str(len(self.sessions)), "streams": str(self.sessions.streams)}
        return Health(state=HealthState.OK, identity=self.instance, details=details)

    # -- pages --------------------------------------------------------------------------------------------

    def stream(
        self, session: str, *, heartbeat: float = HEARTBEAT, again: float = RECALL_AGAIN
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a talk; see `Sessions.follow`. Raises `BadPayload` for a bad session."""
        return self.sessions.follow(talk_name(session), heartbeat=heartbeat, again=again)

    def uploaded(self, session: str, event_id: str, file: SentFile) -> None:
        """Let the next update of this name carry this file."""
        self._uploaded[session, event_id] = file

    def uploading_ended(self, session: str, event_id: str) -> None:
        """Forget the file that an update was to carry."""
        self._uploaded.pop((session, event_id), None)

    def routes(
        self,
        receive: Receive,
        *,
        title: str = "OptFM",
        starters: Callable[[], Sequence[str]] = tuple,
    ) -> list[web.RouteDef]:
        """Give the routes of the page and the widget for the house's web application; see `channels.web.routes`."""
        from channels.web.routes import ChatRoutes  # noqa: PLC0415 - the web server is needed only when it is mounted

        return ChatRoutes(self, receive, title=title, starters=starters).definitions()

    async def _recall(self, session: str, most: int | None) -> Sequence[ChatMessage] | None:
        chat = ChatRef(channel=self.instance, chat_id=session)
        limit = self.settings.history if most is None else min(most, self.settings.history)
        try:
            async with self._reading, asyncio.timeout(_RECALL_SECONDS):
                past = await self._transcript(chat, limit)
                files = await self.files.recalled(session) if self.files is not None else ()
        except (
            Exception
        ):  # the contract leaves the store's errors open; the talk goes on and the record is asked again
            log.exception("webchat.record_unreadable", channel=self.instance)
            return None
        # What a file was called, only its note knows; the record may know that there was a message.
        return arranged(recalled(past, self.capabilities), files)

    def _place(self, session: str, name: str) -> str | None:
        return None if self.files is None else self.files.path(session, name).absolute().as_uri()

    def _own_name(self) -> str:
        self._made += 1
        return f"{self._epoch}.{self._made}"


def _folder(settings: WebChatSettings) -> FileFolder | None:
    if not settings.uploads or settings.upload_dir is None:
        return None
    rules = FileRules(
        max_bytes=int(settings.upload_max_mb * 1_000_000),
        types=frozenset(settings.upload_types),
        per_talk=settings.uploads_per_talk,
    )
    return FileFolder(Path(settings.upload_dir), rules)
