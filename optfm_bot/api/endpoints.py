"""The endpoints of the API as data: the server is made of them, and so is their description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from optfm_bot.api.models import (
    ChannelList,
    ChannelView,
    LoginView,
    MessageAccepted,
    MessageView,
    OperationList,
    OperationParams,
    OperationResult,
    SendMessage,
)
from optfm_bot.api.refusals import STATUSES
from optfm_bot.api.tokens import Scope

IDEMPOTENCY_KEY = "Idempotency-Key"
_PLACE = re.compile(r"\{(\w+)\}")

_EVERYWHERE = ("bad_token", "wrong_scope", "too_many_failures", "internal", "store_unavailable")
_BODY = ("bad_json", "bad_request", "wrong_type", "too_large", "too_slow")
_PLATFORM = (
    "platform_busy", "platform_unauthorized", "nobody_there", "platform_refused", "conflict",
    "platform_unclear", "platform_unreachable", "platform_error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and method: which tokens may use it, what it takes, what it gives, how it may fail.

    `name` is the operation id and the name of its handler. Any of `scopes` lets in; none means that no token is needed.
    """

    name: str
    method: str
    path: str
    summary: str
    scopes: frozenset[Scope]
    takes: type[BaseModel] | None = None
    body_needed: bool = True
    gives: type[BaseModel] | None = None
    status: int = 200
    answers: str = ""
    codes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, ...]:
        """The names in the path that stand for something."""
        return tuple(_PLACE.findall(self.path))

    @property
    def refusals(self) -> Mapping[int, tuple[str, ...]]:
        """The codes that may come instead, by HTTP status."""
        found: dict[int, list[str]] = {}
        body = _BODY if self.takes is not None else ()
        guarded = _EVERYWHERE if self.scopes else ("internal",)
        for code in (*guarded, *body, *self.codes):
            found.setdefault(STATUSES[code], []).append(code)
        return {status: tuple(codes) for status, codes in sorted(found.items())}


_LOOKERS = frozenset({Scope.READ, Scope.SERVICE})
_SERVICE = frozenset({Scope.SERVICE})

PLACES: Mapping[str, str] = {
    "instance": "The name of a channel, as it is configured.",
    "name": "The name of an operation.",
    "id": "The id of a message, from the answer to sending it.",
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="send_message",
        method="POST",
        path="/channels/{instance}/messages",
        summary="Send a message",
        scopes=frozenset({Scope.MESSAGES}),
        takes=SendMessage,
        gives=MessageAccepted,
        status=202,
        answers="The message is stored and will be sent, also after a crash. `Location` tells where to ask for it.",
        codes=(
            "no_channel",
            "no_phone",
            "no_groups",
            "nothing_to_show",
            "not_storable",
            "bad_key",
            "key_reused",
            "not_now",
            *_PLATFORM,
        ),
        headers={
            IDEMPOTENCY_KEY: "Makes a repeated request safe: the same key with the same request gives the same "
            "message again and sends nothing. 1 to 255 printable ASCII characters."
        },
    ),
    Endpoint(
        name="message",
        method="GET",
        path="/messages/{id}",
        summary="Ask what has become of a message",
        scopes=frozenset({Scope.MESSAGES, Scope.READ}),
        gives=MessageView,
        codes=("no_message",),
    ),
    Endpoint(
        name="channels",
        method="GET",
        path="/channels",
        summary="List the channels",
        scopes=_LOOKERS,
        gives=ChannelList,
    ),
    Endpoint(
        name="channel",
        method="GET",
        path="/channels/{instance}",
        summary="Look at a channel",
        scopes=_LOOKERS,
        gives=ChannelView,
        codes=("no_channel",),
    ),
    Endpoint(
        name="operations",
        method="GET",
        path="/channels/{instance}/operations",
        summary="List what may be done to a channel's account",
        scopes=_LOOKERS,
        gives=OperationList,
        codes=("no_channel", "no_operations"),
    ),
    Endpoint(
        name="operate",
        method="POST",
        path="/channels/{instance}/operations/{name}",
        summary="Do something to a channel's account",
        scopes=_SERVICE,
        takes=OperationParams,
        body_needed=False,
        gives=OperationResult,
        codes=("no_channel", "no_operations", "no_operation", *_PLATFORM),
    ),
    Endpoint(
        name="start_login",
        method="POST",
        path="/channels/{instance}/login",
        summary="Begin to log a channel's account in",
        scopes=_SERVICE,
        gives=LoginView,
        status=202,
        answers="The login has begun; ask for its state.",
        codes=("no_channel", "no_login", "login_running"),
    ),
    Endpoint(
        name="login",
        method="GET",
        path="/channels/{instance}/login",
        summary="Ask how a login goes, and for the QR code to scan",
        scopes=_SERVICE,
        gives=LoginView,
        codes=("no_channel", "no_login", "no_login_running"),
    ),
    Endpoint(
        name="cancel_login",
        method="DELETE",
        path="/channels/{instance}/login",
        summary="End a login",
        scopes=_SERVICE,
        status=204,
        answers="There is no login any more.",
        codes=("no_channel", "no_login", "no_login_running"),
    ),
    Endpoint(
        name="description",
        method="GET",
        path="/openapi.json",
        summary="This description",
        scopes=frozenset(),
    ),
)
