"""The web chat as a channel: the page posts like a webhook, and answers wait in memory for its stream."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from channels.contract import (
    BotCommand,
    Channel,
    ChannelContext,
    ChannelSpec,
    Health,
    HealthState,
    Pages,
    Receive,
    Webhook,
    WebhookRequest,
)
from channels.errors import BadPayload, Rejected, TooLarge, Unauthorized, Unreachable
from channels.links import is_link
from channels.model import (
    Action,
    ActionIn,
    ChatRef,
    Inbound,
    RawUpdate,
    Receipt,
    Rendered,
    SenderRef,
    StartIn,
    TextIn,
)
from channels.web.dialect import plain_html
from channels.web.origin import origin_allowed
from channels.web.sessions import HEARTBEAT, Button, Sessions, StreamEvent
from channels.web.spec import SPEC, WebChatSettings

if TYPE_CHECKING:
    from aiohttp import web


SESSION = re.compile(r"[A-Za-z0-9_-]{16,64}")
"""A talk's name, made at random by the browser. Who knows it may read the talk: it is kept from others."""

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,16}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_START = re.compile(r"[A-Za-z0-9_-]{0,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
_FIELDS = frozenset({"session", "id", "text", "token", "message", "start", "lang"})


class WebChatChannel(Channel, Webhook, Pages):
    """A chat on a web page of ours.

    The browser posts `{"session", "id"}` with exactly one of `"text"`, `"token"` (a pressed button, with the
    `"message"` it was under) or `"start"` (true, or the payload of a link); the same `id` again is the same
    update. Nobody has to sign in, so `authenticate` checks where the page came from. Answers are kept in
    memory, within the bounds of the settings, and reach the page by `stream`.
    """

    spec: ClassVar[ChannelSpec] = SPEC
    settings: WebChatSettings

    def __init__(self, settings: WebChatSettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self.commands: Mapping[str, Sequence[BotCommand]] = {}
        self._open = True
        self._sessions = Sessions(
            epoch=f"{int(self.clock().timestamp() * 1000):x}",
            clock=self.clock,
            history=settings.history,
            max_sessions=settings.max_sessions,
            idle=timedelta(hours=settings.idle_hours),
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the page's origin: our own host, or one of `allowed_origins`. Raises `Unauthorized`.

        A request without an origin comes from a program, not from a browser, and passes only on this machine.
        """
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if not origin_allowed(origin, host, self.settings.allowed_origins):
            raise Unauthorized("this site may not write to the chat; add its address to allowed_origins")

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the one update out of a request; the time is ours, since we are the platform here."""
        try:
            payload = json.loads(request.body)
        except (ValueError, RecursionError) as error:
            raise BadPayload("the body is not JSON") from error
        if not isinstance(payload, dict):
            raise BadPayload("the body is not a JSON object")
        stamped = payload | {"received_at": int(self.clock().timestamp() * 1000)}
        if payload.keys() - _FIELDS:
            raise BadPayload("the body has fields that this chat does not send")
        event = self._read(stamped)
        return (
            RawUpdate(key=f"{event.chat.chat_id}:{event.event_id}", lane=str(event.chat), payload=stamped),
        )

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one raw update: a text, a pressed button or a start."""
        return (self._read(raw.payload),)

    async def deliver(self, message: Rendered) -> Receipt:
        """Put the message into the talk: seen at once where it is followed, later by who returns."""
        if not self._open:
            raise Unreachable("the web chat is closed", maybe_sent=False)
        if message.media:
            raise Rejected("the web chat shows files as links")
        if len(message.plain) > self.spec.capabilities.text_limit:
            raise TooLarge("the text is longer than the web chat shows")
        session = message.chat.chat_id
        html = message.text if message.markup else plain_html(message.plain)
        buttons = tuple(tuple(_button(action) for action in row) for row in message.actions)
        shown = self._sessions.rewrite(session, message.replaces, html, buttons) if message.replaces else None
        shown = shown or self._sessions.say(session, html, buttons)
        return Receipt(external_ids=(shown.message_id,), sent_at=self.clock(), degraded=message.degraded)

    async def open(self) -> None:
        """Let browsers follow their talks."""
        self._open = True
        self._sessions.reopen()

    async def close(self) -> None:
        """End every stream, so that the web server can stop."""
        self._open = False
        self._sessions.close()

    async def probe(self) -> Health:
        """Say how many talks and streams there are; nobody else has to be asked."""
        details = {"sessions": str(len(self._sessions)), "streams": str(self._sessions.streams)}
        return Health(state=HealthState.OK, identity=self.instance, details=details)

    async def typing(self, chat: ChatRef) -> None:
        """Show the dots to those who look at the talk now."""
        self._sessions.signal(chat.chat_id, StreamEvent(kind="typing"))

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Show the notice for a moment to those who look at the talk now."""
        if notice:
            data = {"text": notice, "for": action.callback_id}
            self._sessions.signal(action.chat.chat_id, StreamEvent(kind="notice", data=data))

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        """Remember the commands: the page makes them pressable where the bot names them."""
        self.commands = {language: tuple(listed) for language, listed in commands.items()}

    def stream(
        self, session: str, last_id: str | None = None, *, heartbeat: float = HEARTBEAT
    ) -> AsyncGenerator[StreamEvent]:
        """Follow a talk from `last_id` on; see `Sessions.follow`. Raises `BadPayload` for a bad session."""
        if not SESSION.fullmatch(session):
            raise BadPayload("not a session of the web chat")
        return self._sessions.follow(session, last_id, heartbeat=heartbeat)

    def remember(self, raw: RawUpdate) -> None:
        """Keep a text for a reload of the page, once its update is committed; twice is harmless."""
        event = self._read(raw.payload)
        if isinstance(event, TextIn):
            self._sessions.hear(event.chat.chat_id, event.event_id, event.text, event.at)

    def routes(
        self,
        receive: Receive,
        *,
        title: str = "OptFM",
        starters: Callable[[], Sequence[str]] = tuple,
    ) -> list[web.RouteDef]:
        """Give the routes of the page for the house's web application; see `channels.web.routes`."""
        from channels.web.routes import ChatRoutes  # noqa: PLC0415 - the web server is needed only when it is mounted

        return ChatRoutes(self, receive, title=title, starters=starters).definitions()

    def _read(self, payload: Mapping[str, Any]) -> TextIn | ActionIn | StartIn:
        session, event_id = _matched(payload, "session", SESSION), _matched(payload, "id", _EVENT_ID)
        language = payload.get("lang")
        locale = language if isinstance(language, str) and _LANGUAGE.fullmatch(language) else None
        common: dict[str, Any] = {
            "event_id": event_id,
            "chat": ChatRef(channel=self.instance, chat_id=session),
            "sender": SenderRef(external_id=session, locale=locale),
            "at": _moment(payload.get("received_at")),
        }
        kinds = [kind for kind in ("text", "token", "start") if kind in payload]
        match kinds:
            case ["text"]:
                return TextIn(**common, message_id=event_id, text=self._text(payload["text"]))
            case ["token"]:
                under = _matched(payload, "message", _MESSAGE_ID) if "message" in payload else None
                token = _matched(payload, "token", _TOKEN)
                return ActionIn(**common, message_id=under, token=token, callback_id=event_id)
            case ["start"]:
                start = payload["start"]
                if start is not True and not (isinstance(start, str) and _START.fullmatch(start)):
                    raise BadPayload("not a start of the web chat")
                return StartIn(**common, payload="" if start is True else start)
        raise BadPayload("an update has exactly one of text, token and start")

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadPayload("the text is not a text")
        # Halves of characters and zero bytes are legal in JSON, and poison for databases.
        text = value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        if not text:
            raise BadPayload("the text is empty")
        if len(text) > self.settings.max_message_length:
            raise BadPayload(f"the text is longer than {self.settings.max_message_length} characters")
        return text


def _matched(payload: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadPayload(f"{name} is missing or malformed")
    return value


def _moment(value: object) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadPayload("the time of arrival is missing")
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadPayload("the time of arrival makes no sense") from error


def _button(action: Action) -> Button:
    if action.url is not None and is_link(action.url):
        return Button(label=action.label, url=action.url)
    if action.token is not None:
        return Button(label=action.label, token=action.token)
    raise Rejected("the web chat has no such button")
