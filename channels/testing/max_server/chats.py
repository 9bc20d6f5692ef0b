"""The operations about the bot itself and its chats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from channels.testing.max_server.fields import Fields
from channels.testing.max_server.messages import Reply, open_chat
from channels.testing.max_server.refusal import denied, not_found, unreadable
from channels.testing.max_server.world import Chat, Standing, World

MOST_COMMANDS: Final = 32
ACTIONS: Final = frozenset({
    "typing_on", "sending_photo", "sending_video", "sending_audio", "sending_file", "mark_seen",
})  # fmt: skip
PERMISSIONS: Final = ("read_all_messages", "write", "edit", "delete")


class Chats:
    """What can be asked and told about the bot and a chat."""

    def __init__(self, world: World) -> None:
        self.world = world

    def me(self) -> Reply:
        """GET /me."""
        return Reply({**self.world.bot, "commands": self.world.commands})

    def set_commands(self, value: object) -> Reply:
        """PATCH /me/commands."""
        given = Fields(value, "commands")
        commands = given.items("commands", most=MOST_COMMANDS)
        given.end()
        if commands is not None:
            self.world.commands = [_command(Fields(one, "command")) for one in commands]
        return Reply({"commands": self.world.commands})

    def one(self, given: Mapping[str, str]) -> Reply:
        """GET /chats/{chatId}, also when the bot may not speak there any more."""
        chat = self.world.chats.get(int(given["chat_id"]))
        if chat is None:
            raise not_found("chat.not.found", f"Chat {given['chat_id']} not found")
        return Reply(self._about(chat))

    def _about(self, chat: Chat) -> dict[str, Any]:
        dialog = chat.kind == "dialog"
        found: dict[str, Any] = {
            "chat_id": chat.id,
            "type": chat.kind,
            "status": chat.standing.value,
            "title": chat.title,
            "last_event_time": chat.last_event,
            "participants_count": 2 if dialog else 3,
            "is_public": False,
        }
        if chat.user_id is not None:
            found["dialog_with_user"] = self.world.person(chat.user_id)
        return found

    def act(self, given: Mapping[str, str], value: object) -> Reply:
        """POST /chats/{chatId}/actions."""
        body = Fields(value, "action")
        action = body.required_text("action")
        body.end()
        if action not in ACTIONS:
            raise unreadable(f"action is one of {', '.join(sorted(ACTIONS))}, not {action!r}")
        chat = open_chat(self.world, int(given["chat_id"]))
        self.world.actions.append({"chat_id": chat.id, "action": action})
        return Reply({"success": True})

    def membership(self, given: Mapping[str, str]) -> Reply:
        """GET /chats/{chatId}/members/me, of a group or a channel."""
        chat = self._group(given)
        access = {"last_access_time": chat.last_event, "join_time": chat.last_event, "is_owner": False}
        permissions = list(PERMISSIONS) if chat.admin else None
        return Reply({**self.world.bot, **access, "is_admin": chat.admin, "permissions": permissions})

    def leave(self, given: Mapping[str, str]) -> Reply:
        """DELETE /chats/{chatId}/members/me."""
        self._group(given).standing = Standing.LEFT
        return Reply({"success": True})

    def _group(self, given: Mapping[str, str]) -> Chat:
        chat = open_chat(self.world, int(given["chat_id"]))
        if chat.kind == "dialog":
            raise denied("A dialog has no members")
        return chat

    def video(self, given: Mapping[str, str], url: str) -> Reply:
        """GET /videos/{videoToken}."""
        upload = self.world.uploads.get(given["token"])
        if upload is None or upload.kind != "video" or upload.content is None:
            raise not_found("not.found", "Video not found")
        sizes = {"width": 640, "height": 360, "duration": 5}
        return Reply({"token": upload.token, "urls": {"mp4_360": url}, **sizes})


def _command(given: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {"name": given.required_text("name", least=1, most=64)}
    description = given.text("description", least=1, most=128)
    given.end()
    if description is not None:
        found["description"] = description
    return found
