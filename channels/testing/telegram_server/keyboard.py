"""Keyboards under messages, checked strictly: one wrong button loses the whole message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.telegram_server.refusal import bad_request

INLINE_ACTIONS: Final = frozenset({
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
})  # fmt: skip
INLINE_EXTRAS: Final = frozenset({"text", "icon_custom_emoji_id", "style", "disabled"})
REPLY_BUTTON_KEYS: Final = frozenset({
    "text", "icon_custom_emoji_id", "style", "request_users", "request_chat", "request_managed_bot",
    "request_contact", "request_location", "request_poll", "web_app", "request_user",
})  # fmt: skip
REPLY_KEYBOARD_KEYS: Final = frozenset({
    "keyboard", "is_persistent", "resize_keyboard", "one_time_keyboard", "input_field_placeholder",
    "selective", "force_reply",
})  # fmt: skip
MAX_BUTTONS: Final = 100
MAX_CALLBACK_BYTES: Final = 64
_ADDRESS: Final = re.compile(
    r"(?:https?://)?[^\s/?#@:]+\.[^\s/?#@:.]{2,}(?::\d+)?(?:[/?#]\S*)?|tg://\S+|tel:\+?\d+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button of a sent message. Inline buttons have `data` or `url` (or neither, for rarer actions)."""

    label: str
    data: str | None = None
    url: str | None = None
    asks_contact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """A checked `reply_markup`: `kind` is inline, reply, remove or force; `raw` is what was given."""

    kind: str
    rows: tuple[tuple[Button, ...], ...] = ()
    raw: Mapping[str, Any]


def read_keyboard(markup: object) -> Keyboard:
    """Check a `reply_markup` that is already JSON. Raises a 400 in the platform's words."""
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        _only(markup, frozenset({"inline_keyboard"}))
        rows = tuple(
            tuple(map(_inline_button, row)) for row in _rows(markup["inline_keyboard"], "inline keyboard")
        )
        _count(rows)
        return Keyboard(kind="inline", rows=rows, raw=markup)
    if "keyboard" in markup:
        _only(markup, REPLY_KEYBOARD_KEYS)
        rows = tuple(tuple(map(_reply_button, row)) for row in _rows(markup["keyboard"], "keyboard"))
        _count(rows)
        return Keyboard(kind="reply", rows=rows, raw=markup)
    if markup.get("remove_keyboard") is True:
        _only(markup, frozenset({"remove_keyboard", "selective"}))
        return Keyboard(kind="remove", raw=markup)
    if markup.get("force_reply") is True:
        _only(markup, frozenset({"force_reply", "input_field_placeholder", "selective"}))
        return Keyboard(kind="force", raw=markup)
    if not markup:
        return Keyboard(kind="inline", raw={"inline_keyboard": []})
    raise bad_request("object expected as reply markup")


def _only(markup: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := markup.keys() - known:
        raise bad_request(f"can't parse reply markup: unknown field {min(unknown)!r}")


def _rows(value: object, name: str) -> list[list[object]]:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise bad_request(f"can't parse {name}: expected an Array of Arrays of buttons")
    return value


def _count(rows: tuple[tuple[Button, ...], ...]) -> None:
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")


def _label(button: Mapping[str, Any], where: str) -> str:
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request(f'can\'t parse {where} button: field "text" must be a non-empty String')
    return text


def _inline_button(button: object) -> Button:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    label = _label(button, "inline keyboard")
    keys = {key for key, value in button.items() if value is not None}
    if unknown := keys - INLINE_ACTIONS - INLINE_EXTRAS:
        raise bad_request(f"can't parse inline keyboard button: unknown field {min(unknown)!r}")
    actions = keys & INLINE_ACTIONS
    if not actions and not button.get("disabled"):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if len(actions) > 1:
        raise bad_request(
            "can't parse inline keyboard button: exactly one action is allowed,"
            f" found {', '.join(sorted(actions))}"
        )
    data, url = button.get("callback_data"), button.get("url")
    if data is not None and (not isinstance(data, str) or not 1 <= len(data.encode()) <= MAX_CALLBACK_BYTES):
        raise bad_request("BUTTON_DATA_INVALID")
    if url is not None and (not isinstance(url, str) or _ADDRESS.fullmatch(url) is None):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return Button(label=label, data=data, url=url)


def _reply_button(button: object) -> Button:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict):
        raise bad_request("can't parse keyboard button: expected an Object or a String")
    if unknown := button.keys() - REPLY_BUTTON_KEYS:
        raise bad_request(f"can't parse keyboard button: unknown field {min(unknown)!r}")
    return Button(label=_label(button, "keyboard"), asks_contact=bool(button.get("request_contact")))
