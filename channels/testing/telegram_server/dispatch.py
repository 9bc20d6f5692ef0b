"""One call, from its raw parameters to its answer: validation, flood limits, the method, its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from channels.testing.latency import LatencyBook
from channels.testing.telegram_server.faults import Fault, RateLimits
from channels.testing.telegram_server.methods import EDITS, SENDS, ChatMethods, Reply
from channels.testing.telegram_server.refusal import ApiError
from channels.testing.telegram_server.subscription import Subscription
from channels.testing.telegram_server.validation import METHODS, PARAMETERS, read_parameters
from channels.testing.telegram_server.wire import Parameters, Uploads, adopt_files, failure, success
from channels.testing.telegram_server.world import Sent

_NOT_IN_REPLIES: Final = frozenset({"setWebhook", "deleteWebhook", "close", "logOut"})
_OK: Final = 200


@dataclass(slots=True)
class Call:
    """One call of the bot, as it came; `status` is 0 until it is answered and stays 0 if it never was."""

    method: str
    given: Parameters = field(repr=False)
    received_at: float
    status: int = 0

    def as_json(self) -> dict[str, Any]:
        """The call as plain JSON."""
        return {
            "method": self.method,
            "given": self.given,
            "received_at": self.received_at,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire; `sent` is the record of what the call sent to a person."""

    status: int
    body: bytes
    sent: Sent | None = None


def reply_method(given: Parameters) -> str | None:
    """Take the method out of an answer to a webhook; None when Telegram would not run it from there."""
    method = METHODS.get(str(given.pop("method", "")).lower())
    if method is None or method.startswith("get") or method in _NOT_IN_REPLIES:
        return None
    return method


class BotApi:
    """All methods of one bot behind one door."""

    def __init__(
        self, methods: ChatMethods, subscription: Subscription, limits: RateLimits, latencies: LatencyBook
    ) -> None:
        self.methods = methods
        self.subscription = subscription
        self.limits = limits
        self.latencies = latencies
        self.logged_out = False

    async def answer(self, call: Call, files: Uploads, fault: Fault | None = None) -> Answer:
        """Answer a call; a fault that is a refusal comes before everything else."""
        try:
            refused = fault.answer() if fault is not None else None
            if refused is not None:
                return Answer(refused.code, failure(refused))
            given = self._read(call, files)
            if call.method == "getUpdates":
                updates = await self.subscription.get_updates(given)
                return Answer(_OK, b'{"ok":true,"result":[' + b",".join(updates) + b"]}")
            reply = self._perform(call, given, files)
        except ApiError as error:
            return Answer(error.code, failure(error))
        return Answer(_OK, success(reply.result, reply.description), reply.sent)

    def run_reply(self, call: Call, files: Uploads) -> None:
        """Do what an answer to a webhook asks for; the bot never learns how it went."""
        try:
            reply = self._perform(call, self._read(call, files), files)
        except ApiError as error:
            call.status = error.code
            return
        call.status = _OK
        if reply.sent is not None:
            reply.sent.outcome, reply.sent.answered_at = "answered", call.received_at

    def _read(self, call: Call, files: Uploads) -> Parameters:
        if self.logged_out:
            raise ApiError(400, "Logged out")
        if files:
            adopt_files(PARAMETERS[call.method], call.given, files)
        return read_parameters(call.method, call.given)

    def _perform(self, call: Call, given: Parameters, files: Uploads) -> Reply:
        method = call.method
        handler = self.methods.handlers.get(method)
        if handler is None:
            return self._perform_for_bot(method, given, files)
        if method in SENDS or method in EDITS:
            self.limits.check(given.get("chat_id"), call.received_at)
        reply = handler(given, files, call.received_at)
        if method in SENDS and reply.sent is not None:
            reply.sent.update_id = self.latencies.answer(reply.sent.chat_id, call.received_at)
        return reply

    def _perform_for_bot(self, method: str, given: Parameters, files: Uploads) -> Reply:
        match method:
            case "setWebhook":
                return self.subscription.set_webhook(given, has_certificate="certificate" in files)
            case "deleteWebhook":
                return self.subscription.delete_webhook(given)
            case "getWebhookInfo":
                return self.subscription.webhook_info()
            case "logOut":
                self.logged_out = True
                self.subscription.wake()
                return Reply(result=True)
            case _:
                # close: a real server stops serving the bot until its next call, which is no difference here.
                self.subscription.wake()
                return Reply(result=True)
