"""The parameters of every method: which exist, which are required, and how their texts are read.

Telegram ignores parameters that it does not know; this fake refuses them, because a misspelt one is a bug
that nobody would notice otherwise. Values may come as JSON or as form texts, as with the real server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from channels.testing.telegram_server.refusal import bad_request

_TRUE: Final = frozenset({"true", "True", "1", "yes"})
_FALSE: Final = frozenset({"false", "False", "0", "no", ""})
Reader = Callable[[str, Any], Any]


def read_integer(name: str, value: Any) -> int:
    """A whole number, or a text that is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
    raise bad_request(f'parameter "{name}" must be an Integer')


def read_chat(name: str, value: Any) -> int | str:
    """A chat id, or the @name of a public chat."""
    if isinstance(value, str) and value.startswith("@"):
        return value
    if value == "":
        raise bad_request(f"{name} is empty")
    return read_integer(name, value)


def read_boolean(name: str, value: Any) -> bool:
    """True or false, as JSON or as a text."""
    if isinstance(value, bool):
        return value
    if (text := str(value)) in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise bad_request(f'parameter "{name}" must be a Boolean')


def read_text(name: str, value: Any) -> str:
    """A text; numbers are taken as their digits, like in a form."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise bad_request(f'parameter "{name}" must be a String')


def read_json(name: str, value: Any) -> Any:
    """A JSON-serialised object or array."""
    if isinstance(value, (dict, list)):
        return value
    try:
        found = orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        found = None
    if not isinstance(found, (dict, list)):
        raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object")
    return found


_COMMON_SEND: Final[dict[str, Reader]] = {
    "chat_id": read_chat,
    "business_connection_id": read_text,
    "message_thread_id": read_integer,
    "direct_messages_topic_id": read_integer,
    "disable_notification": read_boolean,
    "protect_content": read_boolean,
    "allow_paid_broadcast": read_boolean,
    "message_effect_id": read_text,
    "suggested_post_parameters": read_json,
    "reply_parameters": read_json,
    "reply_markup": read_json,
    "ephemeral_message_parameters": read_json,
    "receiver_user_id": read_integer,
    "callback_query_id": read_text,
    "allow_sending_without_reply": read_boolean,
    "reply_to_message_id": read_integer,
}
_FORMATTED: Final[dict[str, Reader]] = {
    "text": read_text,
    "parse_mode": read_text,
    "entities": read_json,
    "link_preview_options": read_json,
    "disable_web_page_preview": read_boolean,
}
_CAPTIONED: Final[dict[str, Reader]] = {
    **_COMMON_SEND,
    "caption": read_text,
    "parse_mode": read_text,
    "caption_entities": read_json,
}
_EDIT: Final[dict[str, Reader]] = {
    "business_connection_id": read_text,
    "chat_id": read_chat,
    "message_id": read_integer,
    "inline_message_id": read_text,
    "reply_markup": read_json,
}
_SCOPED: Final[dict[str, Reader]] = {"scope": read_json, "language_code": read_text}

_OF_A_TOPIC: Final = ("closeForumTopic", "reopenForumTopic", "deleteForumTopic")

PARAMETERS: Final[dict[str, dict[str, Reader]]] = {
    "getMe": {},
    "getUpdates": {
        "offset": read_integer,
        "limit": read_integer,
        "timeout": read_integer,
        "allowed_updates": read_json,
    },
    "setWebhook": {
        "url": read_text,
        "certificate": read_text,
        "ip_address": read_text,
        "max_connections": read_integer,
        "allowed_updates": read_json,
        "drop_pending_updates": read_boolean,
        "secret_token": read_text,
    },
    "deleteWebhook": {"drop_pending_updates": read_boolean},
    "getWebhookInfo": {},
    "sendMessage": {**_COMMON_SEND, **_FORMATTED},
    "editMessageText": {**_EDIT, **_FORMATTED, "rich_message": read_json},
    "editMessageReplyMarkup": _EDIT,
    "answerCallbackQuery": {
        "callback_query_id": read_text,
        "text": read_text,
        "show_alert": read_boolean,
        "url": read_text,
        "cache_time": read_integer,
    },
    "sendChatAction": {
        "chat_id": read_chat,
        "action": read_text,
        "business_connection_id": read_text,
        "message_thread_id": read_integer,
    },
    "sendPhoto": {
        **_CAPTIONED,
        "photo": read_text,
        "show_caption_above_media": read_boolean,
        "has_spoiler": read_boolean,
    },
    "sendDocument": {
        **_CAPTIONED,
        "document": read_text,
        "thumbnail": read_text,
        "disable_content_type_detection": read_boolean,
    },
    "sendVideo": {
        **_CAPTIONED,
        "video": read_text,
        "duration": read_integer,
        "width": read_integer,
        "height": read_integer,
        "thumbnail": read_text,
        "cover": read_text,
        "start_timestamp": read_integer,
        "show_caption_above_media": read_boolean,
        "has_spoiler": read_boolean,
        "supports_streaming": read_boolean,
    },
    "sendAudio": {
        **_CAPTIONED,
        "audio": read_text,
        "duration": read_integer,
        "performer": read_text,
        "title": read_text,
        "thumbnail": read_text,
    },
    "setMyCommands": {"commands": read_json, **_SCOPED},
    "getMyCommands": _SCOPED,
    "deleteMyCommands": _SCOPED,
    "getFile": {"file_id": read_text},
    "getChat": {"chat_id": read_chat},
    "createForumTopic": {
        "chat_id": read_chat,
        "name": read_text,
        "icon_color": read_integer,
        "icon_custom_emoji_id": read_text,
    },
    **{name: {"chat_id": read_chat, "message_thread_id": read_integer} for name in _OF_A_TOPIC},
    "logOut": {},
    "close": {},
}

REQUIRED: Final[dict[str, dict[str, str]]] = {
    "sendMessage": {"chat_id": "chat_id is empty", "text": "message text is empty"},
    "answerCallbackQuery": {"callback_query_id": 'parameter "callback_query_id" is required'},
    "sendChatAction": {"chat_id": "chat_id is empty", "action": "wrong parameter action in request"},
    "sendPhoto": {"chat_id": "chat_id is empty", "photo": "there is no photo in the request"},
    "sendDocument": {"chat_id": "chat_id is empty", "document": "there is no document in the request"},
    "sendVideo": {"chat_id": "chat_id is empty", "video": "there is no video in the request"},
    "sendAudio": {"chat_id": "chat_id is empty", "audio": "there is no audio in the request"},
    "setMyCommands": {"commands": 'parameter "commands" is required'},
    "getFile": {"file_id": 'invalid file_id: parameter "file_id" is required'},
    "getChat": {"chat_id": "chat_id is empty"},
    "createForumTopic": {"chat_id": "chat_id is empty", "name": "topic name is empty"},
    **{
        name: {"chat_id": "chat_id is empty", "message_thread_id": "message_thread_id is required"}
        for name in _OF_A_TOPIC
    },
}
"""What Telegram says when a required parameter is missing; methods that are not here require nothing by
themselves.

setWebhook requires no `url`: an empty one removes the webhook.
"""

METHODS: Final = {name.lower(): name for name in PARAMETERS}
"""Method names are not case-sensitive."""


def read_parameters(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters, typed; null means not given. Raises a 400 for an unknown or a missing one."""
    readers = PARAMETERS[method]
    found: dict[str, Any] = {}
    for name, value in given.items():
        reader = readers.get(name)
        if reader is None:
            raise bad_request(f'unknown parameter "{name}" of {method}')
        if value is not None:
            found[name] = reader(name, value)
    for name, complaint in REQUIRED.get(method, {}).items():
        if name not in found:
            raise bad_request(complaint)
    return found
