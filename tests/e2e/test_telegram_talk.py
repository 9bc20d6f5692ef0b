"""Talks with the real program over the real wire, by polling and by webhook."""

from __future__ import annotations

import pytest

from tests.e2e import knowledge
from tests.e2e.processes import USERNAME, Bot, Person, Platform, eventually, labels, texts

pytestmark = pytest.mark.e2e

QUESTIONS = {
    "Сколько стоит доставка?": "от 300 ₽",
    "Какие сроки доставки?": "2–7 дней",
    "Как оплатить заказ?": "По счёту",
    "Как вернуть товар?": "14 дней",
    "Как вернуть деньги?": "10 дней",
}


# -- questions and answers -------------------------------------------------------------------------


def test_a_question_gets_its_answer_with_buttons(person: Person) -> None:
    person.says("Здравствуйте, подскажите, сколько стоит доставка?")

    answer = person.sees("Доставка по России — от 300 ₽.")
    assert labels(answer) == ["Сроки", "Тарифы", "👍 Помогло", "👎 Не помогло"]
    assert answer["buttons"][1][0]["url"] == "https://example.ru/delivery?a=1&b=2"
    assert "<b>от 300 ₽</b>" in answer["text"]
    person.sees_nothing_else()


def test_a_press_is_answered_and_acknowledged(person: Person, platform: Platform) -> None:
    person.says("цена доставки")
    person.sees("300 ₽")
    query = person.presses("Сроки")

    person.sees("2–7 дней")
    presses = [
        call for call in platform.calls("answerCallbackQuery") if call["given"]["callback_query_id"] == query
    ]
    assert [call["status"] for call in presses] == [200]
    person.sees_nothing_else()


def test_the_menu_opens_a_category_and_turns_its_pages_in_place(person: Person, platform: Platform) -> None:
    person.says("/faq")
    menu = person.sees("Выберите тему")
    assert labels(menu) == ["Доставка", "Оплата", "Возврат", "Каталог <&>"]
    person.presses("Каталог <&>")
    first = person.sees_the_edit("Каталог <&>")
    person.presses("Показать ещё")
    second = person.sees_the_edit("Каталог <&>", 2)
    person.presses("Показать ещё")
    third = person.sees_the_edit("Каталог <&>", 3)

    assert {one["message_id"] for one in (first, second, third)} == {menu["message_id"]}
    shown = [
        label for page in (first, second, third) for label in labels(page) if label.startswith("Артикул")
    ]
    assert len(shown) == len(set(shown)) == knowledge.SHELF
    assert labels(third)[-1] == "К разделам"
    person.presses(shown[-1])
    person.sees("Это номер 12 из каталога.")
    person.sees_nothing_else()


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("/start", "Здравствуйте"),
        ("/start delivery-time", "2–7 дней"),
        ("/start no-such-entry", "ответ, которого больше нет"),
        ("/start ../../etc/passwd", "Здравствуйте"),
    ],
)
def test_a_deep_link_opens_its_entry(person: Person, link: str, words: str) -> None:
    person.says(link)
    person.sees(words)
    person.sees_nothing_else()


def test_a_corrected_question_is_answered_anew_and_an_idle_correction_is_not(person: Person) -> None:
    message = person.says("сколько стоит доставка")
    person.sees("300 ₽")
    person.does("edited", "сколько стоит доставка?!", message_id=message)
    person.does("edited", "как оплатить заказ", message_id=message)

    answer = person.sees("По счёту")
    assert answer["reply_to"] == message
    person.sees_nothing_else()


def test_an_unclear_question_is_asked_back_and_the_choice_is_answered(person: Person) -> None:
    person.says("как вернуть")
    asked = person.sees("Уточните")
    assert {"Как вернуть товар?", "Как вернуть деньги?", "Ничего из этого"} <= set(labels(asked))
    person.presses("Как вернуть деньги?")
    person.sees("10 дней")


def test_an_english_speaker_is_spoken_to_in_english(bot: Bot, platform: Platform) -> None:
    john = platform.person(first_name="John", language_code="en")
    john.says("/start")
    john.sees("Hello")


# -- texts -----------------------------------------------------------------------------------------


def test_a_long_answer_comes_in_valid_parts_in_order_with_the_buttons_on_the_last(
    person: Person, platform: Platform
) -> None:
    person.says("Какие условия гарантии?")
    parts = [person.sees()]
    while not labels(parts[-1]):
        parts.append(person.sees())

    whole = "\n".join(texts(parts))
    places = [whole.index(f"Пункт {number}.") for number in range(1, knowledge.PARAGRAPHS + 1)]
    assert len(whole) > 5000
    assert len(parts) > 1
    assert places == sorted(places)
    assert all(len(part["plain"].encode("utf-16-le")) // 2 <= 4096 for part in parts)
    assert labels(parts[-1]) == ["Вернуть товар", "👍 Помогло", "👎 Не помогло"]
    assert "если a < b && c > d" in whole.lower()
    assert "**" not in whole
    assert [call["status"] for call in platform.calls("sendMessage", person.chat)] == [200] * len(parts)
    person.sees_nothing_else()


def test_markup_characters_in_names_questions_and_answers_break_nothing(bot: Bot, platform: Platform) -> None:
    person = platform.person(first_name='<b>&"', last_name="</i> <3 _*[")
    person.says("/start")
    person.sees('<b>&" </i> <3 _*[')
    person.says('Можно ли писать <b>&"?')
    person.sees('Пишите <b>&" как есть: 1 < 2 && "3" > 2.')
    person.says("/<b>&")
    person.sees()
    person.says('совсем другое <b>&"<script>')
    person.sees()
    assert {call["status"] for call in platform.calls("sendMessage", person.chat)} == {200}
    person.sees_nothing_else()


@pytest.mark.parametrize("words", ["\x00\x01\x02\u202e\u200b", "   \n\t ", "", "\u2066\u2069", "🧵" * 3])
def test_a_text_that_nobody_can_read_gets_an_answer_and_does_no_harm(
    person: Person, platform: Platform, words: str
) -> None:
    about = {"id": person.chat, "is_bot": False, "first_name": "Anna", "language_code": "ru"}
    chat = {"id": person.chat, "type": "private", "first_name": "Anna"}
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    message = {
        "message_id": 900_000 + person.chat,
        "date": 1_760_000_000,
        "chat": chat,
        "from": about,
        "text": words,
    }
    platform.push("raw", {"message": message}, lane=str(person.chat))

    person.sees()
    person.sees_nothing_else()


def test_a_text_of_64_kib_is_answered_once(person: Person, platform: Platform, bot: Bot) -> None:
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    chat = {"id": person.chat, "type": "private", "first_name": "Anna"}
    message = {
        "message_id": 800_000 + person.chat,
        "date": 1_760_000_000,
        "chat": chat,
        "from": {"id": person.chat, "is_bot": False, "first_name": "Anna"},
        "text": "слово <b>& " * 6000,
    }
    platform.push("raw", {"message": message}, lane=str(person.chat))

    person.sees()
    person.sees_nothing_else()
    (length,) = bot.rows("SELECT max(length(text)) FROM turns WHERE lane = ?", f"telegram:{person.chat}")[0]
    assert length >= 60_000


# -- what is not text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("voice", "Голосовые пока не понимаю"),
        ("sticker", "Стикер получил"),
        ("photo", "Фото получил"),
        ("document", "Файл получил"),
        ("location", "Место получил"),
        ("contact", "Контакт получил"),
    ],
)
def test_what_is_not_text_gets_a_helpful_answer(person: Person, kind: str, words: str) -> None:
    person.does(kind)
    person.sees(words)
    person.sees_nothing_else()


def test_an_album_gets_one_answer(person: Person) -> None:
    person.does("album", count=3)
    person.sees("Фото получил")
    person.sees_nothing_else()


def test_a_caption_is_a_question(person: Person) -> None:
    person.does("photo", words="сколько стоит доставка")
    person.sees("300 ₽")


def test_only_the_own_contact_is_kept(bot: Bot, platform: Platform) -> None:
    anna, boris = platform.person(), platform.person()
    anna.does("contact", "+79991112233")
    boris.does("contact", "+79994445566", own=False)
    anna.sees("Контакт получил")
    boris.sees("Контакт получил")

    kept = dict(bot.rows("SELECT external_id, phone FROM people"))
    assert kept[str(anna.chat)] == "+79991112233"
    assert kept[str(boris.chat)] is None


# -- groups ----------------------------------------------------------------------------------------


def test_in_a_group_only_what_is_addressed_is_answered(bot: Bot, platform: Platform) -> None:
    group = platform.group()
    group.says("сколько стоит доставка?")
    group.says("/help@other_bot")
    group.says("@other_bot сколько стоит доставка?")
    question = group.says(f"@{USERNAME}, сколько стоит доставка?")

    answer = group.sees("300 ₽")
    assert answer["reply_to"] == question
    group.says(f"/help@{USERNAME}")
    group.sees("Как спросить")
    group.says("как оплатить заказ?", reply_to=answer["message_id"])
    group.sees("По счёту")
    group.sees_nothing_else()
    kept = bot.rows(
        "SELECT text FROM turns WHERE lane = ? AND inbox_id IS NOT NULL", f"telegram:{group.chat}"
    )
    assert ("сколько стоит доставка?",) in kept  # without the mention


def test_a_topic_is_answered_in_the_topic(bot: Bot, platform: Platform) -> None:
    group = platform.group(supergroup=True)
    group.says(f"@{USERNAME} сколько стоит доставка?", topic=7)
    group.says(f"@{USERNAME} как оплатить заказ?", topic=9)
    group.says(f"@{USERNAME} как вернуть товар?")

    answers = [group.sees() for _ in range(3)]
    assert {(one["thread_id"], one["plain"][:12]) for one in answers} == {
        (7, "Доставка по "),
        (9, "По счёту или"),
        (None, "В течение 14"),
    }


def test_a_group_that_became_a_supergroup_gets_its_answer_there(bot: Bot, platform: Platform) -> None:
    group = platform.group()
    new = -1_000_000_000_000 + group.chat
    platform.control("chat", id=new)
    platform.push("migrated", chat=group.chat, to=new, announce=False)
    group.says(f"@{USERNAME} сколько стоит доставка?")

    Person(platform, new).sees("300 ₽")
    assert [call["status"] for call in platform.calls("sendMessage", group.chat)] == [400]
    assert len(platform.sent(new)) == 1


def test_an_announced_migration_is_silent_and_the_new_group_is_served(bot: Bot, platform: Platform) -> None:
    group = platform.group()
    new = -1_000_000_000_000 + group.chat
    platform.push("migrated", chat=group.chat, to=new)
    moved = Person(platform, new)
    moved.sees_nothing_else()
    assert platform.sent(group.chat) == []


# -- buttons that lead nowhere ---------------------------------------------------------------------


def test_a_forged_button_is_answered_and_acknowledged(person: Person, platform: Platform) -> None:
    person.says("цена доставки")
    answer = person.sees("300 ₽")
    for data in ("deadbeef", "x" * 64, "0-0", "zzzzzzzzzzz-99", "'; DROP TABLE inbox; --", "☃" * 10):
        query = person.does("callback", data, message_id=answer["message_id"])["query_id"]
        person.sees("Эта кнопка уже не действует")
        pressed = [
            c for c in platform.calls("answerCallbackQuery") if c["given"]["callback_query_id"] == query
        ]
        assert [call["status"] for call in pressed] == [200]
    person.sees_nothing_else()


def test_a_button_of_somebody_else_tells_nothing(bot: Bot, platform: Platform) -> None:
    anna, boris = platform.person(), platform.person()
    anna.says("цена доставки")
    answer = anna.sees("300 ₽")
    boris.says("как вернуть товар?")
    boris.sees("14 дней")
    boris.does("callback", answer["buttons"][0][0]["data"], message_id=1)

    boris.sees("Эта кнопка уже не действует")
    boris.sees_nothing_else()


def test_a_press_under_a_message_that_is_gone_is_answered(person: Person) -> None:
    person.says("цена доставки")
    answer = person.sees("300 ₽")
    person.does(
        "callback", answer["buttons"][0][0]["data"], message_id=answer["message_id"], inaccessible=True
    )

    person.sees("2–7 дней")
    person.sees_nothing_else()


def test_a_menu_that_is_gone_is_sent_anew(person: Person) -> None:
    person.says("/faq")
    menu = person.sees("Выберите тему")
    data = {one["label"]: one["data"] for row in menu["buttons"] for one in row}["Доставка"]
    person.does("callback", data, message_id=1_000_000, inaccessible=True)

    shown = person.sees("Доставка")
    assert "Сколько стоит доставка?" in labels(shown)
    person.sees_nothing_else()


def test_a_double_press_on_a_menu_leaves_it_readable(person: Person, platform: Platform) -> None:
    person.says("/faq")
    menu = person.sees("Выберите тему")
    person.presses("Доставка", menu)
    person.sees_the_edit("Доставка")
    data = {one["label"]: one["data"] for row in menu["buttons"] for one in row}["Доставка"]
    person.does("callback", data, message_id=menu["message_id"])

    person.sees_nothing_else()
    assert {one["plain"] for one in platform.edits(person.chat)} == {"Доставка"}


def test_a_press_too_old_to_be_acknowledged_is_answered_all_the_same(
    person: Person, platform: Platform
) -> None:
    person.says("цена доставки")
    person.sees("300 ₽")
    platform.control("fail", fault="slow", method="answerCallbackQuery", seconds=0.3)
    person.presses("Сроки")
    platform.control("expire_presses")

    person.sees("2–7 дней")
    person.sees_nothing_else()


# -- odd updates -----------------------------------------------------------------------------------


def test_a_poison_update_holds_up_nobody(person: Person, platform: Platform, bot: Bot) -> None:
    bot.expected.add("dispatch.parked")
    before = bot.count("inbox", "state = 9")
    person.does("poison", "переслано")
    platform.push("raw", {"message": {"message_id": 5}}, lane=str(person.chat))
    platform.push("raw", {"message": "not an object"}, lane=str(person.chat))
    platform.push("raw", {"callback_query": {"id": 7, "from": None}}, lane=str(person.chat))
    person.says("Сколько стоит доставка?")

    person.sees()  # the forwarded text is a text
    person.sees("300 ₽")
    eventually(
        lambda: bot.count("inbox", "state = 9") > before, "the unreadable updates are kept for a person"
    )
    eventually(lambda: bot.metric("optfm_updates_parked_total") >= 1, "and counted")
    assert platform.wait(pending=0)["pending"] == 0


def test_an_update_of_an_unknown_kind_is_passed_over(person: Person, platform: Platform) -> None:
    platform.push("unknown", chat=person.chat)
    person.sees_nothing_else()
    platform.wait(pending=0)


def test_a_repeated_update_is_answered_once(person: Person, platform: Platform, bot: Bot) -> None:
    platform.control("duplicate", count=1)
    person.says("Сколько стоит доставка?")

    person.sees("300 ₽")
    platform.wait(pending=0)
    assert bot.count("inbox", "lane = ?", f"telegram:{person.chat}") == 1
    person.sees_nothing_else()


def test_twenty_messages_at_once_are_answered_in_their_order(person: Person, platform: Platform) -> None:
    asked = [*QUESTIONS] * 4
    platform.control("burst", messages=len(asked), texts=asked, first_chat=person.chat)

    answers = [person.sees() for _ in asked]
    for question, answer in zip(asked, answers, strict=True):
        assert QUESTIONS[question] in answer["plain"]
    person.sees_nothing_else()
