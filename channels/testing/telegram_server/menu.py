"""The menu of commands, kept per scope and language. Pure over the given store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from channels.testing.telegram_server.refusal import bad_request

Menus = dict[tuple[str, str], list[dict[str, Any]]]

MAX_COMMANDS: Final = 100
MAX_DESCRIPTION: Final = 256
_NAME: Final = re.compile(r"/?([a-z0-9_]{1,32})")


def set_commands(menus: Menus, given: Mapping[str, Any]) -> bool:
    """Replace the commands of one scope and language. Raises a 400 when one of them is wrong."""
    commands = given["commands"]
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    menus[_place(given)] = [_command(one) for one in commands]
    return True


def get_commands(menus: Menus, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The commands set for exactly this scope and language."""
    return menus.get(_place(given), [])


def delete_commands(menus: Menus, given: Mapping[str, Any]) -> bool:
    """Forget the commands of one scope and language."""
    menus.pop(_place(given), None)
    return True


def _place(given: Mapping[str, Any]) -> tuple[str, str]:
    scope = given.get("scope") or {"type": "default"}
    return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode(), given.get("language_code", "")


def _command(one: object) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name, description = one.get("command"), one.get("description")
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not 1 <= len(description) <= MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": found.group(1), "description": description}
