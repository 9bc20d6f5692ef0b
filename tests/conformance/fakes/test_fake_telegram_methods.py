"""The fake takes and refuses calls as Telegram does, seen through aiogram."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiogram.methods
import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramMigrateToChat
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    MessageEntity,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from channels.testing.telegram_server import TelegramServer
from channels.testing.telegram_server.keyboard import INLINE_ACTIONS, INLINE_EXTRAS, REPLY_BUTTON_KEYS
from channels.testing.telegram_server.validation import PARAMETERS, REQUIRED

Raw = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
FORUM = -1001234567890123


def inline(**action: Any) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Press", **action)]])


@pytest.fixture(autouse=True)
def somebody_wrote(server: TelegramServer) -> None:
    server.push.text("hi", chat=1)


@pytest.mark.parametrize("method", PARAMETERS)
def test_the_parameters_of_each_method_are_those_of_aiogram(method: str) -> None:
    model = getattr(aiogram.methods, method[0].upper() + method[1:])
    assert set(PARAMETERS[method]) == set(model.model_fields)
    required = {name for name, about in model.model_fields.items() if about.is_required()}
    assert set(REQUIRED.get(method, ())) == required - {"url"}


def test_the_fields_of_buttons_are_those_of_aiogram() -> None:
    assert set(InlineKeyboardButton.model_fields) == INLINE_ACTIONS | INLINE_EXTRAS
    assert set(KeyboardButton.model_fields) == REPLY_BUTTON_KEYS


async def test_get_me_names_the_bot_of_the_token(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.is_bot) == (123456, "optfm_test_bot", True)


async def test_html_is_shown_without_tags_and_with_entities(server: TelegramServer, bot: Bot) -> None:
    message = await bot.send_message(
        1, '  <b>жир</b> 😀 <a href="https://e.ru/?a=1&amp;b=2">да</a>\n', parse_mode="HTML"
    )
    assert message.text == "жир 😀 да"
    assert message.entities is not None
    assert [(one.type, one.offset, one.length) for one in message.entities] == [
        ("bold", 0, 3),
        ("text_link", 7, 2),
    ]
    assert message.entities[1].url == "https://e.ru/?a=1&b=2"
    assert (server.sent[-1].plain, server.sent[-1].parse_mode) == ("жир 😀 да", "HTML")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("я <3 вас", 'Unsupported start tag "3" at byte offset 3'),
        ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<div>x</div>", 'Unsupported start tag "div" at byte offset 0'),
        ("<a href>x</a>", "Expected equal sign"),
        ('<a href="x>', "Unclosed start tag"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler"'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("<b>x</b", "Unclosed end tag"),
    ],
)
async def test_bad_html_is_refused_with_telegrams_words(bot: Bot, text: str, complaint: str) -> None:
    with pytest.raises(TelegramBadRequest) as refused:
        await bot.send_message(1, text, parse_mode="HTML")
    assert "can't parse entities: " in refused.value.message
    assert complaint in refused.value.message


async def test_harmless_html_is_taken(bot: Bot) -> None:
    text = (
        "a & b &amp; &lt;3 &#33; &nope; <i></i><tg-spoiler>s</tg-spoiler>"
        '<blockquote expandable>q</blockquote><pre><code class="language-python">p</code></pre>'
        "<u><s>x</s></u>"
    )
    message = await bot.send_message(1, text, parse_mode="HTML")
    assert message.text == "a & b & <3 ! &nope; sqpx"
    assert message.entities is not None
    assert {one.type for one in message.entities} == {
        "spoiler", "expandable_blockquote", "pre", "strikethrough", "underline",
    }  # fmt: skip
    assert [one.language for one in message.entities if one.type == "pre"] == ["python"]


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ("", None, "message text is empty"),
        (" \n ", None, "message text is empty"),
        ("<b></b>", "HTML", "message text is empty"),
        ("x" * 4097, None, "message is too long"),
        ("😀" * 2049, None, "message is too long"),
        ("x", "Nonsense", "unsupported parse_mode"),
        ("x", "MarkdownV2", "not modelled"),
    ],
)
async def test_texts_outside_the_limits_are_refused(
    raw: Raw, text: str, mode: str | None, complaint: str
) -> None:
    status, body = await raw("sendMessage", chat_id=1, text=text, parse_mode=mode)
    assert status == 400
    assert complaint in body["description"]


async def test_the_limit_counts_what_is_left_after_parsing(bot: Bot) -> None:
    message = await bot.send_message(1, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    assert len(message.text or "") == 4096


async def test_given_entities_must_lie_inside_the_text(bot: Bot) -> None:
    await bot.send_message(1, "bold", entities=[MessageEntity(type="bold", offset=0, length=4)])
    with pytest.raises(TelegramBadRequest, match="outside of the text"):
        await bot.send_message(1, "bold", entities=[MessageEntity(type="bold", offset=0, length=5)])


async def test_a_chat_that_never_wrote_is_not_found(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(2, "hello?")


async def test_unknown_missing_and_unreadable_parameters_are_400(raw: Raw) -> None:
    for given, complaint in (
        (
            {"chat_id": 1, "text": "x", "praise_mode": "HTML"},
            'unknown parameter "praise_mode" of sendMessage',
        ),
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 1}, "message text is empty"),
        ({"chat_id": "one", "text": "x"}, '"chat_id" must be an Integer'),
        ({"chat_id": 1, "text": "x", "protect_content": "maybe"}, "must be a Boolean"),
        ({"chat_id": 1, "text": "x", "reply_markup": "{"}, "can't parse reply markup JSON object"),
        ({"chat_id": 1, "text": "x", "business_connection_id": "b"}, "business connection not found"),
    ):
        status, body = await raw("sendMessage", **given)
        assert (status, body["ok"], body["error_code"]) == (400, False, 400)
        assert complaint in body["description"]


async def test_json_form_query_and_multipart_say_the_same(server: TelegramServer) -> None:
    address = f"{server.base_url}/bot{server.token}/SENDmessage"
    given = {"chat_id": "1", "text": "привет + & ="}
    multipart = aiohttp.FormData()
    for name, value in given.items():
        multipart.add_field(name, value, content_type="text/plain")
    async with aiohttp.ClientSession() as client:
        for request in (
            client.post(address, json=given),
            client.post(address, data=given),
            client.post(address, data=multipart),
            client.get(address, params=given),
        ):
            async with request as answer:
                assert answer.status == 200, await answer.text()
    assert [one.plain for one in server.sent] == ["привет + & ="] * 4


async def test_unknown_methods_paths_and_tokens_have_their_codes(server: TelegramServer) -> None:
    async with aiohttp.ClientSession() as client:
        for path, status in (
            (f"/bot{server.token}/getMoon", 404),
            ("/bot1:WRONG/getMe", 401),
            ("/nothing", 404),
            ("/file/bot1:WRONG/x", 401),
        ):
            async with client.get(server.base_url + path) as answer:
                assert (answer.status, (await answer.json())["error_code"]) == (status, status)


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        (inline(callback_data="я" * 33), "BUTTON_DATA_INVALID"),
        (inline(), "Text buttons are unallowed"),
        (inline(callback_data="x", url="https://e.ru"), "exactly one action"),
        (inline(url="http://localhost:80"), "Wrong HTTP URL"),
        (inline(url="javascript:alert(1)"), "Wrong HTTP URL"),
        (
            InlineKeyboardMarkup(
                inline_keyboard=[[InlineKeyboardButton(text="x", callback_data="x")] * 8] * 13
            ),
            "reply markup is too long",
        ),
        (
            InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=" ", callback_data="x")]]),
            'field "text" must be a non-empty String',
        ),
    ],
)
async def test_wrong_buttons_lose_the_whole_message(
    server: TelegramServer, bot: Bot, markup: InlineKeyboardMarkup, complaint: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=complaint):
        await bot.send_message(1, "x", reply_markup=markup)
    assert not server.sent


async def test_a_pressed_button_comes_back_and_is_answered_once(server: TelegramServer, bot: Bot) -> None:
    sent = await bot.send_message(1, "choose", reply_markup=inline(callback_data="я" * 32))
    await bot.get_updates()
    pushed = server.push.press("Press", chat=1)
    (update,) = await bot.get_updates(offset=pushed.update_id)
    query = update.callback_query
    assert query is not None
    assert query.message is not None
    assert (query.data, query.message.message_id, query.from_user.id) == ("я" * 32, sent.message_id, 1)
    assert await bot.answer_callback_query(query.id, text="ok")
    assert await bot.answer_callback_query(query.id, text="again")
    assert server.world.presses[query.id].notice == "ok"
    server.expire_presses()
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query.id)


def test_nobody_can_press_a_button_that_is_not_there(server: TelegramServer) -> None:
    with pytest.raises(LookupError, match="no button 'Press' in chat 1"):
        server.push.press("Press", chat=1)


async def test_a_reply_keyboard_sends_its_label_or_the_contact(server: TelegramServer, bot: Bot) -> None:
    row = [KeyboardButton(text="Help"), KeyboardButton(text="Phone", request_contact=True)]
    await bot.send_message(1, "?", reply_markup=ReplyKeyboardMarkup(keyboard=[row]))
    assert server.push.press("Help", chat=1).body["text"] == "Help"
    assert server.push.press("Phone", chat=1).body["contact"]["user_id"] == 1


async def test_edits_follow_the_rules(server: TelegramServer, bot: Bot) -> None:
    sent = await bot.send_message(1, "one", reply_markup=inline(callback_data="x"))
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            "one", chat_id=1, message_id=sent.message_id, reply_markup=inline(callback_data="x")
        )
    edited = await bot.edit_message_text("two", chat_id=1, message_id=sent.message_id)
    assert not isinstance(edited, bool)
    assert (edited.text, edited.reply_markup) == ("two", None)
    await bot.edit_message_reply_markup(
        chat_id=1, message_id=sent.message_id, reply_markup=inline(callback_data="y")
    )
    assert [one.plain for one in server.edits] == ["two", "two"]
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("three", chat_id=1, message_id=999)
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("three", chat_id=1, message_id=1)
    photo = await bot.send_photo(1, BufferedInputFile(b"\xff\xd8\xff", "a.jpg"))
    with pytest.raises(TelegramBadRequest, match="no text in the message"):
        await bot.edit_message_text("three", chat_id=1, message_id=photo.message_id)


async def test_a_reply_needs_its_message_unless_it_may_do_without(server: TelegramServer, bot: Bot) -> None:
    reply = await bot.send_message(1, "x", reply_parameters=ReplyParameters(message_id=1))
    assert reply.reply_to_message is not None
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(1, "x", reply_parameters=ReplyParameters(message_id=99))
    lone = await bot.send_message(
        1, "x", reply_parameters=ReplyParameters(message_id=99, allow_sending_without_reply=True)
    )
    assert lone.reply_to_message is None
    assert [one.reply_to for one in server.sent] == [1, None]


async def test_topics_must_exist_and_be_open(server: TelegramServer, bot: Bot) -> None:
    server.push.text("hi", chat=FORUM, user=5, topic=7)
    assert (await bot.send_message(FORUM, "x", message_thread_id=7)).message_thread_id == 7
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(FORUM, "x", message_thread_id=8)
    server.set_topic(FORUM, 7, closed=True)
    with pytest.raises(TelegramBadRequest, match="TOPIC_CLOSED"):
        await bot.send_message(FORUM, "x", message_thread_id=7)


async def test_topics_are_made_closed_and_deleted(server: TelegramServer, bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="not a forum"):
        server.world.chat(FORUM)
        await bot.create_forum_topic(FORUM, "x")
    server.set_forum(FORUM)
    waiting = server.pending
    for name, complaint in (
        (" ", "topic name is empty|TOPIC_NAME_INVALID"),
        ("x" * 129, "TOPIC_NAME_INVALID"),
    ):
        with pytest.raises(TelegramBadRequest, match=complaint):
            await bot.create_forum_topic(FORUM, name)
    topic = await bot.create_forum_topic(FORUM, "Анна")
    thread = topic.message_thread_id
    said = await bot.send_message(FORUM, "x", message_thread_id=thread)
    assert said.message_id > thread
    assert await bot.close_forum_topic(FORUM, thread)
    with pytest.raises(TelegramBadRequest, match="TOPIC_NOT_MODIFIED"):
        await bot.close_forum_topic(FORUM, thread)
    assert await bot.send_message(FORUM, "an administrator may", message_thread_id=thread)
    assert await bot.reopen_forum_topic(FORUM, thread)
    assert await bot.delete_forum_topic(FORUM, thread)
    with pytest.raises(TelegramBadRequest, match="TOPIC_ID_INVALID"):
        await bot.reopen_forum_topic(FORUM, thread)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(FORUM, "x", message_thread_id=thread)
    assert server.pending == waiting  # a bot hears nothing of its own doing


async def test_what_people_do_with_topics_is_told_but_for_deleting(server: TelegramServer, bot: Bot) -> None:
    for what in ("closed", "reopened"):
        told = server.push.topic_changed(what, chat=FORUM, topic=7, user=5)
        assert told.body[f"forum_topic_{what}"] == {}
        assert (told.body["message_thread_id"], told.body["is_topic_message"]) == (7, True)
    assert server.push.topic_changed("deleted", chat=FORUM, topic=7).update_id is None
    with pytest.raises(ValueError, match="lost"):
        server.push.topic_changed("lost", chat=FORUM, topic=7)


async def test_message_ids_are_counted_per_chat_only_in_supergroups(server: TelegramServer, bot: Bot) -> None:
    server.push.text("hi", chat=2)
    server.push.text("hi", chat=FORUM)
    sent = [await bot.send_message(chat, "x") for chat in (1, 2, FORUM)]
    assert [one.message_id for one in sent] == [3, 4, 2]


async def test_blocking_closes_a_chat_and_unblocking_opens_it(server: TelegramServer, bot: Bot) -> None:
    server.push.membership("blocked", chat=1)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(1, "x")
    server.push.membership("unblocked", chat=1)
    await bot.send_message(1, "x")
    server.push.membership("kicked", chat=FORUM)
    with pytest.raises(TelegramForbiddenError, match="kicked from the supergroup chat"):
        await bot.send_message(FORUM, "x")


async def test_a_migrated_group_names_its_new_id(server: TelegramServer, bot: Bot) -> None:
    server.push.text("hi", chat=-5, user=1)
    server.push.migrated(chat=-5, to=FORUM)
    with pytest.raises(TelegramMigrateToChat) as moved:
        await bot.send_message(-5, "x")
    assert moved.value.migrate_to_chat_id == FORUM
    await bot.send_message(FORUM, "x")


async def test_files_go_up_come_down_and_can_be_sent_again(server: TelegramServer, bot: Bot) -> None:
    sent = await bot.send_document(
        1, BufferedInputFile(b"\r\n--binary\r\n\x00\xff", "прайс.pdf"), caption="<b>x</b>", parse_mode="HTML"
    )
    assert sent.document is not None
    assert (sent.document.file_name, sent.caption) == ("прайс.pdf", "x")
    content = await bot.download(sent.document.file_id)
    assert content is not None
    assert content.read() == b"\r\n--binary\r\n\x00\xff"
    await bot.send_document(1, sent.document.file_id)
    await bot.send_photo(1, "https://e.ru/a.jpg")
    await bot.send_video(1, BufferedInputFile(b"v", "v.mp4"))
    await bot.send_audio(1, BufferedInputFile(b"a", "a.mp3"))
    with pytest.raises(TelegramBadRequest, match="wrong file identifier"):
        await bot.send_photo(1, "nonsense")
    with pytest.raises(TelegramBadRequest, match="must be non-empty"):
        await bot.send_photo(1, BufferedInputFile(b"", "a.jpg"))
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(1, "https://e.ru/a.jpg", caption="x" * 1025)


async def test_a_big_incoming_file_cannot_be_downloaded(server: TelegramServer, bot: Bot) -> None:
    big = server.push.document(chat=1, size=21 * 1024 * 1024).body["document"]["file_id"]
    small = server.push.photo(chat=1, content=b"pixels").body["photo"][-1]["file_id"]
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(big)
    content = await bot.download(small)
    assert content is not None
    assert content.read() == b"pixels"


async def test_commands_are_kept_per_scope_and_language(bot: Bot) -> None:
    private = BotCommandScopeAllPrivateChats()
    commands = [BotCommand(command="help", description="Помощь")]
    await bot.set_my_commands(commands, scope=private, language_code="ru")
    (found,) = await bot.get_my_commands(scope=private, language_code="ru")
    assert (found.command, found.description) == ("help", "Помощь")
    assert await bot.get_my_commands() == []
    await bot.delete_my_commands(scope=private, language_code="ru")
    assert await bot.get_my_commands(scope=private, language_code="ru") == []
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand(command="Помощь", description="x")])


async def test_chat_actions_and_chats_are_known(bot: Bot, raw: Raw) -> None:
    assert await bot.send_chat_action(1, "typing")
    assert (await raw("sendChatAction", chat_id=1, action="dance"))[0] == 400
    chat = await bot.get_chat(1)
    assert (chat.id, chat.type, chat.first_name) == (1, "private", "User 1")


async def test_after_logging_out_nothing_works(bot: Bot) -> None:
    assert await bot.close()
    assert await bot.log_out()
    with pytest.raises(TelegramBadRequest, match="Logged out"):
        await bot.get_me()
