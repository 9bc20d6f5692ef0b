"""What the bot answers, as a pure function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.body import plain_text
from channels.model import MediaKind
from faq import Attachment, AttachmentType, FaqEntry, FaqManager
from optfm_bot.domain.answers import _PREPARED
from optfm_bot.domain.choices import KeptChoice, OpenEntry, OpenTopics, Rate, SpeakLanguage
from optfm_bot.domain.conversation import EMPTY, Conversation
from optfm_bot.domain.say import Response, Say
from optfm_bot.domain.talk import EDIT_COUNTS_MS, Around, Said, Talk, readable
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.voice import shipped_phrases

MakeTalk = Callable[..., Talk]


def text(response: Response) -> str:
    (say,) = response.says
    return plain_text(say.body)


def hear(talk: Talk, around: Around, words: str, state: Conversation = EMPTY, **facts: Any) -> Response:
    return talk.hear(Said(text=words, message_id="m1", **facts), state, around)


# -- corrections ---------------------------------------------------------------------------------------


@pytest.fixture
def asked(talk: Talk, around: Around) -> Conversation:
    return hear(talk, around, "как оплатить заказ").conversation


def test_a_corrected_question_is_answered_again_as_a_reply(
    talk: Talk, around: Around, asked: Conversation
) -> None:
    response = talk.correct("как вернуть товар", "m1", asked, around)

    assert (response.outcome, text(response)) == ("edited_answered", "За 14 дней.")
    assert response.says[0].reply_to == "m1"


@pytest.mark.parametrize(
    ("words", "message_id", "later"),
    [
        ("как вернуть товар", "m0", 0),
        ("как вернуть товар", None, 0),
        ("как вернуть товар", "m1", EDIT_COUNTS_MS + 1),
        ("Как оплатить заказ?!", "m1", 0),
        ("", "m1", 0),
        ("\u200b", "m1", 0),
        ("/start", "m1", 0),
    ],
    ids=["another message", "no id", "too late", "same words", "empty", "invisible", "command"],
)
def test_other_corrections_are_passed_over(
    talk: Talk, around: Around, asked: Conversation, words: str, message_id: str | None, later: int
) -> None:
    response = talk.correct(words, message_id, asked, replace(around, now=around.now + later))

    assert (response.outcome, response.says, response.conversation) == ("ignored", (), asked)


def test_a_correction_that_asks_the_same_is_remembered_and_not_answered(
    talk: Talk, around: Around, asked: Conversation
) -> None:
    response = talk.correct("как мне оплатить заказ", "m1", asked, around)

    assert (response.outcome, response.says) == ("ignored", ())
    assert response.conversation.asked_text == "как мне оплатить заказ"


def test_without_a_question_there_is_nothing_to_correct(talk: Talk, around: Around) -> None:
    assert talk.correct("как вернуть товар", "m1", EMPTY, around).says == ()


# -- choices typed instead of pressed ------------------------------------------------------------------

OFFERED = (KeptChoice("Сроки", OpenEntry("return")), KeptChoice("Все темы", OpenTopics()))


@pytest.mark.parametrize("words", ["1", "1.", "1)", " 1 ", "сроки", "Сроки!"])
def test_a_number_or_the_words_of_a_button_pick_it(talk: Talk, around: Around, words: str) -> None:
    around = replace(around, offered=OFFERED)

    assert text(hear(talk, around, words)) == "За 14 дней."


@pytest.mark.parametrize("words", ["0", "3", "-1", "1.5", "²", "1234567", "1 или 2", "сроки доставки"])
def test_anything_else_picks_nothing(talk: Talk, around: Around, words: str) -> None:
    response = hear(talk, replace(around, offered=OFFERED), words)

    assert "14 дней" not in text(response)


def test_a_number_without_an_offer_is_just_a_text(talk: Talk, around: Around) -> None:
    assert hear(talk, around, "1").outcome == "unanswered"


# -- commands and buttons ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/start", "Я OptFM"),
        ("/START", "Я OptFM"),
        ("/start pay", "Картой."),
        ("/start nobody", "больше нет"),
        ("/help", "Как спросить"),
        ("/faq", "Выберите тему"),
        ("/nonsense", "/nonsense"),
        ("/", "нет"),
        ("/" + "x" * 500, "x" * 32),
    ],
)
def test_commands(talk: Talk, around: Around, command: str, words: str) -> None:
    assert words in text(hear(talk, around, command))


def test_a_language_is_chosen_by_its_code(talk: Talk, around: Around) -> None:
    assert hear(talk, around, "/language EN").language == "en"
    choice = hear(talk, around, "/language klingon")

    assert choice.language is None
    assert [c.meaning for row in choice.says[0].choices for c in row] == [
        SpeakLanguage("ru"),
        SpeakLanguage("en"),
    ]


def test_a_start_with_the_link_of_an_entry_answers_it(talk: Talk, around: Around) -> None:
    assert text(hear(talk, around, "pay", start=True)) == "Картой."
    assert "Я OptFM" in text(hear(talk, around, "", start=True))


def test_a_name_with_markup_in_it_is_only_a_name(talk: Talk, around: Around) -> None:
    around = replace(around, person="*Анна* [x](http://evil.example)")

    assert "Здравствуйте, *Анна* [x](http://evil.example)." in text(hear(talk, around, "/start"))


def test_a_button_to_an_entry_that_is_gone_says_so(talk: Talk, around: Around) -> None:
    response = talk.pick(OpenEntry("gone"), EMPTY, around, turn_id=1)

    assert (response.outcome, response.conversation) == ("unanswered", EMPTY)
    assert "больше не действует" in text(response)


def test_an_opinion_counts_once_and_may_change(talk: Talk, around: Around) -> None:
    up, down = Rate(1, "pay", "v"), Rate(-1, "pay", "v")
    first = talk.pick(up, EMPTY, around, turn_id=5)
    again = talk.pick(up, first.conversation, around, turn_id=5)
    changed = talk.pick(down, first.conversation, around, turn_id=5)

    assert (first.opinion is None, again.opinion is None, changed.opinion is None) == (False, True, False)


# -- what a message may hold ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  как дела \n", "как дела"),
        ("a\x00b\x07c", "abc"),
        ("\u200b\u202e\ufeff", ""),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("a\nb\tc", "a\nb\tc"),
        ("\ud800x", "x"),
    ],
)
def test_what_nobody_can_see_is_not_read(raw: str, clean: str) -> None:
    assert readable(raw) == clean


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=400), group=st.booleans())
def test_every_text_gets_an_answer_and_no_error(talk: Talk, around: Around, words: str, group: bool) -> None:  # noqa: FBT001 - given by name
    response = hear(talk, around, words, is_group=group)

    assert response.says
    assert talk.settled(words) in {True, False}


def test_admitting_twice_in_a_row_says_something_else(talk: Talk, around: Around) -> None:
    first = hear(talk, around, "борщ")
    second = hear(talk, around, "пельмени", first.conversation)

    assert text(first) != text(second)
    assert (first.missed and first.missed.text, second.conversation.admitted) == ("борщ", 2)


def test_an_album_gets_one_reply_and_the_next_album_another(talk: Talk, around: Around) -> None:
    first = hear(talk, around, "", media=("photo",), album="a")
    same = hear(talk, around, "", first.conversation, media=("photo",), album="a")
    other = hear(talk, around, "", same.conversation, media=("photo",), album="b")

    assert [len(r.says) for r in (first, same, other)] == [1, 0, 1]


# -- files ---------------------------------------------------------------------------------------------


def sent_path(make_talk: MakeTalk, root: str | None, path: str) -> str | None:
    entry = FaqEntry(
        id="pay",
        question="Как оплатить заказ?",
        answer="Картой.",
        attachments=(Attachment(type=AttachmentType.IMAGE, path=path),),
    )
    talk = make_talk(entry, categories=(), media_root=root)
    response = talk.pick(OpenEntry("pay"), EMPTY, Around(language="ru", now=0), turn_id=None)
    media = response.says[0].media
    return media[0].path if media else None


@pytest.mark.parametrize(
    ("root", "path", "sent"),
    [
        ("/kb", "a.png", "/kb/a.png"),
        ("/kb/", "img/a.png", "/kb/img/a.png"),
        ("/kb", "./img/../a.png", "/kb/a.png"),
        (".", "a.png", "./a.png"),
        ("kb", "a.png", "kb/a.png"),
        ("/", "a.png", "/a.png"),
        ("/kb", "..a.png", "/kb/..a.png"),
    ],
)
def test_a_file_inside_the_folder_is_sent(make_talk: MakeTalk, root: str, path: str, sent: str) -> None:
    assert sent_path(make_talk, root, path) == sent


@pytest.mark.parametrize(
    "path",
    [
        "../a.png",
        "img/../../a.png",
        "/etc/passwd",
        "//etc/passwd",
        "..",
        ".",
        "img/..",
        "../kb/a.png",
        "../kb2/a.png",
    ],
)
@pytest.mark.parametrize("root", ["/kb", "kb", ".", "/"])
def test_a_file_outside_of_the_folder_never_is(make_talk: MakeTalk, root: str, path: str) -> None:
    assert sent_path(make_talk, root, path) is None


def test_without_a_folder_no_file_of_ours_is_sent(make_talk: MakeTalk) -> None:
    assert sent_path(make_talk, None, "a.png") is None


def test_a_file_with_an_address_needs_no_folder(make_talk: MakeTalk, around: Around) -> None:
    file = Attachment(type=AttachmentType.IMAGE, url="https://example.ru/a.png", name="a")
    entry = FaqEntry(id="pay", question="Как оплатить?", answer="Картой.", attachments=(file,))
    response = make_talk(entry, categories=()).pick(OpenEntry("pay"), EMPTY, around, turn_id=None)

    (media,) = response.says[0].media
    assert (media.kind, media.url, media.path) == (MediaKind.IMAGE, "https://example.ru/a.png", None)


# -- answers that are kept ready -----------------------------------------------------------------------


def said(talk: Talk, entry_id: str, around: Around) -> Say:
    (say,) = talk.pick(OpenEntry(entry_id), EMPTY, around, turn_id=None).says
    return say


def test_an_answer_is_prepared_once_for_each_channel_and_language(
    make_talk: MakeTalk, around: Around
) -> None:
    entry = FaqEntry(
        id="pay", question="Как оплатить?", answer="Картой.", answers={"en": "By card.", "tg": "Тут."}
    )
    talk = make_talk(entry, categories=())
    english, telegram = replace(around, language="en"), replace(around, channels=("tg",))

    assert said(talk, "pay", around) is said(talk, "pay", around)
    assert [plain_text(said(talk, "pay", one).body) for one in (around, english, telegram, around)] == [
        "Картой.", "By card.", "Тут.", "Картой.",
    ]  # fmt: skip
    assert said(talk, "pay", around).choices != said(talk, "pay", english).choices


def test_a_prepared_answer_carries_the_score_of_its_own_question(talk: Talk, around: Around) -> None:
    exact, similar = (
        hear(talk, around, words).says[0] for words in ("как оплатить заказ", "оплатить заказ как бы")
    )

    assert (exact.entry_id, similar.entry_id) == ("pay", "pay")
    assert exact.score == 1.0
    assert similar.score is not None
    assert similar.score < 1.0
    assert said(talk, "pay", around).score is None


def test_prepared_answers_are_bounded(make_talk: MakeTalk, around: Around) -> None:
    talk = make_talk()
    for number in range(_PREPARED + 5):
        said(talk, "pay", replace(around, channels=(f"c{number}",)))

    assert len(talk._answers._prepared) <= _PREPARED


def test_an_entry_that_goes_live_later_is_answered_by_the_same_talk(around: Around) -> None:
    day = [date(2026, 5, 1)]
    sale = FaqEntry(id="sale", question="Какие скидки?", answer="Половина.", valid_from=date(2026, 5, 2))
    pay = FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")
    talk = Talk(FaqManager([pay, sale], today=lambda: day[0]), Catalogue.load(), shipped_phrases())

    before = hear(talk, around, "Какие скидки?").outcome
    day[0] = date(2026, 5, 2)
    after = hear(talk, around, "Какие скидки?")

    assert (before, after.outcome) == ("unanswered", "answered")
    assert after.says[0].entry_version == sale.version
