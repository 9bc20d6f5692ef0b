"""Messages: what is taken, what is refused and why, and what people get to see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.testing.max_server import MaxServer, Quirks
from channels.testing.max_server.draft import read_draft
from channels.testing.max_server.refusal import ApiError
from channels.testing.max_server.text import FORMATS, read_text, utf16_length

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


def keyboard(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "inline_keyboard", "payload": {"buttons": list(rows)}}


def button(text: str = "Да", payload: str = "yes") -> dict[str, Any]:
    return {"type": "callback", "text": text, "payload": payload}


def link(text: str = "Сайт", url: str = "https://example.ru") -> dict[str, Any]:
    return {"type": "link", "text": text, "url": url}


@pytest.fixture(autouse=True)
def somebody_wrote(server: MaxServer) -> None:
    server.push.text("hi", chat=1)


async def send(call: Call, **body: Any) -> tuple[int, dict[str, Any]]:
    return await call("POST /messages", body, chat_id=1)


async def refused(call: Call, message: str = "", **body: Any) -> None:
    status, found = await send(call, **body)
    assert (status, found["code"]) == (400, "proto.payload"), found
    assert message in found["message"]


async def test_a_message_reaches_the_person_and_comes_back_whole(server: MaxServer, call: Call) -> None:
    status, found = await send(call, text="Привет")
    message = found["message"]
    assert (status, message["body"]["text"], message["sender"]["is_bot"]) == (200, "Привет", True)
    assert message["recipient"] == {"chat_id": 1, "chat_type": "dialog", "user_id": 500000001}
    (sent,) = server.sent_to(1)
    assert (sent.plain, sent.outcome, sent.message_id) == ("Привет", "answered", message["body"]["mid"])


async def test_a_person_is_reached_by_their_own_id_too(server: MaxServer, call: Call) -> None:
    assert (await call("POST /messages", {"text": "x"}, user_id=500000001))[0] == 200
    assert server.sent[-1].chat_id == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"user_id": 1}, 404, "dialog.not.found"),
        ({"chat_id": 500000001}, 404, "chat.not.found"),
        ({}, 400, "proto.payload"),
        ({"chat_id": 1, "user_id": 500000001}, 400, "proto.payload"),
        ({"chat_id": "one"}, 400, "proto.payload"),
        ({"chat_id": 1, "disable_link_preview": "yes"}, 400, "proto.payload"),
    ],
)
async def test_ids_of_people_and_dialogs_are_not_mixed(
    call: Call, query: dict[str, Any], status: int, code: str
) -> None:
    found = await call("POST /messages", {"text": "x"}, **query)
    assert (found[0], found[1]["code"]) == (status, code)


async def test_the_body_is_checked_before_the_recipient(call: Call) -> None:
    assert (await call("POST /messages", {"txt": "x"}, chat_id=99))[0] == 400
    assert (await call("POST /messages", {"text": "x"}, chat_id=99))[0] == 404


@pytest.mark.parametrize("name", ["chat_id", "user_id", "recipient"])
async def test_a_recipient_in_the_body_is_unknown(call: Call, name: str) -> None:
    await refused(call, "Unknown recipient", text="x", **{name: 1})


@pytest.mark.parametrize("kind", ["stopped", "kicked"])
async def test_nobody_is_written_to_who_does_not_want_it(server: MaxServer, call: Call, kind: str) -> None:
    if kind == "stopped":
        server.push.stopped(chat=1)
        status, found = await send(call, text="x")
        assert (status, found["code"], found["message"]) == (403, "chat.denied", "error.dialog.suspended")
        server.push.started("from-site", chat=1)
        assert (await send(call, text="x"))[0] == 200
    else:
        server.push.membership("kicked", chat=-5)
        status, found = await call("POST /messages", {"text": "x"}, chat_id=-5)
        assert (status, found["code"]) == (403, "chat.denied")


async def test_a_text_has_4000_characters_at_most(call: Call) -> None:
    assert (await send(call, text="ж" * 4000))[0] == 200
    await refused(call, "4000", text="ж" * 4001)
    await refused(call, "4000", text="🧵" * 2001)


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2060", "<b></b>", "<b> </b>", None])
async def test_a_message_without_visible_text_is_refused(call: Call, text: str | None) -> None:
    await refused(call, "", text=text, format="html")
    await refused(call, "", text=text, format="html", attachments=[keyboard([button()])])


@pytest.mark.parametrize("style", ["md", "text", "plain", "none", "HTML", "", 5])
async def test_only_markdown_and_html_are_formats(call: Call, style: Any) -> None:
    await refused(call, "", text="x", format=style)


async def test_a_format_may_be_null(server: MaxServer, call: Call) -> None:
    assert (await send(call, text="<b>x</b>", format=None, attachments=None, link=None))[0] == 200
    assert server.sent[-1].plain == "<b>x</b>"


@pytest.mark.parametrize(
    "body",
    [
        {"txt": "x"},
        {"text": "x", "parse_mode": "html"},
        {"text": 5},
        {"text": "x", "notify": "no"},
        {"text": "x", "attachments": {}},
        {"text": "x", "attachments": [{"type": "telepathy", "payload": {}}]},
        {"text": "x", "attachments": [{"payload": {}}]},
        {"text": "x", "link": {"type": "quote", "mid": "m"}},
        {"text": "x", "link": {"type": "reply", "mid": "m", "text": "x"}},
        ["x"],
    ],
)
async def test_unknown_fields_and_wrong_shapes_are_refused(call: Call, body: Any) -> None:
    status, found = await call("POST /messages", body, chat_id=1)
    assert (status, found["code"]) == (400, "proto.payload")


@pytest.mark.parametrize(
    ("text", "plain", "markup"),
    [
        (
            '<b>жир</b> <a href="https://a.b/?x=1&amp;y=2">да</a>',
            "жир да",
            [("strong", 0, 3), ("link", 4, 2)],
        ),
        ("🧵<i>x</i>", "🧵x", [("emphasized", 2, 1)]),
        ("<b><u>x</u>y</b>", "xy", [("strong", 0, 2), ("underline", 0, 1)]),
        ("<span>x</span> &lt;b&gt; 1 < 2 && 3", "x <b> 1 < 2 && 3", []),
        ('<a href="max://user/55">Анна</a>', "Анна", [("user_mention", 0, 4)]),
        ("<code>a</code><s>b</s>", "ab", [("monospaced", 0, 1), ("strikethrough", 1, 1)]),
        ("<b>not closed", "not closed", [("strong", 0, 10)]),
    ],
)  # fmt: skip
def test_html_becomes_plain_text_and_markup(
    text: str, plain: str, markup: list[tuple[str, int, int]]
) -> None:
    found, spans = read_text(text, "html")
    assert found == plain
    assert [(one["type"], one["from"], one["length"]) for one in spans] == markup


@pytest.mark.parametrize(
    ("text", "plain", "markup"),
    [
        ("**да** и *нет*", "да и нет", [("strong", 0, 2), ("emphasized", 5, 3)]),
        ("__да__ ++под++ ~~зач~~", "да под зач", [("strong", 0, 2), ("underline", 3, 3), ("strikethrough", 7, 3)]),
        ("**a *b* c**", "a b c", [("strong", 0, 5), ("emphasized", 2, 1)]),
        ("[сайт](https://example.ru) `x*y*z`", "сайт x*y*z", [("link", 0, 4), ("monospaced", 5, 5)]),
        (r"\*не курсив\* 2*3*4 snake_case_x", "*не курсив* 234 snake_case_x", [("emphasized", 13, 1)]),
        ("# Заголовок\n> цитата", "Заголовок\nцитата", [("heading", 0, 9), ("quote", 10, 6)]),
    ],
)  # fmt: skip
def test_markdown_becomes_plain_text_and_markup(
    text: str, plain: str, markup: list[tuple[str, int, int]]
) -> None:
    found, spans = read_text(text, "markdown")
    assert found == plain
    assert [(one["type"], one["from"], one["length"]) for one in spans] == markup


@given(st.text())
def test_what_was_escaped_is_read_as_it_was(text: str) -> None:
    assert read_text(escape(text), "html") == (text, [])


@given(st.text(alphabet="ab<>/&;#*_~+^`[]()!\\ \n🧵"), st.sampled_from(FORMATS))
def test_any_text_is_read_and_its_markup_lies_inside(text: str, style: str) -> None:
    plain, markup = read_text(text, style)
    for one in markup:
        assert 0 <= one["from"] < one["from"] + one["length"] <= utf16_length(plain)


NAMES = st.sampled_from(
    [
        "text",
        "format",
        "attachments",
        "link",
        "notify",
        "type",
        "payload",
        "buttons",
        "token",
        "url",
        "photos",
        "mid",
    ]
)
WORDS = st.sampled_from(
    ["inline_keyboard", "callback", "link", "image", "file", "contact", "reply", "html", "", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_body_is_taken_or_refused_with_a_400(body: Any) -> None:
    try:
        read_draft(body, Quirks())
    except ApiError as refused_body:
        assert refused_body.status == 400  # noqa: PT017 - most bodies are refused, some are not


async def test_a_keyboard_within_the_limits_is_shown_and_pressed(server: MaxServer, call: Call) -> None:
    rows = [[button(f"{row}-{column}", f"{row}/{column}") for column in range(7)] for row in range(30)]
    status, found = await send(call, text="x", attachments=[keyboard(*rows)])
    assert status == 200
    assert len(server.sent[-1].labels) == 210
    pressed = server.push.press("29-6", chat=1)
    assert (pressed.body["payload"], pressed.message_id) == ("29/6", found["message"]["body"]["mid"])
    (attachment,) = found["message"]["body"]["attachments"]
    assert attachment["callback_id"] == pressed.callback_id


@pytest.mark.parametrize(
    ("attachment", "message"),
    [
        (keyboard(*[[button()]] * 31), "errors.maxRows"),
        (keyboard([button()] * 8), "errors.maxRowSize"),
        (keyboard([link()] * 4), "errors.maxRowSize"),
        (keyboard([button(), button(), button(), link()]), "errors.maxRowSize"),
        (keyboard([{"type": "request_contact", "text": "x"}] * 4), "errors.maxRowSize"),
        (keyboard([{"type": "request_geo_location", "text": "x"}] * 4), "errors.maxRowSize"),
        (keyboard([{"type": "open_app", "text": "x", "web_app": "bot"}] * 4), "errors.maxRowSize"),
        (keyboard(), ""),
        (keyboard([]), ""),
        ({"type": "inline_keyboard", "payload": {"buttons": [button()]}}, ""),
        ({"type": "inline_keyboard", "buttons": [[button()]]}, ""),
        (keyboard([button(text="")]), ""),
        (keyboard([button(text=" ")]), ""),
        (keyboard([button(text="x" * 129)]), ""),
        (keyboard([button(payload="x" * 1025)]), ""),
        (keyboard([{"type": "callback", "text": "x"}]), "payload is required"),
        (keyboard([{"type": "callback", "text": "x", "payload": "x", "intent": "bad"}]), ""),
        (keyboard([{"type": "callback", "text": "x", "payload": "x", "url": "x"}]), "unknown field"),
        (keyboard([link(url="https://example.ru/" + "x" * 2048)]), ""),
        (keyboard([link(url="")]), ""),
        (keyboard([{"type": "link", "text": "x"}]), "url is required"),
        (keyboard([{"type": "chat", "text": "x", "chat_title": "x"}]), "no button of type"),
        (keyboard([{"type": "open_app", "text": "x"}]), "web_app is required"),
        (keyboard([{"type": "open_app", "text": "x", "web_app": "b", "payload": "a b"}]), ""),
        (keyboard([{"text": "x", "payload": "x"}]), "type is required"),
    ],
)
async def test_a_keyboard_beyond_the_limits_loses_the_message(
    server: MaxServer, call: Call, attachment: dict[str, Any], message: str
) -> None:
    await refused(call, message, text="x", attachments=[attachment])
    assert not server.sent


async def test_every_button_of_max_is_taken(call: Call) -> None:
    rows = [
        [{**button(), "intent": "positive"}, {"type": "message", "text": "Привет"}],
        [link(), {"type": "request_contact", "text": "Телефон"}],
        [{"type": "request_geo_location", "text": "Где я", "quick": True}],
        [{"type": "open_app", "text": "x", "web_app": "bot", "payload": "a-b_1", "contact_id": 5}],
        [{"type": "clipboard", "text": "x", "payload": "copied"}],
    ]
    assert (await send(call, text="x", attachments=[keyboard(*rows)]))[0] == 200


async def test_other_buttons_do_what_they_say(server: MaxServer, call: Call) -> None:
    rows = [
        [{"type": "message", "text": "Привет"}, {"type": "request_contact", "text": "Телефон"}],
        [{"type": "request_geo_location", "text": "Где я"}, link()],
    ]
    await send(call, text="x", attachments=[keyboard(*rows)])
    assert server.push.press("Привет", chat=1).body["body"]["text"] == "Привет"
    (contact,) = server.push.press("Телефон", chat=1).body["body"]["attachments"]
    assert "TEL;TYPE=cell:79990000000" in contact["payload"]["vcf_info"]
    assert contact["payload"]["hash"]
    (place,) = server.push.press("Где я", chat=1).body["body"]["attachments"]
    assert place["latitude"] == pytest.approx(55.7558)
    with pytest.raises(LookupError, match="sends nothing"):
        server.push.press("Сайт", chat=1)
    with pytest.raises(LookupError, match="no button"):
        server.push.press("Нет такой", chat=1)


async def test_one_keyboard_and_twelve_attachments_at_most(call: Call) -> None:
    pictures = [{"type": "image", "payload": {"url": "https://example.ru/a.png"}}] * 12
    assert (await send(call, text="x", attachments=pictures))[0] == 200
    await refused(call, "12", text="x", attachments=[*pictures, pictures[0]])
    await refused(call, "one keyboard", text="x", attachments=[keyboard([button()])] * 2)


async def test_an_attachment_that_stands_alone_stands_alone(call: Call) -> None:
    contact = {"type": "contact", "payload": {"name": "Анна", "vcf_phone": "+79990000000"}}
    sticker = {"type": "sticker", "payload": {"code": "0a1b"}}
    picture = {"type": "image", "payload": {"url": "https://example.ru/a.png"}}
    assert (await send(call, attachments=[contact]))[0] == 200
    assert (await send(call, attachments=[sticker, keyboard([button()])]))[0] == 200
    assert (await send(call, attachments=[{"type": "location", "latitude": 1, "longitude": 2}]))[0] == 200
    assert (await send(call, attachments=[{"type": "share", "payload": {"url": "https://a.b"}}]))[0] == 200
    await refused(call, "only attachment", attachments=[contact, picture])
    await refused(call, "only attachment", attachments=[sticker, contact])


async def test_a_picture_has_one_source(server: MaxServer, call: Call) -> None:
    both = {"type": "image", "payload": {"url": "https://example.ru/a.png", "token": "t"}}
    await refused(call, "exactly one", attachments=[both])
    await refused(call, "exactly one", attachments=[{"type": "image", "payload": {}}])
    await refused(
        call, "no image with this token", attachments=[{"type": "image", "payload": {"token": "t"}}]
    )
    server.quirks.refuse_image_url = True
    url = {"type": "image", "payload": {"url": "https://example.ru/a.png"}}
    await refused(call, "not accepted", attachments=[url])


async def test_a_reply_and_a_forward_carry_the_other_message(server: MaxServer, call: Call) -> None:
    question = server.push.text("Где мой заказ?", chat=1)
    _, reply = await send(call, text="Едет", link={"type": "reply", "mid": question.message_id})
    assert reply["message"]["link"]["message"]["text"] == "Где мой заказ?"
    status, forward = await send(call, link={"type": "forward", "mid": question.message_id})
    assert (status, forward["message"]["link"]["type"]) == (200, "forward")
    status, found = await send(call, text="x", link={"type": "reply", "mid": "mid.none"})
    assert (status, found["code"]) == (404, "not.found")


async def test_a_silent_message_is_no_message_for_a_channel(server: MaxServer, call: Call) -> None:
    server.world.chat(-9, kind="channel")
    assert (await call("POST /messages", {"text": "x", "notify": False}, chat_id=-9))[0] == 400
    assert (await send(call, text="x", notify=False))[0] == 200
    assert server.sent[-1].notify is False


async def test_an_edit_changes_text_and_leaves_or_removes_the_keyboard(server: MaxServer, call: Call) -> None:
    _, found = await send(call, text="x", attachments=[keyboard([button()])])
    mid = found["message"]["body"]["mid"]
    assert await call("PUT /messages", {"text": "y"}, message_id=mid) == (200, {"success": True})
    assert (server.edits[-1].plain, server.edits[-1].labels) == ("y", ("Да",))
    await call("PUT /messages", {"text": "z", "attachments": []}, message_id=mid)
    assert (server.edits[-1].plain, server.edits[-1].labels) == ("z", ())
    await call("PUT /messages", {"attachments": [keyboard([button("Нет")])]}, message_id=mid)
    assert (server.edits[-1].plain, server.edits[-1].labels) == ("z", ("Нет",))
    assert (await call(f"GET /messages/{mid}"))[1]["body"]["text"] == "z"
    assert (await call("PUT /messages", {"text": ""}, message_id=mid))[0] == 400


async def test_only_own_messages_of_the_last_day_can_be_changed(server: MaxServer, call: Call) -> None:
    foreign = server.push.text("моё", chat=1).message_id
    for verb in ("PUT", "DELETE"):
        status, found = await call(f"{verb} /messages", {"text": "x"}, message_id=foreign)
        assert (status, found["code"]) == (403, "chat.denied")
        assert (await call(f"{verb} /messages", {"text": "x"}, message_id="mid.none"))[0] == 404
        assert (await call(f"{verb} /messages", {"text": "x"}))[0] == 400
    mid = (await send(call, text="x"))[1]["message"]["body"]["mid"]
    server.age_messages(24 * 3600 - 60)
    assert (await call("PUT /messages", {"text": "y"}, message_id=mid))[1] == {"success": True}
    server.age_messages(120)
    for verb in ("PUT", "DELETE"):
        status, found = await call(f"{verb} /messages", {"text": "z"}, message_id=mid)
        assert (status, found["success"]) == (200, False)
        assert "24 hours" in found["message"]


async def test_a_deleted_message_is_gone(server: MaxServer, call: Call) -> None:
    mid = (await send(call, text="x"))[1]["message"]["body"]["mid"]
    assert await call("DELETE /messages", message_id=mid) == (200, {"success": True})
    assert list(server.world.removed) == [mid]
    assert (await call(f"GET /messages/{mid}"))[0] == 404


async def test_an_answer_shows_a_toast_or_replaces_the_message(server: MaxServer, call: Call) -> None:
    await send(call, text="Помогло?", attachments=[keyboard([button()])])
    press = server.push.press("Да", chat=1)
    answered = await call("POST /answers", {"notification": "✓"}, callback_id=press.callback_id)
    assert answered == (200, {"success": True})
    assert [(one.answered, one.notice) for one in server.world.press_log] == [(True, "✓")]
    body = {"message": {"text": "Спасибо", "attachments": []}, "notification": None}
    assert (await call("POST /answers", body, callback_id=press.callback_id))[0] == 200
    assert (server.edits[-1].plain, server.edits[-1].labels) == ("Спасибо", ())
    assert server.edits[-1].method == "answerOnCallback"
    assert len(server.sent) == 1


async def test_an_answer_says_something_to_a_press_that_was(server: MaxServer, call: Call) -> None:
    sent = await send(call, text="x", attachments=[keyboard([button()])])
    press = server.push.press("Да", chat=1)
    status, found = await call("POST /answers", {}, callback_id=press.callback_id)
    assert (status, found["message"]) == (400, "`message` or `notification` required")
    server.quirks.accept_empty_answers = True
    assert (await call("POST /answers", {}, callback_id=press.callback_id))[0] == 200
    assert (await call("POST /answers", {"notification": "x"}, callback_id=" "))[0] == 400
    assert (await call("POST /answers", {"notification": "x"}, callback_id="cb-none"))[0] == 404
    assert (await call("POST /answers", {"text": "x"}, callback_id=press.callback_id))[0] == 400
    await call("DELETE /messages", message_id=sent[1]["message"]["body"]["mid"])
    gone = await call("POST /answers", {"message": {"text": "y"}}, callback_id=press.callback_id)
    assert (gone[0], gone[1]["success"]) == (200, False)


async def test_two_presses_of_one_keyboard_share_its_id_but_not_their_time(
    server: MaxServer, call: Call
) -> None:
    await send(call, text="x", attachments=[keyboard([button()])])
    first, second = server.push.press("Да", chat=1), server.push.press("Да", chat=1)
    assert first.callback_id == second.callback_id
    assert first.body["timestamp"] < second.body["timestamp"]


async def test_messages_are_read_newest_first(server: MaxServer, call: Call) -> None:
    mids = [(await send(call, text=text))[1]["message"]["body"]["mid"] for text in ("1", "2", "3")]
    status, found = await call("GET /messages", chat_id=1, count=2)
    assert (status, [one["body"]["text"] for one in found["messages"]]) == (200, ["3", "2"])
    found = (await call("GET /messages", message_ids=f"{mids[0]},{mids[2]},mid.none"))[1]
    assert [one["body"]["text"] for one in found["messages"]] == ["3", "1"]
    assert (await call("GET /messages", chat_id=1, before=1))[1] == {"messages": []}
    assert len((await call("GET /messages", chat_id=1, after=1))[1]["messages"]) == 4
    for query in ({}, {"chat_id": 1, "count": 0}, {"chat_id": 1, "count": 101}):
        assert (await call("GET /messages", **query))[0] == 400


async def test_an_answer_in_a_chat_belongs_to_its_message_by_count(server: MaxServer, call: Call) -> None:
    pushed = server.push.text("второй", chat=1)
    await send(call, text="1")
    await send(call, text="2")
    assert server.sent[-1].update_id == pushed.update_id
    stats = server.latencies.as_json()
    assert (stats["offered"], stats["answered"], stats["unmatched"]) == (2, 2, 0)
