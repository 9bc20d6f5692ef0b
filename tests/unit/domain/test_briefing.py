"""The talk so far, as an agent reads it when a person is called."""

from __future__ import annotations

from optfm_bot.domain.briefing import Line, briefing
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()


def line(text: str, by: str = "customer", entry: str | None = None) -> Line:
    return Line(by=by, clock="15.01 12:00", text=text, entry=entry)


def test_the_talk_is_told_in_its_order_with_who_said_what_and_why() -> None:
    lines = [
        line("сколько стоит\n\n доставка"),
        line("300 ₽", "bot", "Сколько стоит доставка?"),
        line("Добрый день", "agent"),
    ]

    assert briefing(lines, [], WORDS, "ru") == (
        "Разговор до обращения:\n"
        "15.01 12:00 Клиент: сколько стоит доставка\n"
        "15.01 12:00 Бот: 300 ₽ [Сколько стоит доставка?]\n"
        "15.01 12:00 Сотрудник: Добрый день"
    )


def test_the_nearest_questions_are_told_if_there_was_no_answer() -> None:
    told = briefing([line("что")], ["Как оплатить?", "Как вернуть?"], WORDS, "ru")

    assert told.endswith("\n\nБот не нашёл ответа. Ближайшие вопросы базы:\n- Как оплатить?\n- Как вернуть?")
    assert "nearest" in briefing([], ["A?"], WORDS, "en").casefold()


def test_of_a_long_talk_the_last_words_are_told() -> None:
    told = briefing([line(f"слово {number} " + "х" * 100) for number in range(200)], [], WORDS, "ru")
    title, cut, *rest = told.splitlines()

    assert (title, cut) == ("Разговор до обращения:", "…")
    assert len(told) < 6200
    assert "слово 199" in rest[-1]
    assert f"слово {200 - len(rest)} " in rest[0]


def test_a_talk_that_fits_is_not_cut() -> None:
    assert "…" not in briefing([line("х" * 600)], [], WORDS, "ru")


def test_a_long_message_is_cut_and_the_others_are_not() -> None:
    told = briefing([line("ж" * 5000), line("коротко")], [], WORDS, "ru").splitlines()

    assert (told[1].count("ж"), told[1][-1], told[2][-7:]) == (599, "…", "коротко")


def test_words_stay_out_of_the_log() -> None:
    assert "тайна" not in repr(line("тайна"))
