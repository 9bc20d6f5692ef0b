"""What an agent wrote is kept, what their mail program put under it is not."""

from __future__ import annotations

import pytest

from optfm_bot.helpdesk.mail.quotation import said, unflowed

CODE = "abcdefgh23"

HISTORIES = {
    "gmail, russian": "сб, 21 нояб. 2026 г. в 15:30, Бот <bot@shop.test>:\n\n> Клиент · [#abcdefgh23]\n> секрет",
    "gmail, english": "On Sat, Nov 21, 2026 at 3:30 PM Bot <bot@shop.test> wrote:\n\n> secret\n> two",
    "gmail, wrapped": "On Sat, Nov 21, 2026 at 3:30 PM A Very Long Name Of A Shop\n<bot@shop.test> wrote:\n\n> secret",
    "thunderbird": "21.11.2026 15:30, Бот пишет:\n> secret",
    "apple": "21 нояб. 2026 г., в 15:30, Бот <bot@shop.test> написал(а):\n\n> secret",
    "outlook": "-----Original Message-----\nFrom: Bot\nSent: Saturday\nTo: staff\n\nsecret",
    "outlook, russian": "________________________________\nОт: Бот <bot@shop.test>\nОтправлено: суббота\n\nsecret",
    "outlook without a line": "From: Bot <bot@shop.test>\nSent: Saturday, November 21\nTo: staff\nSubject: x\n\nsecret",
    "outlook on the web": "От: Бот <bot@shop.test>\nДата: суббота\nКому: staff\n\nsecret",
    "yandex": '21.11.2026, 15:30, "Бот" <bot@shop.test>:\n> secret',
    "mail.ru": "Суббота, 21 ноября 2026, 15:30 +03:00 от Бот <bot@shop.test>:\n> secret",
    "forwarded": "-------- Пересылаемое сообщение --------\n21.11.2026, 15:30\nsecret",
    "unknown program": "Заметка, клиент её не видит · [#ABCDEFGH23]\nsecret",
    "signature": "-- \nОльга, +7 900 000-00-00",
    "phone": "Отправлено с iPhone",
    "phone, english": "Sent from my Galaxy",
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_history_is_cut(history: str) -> None:
    assert (
        said(f"Заказ в пути.\n\nБудет завтра.\n\n{history}\n", CODE).text == "Заказ в пути.\n\nБудет завтра."
    )


def test_an_answer_below_and_between_quoted_lines_is_kept() -> None:
    text = "21.11.2026 15:30, Бот пишет:\n> где заказ?\nВ пути.\n> а чек?\nВ письме."

    assert said(text, CODE).text == "В пути.\nВ письме."


@pytest.mark.parametrize(
    "text",
    [
        "a < b > c",
        "От: 500 рублей\nи выше",
        "Напишите нам: адрес ниже",
        "From: here you go left",
        "Смотрите [#zzzzzzzz22]",
        "--\u2009не подпись",
        "Иван написал: да",
        "/closed не команда",
        "см. /close ниже",
        "/notebook",
    ],
)
def test_ordinary_words_are_no_history_and_no_command(text: str) -> None:
    words = said(text, CODE)

    assert (words.text, words.commands, words.note) == (text, (), False)


@pytest.mark.parametrize(
    ("text", "words", "commands"),
    [
        ("/close", "", ("close",)),
        ("Готово\n/close", "Готово", ("close",)),
        ("/Close\n\nСпасибо", "Спасибо", ("close",)),
        ("/close Всего доброго", "Всего доброго", ("close",)),
        ("/close.", "", ("close",)),
        ("/закрыть", "", ("close",)),
        ("/open", "", ("open",)),
        ("/close\n/open", "", ("close", "open")),
    ],
)
def test_commands_are_taken_out_of_the_words(text: str, words: str, commands: tuple[str, ...]) -> None:
    assert (said(text, CODE).text, said(text, CODE).commands) == (words, commands)


@pytest.mark.parametrize("text", ["/note секрет", "\n\n/note\nсекрет", "/Note: секрет", "/заметка секрет"])
def test_a_note_has_no_words_for_the_customer(text: str) -> None:
    words = said(text, CODE)

    assert (words.text, words.note) == ("", True)


def test_a_note_may_close() -> None:
    words = said("/note спам\n/close", CODE)

    assert (words.text, words.note, words.commands) == ("", True, ("close",))


def test_a_command_in_quoted_mail_is_no_command() -> None:
    assert said("Готово\n> /close\n", CODE).commands == ()
    assert said("Готово\nПишет клиент · [#abcdefgh23]\n/close", CODE).commands == ()


def test_flowed_lines_are_joined() -> None:
    text = "Одна длинная \nстрока.\nВторая.\n> чужая \n> строка\n -- \n  отступ"

    assert unflowed(text, delete_space=False) == (
        "Одна длинная строка.\nВторая.\n> чужая \n> строка\n-- \n отступ"
    )
    assert unflowed("сло \nво", delete_space=True) == "слово"
