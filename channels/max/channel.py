"""The MAX channel: a thin shell of calls around the pure modules beside it."""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeAlias, TypeVar

import structlog

from channels.capabilities import Capabilities, DialectName
from channels.contract import (
    Batch,
    BotCommand,
    Channel,
    ChannelContext,
    ChannelSpec,
    Cursor,
    Downloads,
    Health,
    Polling,
    Transport,
    Verifiable,
    Webhook,
    WebhookRequest,
)
from channels.download import download
from channels.errors import (
    BadPayload,
    ChannelError,
    Conflict,
    Gone,
    MarkupRejected,
    Rejected,
    TooLarge,
    Unauthorized,
)
from channels.http import json_value
from channels.max import history, requests
from channels.max.address import BotIdentity
from channels.max.api import HISTORY_LIMIT, MaxApi, http_client
from channels.max.attachments import ContactSeal
from channels.max.chats import recipient
from channels.max.health import diagnose, refused
from channels.max.keyboard import Rows
from channels.max.pace import Pace
from channels.max.parse import Reader
from channels.max.requests import FileToSend
from channels.max.spec import SPEC, MaxSettings, TextFormat
from channels.max.subscription import SubscriptionKeeper, host
from channels.max.updates import cut, read_batch
from channels.max.upload import Uploads
from channels.model import ActionIn, ChatRef, Inbound, Media, RawUpdate, Receipt, Rendered
from channels.phrase import phrase

SECRET_HEADER = "x-max-bot-api-secret"  # noqa: S105 - the name of a header
POLL_INTERVAL = 0.5
"""MAX answers two requests for updates a second."""

_PROBE_TIMEOUT = 10.0
_LOOK_AGAIN = 300.0
_LOOK_SOON = 10.0
"""Seconds after which a poller that hears nothing looks whether somebody has set a webhook; sooner if MAX answers with
nothing before its time."""

_REMEMBERED = 2000
_PAGES = 10

_MARKER = re.compile(r"-?[0-9]{1,19}", re.ASCII)

log = structlog.get_logger("channels.max")

T = TypeVar("T")
Call: TypeAlias = Callable[[Sequence[FileToSend]], Awaitable[T]]
"""One way to hand a message over, with the files that it carries."""


class MaxChannel(Channel, Polling, Webhook, Verifiable, Downloads):
    """One MAX bot.

    Updates are read as raw JSON and stored before anybody tries to understand them. The marker of a batch goes back to
    MAX with the next request only, which is after our commit; that request is what confirms the batch.
    """

    spec: ClassVar[ChannelSpec] = SPEC
    settings: MaxSettings

    def __init__(self, settings: MaxSettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self._api = MaxApi(http_client(settings), api_base=settings.api_base, token=settings.token)
        self._keeper = SubscriptionKeeper(self._api, self.instance)
        self._uploads = Uploads(self._api)
        self._seal = ContactSeal(settings.token)
        self._bot = BotIdentity()
        self._pace = Pace(POLL_INTERVAL)
        self._sent: OrderedDict[str, str] = OrderedDict()
        self._refused: OrderedDict[str, str] = OrderedDict()
        self._may_poll = False
        self._poll_failed = False
        self._looked_at: float | None = None
        self._conflict = ""

    @property
    def capabilities(self) -> Capabilities:
        """What MAX can do, written in the markup of the settings."""
        if self.settings.format is TextFormat.MARKDOWN:
            return replace(self.spec.capabilities, dialect=DialectName.MAX_MARKDOWN)
        return self.spec.capabilities

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Learn who we are and, for polling, remove webhooks that would keep updates away."""
        await self._own_id()
        if self.settings.mode is Transport.POLLING:
            await self._make_way_for_polling()

    async def close(self) -> None:
        """Close all connections; the webhook and the waiting updates stay as they are."""
        await self._api.close()

    async def probe(self) -> Health:
        """Ask MAX who we are and whether updates can reach us."""
        try:
            me = await self._api.me(timeout=_PROBE_TIMEOUT)
            found = await self._api.subscriptions(timeout=_PROBE_TIMEOUT)
        except ChannelError as error:
            return refused(error)
        return diagnose(
            me,
            found,
            mode=self.settings.mode,
            url=self._keeper.subscribed,
            conflict=self._conflict,
            repaired=self._keeper.repairs.details(),
        )

    # -- in -----------------------------------------------------------------------------------------------

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one raw update; before MAX has told who we are, our own messages and mentions go unnoticed."""
        return Reader(instance=self.instance, bot=self._bot, seal=self._seal).read(raw)

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Wait for updates from `cursor` on. Everything before it is confirmed by this very request."""
        if not self._may_poll:
            await self.open()
        marker = int(cursor) if cursor is not None and _MARKER.fullmatch(cursor) else None
        # After a failure we ask without waiting, so that everybody sees at once that it is over.
        wait = 0.0 if self._poll_failed else self.settings.poll_timeout
        self._poll_failed = True
        began = await self._pace.turn()
        try:
            updates, following = await self._api.updates(marker, wait)
        except Conflict as error:
            self._conflict = str(error)
            raise
        self._poll_failed = False
        if updates:
            self._conflict = ""
        else:
            await self._look_for_a_webhook(early=self._pace.time() - began < wait / 2)
        after = cursor if following is None else Cursor(str(following))
        return read_batch(updates, instance=self.instance, cursor=after)

    def authenticate(self, request: WebhookRequest) -> None:
        """Compare the secret header in constant time. Raises `Unauthorized`, also if no secret is set."""
        expected = self.settings.webhook_secret
        given = request.headers.get(SECRET_HEADER, "")
        # Bytes, because comparing texts fails on anything that is not ASCII.
        if not expected or not hmac.compare_digest(
            given.encode(errors="surrogatepass"), expected.reveal().encode()
        ):
            self._keeper.doubt_the_secret()
            raise Unauthorized(phrase("webhook.no_secret", "the webhook call does not carry the secret"))

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the one update of a webhook call, of whatever kind. Raises `BadPayload` for anything else."""
        try:
            item = json_value(request.body)
        except ValueError:
            raise BadPayload("the webhook call is not JSON") from None
        if not isinstance(item, dict) or not isinstance(item.get("update_type"), str):
            raise BadPayload("the webhook call is no MAX update: it has no update_type")
        return (cut(item, instance=self.instance),)

    async def subscribe(self, url: str) -> None:
        """Make `url` the only address that MAX pushes updates to; what was lost or doubled is mended.

        An address that is there is left alone. The secret cannot be read back, so after a push without it the address
        is set again with ours: a new secret is in force after ten minutes at most, and MAX repeats what was refused
        meanwhile. Raises `Conflict` when another copy of this bot keeps an address of its own.
        """
        secret = self.settings.webhook_secret
        if not secret:
            raise Rejected(phrase("webhook.secret_not_set", "webhook_secret is not set"))
        try:
            await self._keeper.keep(url, secret, self.clock())
        except Conflict as error:
            self._conflict = str(error)
            raise
        self._conflict = ""

    # -- out ----------------------------------------------------------------------------------------------

    async def deliver(self, message: Rendered) -> Receipt:
        """Send `message`, or put it in the place of the one it replaces; send it anew if that cannot be."""
        requests.check(message)
        to = recipient(message.chat)
        rows, notes = requests.keyboard(message)
        degraded = message.degraded + notes
        if message.replaces is not None:
            if await self._edited(message, rows):
                return Receipt(external_ids=(message.replaces,), sent_at=self.clock(), degraded=degraded)
            degraded += ("sent-instead-of-edited",)

        async def send(files: Sequence[FileToSend]) -> str | None:
            body = requests.new_message(message, files, rows, self.settings.format)
            return await self._api.send(to, body)

        mid = await self._with_files(message, send)
        if mid is not None:
            _remember(self._sent, mid, message.key)
        return Receipt(external_ids=() if mid is None else (mid,), sent_at=self.clock(), degraded=degraded)

    async def download(self, file: Media, *, limit: int) -> bytes:
        """Get a file from the address that MAX gave with it; no credentials go there. Raises as `Downloads` says."""
        if file.url is None:
            raise Rejected(
                phrase("max.file_unnamed", "MAX gives a file by its address, and this one has none")
            )
        if file.size is not None and file.size > limit:
            raise TooLarge(
                phrase(
                    "file.over_limit",
                    "the file has {size} bytes, and {limit} may be fetched",
                    size=file.size,
                    limit=limit,
                )
            )
        return await download(self._api.http, file.url, limit=limit, homes=(self.settings.api_base,))

    async def typing(self, chat: ChatRef) -> None:
        """Show "typing…" for some seconds and mark what the person wrote as seen.

        Both are decoration: a failure is logged and nothing more.
        """
        chat_id = recipient(chat).chat_id
        if chat_id is None:
            return
        for action in ("typing_on", "mark_seen"):
            try:
                await self._api.act(chat_id, action)
            except ChannelError as error:
                log.info("max.action_failed", channel=self.instance, action=action, error=str(error))
                return

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Stop the spinner on the pressed button; a press that is too old has none any more."""
        if not action.callback_id:
            return
        try:
            await self._api.answer(action.callback_id, requests.notification(notice))
        except (Rejected, Gone) as error:
            log.info("max.press_not_answered", channel=self.instance, error=str(error))

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        """Show the commands in MAX's menu, the same for all languages, if it shows others."""
        if not self.settings.commands:
            return
        wanted = requests.commands(commands)
        me = await self._api.me()
        if [_named(command) for command in me.commands] != [_named(command) for command in wanted]:
            await self._api.set_commands(wanted)

    async def find(self, message: Rendered, *, since: datetime) -> Receipt | None:
        """Look for `message` among those that we sent to its chat since that moment.

        Raises `Rejected` where MAX cannot tell: for a conversation of which only the person is known, and for a chat
        in which too much was said.
        """
        chat_id = recipient(message.chat).chat_id
        if chat_id is None:
            raise Rejected(phrase("max.no_history", "MAX shows no history without the id of the chat"))
        bot_id = await self._own_id()
        if message.replaces is not None:
            there = await self._api.message(message.replaces)
            if there is not None and history.says(there, message, markup=self.settings.format):
                return Receipt(external_ids=(message.replaces,), sent_at=self.clock())
        after, before = int(since.timestamp() * 1000), None
        for _ in range(_PAGES):
            page = await self._api.messages(chat_id, after=after, before=before)
            mid = history.find(page, message, bot_id=bot_id, markup=self.settings.format, known=self._sent)
            if mid is not None:
                _remember(self._sent, mid, message.key)
                return Receipt(external_ids=(mid,), sent_at=self.clock())
            before = history.oldest(page)
            if before is None or len(page) < HISTORY_LIMIT:
                return None
        raise Rejected(
            phrase("max.too_much_said", "too much was said in the chat since to look for one message")
        )

    # -- calls --------------------------------------------------------------------------------------------

    async def _edited(self, message: Rendered, rows: Rows) -> bool:
        mid = message.replaces or ""

        async def edit(files: Sequence[FileToSend]) -> None:
            await self._api.edit(mid, requests.edited_message(message, files, rows, self.settings.format))

        try:
            await self._with_files(message, edit)
        except MarkupRejected:
            raise
        except (Rejected, Gone) as error:
            # Too old, removed, or not ours: MAX has no name for these that is documented. If the chat itself is
            # closed, the new message will say so.
            log.info("max.not_edited", channel=self.instance, error=str(error))
            return False
        return True

    async def _with_files(self, message: Rendered, call: Call[T]) -> T:
        """Make the call with the message's files; once more with new uploads if MAX refuses what it was given.

        It may dislike the address of a picture, or have forgotten the token of an earlier upload.
        """
        files = [await self._file(media) for media in message.media]
        try:
            return await call(files)
        except (MarkupRejected, TooLarge):
            raise
        except Rejected as error:
            if all(file.fresh for file in files):
                raise
            log.info("max.uploaded_again", channel=self.instance, error=str(error))
        # What was refused must not be offered again at the next attempt: that may be soon, if the file is not ready.
        for file in files:
            if file.url is not None:
                _remember(self._refused, file.url)
            elif not file.fresh:
                self._uploads.forget(file)
        return await call([await self._file(media) for media in message.media])

    async def _file(self, media: Media) -> FileToSend:
        if requests.fetched_by_max(media) and media.url not in self._refused:
            return FileToSend(kind=media.kind, url=media.url)
        return await self._uploads.file(media)

    # -- receiving ----------------------------------------------------------------------------------------

    async def _own_id(self) -> int:
        if self._bot.id is not None:
            return self._bot.id
        me = await self._api.me()
        self._bot = BotIdentity(me.id, me.username)
        return me.id

    async def _make_way_for_polling(self) -> None:
        if self._may_poll:
            return
        found = await self._api.subscriptions()
        await self._keeper.remove([subscription.url for subscription in found])
        self._may_poll = True
        self._looked_at = self._pace.time()

    async def _look_for_a_webhook(self, *, early: bool) -> None:
        """MAX says nothing to a poller while a webhook is set; so look, rarely, whether there is one."""
        now = self._pace.time()
        again = 0.0 if self._conflict else _LOOK_SOON if early else _LOOK_AGAIN
        if self._looked_at is not None and now - self._looked_at < again:
            return
        self._looked_at = now
        found = await self._api.subscriptions()
        if found:
            hosts = ", ".join(dict.fromkeys(host(subscription.url) for subscription in found))
            self._conflict = phrase(
                "max.webhook_came",
                "A webhook at {hosts} was set after this copy started, so polling gets nothing. Stop the "
                "copy that runs in webhook mode, then start this one again.",
                hosts=hosts,
            )
            raise Conflict(self._conflict)
        self._conflict = ""


def _remember(known: OrderedDict[str, str], name: str, fact: str = "") -> None:
    """Keep a fact under a name, forgetting the oldest of too many."""
    known[name] = fact
    if len(known) > _REMEMBERED:
        known.popitem(last=False)


def _named(command: Mapping[str, Any]) -> tuple[object, object]:
    return command.get("name"), command.get("description") or None
