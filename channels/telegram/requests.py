"""What to ask of the Bot API: pure functions from our data to a method and its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from channels.contract import BotCommand
from channels.errors import Rejected
from channels.graphemes import shorten
from channels.model import Action, ChatRef, Media, MediaKind, Purpose, Rendered
from channels.phrase import phrase
from channels.values import dataclass

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""Named in every mode: an omitted list would silently keep whatever was set before."""

BATCH_LIMIT = 100
NOTICE_LIMIT = 200
TOPIC_TITLE_LIMIT = 128

_MEDIA = {
    MediaKind.IMAGE: ("sendPhoto", "photo"),
    MediaKind.VIDEO: ("sendVideo", "video"),
    MediaKind.AUDIO: ("sendAudio", "audio"),
    MediaKind.FILE: ("sendDocument", "document"),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A local file that travels with a request, in the parameter `name`."""

    name: str
    path: str
    filename: str


@dataclass(frozen=True, slots=True)
class BotRequest:
    """One call of the Bot API. With an `upload` it has to go out as a form, otherwise as JSON."""

    method: str
    params: dict[str, Any] = field(repr=False)
    upload: Upload | None = None


def send(message: Rendered) -> BotRequest:
    """Build the call that sends `message`: its text, or its file with the text as the caption; a note makes no sound.

    Raises `Rejected` for more than one file: an album can carry no buttons, so the house sends files one by
    one.
    """
    params = _target(message.chat)
    if not message.media:
        params["text"] = message.text
        _add_text_options(params, message)
        method, upload = "sendMessage", None
    else:
        method, upload = _add_media(params, message)
    if message.purpose is Purpose.NOTE:
        params["disable_notification"] = True
    if message.reply_to is not None and message.reply_to.isdecimal():
        params["reply_parameters"] = {
            "message_id": int(message.reply_to),
            "allow_sending_without_reply": True,
        }
    keyboard = _keyboard(message.actions)
    if keyboard:
        params["reply_markup"] = {"inline_keyboard": keyboard}
    return BotRequest(method, params, upload)


def edit(message: Rendered) -> BotRequest | None:
    """Build the call that puts `message` in the place of `message.replaces`; None where that cannot be.

    No buttons in `message` means that the old ones disappear.
    """
    if message.media or message.replaces is None or not message.replaces.isdecimal():
        return None
    params: dict[str, Any] = {
        "chat_id": chat_id(message.chat),
        "message_id": int(message.replaces),
        "text": message.text,
    }
    _add_text_options(params, message)
    keyboard = _keyboard(message.actions)
    if keyboard:
        params["reply_markup"] = {"inline_keyboard": keyboard}
    return BotRequest("editMessageText", params)


def unsupported(message: Rendered) -> tuple[str, ...]:
    """Name what a Telegram message cannot carry: an inline button cannot ask for a phone number."""
    asks = any(action.ask_contact for row in message.actions for action in row)
    return ("contact-button",) if asks else ()


def typing(chat: ChatRef) -> BotRequest:
    """Build the call that shows "typing…" for up to five seconds."""
    return BotRequest("sendChatAction", {**_target(chat), "action": "typing"})


def acknowledge(callback_id: str, notice: str) -> BotRequest:
    """Build the call that stops the spinner on a pressed button, with a notice of at most 200 characters."""
    params: dict[str, Any] = {"callback_query_id": callback_id}
    if notice:
        params["text"] = notice[:NOTICE_LIMIT]
    return BotRequest("answerCallbackQuery", params)


def create_topic(group: str, title: str) -> BotRequest:
    """Build the call that begins a topic in a forum; its title is cut to what Telegram shows."""
    name = shorten(" ".join(title.split()), TOPIC_TITLE_LIMIT) or "…"
    return BotRequest("createForumTopic", {"chat_id": _chat_number(group), "name": name})


def close_topic(group: str, thread_id: str, *, closed: bool) -> BotRequest:
    """Build the call that closes a topic, or opens it again. Raises `Rejected` for what is no topic's id."""
    if not thread_id.isdecimal():
        raise Rejected(phrase("telegram.topic_number", "a topic of Telegram is called by a number"))
    method = "closeForumTopic" if closed else "reopenForumTopic"
    return BotRequest(method, {"chat_id": _chat_number(group), "message_thread_id": int(thread_id)})


def get_file(file_id: str) -> BotRequest:
    """Build the call that says where a file is, for an hour at least."""
    return BotRequest("getFile", {"file_id": file_id})


def get_updates(offset: int | None, wait: float) -> BotRequest:
    """Build the call that waits up to `wait` seconds for updates from `offset` on and confirms older ones."""
    params: dict[str, Any] = {
        "limit": BATCH_LIMIT,
        "timeout": int(wait),
        "allowed_updates": list(ALLOWED_UPDATES),
    }
    if offset is not None:
        params["offset"] = offset
    return BotRequest("getUpdates", params)


def set_webhook(url: str, secret: str, max_connections: int) -> BotRequest:
    """Build the call that makes Telegram push updates to `url`, keeping those that wait."""
    return BotRequest(
        "setWebhook",
        {
            "url": url,
            "secret_token": secret,
            "max_connections": max_connections,
            "allowed_updates": list(ALLOWED_UPDATES),
            "drop_pending_updates": False,
        },
    )


def webhook_matches(info: Mapping[str, Any], url: str, max_connections: int) -> bool:
    """Tell whether `getWebhookInfo` shows what `set_webhook` would set (the secret cannot be read back)."""
    allowed = info.get("allowed_updates")
    return (
        info.get("url") == url
        and info.get("max_connections", max_connections) == max_connections
        and isinstance(allowed, list)
        and {str(name) for name in allowed} == set(ALLOWED_UPDATES)
    )


def commands(menu: Mapping[str, Sequence[BotCommand]]) -> list[tuple[dict[str, Any], list[dict[str, str]]]]:
    """Give, for each menu to be shown, the parameters that name it and its commands.

    Telegram shows the menu without a language to everybody whose language has none of its own. If `menu` has
    no entry under the empty code, its first one serves there too.
    """
    menus = {code.replace("_", "-").partition("-")[0].lower(): entries for code, entries in menu.items()}
    if menus and "" not in menus:
        menus = {"": next(iter(menus.values())), **menus}
    return [
        (
            {"language_code": code} if code else {},
            [{"command": entry.name, "description": entry.description} for entry in entries],
        )
        for code, entries in menus.items()
    ]


def chat_id(chat: ChatRef) -> int | str:
    """Give the id as Telegram wants it: a number, or the @name of a public channel."""
    return _chat_number(chat.chat_id)


def _chat_number(name: str) -> int | str:
    return int(name) if name.removeprefix("-").isdecimal() else name


def _target(chat: ChatRef) -> dict[str, Any]:
    params: dict[str, Any] = {"chat_id": chat_id(chat)}
    if chat.thread_id is not None and chat.thread_id.isdecimal():
        params["message_thread_id"] = int(chat.thread_id)
    return params


def _add_text_options(params: dict[str, Any], message: Rendered) -> None:
    if message.markup:
        params["parse_mode"] = "HTML"
    # A link in an answer is a reference; the picture of its page would push the answer off a small screen.
    params["link_preview_options"] = {"is_disabled": True}


def _add_media(params: dict[str, Any], message: Rendered) -> tuple[str, Upload | None]:
    if len(message.media) > 1:
        raise Rejected(
            phrase(
                "file.one_each_telegram",
                "Telegram takes one file with each message; send the files one by one",
            )
        )
    media: Media = message.media[0]
    method, name = _MEDIA[media.kind]
    if message.text:
        params["caption"] = message.text
        if message.markup:
            params["parse_mode"] = "HTML"
    if media.path is not None:
        return method, Upload(name, media.path, media.name)
    if media.url is None:
        raise Rejected(phrase("file.no_address", "a file to send needs an address or a path"))
    params[name] = media.url
    return method, None


def _keyboard(rows: Sequence[Sequence[Action]]) -> list[list[dict[str, str]]]:
    keyboard = []
    for row in rows:
        buttons = [_button(action) for action in row if not action.ask_contact]
        if buttons:
            keyboard.append(buttons)
    return keyboard


def _button(action: Action) -> dict[str, str]:
    if action.url is not None:
        return {"text": action.label, "url": action.url}
    return {"text": action.label, "callback_data": action.token or ""}
