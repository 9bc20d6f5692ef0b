"""One call, from its address and body to its answer: limits, the operation, its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from channels.testing.latency import LatencyBook
from channels.testing.max_server.chats import Chats
from channels.testing.max_server.faults import Fault
from channels.testing.max_server.feed import Feed
from channels.testing.max_server.limits import RateLimits
from channels.testing.max_server.messages import Messages, Reply
from channels.testing.max_server.quirks import Quirks
from channels.testing.max_server.refusal import ApiError, unreadable
from channels.testing.max_server.routes import SENDS, Route, read_query
from channels.testing.max_server.storage import TOKEN_FIRST, Storage
from channels.testing.max_server.world import Sent, Upload, World

_OK: Final = 200
_JSON: Final = "application/json"


@dataclass(slots=True)
class Call:
    """One call of the bot, as it came; `status` is 0 until it is answered and stays 0 if it never was.

    `given` holds the parameters of the address, `body` the JSON; `chat_id` is the chat it is about, if any.
    """

    method: str
    received_at: float
    given: dict[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    chat_id: int | None = None
    status: int = 0

    def as_json(self) -> dict[str, Any]:
        """The call as plain JSON."""
        names = ("method", "given", "body", "chat_id", "received_at", "status")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire; `sent` is the record of what the call sent to a person."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: Sent | None = None


def refusal(error: ApiError) -> Answer:
    """The answer that a refusal is."""
    return Answer(error.status, orjson.dumps(error.answer()), error.headers)


class BotApi:
    """All operations of one bot behind one door; `address` gives the upload and media addresses of a file."""

    def __init__(
        self,
        world: World,
        feed: Feed,
        limits: RateLimits,
        quirks: Quirks,
        latencies: LatencyBook,
        *,
        upload_url: Callable[[Upload], str],
        media_url: Callable[[Upload], str],
    ) -> None:
        self.world = world
        self.feed = feed
        self.limits = limits
        self.latencies = latencies
        self.upload_url = upload_url
        self.media_url = media_url
        self.messages = Messages(world, limits, quirks, media_url)
        self.chats = Chats(world)
        self.storage = Storage(world, quirks)
        self._operations = self._table()

    def read(
        self, route: Route, call: Call, path: Mapping[str, str], query: str, content_type: str, body: bytes
    ) -> None:
        """Fill in what the request carries. Raises a 400; the call stays in the log as far as it was read."""
        call.given = {**path}
        call.given.update(read_query(route, query))
        if route.has_body:
            if content_type.partition(";")[0].strip().lower() != _JSON:
                raise unreadable(f"the body is {_JSON}")
            try:
                call.body = orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise unreadable("the body is not JSON") from error
        call.chat_id = self._chat_of(call.given)

    def _chat_of(self, given: Mapping[str, str]) -> int | None:
        try:
            if "chat_id" in given:
                return int(given["chat_id"])
            if "user_id" in given:
                return self.world.dialogs.get(int(given["user_id"]))
        except ValueError:
            return None
        if post := self.world.posts.get(given.get("message_id", "")):
            return post.chat_id
        press = self.world.presses.get(given.get("callback_id", ""))
        return press.chat_id if press else None

    async def answer(self, call: Call, fault: Fault | None = None) -> Answer:
        """Answer a call; a fault that is a refusal comes before everything else."""
        try:
            refused = fault.answer() if fault is not None else None
            if refused is not None:
                return refusal(refused)
            self.limits.request(call.received_at)
            if call.method == "getUpdates":
                self.limits.poll(call.received_at)
                return Answer(_OK, await self.feed.get_updates(call.given))
            reply = self._operations[call.method](call)
        except ApiError as error:
            return refusal(error)
        if call.method in SENDS and reply.sent is not None:
            reply.sent.update_id = self.latencies.answer(reply.sent.chat_id, call.received_at)
        return Answer(_OK, orjson.dumps(reply.result), sent=reply.sent)

    def _table(self) -> dict[str, Callable[[Call], Reply]]:
        messages, chats, feed = self.messages, self.chats, self.feed
        return {
            "getMyInfo": lambda _: chats.me(),
            "editMyCommands": lambda call: chats.set_commands(call.body),
            "getSubscriptions": lambda _: Reply(feed.subscriptions()),
            "subscribe": lambda call: Reply(feed.subscribe(call.body)),
            "unsubscribe": lambda call: Reply(feed.unsubscribe(call.given)),
            "getMessages": lambda call: messages.many(call.given),
            "getMessageById": lambda call: messages.one(call.given),
            "sendMessage": lambda call: messages.send(call.given, call.body, call.received_at),
            "editMessage": lambda call: messages.edit(call.given, call.body, call.received_at),
            "deleteMessage": lambda call: messages.delete(call.given, call.received_at),
            "answerOnCallback": lambda call: messages.answer(call.given, call.body, call.received_at),
            "getUploadUrl": self._begin_upload,
            "getVideoAttachmentDetails": self._video,
            "getChat": lambda call: chats.one(call.given),
            "sendAction": lambda call: chats.act(call.given, call.body),
            "getMembership": lambda call: chats.membership(call.given),
            "leaveChat": lambda call: chats.leave(call.given),
        }

    def _begin_upload(self, call: Call) -> Reply:
        upload = self.storage.begin(call.given)
        found = {"url": self.upload_url(upload)}
        return Reply(found | {"token": upload.token} if upload.kind in TOKEN_FIRST else found)

    def _video(self, call: Call) -> Reply:
        upload = self.world.uploads.get(call.given["token"])
        return self.chats.video(call.given, "" if upload is None else self.media_url(upload))
