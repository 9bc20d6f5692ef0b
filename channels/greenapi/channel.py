"""The GREEN-API channel: a thin shell of calls around the pure modules beside it."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import structlog

from channels.capabilities import Capabilities
from channels.contract import (
    Addressable,
    Batch,
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Downloads,
    Health,
    Login,
    LoginStep,
    Operable,
    Operation,
    Polling,
    Reconciling,
    Transport,
    Verifiable,
    Webhook,
    WebhookRequest,
)
from channels.errors import (
    BadPayload,
    ChannelError,
    Gone,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
)
from channels.fields import child, identifier, moment, text
from channels.greenapi import requests
from channels.greenapi.answers import NotReady, Suspended, require
from channels.greenapi.client import GreenClient
from channels.greenapi.contacts import Contacts
from channels.greenapi.health import diagnose, refused
from channels.greenapi.journal import minutes_since, missed_updates, queued_ids, rows_of, sent_ids
from channels.greenapi.login import login_steps
from channels.greenapi.notifications import cut, oldest_answered
from channels.greenapi.operations import OPERATIONS
from channels.greenapi.parse import Reader, parse_notification
from channels.greenapi.requests import GreenRequest
from channels.greenapi.service import Service
from channels.greenapi.spec import SPEC, GreenApiSettings, Network, capabilities_of
from channels.greenapi.state import StateWatch, login_error, receive_error, send_error
from channels.http import json_value
from channels.model import ChatRef, Inbound, Media, RawUpdate, Receipt, Rendered
from channels.phrase import phrase

AUTHORIZATION = "authorization"
_SCHEMES = ("bearer", "basic")
_AT_ONCE = 1.0
"""An empty answer within so many seconds was no long poll: the instance's notifications are off."""
_BREATH = 2.0
_READ_TIMEOUT = 5.0
_TYPING_MILLISECONDS = 5000
_REMEMBERED = 1000
_SETTLING = timedelta(minutes=5)
"""Settings take effect within this time; until then the gateway may show the old ones."""
_LONGEST_SUSPENSION = timedelta(days=1)
_LAG = {Network.MAX: timedelta(seconds=5), Network.WHATSAPP: timedelta(minutes=2)}
"""How long after sending the journal may not show a message yet."""
_PATIENCE = timedelta(seconds=30)
_HISTORY = 100

log = structlog.get_logger("channels.greenapi")


class GreenApiChannel(
    Channel, Polling, Webhook, Addressable, Verifiable, Reconciling, Downloads, Operable, Login
):
    """One instance of GREEN-API: a person's account of MAX or WhatsApp that a program uses."""

    spec: ClassVar[ChannelSpec] = SPEC
    operations: ClassVar[Sequence[Operation]] = OPERATIONS
    settings: GreenApiSettings

    def __init__(self, settings: GreenApiSettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self._capabilities = capabilities_of(settings)
        self._client = GreenClient(settings)
        self._watch = StateWatch(self._client, self.clock)
        self.contacts = Contacts(self._client, settings.network, self.clock)
        self._service = Service(settings, self._client, self.contacts)
        self._reader = Reader(context.instance, groups=settings.react_to_groups)
        self._opened = False
        self._written: tuple[Mapping[str, Any], datetime] | None = None
        self._begun: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._tried: OrderedDict[str, datetime] = OrderedDict()
        self._made_at = self.clock()
        self._breath = _BREATH

    @property
    def capabilities(self) -> Capabilities:
        """What the network of this instance can do."""
        return self._capabilities

    @property
    def title(self) -> str:
        """The messenger that people write in, not the gateway."""
        return "WhatsApp" if self.settings.network is Network.WHATSAPP else "MAX"

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Look whether somebody is logged in, and switch on the notifications that are needed and off.

        Raises `Unauthorized` with what to do if nobody is, `RetryLater` while the instance starts.
        """
        if self._opened:
            return  # the instance may be restarting because of what the first call has written
        await self._require(receive_error)
        if self.settings.react_to_groups:
            await self._learn_identity()
        if self.settings.mode is Transport.POLLING:
            await self._settle(requests.wanted_settings(self.settings))
        self._opened = True

    async def close(self) -> None:
        """Close all connections; the account stays logged in, its settings and its queue stay as they are."""
        self._opened = False
        await self._client.close()
        await self._service.close()

    async def probe(self) -> Health:
        """Ask for the state, the account and the settings, and say what keeps messages from arriving."""
        try:
            state = await self._watch.ask()
            account = await self._account() if receive_error(state, self.instance) is None else {}
            present = await self._client.get("getSettings")
        except ChannelError as error:
            return refused(error)
        return diagnose(state, account, present, settings=self.settings, instance=self.instance)

    # -- in -----------------------------------------------------------------------------------------------

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one notification; a row of the journal has the same shape."""
        return parse_notification(raw, self._reader)

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Wait for the head of the queue. Nothing is confirmed: it stays the head until `confirm`.

        The new cursor is its receipt. The old one is not asked for: a receipt that was not deleted brings the same
        notification under the same key again.
        """
        await self._require(login_error)  # an instance that starts tells by a notification that it is ready
        loop = asyncio.get_running_loop()
        asked = loop.time()
        notification = await self._client.receive(self.settings.poll_timeout)
        if notification is None:
            if loop.time() - asked < _AT_ONCE:
                await asyncio.sleep(self._breath)  # else hundreds of requests a second, all for nothing
            return Batch(updates=(), cursor=cursor)
        self._hear(notification.body)
        return Batch(updates=(self._cut(notification.body),), cursor=Cursor(notification.receipt))

    async def confirm(self, batch: Batch) -> None:
        """Delete the notification of this batch, so that the next one becomes the head of the queue."""
        if not batch.updates or batch.cursor is None:
            return
        if not await self._client.forget(batch.cursor):
            log.info("greenapi.already_deleted", channel=self.instance)

    async def missed(self, since: datetime) -> Sequence[RawUpdate]:
        """Give the incoming messages of the gateway's journal from that moment on, a week at most."""
        rows = rows_of(
            await self._client.get("lastIncomingMessages", minutes=minutes_since(since, self.clock()))
        )
        return missed_updates(
            rows,
            since=since,
            instance=self.instance,
            id_instance=self.settings.id_instance,
            oldest=self._oldest(),
        )

    async def returned(self) -> datetime:
        """Wait until the instance works again after a restart or a new login; see the contract."""
        return await self._watch.returned()

    def authenticate(self, request: WebhookRequest) -> None:
        """Compare the secret of the `Authorization` header in constant time, with or without a scheme before it."""
        expected = self.settings.webhook_secret
        given = request.headers.get(AUTHORIZATION, "").strip()
        scheme, _, rest = given.partition(" ")
        token = rest.strip() if scheme.lower() in _SCHEMES else given
        # Bytes, because comparing texts fails on anything that is not ASCII.
        if not expected or not hmac.compare_digest(
            token.encode(errors="surrogatepass"), expected.reveal().encode()
        ):
            raise Unauthorized(phrase("webhook.no_secret", "the webhook call does not carry the secret"))

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the one notification of a webhook call. Raises `BadPayload` for anything else.

        A message that is too old at this moment is noted as such, because `parse` has no clock; a change of the
        instance's state is heard.
        """
        try:
            body = json_value(request.body)
        except ValueError:
            raise BadPayload("the webhook call is not JSON") from None
        if not isinstance(body, dict) or not isinstance(body.get("typeWebhook"), str):
            raise BadPayload("the webhook call is no notification of GREEN-API: it has no typeWebhook")
        told = identifier(child(body, "instanceData") or {}, "idInstance")
        if told is not None and told != self.settings.id_instance:
            raise BadPayload("the webhook call is about another instance; look at its webhookUrl")
        self._hear(body)
        return (self._cut(body),)

    async def subscribe(self, url: str) -> None:
        """Make GREEN-API push notifications to `url`; only what differs is written: that restarts the instance."""
        await self._require(receive_error)
        await self._settle(requests.wanted_settings(self.settings, url=url))

    # -- out ----------------------------------------------------------------------------------------------

    async def deliver(self, message: Rendered) -> Receipt:
        """Send `message`; "sent" means that the gateway has queued it, and what became of it is told later.

        A document with a text takes two calls. If the second fails the text is out, and the whole message may come
        again: what has gone is remembered by the message's key, so the next attempt goes on with the file. After a
        restart nobody remembers; the delivery policy decides then, as for every message that was under way.
        """
        await self._require(send_error)
        calls = requests.send(message, self.settings)
        ids = self._begun.get(message.key, ()) if message.key else ()
        _remember(self._tried, message.key, self.clock())
        for call in calls[len(ids) :]:
            ids = (*ids, await self._send(call))
            if len(ids) < len(calls):
                _remember(self._begun, message.key, ids)
        self._begun.pop(message.key, None)
        self._tried.pop(message.key, None)
        if self.settings.mark_read:
            await self._mark_read(message.chat)
        return Receipt(external_ids=ids, sent_at=self.clock(), degraded=message.degraded)

    async def find(self, message: Rendered, *, since: datetime) -> Receipt | None:
        """Look for `message` in what waits to be sent, then in the chat's history.

        The history lags. Where waiting for it would take too long, its silence proves nothing and `RetryLater` says so.
        """
        tried = self._tried.get(message.key, self._made_at)
        while True:
            ids = queued_ids(rows_of(await self._client.get("showMessagesQueue")), message)
            if not ids:
                body = {"chatId": message.chat.chat_id, "count": _HISTORY}
                ids = sent_ids(rows_of(await self._client.post("getChatHistory", body)), message, since=since)
            if ids:
                return Receipt(external_ids=ids, sent_at=self.clock(), degraded=message.degraded)
            left = tried + _LAG[self.settings.network] - self.clock()
            if left <= timedelta():
                return None
            if left > _PATIENCE:
                raise RetryLater(
                    phrase(
                        "green_api.journal_too_young",
                        "the journal may not show a message that young, so nothing is known of it",
                    )
                )
            await asyncio.sleep(left.total_seconds())

    async def address(self, phone: str) -> str:
        """Give the chat of a phone number, looked up once and remembered. Raises `Gone` if it has no account here."""
        chat_id = await self.contacts.check(f"+{phone.lstrip('+')}")
        if chat_id is None:
            raise Gone(
                phrase(
                    "green_api.no_account", "nobody has an account in this messenger under this phone number"
                )
            )
        return chat_id

    async def download(self, file: Media, *, limit: int) -> bytes:
        """Get a file from the address that came with it, or ask for a new one when its fifteen days are over.

        Raises as `Downloads` says.
        """
        if file.size is not None and file.size > limit:
            raise TooLarge(
                phrase(
                    "file.over_limit",
                    "the file has {size} bytes, and {limit} may be fetched",
                    size=file.size,
                    limit=limit,
                )
            )
        if file.url is not None:
            try:
                return await self._client.download(file.url, limit=limit)
            except Gone:
                if file.file_id is None:
                    raise
        chat_id, found, message_id = (file.file_id or "").partition("/")
        if not found:
            raise Rejected(
                phrase(
                    "green_api.file_unnamed",
                    "GREEN-API gives a file by its address or its message, and this one has neither",
                )
            )
        url = await self._client.file_address(chat_id, message_id)
        return await self._client.download(url, limit=limit)

    async def typing(self, chat: ChatRef) -> None:
        """Show "typing…" for five seconds in WhatsApp. In MAX only a message itself can: `typing_time`."""
        if self.settings.network is Network.WHATSAPP:
            await self._client.post(
                "sendTyping", {"chatId": chat.chat_id, "typingTime": _TYPING_MILLISECONDS}
            )

    # -- service ------------------------------------------------------------------------------------------

    async def operate(self, name: str, params: ChannelSettings) -> Any:
        """Do one of `operations`. Raises by reaction, `LookupError` for another name."""
        return await self._service.operate(name, params)

    def login(self) -> AsyncIterator[LoginStep]:
        """Log an account in by QR; the states in between are followed at most once a second."""
        self._watch.doubt()
        return login_steps(self._client, self.settings.network)

    # -- calls --------------------------------------------------------------------------------------------

    async def _send(self, request: GreenRequest) -> str:
        try:
            if request.path is not None:
                fields = {name: str(value) for name, value in request.body.items()}
                return await self._client.upload(fields, request.path)
            return await self._client.send(request.method, request.body)
        except Suspended as error:
            raise await self._dated(error) from error
        except NotReady:
            self._watch.doubt()
            raise

    async def _dated(self, error: Suspended) -> Suspended:
        """Give the same refusal with the moment at which the account is free again, as far as anybody knows it."""
        try:
            account = await self._account()
            until = moment(account, "suspendedUntil")
        except ChannelError:
            return error
        if until is None or until <= self.clock():
            return error
        # Looked at once a day anyway: a suspension may end sooner than it was told.
        after = min(until - self.clock(), _LONGEST_SUSPENSION)
        return Suspended(
            phrase(
                "green_api.suspended_until",
                "{why} It ends at {until} UTC.",
                why=error,
                until=f"{until:%Y-%m-%d %H:%M}",
            ),
            after=after,
            whole_bot=True,
        )

    async def _require(self, problem: Callable[[str, str], ChannelError | None]) -> None:
        error = problem(await self._watch.state(), self.instance)
        if error is not None:
            raise error

    async def _settle(self, wanted: Mapping[str, Any]) -> None:
        if not wanted:
            return
        if self._written is not None:
            written, at = self._written
            if written == wanted and self.clock() - at < _SETTLING:
                return
        present = await self._client.get("getSettings")
        if not isinstance(present, dict):
            raise RetryLater(
                phrase("green_api.settings_unreadable", "GREEN-API's answer to getSettings is no object")
            )
        change = requests.difference(present, wanted)
        if not change:
            return
        require(await self._client.post("setSettings", change), "saveSettings")
        self._written = (dict(wanted), self.clock())
        self._watch.doubt()
        log.warning(
            "greenapi.settings_written",
            channel=self.instance,
            names=sorted(change),
            why="they were not as this channel needs them; the instance restarts, which takes up to 5 minutes",
        )

    async def _account(self) -> Mapping[str, Any]:
        method = "getWaSettings" if self.settings.network is Network.WHATSAPP else "getAccountSettings"
        content = await self._client.get(method)
        if not isinstance(content, dict):
            raise RetryLater(
                phrase(
                    "green_api.answer_unreadable",
                    "GREEN-API's answer to {method} is no object",
                    method=method,
                )
            )
        return content

    async def _learn_identity(self) -> None:
        account = await self._account()
        phone, chat_id = identifier(account, "phone"), identifier(account, "chatId")
        own = {chat_id, phone and phone.lstrip("+"), phone and f"{phone.lstrip('+')}@c.us"}
        self._reader = Reader(
            self.instance, groups=self.settings.react_to_groups, own=frozenset(name for name in own if name)
        )

    async def _mark_read(self, chat: ChatRef) -> None:
        try:
            await asyncio.wait_for(
                self._client.post("readChat", {"chatId": chat.chat_id}, timeout=_READ_TIMEOUT),
                2 * _READ_TIMEOUT,
            )
        except (ChannelError, TimeoutError) as error:
            # The message has gone: a mark that could not be set must not have it sent again.
            log.info("greenapi.not_marked_read", channel=self.instance, error=str(error))

    # -- notifications ------------------------------------------------------------------------------------

    def _cut(self, body: Any) -> RawUpdate:
        return cut(body, instance=self.instance, id_instance=self.settings.id_instance, oldest=self._oldest())

    def _oldest(self) -> datetime:
        return oldest_answered(self.clock(), self.settings.answer_within_hours)

    def _hear(self, body: Any) -> None:
        if not isinstance(body, dict) or body.get("typeWebhook") != "stateInstanceChanged":
            return
        try:
            state, at = text(body, "stateInstance"), moment(body, "timestamp")
        except BadPayload:
            return  # it is stored and parked like everything unreadable; the watch asks by itself
        if state:
            self._watch.heard(state, at or datetime.fromtimestamp(0, UTC))


def _remember(memory: OrderedDict[str, Any], key: str, value: Any) -> None:
    if not key:
        return
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
