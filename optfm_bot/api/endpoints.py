"""The endpoints of the API as data: the server is made of them, and so is their description."""

from __future__ import annotations

from collections.abc import Mapping

from optfm_bot.api.endpoint import IDEMPOTENCY_KEY, Endpoint
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
from optfm_bot.api.people_endpoints import PEOPLE_ENDPOINTS
from optfm_bot.api.tokens import Scope

_PLATFORM = (
    "platform_busy", "platform_unauthorized", "nobody_there", "platform_refused", "conflict",
    "platform_unclear", "platform_unreachable", "platform_error",
)  # fmt: skip

_LOOKERS = frozenset({Scope.READ, Scope.SERVICE})
_SERVICE = frozenset({Scope.SERVICE})

PLACES: Mapping[str, str] = {
    "instance": "The name of a channel, as it is configured.",
    "name": "The name of an operation.",
    "id": "An id as the API has given it: of a message, of a proposal.",
    "chat": "A conversation: `channel:chat`, in a topic `channel:chat:topic`, as lists show it.",
    "number": "The number of a request, as people call it.",
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
    *PEOPLE_ENDPOINTS,
    Endpoint(
        name="description",
        method="GET",
        path="/openapi.json",
        summary="This description",
        scopes=frozenset(),
    ),
)
