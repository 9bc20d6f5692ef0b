"""Small talk never hides a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.domain import smalltalk
from optfm_bot.domain.smalltalk import SmallTalk, SmallTalkPhrases, words
from optfm_bot.i18n.smalltalk import fold
from optfm_bot.voice import shipped_phrases

PHRASES = shipped_phrases()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Здравствуйте!", SmallTalk.GREETING),
        ("ПРИВЕТ", SmallTalk.GREETING),
        ("Добрый день, всем привет 👋", SmallTalk.GREETING),
        ("спасибо большое 🙏", SmallTalk.THANKS),
        ("Хорошо, спасибо", SmallTalk.THANKS),
        ("Спасибо вам, понятно!", SmallTalk.THANKS),
        ("пока", SmallTalk.BYE),
        ("Спасибо, до свидания!", SmallTalk.BYE),
        ("Привет! Как дела?", SmallTalk.HOW_ARE_YOU),
        ("Здравствуйте, позовите оператора", SmallTalk.OPERATOR),
        ("Hello, thanks, bye!", SmallTalk.BYE),
        ("HUMAN!!!", SmallTalk.OPERATOR),
    ],
)
def test_a_message_of_nothing_else_is_recognised(text: str, kind: SmallTalk) -> None:
    assert PHRASES.recognise(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "Покажите прайс",
        "покажите цены, пожалуйста",
        "спасибо, а когда привезут?",
        "Здравствуйте, сколько стоит доставка?",
        "хорошо ли работает доставка",
        "хорошо ли",
        "пока не пришло",
        "пока жду заказ",
        "привет из Москвы, где мой заказ",
        "как вы работаете",
        "как ты доставляешь",
        "добрый товар есть?",
        "оператор связи сменился",
        "человек не приехал",
        "менеджер не отвечает по заказу",
        "удачи с ремонтом сайта",
        "до завтра привезёте?",
        "спасибо за ничего, верните деньги",
        "доброе утро можно оплатить картой",
        "хайлайтер есть?",
        "кухня",
        "ауди",
        "hi-fi колонки",
        "support ticket 123",
        "",
        "   ",
        "👍",
        "?!",
        "123",
    ],
)
def test_a_question_or_nothing_at_all_is_not_small_talk(text: str) -> None:
    assert PHRASES.recognise(text) is None


def test_fillers_alone_are_not_small_talk() -> None:
    assert (
        SmallTalkPhrases({SmallTalk.THANKS: ["спасибо"]}, fillers=["ну", "вам"]).recognise("ну вам") is None
    )


def test_the_longest_phrase_wins() -> None:
    phrases = SmallTalkPhrases({SmallTalk.GREETING: ["добрый"], SmallTalk.BYE: ["добрый путь"]})

    assert phrases.recognise("добрый путь") is SmallTalk.BYE


def test_words_are_folded() -> None:
    assert words("  Ещё, ЁЖ!\n— ok_go 🙂 ") == ("еще", "еж", "ok", "go")


@given(st.text(max_size=300))
def test_any_text_is_met_without_an_error(text: str) -> None:
    kind = PHRASES.recognise(text)

    assert kind is None or words(text)


def test_texts_are_remembered_within_bounds_and_each_set_of_phrases_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folded: list[str] = []

    def counting(text: str) -> str:
        folded.append(text)
        return fold(text)

    monkeypatch.setattr(smalltalk, "fold", counting)
    thanks, bye = (SmallTalkPhrases({kind: ["пока"]}) for kind in (SmallTalk.THANKS, SmallTalk.BYE))
    smalltalk._remembered_words.cache_clear()
    folded.clear()

    assert [one.recognise("пока") for one in (thanks, bye, thanks)] == [
        SmallTalk.THANKS, SmallTalk.BYE, SmallTalk.THANKS,
    ]  # fmt: skip
    assert folded == ["пока"]
    for number in range(1024):
        thanks.recognise(f"текст {number}")
    assert thanks.recognise("пока") is SmallTalk.THANKS
    assert folded.count("пока") == 2
    for _ in range(2):
        thanks.recognise("я" * 201)
    assert folded.count("я" * 201) == 2


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Спасибо, а сколько стоит доставка?", "а сколько стоит доставка?"),
        ("Ок, спасибо, понятно. Как вернуть?", "Как вернуть?"),
        ("Здравствуйте! Благодарю за ответ, а ещё вопрос", "а ещё вопрос"),
        ("Thanks, and how much is it?", "and how much is it?"),
        ("спасибо", None),
        ("ну хорошо, а как вернуть?", None),
        ("как вернуть? спасибо", None),
        ("позовите оператора", None),
        ("пока не пришло", None),
        ("как дела с заказом", None),
        ("", None),
    ],
)
def test_what_is_said_after_thanks_and_greetings(text: str, rest: str | None) -> None:
    assert shipped_phrases().after(text) == rest
