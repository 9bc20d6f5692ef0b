"""The Telegram channel: a thin shell of calls around the pure modules beside it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import structlog

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
    Topics,
    Transport,
    Webhook,
    WebhookRequest,
)
from channels.errors import (
    BadPayload,
    ChannelError,
    Conflict,
    Gone,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.http import json_value
from channels.model import ActionIn, ChatRef, Inbound, Media, RawUpdate, Receipt, Rendered
from channels.phrase import phrase
from channels.telegram import requests
from channels.telegram.address import BotIdentity
from channels.telegram.answers import (
    cannot_be_edited,
    is_file_gone,
    is_not_modified,
    is_stale_press,
    is_topic_unchanged,
)
from channels.telegram.client import BotApi, DirectApi, http_client
from channels.telegram.health import diagnose, refused, webhook_host
from channels.telegram.parse import cut, parse_update, read_batch
from channels.telegram.requests import BotRequest
from channels.telegram.spec import SPEC, TelegramSettings

if TYPE_CHECKING:
    from channels.telegram.aiogram_api import AiogramApi

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header
_POLL_MARGIN = 15.0
_PROBE_TIMEOUT = 10.0

log = structlog.get_logger("channels.telegram")


class TelegramChannel(Channel, Polling, Webhook, Downloads, Topics):
    """One Telegram bot.

    Updates are read as raw JSON and stored before anybody tries to understand them. Calls go straight to the
    Bot API; aiogram is imported when a local file has to be sent, or when the settings ask for it.
    """

    spec: ClassVar[ChannelSpec] = SPEC
    settings: TelegramSettings

    def __init__(self, settings: TelegramSettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self._http = http_client(settings)
        self._direct = DirectApi(self._http, api_base=settings.api_base, token=settings.token)
        self._aiogram: AiogramApi | None = None
        self._importing = asyncio.Lock()
        self._bot = BotIdentity(int(settings.token.reveal().partition(":")[0]))
        self._may_poll = False
        self._subscribed: str | None = None
        self._removed_webhook: str | None = None
        self._conflict = ""
        self._poll_failed = False

    # -- life ---------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Learn who we are and, for polling, remove a webhook that would keep updates away."""
        await self._learn_identity()
        if self.settings.mode is Transport.POLLING:
            await self._make_way_for_polling()

    async def close(self) -> None:
        """Close all connections; the webhook and the waiting updates stay as they are."""
        await self._direct.close()

    async def probe(self) -> Health:
        """Ask Telegram who we are and whether updates can reach us."""
        try:
            me = await self._look("getMe", timeout=_PROBE_TIMEOUT)
            info = await self._look("getWebhookInfo", timeout=_PROBE_TIMEOUT)
        except ChannelError as error:
            return refused(error)
        return diagnose(
            me,
            info,
            mode=self.settings.mode,
            now=self.clock(),
            conflict=self._conflict,
            removed_webhook=self._removed_webhook,
            redact=self._http.redact,
        )

    # -- in -----------------------------------------------------------------------------------------------

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        """Read one raw update; before Telegram has told our user name, only mentions of it go unnoticed."""
        return parse_update(raw, instance=self.instance, bot=self._bot)

    async def fetch(self, cursor: Cursor | None) -> Batch:
        """Wait for updates from `cursor` on. Everything before it is confirmed by this very request."""
        if not self._may_poll:
            await self.open()
        offset = int(cursor) if cursor is not None and cursor.lstrip("-").isdecimal() else None
        # After a failure we ask without waiting, so that everybody sees at once that it is over.
        wait = 0.0 if self._poll_failed else self.settings.poll_timeout
        self._poll_failed = True
        request = requests.get_updates(offset, wait)
        try:
            result = await self._call(request.method, request.params, timeout=wait + _POLL_MARGIN)
        except Conflict as error:
            # Only a long poll that nobody disturbs shows that the other copy is gone.
            self._poll_failed = False
            self._conflict = str(error)
            raise
        self._conflict, self._poll_failed = "", False
        if not isinstance(result, list):
            raise RetryLater(
                phrase("telegram.no_updates", "Telegram's answer to getUpdates is no list of updates")
            )
        return read_batch(result, instance=self.instance, bot_id=self._bot.id, cursor=cursor)

    def authenticate(self, request: WebhookRequest) -> None:
        """Compare the secret header in constant time. Raises `Unauthorized`, also if no secret is set."""
        expected = self.settings.webhook_secret
        given = request.headers.get(SECRET_HEADER, "")
        # Bytes, because comparing texts fails on anything that is not ASCII.
        if not expected or not hmac.compare_digest(
            given.encode(errors="surrogatepass"), expected.reveal().encode()
        ):
            raise Unauthorized(phrase("webhook.no_secret", "the webhook call does not carry the secret"))

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        """Read the one update of a webhook call. Raises `BadPayload` for anything else."""
        try:
            item = json_value(request.body)
        except ValueError:
            raise BadPayload("the webhook call is not JSON") from None
        if not isinstance(item, dict) or type(item.get("update_id")) is not int:
            raise BadPayload("the webhook call is no Telegram update: it has no update_id")
        return (cut(item, instance=self.instance, bot_id=self._bot.id),)

    async def subscribe(self, url: str) -> None:
        """Make Telegram push updates to `url`.

        The first call of a process always sets the webhook, because the secret cannot be read back; later
        ones only if Telegram shows something else. Setting it twice within a second is a `RetryLater`.
        """
        secret = self.settings.webhook_secret
        if not secret:
            raise Rejected(phrase("webhook.secret_not_set", "webhook_secret is not set"))
        if self._subscribed == url:
            info = await self._look("getWebhookInfo")
            if requests.webhook_matches(info, url, self.settings.max_connections):
                return
        request = requests.set_webhook(url, secret.reveal(), self.settings.max_connections)
        await self._call(request.method, request.params)
        self._subscribed = url
        log.info("telegram.webhook_set", channel=self.instance, host=webhook_host(url))

    # -- out ----------------------------------------------------------------------------------------------

    async def deliver(self, message: Rendered) -> Receipt:
        """Send `message`, or put it in the place of the one it replaces; send it anew if that cannot be."""
        degraded = message.degraded + requests.unsupported(message)
        if message.replaces is not None:
            request = requests.edit(message)
            if request is not None and await self._edited(request):
                return Receipt(external_ids=(message.replaces,), sent_at=self.clock(), degraded=degraded)
            degraded += ("sent-instead-of-edited",)
        result = await self._send(requests.send(message))
        sent_id = result.get("message_id") if isinstance(result, dict) else None
        ids = () if sent_id is None else (str(sent_id),)
        return Receipt(external_ids=ids, sent_at=self.clock(), degraded=degraded)

    async def typing(self, chat: ChatRef) -> None:
        """Show "typing…" for up to five seconds."""
        await self._send(requests.typing(chat))

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        """Stop the spinner on the pressed button; a press that is too old has none any more."""
        if not action.callback_id:
            return
        try:
            await self._send(requests.acknowledge(action.callback_id, notice))
        except Rejected as error:
            if not is_stale_press(error):
                raise

    async def publish_commands(self, commands: Mapping[str, Sequence[BotCommand]]) -> None:
        """Show the commands in Telegram's menu, changing only the languages that differ."""
        if not self.settings.commands:
            return
        for language, entries in requests.commands(commands):
            if await self._call("getMyCommands", language) != entries:
                await self._call("setMyCommands", {**language, "commands": entries})

    # -- files and topics ---------------------------------------------------------------------------------

    async def download(self, file: Media, *, limit: int) -> bytes:
        """Get a file by its `file_id`: Telegram gives bots up to 20 MB of one. Raises as `Downloads` says."""
        if file.file_id is None:
            raise Rejected(
                phrase("telegram.file_unnamed", "Telegram gives a file by its file_id, and this one has none")
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
        request = requests.get_file(file.file_id)
        found: Any = None
        lost = ""
        try:
            found = await self._call(request.method, request.params)
        except Rejected as error:
            if not is_file_gone(error):
                raise
            lost = str(error)
        if lost:
            raise Gone(lost)
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not path:
            raise RetryLater(phrase("telegram.file_nowhere", "Telegram does not say where the file is"))
        if path.startswith("/"):
            raise Rejected(
                phrase(
                    "telegram.local_files",
                    "the Bot API server keeps files on its own disk; start it without --local",
                )
            )
        return await self._direct.file(path, limit=limit)

    async def open_topic(self, chat_id: str, title: str) -> str:
        """Begin a topic in a forum; the bot has to be an administrator that may manage topics."""
        request = requests.create_topic(chat_id, title)
        made = await self._call(request.method, request.params)
        thread_id = made.get("message_thread_id") if isinstance(made, dict) else None
        if type(thread_id) is not int:
            raise Unreachable(
                phrase("telegram.no_topic", "Telegram's answer to createForumTopic names no topic"),
                maybe_sent=True,
            )
        return str(thread_id)

    async def close_topic(self, chat_id: str, thread_id: str, *, closed: bool = True) -> None:
        """Close a topic or open it again. Raises `TopicGone` if it was deleted."""
        request = requests.close_topic(chat_id, thread_id, closed=closed)
        try:
            await self._call(request.method, request.params)
        except Rejected as error:
            if not is_topic_unchanged(error):
                raise

    # -- calls --------------------------------------------------------------------------------------------

    async def _call(self, method: str, params: Mapping[str, Any], *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed to the client
        api: BotApi = self._direct
        if self.settings.client == "aiogram":
            api = self._aiogram or await self._import_aiogram()
        return await api.call(method, params, timeout=timeout)

    async def _look(self, method: str, *, timeout: float | None = None) -> Mapping[str, Any]:  # noqa: ASYNC109 - passed to the client
        result = await self._call(method, {}, timeout=timeout)
        if not isinstance(result, dict):
            raise RetryLater(
                phrase(
                    "telegram.answer_no_object", "Telegram's answer to {method} is no object", method=method
                )
            )
        return result

    async def _send(self, request: BotRequest) -> Any:
        if request.upload is None:
            return await self._call(request.method, request.params)
        api = self._aiogram or await self._import_aiogram()
        return await api.upload(request.method, request.params, request.upload)

    async def _import_aiogram(self) -> AiogramApi:
        async with self._importing:
            if self._aiogram is None:
                # Seconds of work: in a thread, so that other chats are served meanwhile.
                module = await asyncio.to_thread(import_module, "channels.telegram.aiogram_api")
                self._aiogram = module.AiogramApi(
                    self._http, api_base=self.settings.api_base, token=self.settings.token
                )
            return self._aiogram

    async def _edited(self, request: BotRequest) -> bool:
        try:
            await self._call(request.method, request.params)
        except Rejected as error:
            if is_not_modified(error):
                return True
            if cannot_be_edited(error):
                return False
            raise
        return True

    async def _learn_identity(self) -> None:
        if self._bot.username is None:
            me = await self._look("getMe")
            self._bot = BotIdentity(self._bot.id, str(me["username"]) if me.get("username") else None)

    async def _make_way_for_polling(self) -> None:
        if self._may_poll:
            return
        info = await self._look("getWebhookInfo")
        url = str(info.get("url") or "")
        if url:
            await self._call("deleteWebhook", {"drop_pending_updates": False})
            self._removed_webhook = webhook_host(url)
            log.warning(
                "telegram.webhook_removed",
                channel=self.instance,
                host=self._removed_webhook,
                pending=info.get("pending_update_count"),
                why="polling gets nothing while a webhook is set",
            )
        self._may_poll = True
