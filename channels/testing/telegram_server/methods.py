"""The methods that talk to chats: sending, editing, answering presses, files, commands. No network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.telegram_server import updates
from channels.testing.telegram_server.formatting import CAPTION_LIMIT, TEXT_LIMIT, read_words
from channels.testing.telegram_server.keyboard import Keyboard, read_keyboard
from channels.testing.telegram_server.menu import delete_commands, get_commands, set_commands
from channels.testing.telegram_server.refusal import ApiError, bad_request
from channels.testing.telegram_server.world import Chat, Post, Sent, Standing, StoredFile, World

SENDS: Final = frozenset({"sendMessage", "sendPhoto", "sendDocument", "sendVideo", "sendAudio"})
EDITS: Final = frozenset({"editMessageText", "editMessageReplyMarkup"})
_MEDIA: Final = {"sendPhoto": "photo", "sendDocument": "document", "sendVideo": "video", "sendAudio": "audio"}
_SUFFIXES: Final = {"photo": ".jpg", "document": "", "video": ".mp4", "audio": ".mp3"}
_NOT_MODELLED: Final = frozenset({
    "direct_messages_topic_id", "suggested_post_parameters", "ephemeral_message_parameters",
    "receiver_user_id", "callback_query_id", "inline_message_id", "rich_message",
})  # fmt: skip
_ACTIONS: Final = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
_REPLY_KEYS: Final = frozenset({
    "message_id", "chat_id", "allow_sending_without_reply", "quote", "quote_parse_mode", "quote_entities",
    "quote_position", "checklist_task_id", "poll_option_id", "ephemeral_message_id",
})  # fmt: skip
_MAX_PHOTO: Final = 10 * 1024 * 1024
_MAX_DOWNLOAD: Final = 20 * 1024 * 1024
_MAX_NOTICE: Final = 200
_MAX_TOPIC_NAME: Final = 128
_ICON_COLOR: Final = 7322096

_FORBIDDEN: Final = {
    Standing.BLOCKED: "Forbidden: bot was blocked by the user",
    Standing.DEACTIVATED: "Forbidden: user is deactivated",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a method answers; `sent` is the record of what it sent, if it did."""

    result: Any
    description: str | None = None
    sent: Sent | None = None


@dataclass(slots=True, kw_only=True)
class _Place:
    thread_id: int | None = None
    quoted: dict[str, Any] | None = None


class ChatMethods:
    """The methods of one bot over its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.handlers: Mapping[str, Callable[[dict[str, Any], Mapping[str, Upload], float], Reply]] = {
            "getMe": lambda _given, _files, _now: Reply(self.world.bot),
            "sendMessage": self._send_message,
            **{method: self._send_media(method) for method in _MEDIA},
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_keyboard,
            "answerCallbackQuery": self._answer_press,
            "sendChatAction": self._chat_action,
            "setMyCommands": lambda given, _files, _now: Reply(set_commands(self.world.commands, given)),
            "getMyCommands": lambda given, _files, _now: Reply(get_commands(self.world.commands, given)),
            "deleteMyCommands": lambda given, _files, _now: Reply(
                delete_commands(self.world.commands, given)
            ),
            "createForumTopic": self._create_topic,
            "closeForumTopic": lambda given, _files, now: self._change_topic(given, now, "closed"),
            "reopenForumTopic": lambda given, _files, now: self._change_topic(given, now, "reopened"),
            "deleteForumTopic": lambda given, _files, now: self._change_topic(given, now, "deleted"),
            "getFile": self._get_file,
            "getChat": self._get_chat,
        }

    def _chat(self, given: Mapping[str, Any]) -> Chat:
        key = given["chat_id"]
        chat = self.world.chats.get(self.world.names.get(key.lower(), 0) if isinstance(key, str) else key)
        if chat is None:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            raise ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                parameters={"migrate_to_chat_id": chat.migrated_to},
            )
        if chat.standing is Standing.KICKED:
            raise ApiError(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
        if chat.standing is not Standing.OPEN:
            raise ApiError(403, _FORBIDDEN[chat.standing])
        return chat

    @staticmethod
    def _modelled(given: Mapping[str, Any]) -> None:
        if "business_connection_id" in given:
            raise bad_request("business connection not found")
        for name in _NOT_MODELLED & given.keys():
            raise bad_request(f'parameter "{name}" is not modelled by this fake')

    def _place(self, chat: Chat, given: Mapping[str, Any]) -> _Place:
        place = _Place(thread_id=given.get("message_thread_id"), quoted=self._quoted(chat, given))
        if place.thread_id is None and place.quoted and place.quoted["chat"]["id"] == chat.id:
            place.thread_id = place.quoted.get("message_thread_id")
        if place.thread_id is not None:
            if place.thread_id not in chat.topics:
                raise bad_request("message thread not found")
            if place.thread_id in chat.closed_topics and not chat.manages_topics:
                raise bad_request("TOPIC_CLOSED")
        return place

    def _quoted(self, chat: Chat, given: Mapping[str, Any]) -> dict[str, Any] | None:
        about = given.get("reply_parameters")
        if about is None:
            if "reply_to_message_id" not in given:
                return None
            about = {
                "message_id": given["reply_to_message_id"],
                "allow_sending_without_reply": given.get("allow_sending_without_reply"),
            }
        if not isinstance(about, dict) or not isinstance(about.get("message_id"), int):
            raise bad_request("can't parse reply parameters JSON object")
        if unknown := about.keys() - _REPLY_KEYS:
            raise bad_request(f"can't parse reply parameters: unknown field {min(unknown)!r}")
        home = self.world.chats.get(about["chat_id"]) if about.get("chat_id") else chat
        post = home.posts.get(about["message_id"]) if home else None
        if post is not None:
            return post.body
        if about.get("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found")

    def _send(
        self,
        method: str,
        given: Mapping[str, Any],
        now: float,
        *,
        content: dict[str, Any],
        words: str,
        plain: str,
    ) -> Reply:
        """Put a checked message into its chat and write it down."""
        self._modelled(given)
        chat = self._chat(given)
        place = self._place(chat, given)
        keyboard = read_keyboard(given["reply_markup"]) if "reply_markup" in given else None
        message_id = self.world.next_message_id(chat)
        if keyboard is not None and keyboard.kind == "inline" and keyboard.rows:
            content["reply_markup"] = keyboard.raw
        body = updates.message(
            message_id=message_id,
            date=int(now),
            chat=chat.about,
            sender=self.world.author,
            content=content,
            topic=place.thread_id,
            reply_to=place.quoted,
        )
        chat.keep(message_id, Post(body=body, own=True, plain=plain, keyboard=keyboard))
        sent = Sent(
            seq=self.world.next_seq(),
            method=method,
            chat_id=chat.id,
            message_id=message_id,
            text=words,
            plain=plain,
            parse_mode=given.get("parse_mode"),
            keyboard=keyboard,
            thread_id=place.thread_id,
            reply_to=place.quoted["message_id"] if place.quoted else None,
            file_id=given.get("file_id"),
            received_at=now,
        )
        return Reply(body, sent=self.world.log(sent))

    def _send_message(self, given: dict[str, Any], _files: Mapping[str, Upload], now: float) -> Reply:
        plain, entities = self._text(given)
        content: dict[str, Any] = {"text": plain}
        if entities:
            content["entities"] = entities
        return self._send("sendMessage", given, now, content=content, words=given["text"], plain=plain)

    @staticmethod
    def _text(given: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        plain, entities = read_words(
            given.get("text", ""),
            parse_mode=given.get("parse_mode"),
            entities=given.get("entities"),
            limit=TEXT_LIMIT,
            too_long="message is too long",
        )
        if not plain:
            raise bad_request("message text is empty")
        return plain, entities

    def _send_media(self, method: str) -> Callable[[dict[str, Any], Mapping[str, Upload], float], Reply]:
        kind = _MEDIA[method]

        def send(given: dict[str, Any], files: Mapping[str, Upload], now: float) -> Reply:
            words = given.get("caption", "")
            plain, entities = read_words(
                words,
                parse_mode=given.get("parse_mode"),
                entities=given.get("caption_entities"),
                limit=CAPTION_LIMIT,
                too_long="message caption is too long",
            )
            # The chat is looked at first: a file for nobody is not stored.
            self._chat(given)
            file, name = self._file(kind, given[kind], files)
            content = _media_content(kind, file, name)
            if plain:
                content["caption"] = plain
            if entities:
                content["caption_entities"] = entities
            filed = given | {"file_id": file.file_id}
            return self._send(method, filed, now, content=content, words=words, plain=plain)

        return send

    def _file(self, kind: str, value: str, files: Mapping[str, Upload]) -> tuple[StoredFile, str]:
        if value.startswith("attach://"):
            upload = files.get(value.removeprefix("attach://"))
            if upload is None:
                raise bad_request(f"there is no {kind} in the request: {value} is not attached")
            if not upload.content:
                raise bad_request("file must be non-empty")
            if kind == "photo" and len(upload.content) > _MAX_PHOTO:
                raise bad_request(
                    f"file of size {len(upload.content)} bytes is too big for a photo;"
                    f" the maximum size is {_MAX_PHOTO} bytes"
                )
            suffix = _SUFFIXES[kind] or f"-{upload.name}"
            return self.world.store_file(prefix=kind, suffix=suffix, content=upload.content), upload.name
        if value.startswith(("http://", "https://")):
            name = value.rsplit("/", 1)[-1] or "file"
            return self.world.store_file(prefix=kind, suffix=_SUFFIXES[kind], content=None), name
        stored = self.world.files.get(value)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored, stored.path.rsplit("/", 1)[-1]

    def _editable(self, given: Mapping[str, Any]) -> tuple[Chat, Post]:
        self._modelled(given)
        if "chat_id" not in given or "message_id" not in given:
            raise bad_request("message identifier is not specified")
        chat = self._chat(given)
        post = chat.posts.get(given["message_id"])
        if post is None:
            raise bad_request("message to edit not found")
        if not post.own:
            raise bad_request("message can't be edited")
        return chat, post

    def _edit_text(self, given: dict[str, Any], _files: Mapping[str, Upload], now: float) -> Reply:
        plain, entities = self._text(given)
        chat, post = self._editable(given)
        if "text" not in post.body:
            raise bad_request("there is no text in the message to edit")
        body = {**post.body, "text": plain}
        body.pop("entities", None)
        if entities:
            body["entities"] = entities
        return self._edited("editMessageText", chat, post, body, given, now)

    def _edit_keyboard(self, given: dict[str, Any], _files: Mapping[str, Upload], now: float) -> Reply:
        chat, post = self._editable(given)
        return self._edited("editMessageReplyMarkup", chat, post, dict(post.body), given, now)

    def _edited(
        self, method: str, chat: Chat, post: Post, body: dict[str, Any], given: Mapping[str, Any], now: float
    ) -> Reply:
        """Replace a message. Leaving the keyboard out takes it away, as with the real server."""
        keyboard: Keyboard | None = None
        body.pop("reply_markup", None)
        if "reply_markup" in given:
            keyboard = read_keyboard(given["reply_markup"])
            if keyboard.kind != "inline":
                raise bad_request("inline keyboard expected")
            if keyboard.rows:
                body["reply_markup"] = keyboard.raw
        if all(body.get(part) == post.body.get(part) for part in ("text", "entities", "reply_markup")):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same"
                " as a current content and reply markup of the message"
            )
        body["edit_date"] = int(now)
        post.body, post.keyboard, post.plain = body, keyboard, body.get("text", post.plain)
        sent = Sent(
            seq=self.world.next_seq(),
            method=method,
            chat_id=chat.id,
            message_id=body["message_id"],
            text=given.get("text", ""),
            plain=post.plain,
            parse_mode=given.get("parse_mode"),
            keyboard=keyboard,
            received_at=now,
        )
        return Reply(body, sent=self.world.log(sent, edit=True))

    def _answer_press(self, given: dict[str, Any], _files: Mapping[str, Upload], now: float) -> Reply:
        press = self.world.presses.get(given["callback_query_id"])
        if press is None or now - press.created > self.world.callback_lifetime:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        if len(given.get("text", "")) > _MAX_NOTICE:
            raise bad_request("MESSAGE_TOO_LONG")
        if not press.answered:
            press.answered = True
            press.notice = given.get("text", "")
        return Reply(result=True)

    def _chat_action(self, given: dict[str, Any], _files: Mapping[str, Upload], _now: float) -> Reply:
        self._modelled(given)
        chat = self._chat(given)
        if given["action"] not in _ACTIONS:
            raise bad_request("wrong parameter action in request")
        self._place(chat, given)
        return Reply(result=True)

    def _forum(self, given: Mapping[str, Any]) -> Chat:
        chat = self._chat(given)
        if not chat.about.get("is_forum"):
            raise bad_request("the chat is not a forum")
        if not chat.manages_topics:
            raise bad_request("not enough rights to create a topic")
        return chat

    def _create_topic(self, given: dict[str, Any], _files: Mapping[str, Upload], now: float) -> Reply:
        chat = self._forum(given)
        name = given["name"].strip()
        if not 0 < len(name) <= _MAX_TOPIC_NAME:
            raise bad_request("TOPIC_NAME_INVALID" if name else "topic name is empty")
        about = {"name": name, "icon_color": given.get("icon_color", _ICON_COLOR)}
        # A topic is called after the message that tells of its beginning.
        thread_id = self.world.next_message_id(chat)
        self.world.topic(chat, thread_id)
        chat.topic_names[thread_id] = name
        self._service(chat, thread_id, thread_id, now, {"forum_topic_created": about})
        return Reply({"message_thread_id": thread_id, **about})

    def _change_topic(self, given: Mapping[str, Any], now: float, change: str) -> Reply:
        chat = self._forum(given)
        thread_id = given["message_thread_id"]
        if thread_id not in chat.topics:
            raise bad_request("TOPIC_ID_INVALID")
        if change == "deleted":
            chat.forget_topic(thread_id)
            return Reply(result=True)
        if (thread_id in chat.closed_topics) is (change == "closed"):
            raise bad_request("TOPIC_NOT_MODIFIED")
        (chat.closed_topics.add if change == "closed" else chat.closed_topics.discard)(thread_id)
        told: dict[str, Any] = {f"forum_topic_{change}": {}}
        self._service(chat, self.world.next_message_id(chat), thread_id, now, told)
        return Reply(result=True)

    def _service(
        self, chat: Chat, message_id: int, thread_id: int, now: float, content: dict[str, Any]
    ) -> None:
        """Keep a service message of the bot's own doing; a bot gets no update about those."""
        body = updates.message(
            message_id=message_id,
            date=int(now),
            chat=chat.about,
            sender=self.world.author,
            content=content,
            topic=thread_id,
        )
        chat.keep(message_id, Post(body=body, own=True))

    def _get_file(self, given: dict[str, Any], _files: Mapping[str, Upload], _now: float) -> Reply:
        stored = self.world.files.get(given["file_id"])
        if stored is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if stored.size > _MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return Reply(
            {
                "file_id": stored.file_id,
                "file_unique_id": f"u{stored.file_id[-12:]}",
                "file_size": stored.size,
                "file_path": stored.path,
            }
        )

    def _get_chat(self, given: dict[str, Any], _files: Mapping[str, Upload], _now: float) -> Reply:
        gifts = dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        )
        extras = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
        return Reply({**self._chat(given).about, **extras})


def _media_content(kind: str, file: StoredFile, name: str) -> dict[str, Any]:
    size = file.size or 1
    match kind:
        case "photo":
            return updates.photo(file.file_id, size=size)
        case "video":
            return updates.video(file.file_id, size=size)
        case "audio":
            return updates.audio(file.file_id, size=size)
        case _:
            return updates.document(file.file_id, name=name, mime="application/octet-stream", size=size)
