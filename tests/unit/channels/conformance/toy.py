"""A small platform with everything that a platform can have, and an honest channel for it: defects start from here."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field

from channels.capabilities import Buttons, Capabilities
from channels.contract import (
    Batch,
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Downloads,
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
    Conflict,
    Gone,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.http import HttpAnswer, HttpClient
from channels.model import (
    ActionIn,
    ChatRef,
    EchoIn,
    EditedIn,
    Media,
    MediaIn,
    RawUpdate,
    Receipt,
    Rendered,
    SenderRef,
    StartIn,
    TextIn,
)
from channels.testing.conformance.platform import Answered, Asked, Button, ScriptedPlatform, Sent, reply
from config.secret import Secret
from optfm_bot.testing.conformance import ChannelConformance


class ToySettings(ChannelSettings):
    token: Secret = Field(description="The bot's token.")
    hook: Secret = Field(description="Proves a push.")
    base: str = Field(description="Where the platform is.")


SPEC = ChannelSpec(
    kind="toy",
    title="Toy",
    settings=ToySettings,
    factory="toy_channel:ToyChannel",
    transports=frozenset({Transport.POLLING, Transport.WEBHOOK}),
    capabilities=Capabilities(
        text_limit=900,
        buttons=Buttons(max_rows=12, per_row=2, label_length=30),
        edit=True,
        typing=True,
        reads_history=True,
        idempotent=True,
    ),
)
_REACTIONS = {401: Unauthorized, 403: Gone, 409: Conflict, 413: TooLarge}


class ToyChannel(Channel, Polling, Webhook, Verifiable, Reconciling, Downloads, Operable):
    """An honest channel."""

    spec: ClassVar[ChannelSpec] = SPEC
    operations: ClassVar[Sequence[Operation]] = (Operation(name="queue-clear", summary="Forget what waits"),)
    settings: ToySettings

    def __init__(self, settings: ToySettings, context: ChannelContext) -> None:
        super().__init__(settings, context)
        self.http = HttpClient(timeout=20, secrets=[settings.token, settings.hook])

    async def close(self) -> None:
        await self.http.close()

    # -- in

    async def fetch(self, cursor: Cursor | None) -> Batch:
        found = await self.ask("GET", f"/updates?after={cursor or 0}")
        updates = tuple(self.cut(item) for item in found["updates"])
        return Batch(updates=updates, cursor=Cursor(str(found["last"])))

    def authenticate(self, request: WebhookRequest) -> None:
        given = request.headers.get("x-toy", "").encode(errors="surrogatepass")
        if not hmac.compare_digest(given, self.settings.hook.reveal().encode()):
            raise Unauthorized

    def split(self, request: WebhookRequest) -> Sequence[RawUpdate]:
        try:
            item = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise BadPayload from None
        if not isinstance(item, dict) or "id" not in item:
            raise BadPayload
        return (self.cut(item),)

    def cut(self, item: Any) -> RawUpdate:
        item = item if isinstance(item, dict) else {"odd": item}
        name = item.get("id")
        key = str(name) if type(name) is int else orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()
        return RawUpdate(key=key, lane=str(self.chat(item.get("chat"))), payload=item)

    def chat(self, chat_id: Any) -> ChatRef:
        return ChatRef(channel=self.instance, chat_id=chat_id if isinstance(chat_id, str) else "nobody")

    def parse(self, raw: RawUpdate) -> Sequence[Any]:  # noqa: PLR0911 - one return for each kind
        match raw.payload:
            case {"kind": str(kind), "chat": str(chat), "at": int(at), **rest} if 0 < at < 2**33:
                event: dict[str, Any] = {
                    "event_id": raw.key,
                    "message_id": raw.key,
                    "chat": self.chat(chat),
                    "sender": SenderRef(external_id=chat),
                    "at": datetime.fromtimestamp(at, UTC),
                }
            case _:
                raise BadPayload
        match kind, rest:
            case "text", {"text": str(text)}:
                return (TextIn(**event, text=text.replace("\x00", "")),)
            case "edit", {"text": str(text), "message": int(message)}:
                return (EditedIn(**event | {"message_id": str(message)}, text=text),)
            case "press", {"token": str(token)}:
                return (ActionIn(**event, token=token, callback_id=raw.key),)
            case "start", _:
                return (StartIn(**event),)
            case "photo", _:
                name = rest.get("file")
                return (MediaIn(**event, kind="photo", file_id=name if isinstance(name, str) else None),)
            case "own", _:
                return (EchoIn(**event),)
            case "text" | "edit" | "press", _:
                raise BadPayload
        return ()

    async def missed(self, since: datetime) -> Sequence[RawUpdate]:
        found = await self.ask("GET", "/journal")
        return [self.cut(item) for item in found["updates"]]

    # -- out

    async def deliver(self, message: Rendered) -> Receipt:
        rows = [
            [{"label": a.label, "token": a.token or ""} for a in row if not a.ask_contact]
            for row in message.actions
        ]
        body = {"chat": message.chat.chat_id, "text": message.text, "key": message.key, "buttons": rows}
        try:
            data = orjson.dumps(body | {"replaces": message.replaces})
        except TypeError as error:
            raise Rejected("this text cannot be written") from error
        found = await self.ask("POST", "/send", data)
        return Receipt(external_ids=(found["id"],), sent_at=self.clock())

    async def typing(self, chat: ChatRef) -> None:
        await self.ask("POST", "/typing")

    async def acknowledge_action(self, action: ActionIn, notice: str = "") -> None:
        await self.ask("POST", "/ack")

    async def find(self, message: Rendered, *, since: datetime) -> Receipt | None:
        found = await self.ask("GET", f"/find?key={message.key}")
        return Receipt(external_ids=(found["id"],), sent_at=self.clock()) if found["id"] else None

    async def download(self, file: Media, *, limit: int) -> bytes:
        url = f"{self.settings.base}/files/{file.file_id}"
        answer = await self.http.request("GET", url, limit=limit)
        if answer.status == 404:
            raise Gone("the file is no more")
        if answer.status != 200:
            self.read(answer)
        return answer.body

    async def operate(self, name: str, params: ChannelSettings) -> Any:
        raise LookupError(name)

    # -- calls

    async def ask(self, method: str, path: str, data: bytes | None = None) -> Any:
        headers = {"Authorization": self.settings.token.reveal()}
        answer = await self.http.request(method, self.settings.base + path, data=data, headers=headers)
        return self.read(answer)

    def read(self, answer: HttpAnswer) -> Any:
        status = answer.status
        if status == 200:
            try:
                return orjson.loads(answer.body)
            except orjson.JSONDecodeError:
                raise Unreachable("nonsense came back", maybe_sent=True) from None
        if status == 429 or status >= 500:
            raise RetryLater(f"HTTP {status}", after=answer.retry_after())
        raise _REACTIONS.get(status, Rejected)(f"HTTP {status}")


class ToyPlatform(ScriptedPlatform):
    """The other side."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[Any] = []
        self.keys: dict[str, Sent] = {}
        self.served = 0
        self.files: dict[str, bytes] = {}

    async def answer(self, asked: Asked) -> Answered:
        if asked.path.startswith("/files/"):
            content = self.files.get(asked.path.removeprefix("/files/"))
            return self.refusal(404) if content is None else Answered(body=content)
        match asked.path:
            case "/updates":
                return await self.updates(int(asked.query["after"]))
            case "/journal":
                return reply({"updates": [*self.journal, *self.waiting]})
            case "/find":
                known = self.keys.get(asked.query["key"])
                return reply({"id": known.id if known else None})
            case "/send":
                return self.send(asked.json)
        return reply({})

    async def updates(self, after: int) -> Answered:
        del self.waiting[: max(0, after - self.served)]
        self.served = max(self.served, after)
        await self.something(1.0)
        return reply({"updates": list(self.waiting), "last": self.served + len(self.waiting)})

    def send(self, body: Mapping[str, Any]) -> Answered:
        if not body["text"].strip() or len(body["text"]) > 900:
            return self.refusal(400)
        buttons = [Button(**button) for row in body["buttons"] for button in row]
        if known := self.keys.get(body["key"]):
            return reply({"id": known.id})
        old = next((one for one in self.accepted if one.id == body["replaces"]), None)
        if old is not None:
            new = Sent(id=old.id, chat=old.chat, text=body["text"], buttons=tuple(buttons))
            self.accepted[self.accepted.index(old)] = new
            return reply({"id": old.id})
        self.keys[body["key"]] = sent = self.accept(body["chat"], body["text"], buttons)
        return reply({"id": sent.id})

    def text(self, number: int, chat: str, words: str) -> Any:
        return {"id": number, "kind": "text", "chat": chat, "text": words, "at": 1768467600}

    def start(self, number: int, chat: str) -> Any:
        return {"id": number, "kind": "start", "chat": chat, "at": 1768467600}

    def press(self, number: int, button: Button, message: Sent) -> Any:
        about = {"token": button.token, "message": message.id}
        return {"id": number, "kind": "press", "chat": message.chat, "at": 1768467600, **about}

    def hands(self, chat: str, content: bytes) -> None:
        number = self._next()
        self.files[str(number)] = content
        self.put({**self.media(number, chat), "file": str(number)})

    def loses_files(self) -> None:
        self.files.clear()

    def media(self, number: int, chat: str) -> Any:
        return {"id": number, "kind": "photo", "chat": chat, "at": 1768467600}


class ToyConformance(ChannelConformance, abstract=True):
    """What the author of the toy channel writes."""

    spec = SPEC
    payloads = Path(__file__).with_name("payloads")
    chat = "7"
    examples = 40
    made: ClassVar[type[ToyChannel]] = ToyChannel
    other_side: ClassVar[type[ToyPlatform]] = ToyPlatform

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {"token": f"token-{self.canary}", "hook": f"hook-{self.canary}", "base": base_url}

    def platform(self) -> ToyPlatform:
        return self.other_side()

    def push_headers(self, body: bytes) -> Mapping[str, str]:
        return {"x-toy": f"hook-{self.canary}"}

    def make(self, settings: Any, context: ChannelContext, platform: Any) -> ToyChannel:
        return self.made(settings, context)
