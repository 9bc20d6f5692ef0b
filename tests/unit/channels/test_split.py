"""A long message becomes several that fit, and says the same."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.body import parse_body, plain_text, text_body
from channels.capabilities import Buttons, Capabilities, DialectName, TextUnit
from channels.graphemes import graphemes
from channels.ladder import numbered_actions
from channels.measure import is_blank, text_length, written
from channels.model import (
    Action,
    Body,
    Bold,
    ChatRef,
    Code,
    Link,
    ListBlock,
    Media,
    MediaKind,
    Outbound,
    Paragraph,
    Quote,
    Text,
)
from channels.render import plain_copy, render
from channels.split import split_outbound

CHAT = ChatRef(channel="telegram", chat_id="42")
IMAGE = Media(kind=MediaKind.IMAGE, url="https://x.ru/a.png", name="схема")
LOCAL = Media(kind=MediaKind.FILE, path="/srv/a.pdf", name="прайс.pdf")
SENDS_IMAGES = {MediaKind.IMAGE: 10_000_000}
BUTTONS = Buttons(max_rows=8, per_row=3, label_length=30)
CAPABILITIES = st.builds(
    Capabilities,
    text_limit=st.integers(70, 200),
    text_unit=st.sampled_from(TextUnit),
    counts_markup=st.booleans(),
    dialect=st.sampled_from(DialectName),
    caption_limit=st.sampled_from([0, 30, 60]),
    buttons=st.sampled_from([None, BUTTONS]),
    media=st.sampled_from([{}, SENDS_IMAGES]),
)
ROWS = st.sampled_from(
    [
        (),
        ((Action(label="Да", token="a"), Action(label="Нет", token="b")),),
        ((Action(label="Сайт", url="https://x.ru"),), (Action(label="Позвоните мне", ask_contact=True),)),
    ]
)


def outbound(body: Body | str, **fields: object) -> Outbound:
    """A message with this text."""
    return replace(Outbound(chat=CHAT, body=parse_body(body) if isinstance(body, str) else body), **fields)


def plain_of(parts: tuple[Outbound, ...]) -> list[str]:
    """The words of every part."""
    return [plain_text(part.body) for part in parts]


def squeezed(text: str) -> str:
    """The words, without what is invisible and without what begins the lines of lists and quotations."""
    return re.sub(r"[\s\u200d>•\d.]+", "", text)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_every_part_fits_and_together_they_say_the_same(
    bodies: st.SearchStrategy[Body], data: st.DataObject
) -> None:
    capabilities = data.draw(CAPABILITIES)
    message = outbound(
        data.draw(bodies),
        actions=data.draw(ROWS),
        media=data.draw(st.sampled_from([(), (IMAGE,), (LOCAL,), (IMAGE, LOCAL, IMAGE)])),
    )
    if (
        written(message.body, capabilities).blank
        and not message.media
        and not numbered_actions(message, capabilities)
    ):
        return

    parts = split_outbound(message, capabilities)

    calls = [render(part, capabilities) for part in parts]  # raises TooLarge if one does not fit
    for call in calls:
        assert call.media or not is_blank(call.text)
        assert len(call.media) <= 1
        limit = capabilities.caption_limit if call.media else capabilities.text_limit
        assert text_length(plain_copy(call).text, capabilities.text_unit) <= limit
    assert squeezed(plain_text(message.body)) == squeezed("".join(plain_of(parts)))
    assert numbered_actions(message, capabilities) == numbered_actions(parts[-1], capabilities)
    for number, action in enumerate(numbered_actions(message, capabilities), 1):
        assert f"{number}. {action.label}" in calls[-1].plain


@given(st.text(alphabet="👩\u200d👧🇷🇺😀e\u0301a \u200b", max_size=200), st.sampled_from(TextUnit))
@settings(deadline=None)
def test_no_cut_goes_through_what_people_see_as_one_character(text: str, unit: TextUnit) -> None:
    if is_blank(text) or max(map(len, graphemes(text))) > 20:
        return
    capabilities = Capabilities(text_limit=60, text_unit=unit)

    parts = plain_of(split_outbound(outbound(text_body(text)), capabilities))

    whole = [cluster for cluster in graphemes(text) if not cluster.isspace()]
    assert whole == [cluster for part in parts for cluster in graphemes(part) if not cluster.isspace()]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Один два.\n\nТри четыре.", 15, ["Один два.", "Три четыре."]),
        ("Одна фраза. Другая фраза.", 20, ["Одна фраза.", "Другая фраза."]),
        ("слово слово слово", 12, ["слово слово", "слово"]),
        ("слово" * 4, 8, ["словосло", "вословос", "лово"]),
        ("- один\n- два\n- три", 12, ["• один\n• два", "• три"]),
        ("1. один\n2. два\n3. три", 15, ["1. один\n2. два", "3. три"]),
        ("1. один два три четыре\n2. пять", 16, ["1. один два три", "четыре\n\n2. пять"]),
        ("строка раз\nстрока два", 15, ["строка раз", "строка два"]),
        ("Цена\u00a0300\u00a0₽ сегодня", 14, ["Цена\u00a0300\u00a0₽", "сегодня"]),
        ("a" * 10, 10, ["a" * 10]),
        ("a" * 11, 10, ["a" * 10, "a"]),
    ],
)
def test_a_part_ends_at_the_best_place(text: str, limit: int, expected: list[str]) -> None:
    assert expected == plain_of(split_outbound(outbound(text), Capabilities(text_limit=limit)))


def test_a_short_first_paragraph_does_not_become_a_message_alone() -> None:
    parts = plain_of(split_outbound(outbound("Да.\n\n" + "слово " * 20), Capabilities(text_limit=60)))

    assert parts[0].startswith("Да.\n\nслово слово")


def test_invisible_characters_do_not_become_a_message() -> None:
    parts = split_outbound(outbound(text_body("раз" + "\u200b" * 20 + "два")), Capabilities(text_limit=6))

    assert not any(is_blank(part) for part in plain_of(parts))
    assert "".join(plain_of(parts)).replace("\u200b", "") == "раздва"


@pytest.mark.parametrize(("unit", "parts"), [(TextUnit.CHARACTERS, 1), (TextUnit.UTF16, 2)])
def test_the_limit_is_in_the_units_of_the_platform(unit: TextUnit, parts: int) -> None:
    capabilities = Capabilities(text_limit=4096, text_unit=unit)

    assert parts == len(split_outbound(outbound("😀" * 4096), capabilities))


@pytest.mark.parametrize(("counts_markup", "parts"), [(False, 1), (True, 2)])
def test_markup_counts_only_where_the_platform_counts_it(counts_markup: bool, parts: int) -> None:  # noqa: FBT001 - a table
    capabilities = Capabilities(text_limit=30, counts_markup=counts_markup, dialect=DialectName.TELEGRAM_HTML)

    assert parts == len(split_outbound(outbound("**раз два три** **раз два три**"), capabilities))


def test_emphasis_is_opened_again_after_a_cut() -> None:
    first, second = split_outbound(outbound("**_раз два три_**"), Capabilities(text_limit=8))

    assert Body((Paragraph((Bold((parse_body("_раз два_").blocks[0].children[0],)),)),)) == first.body  # type: ignore[union-attr] - a paragraph
    assert (
        written(second.body, Capabilities(text_limit=8, dialect=DialectName.TELEGRAM_HTML)).text
        == "<b><i>три</i></b>"
    )


def test_a_quotation_goes_on_as_a_quotation() -> None:
    parts = split_outbound(outbound("> раз два три"), Capabilities(text_limit=10))

    assert [Body((Quote((Text("раз два"),)),)), Body((Quote((Text("три"),)),))] == [p.body for p in parts]


def test_a_link_is_never_cut() -> None:
    parts = split_outbound(
        outbound("раз два [три четыре пять](https://x.ru) шесть"), Capabilities(text_limit=35)
    )

    links = [child for part in parts for child in part.body.blocks[0].children if isinstance(child, Link)]  # type: ignore[union-attr] - paragraphs
    assert [Link("https://x.ru", (Text("три четыре пять"),))] == links


def test_a_link_that_fits_nowhere_becomes_its_words_and_its_address() -> None:
    parts = plain_of(
        split_outbound(outbound("[раз два три четыре](https://x.ru/abcdef)"), Capabilities(text_limit=22))
    )

    assert parts == ["раз два три четыре", "(https://x.ru/abcdef)"]


def test_code_that_fits_nowhere_becomes_words() -> None:
    parts = split_outbound(outbound(Body((Paragraph((Code("раз два три"),)),))), Capabilities(text_limit=8))

    assert plain_of(parts) == ["раз два", "три"]


def test_a_list_cut_between_items_counts_on() -> None:
    parts = split_outbound(outbound("9. а а а\n10. б б б"), Capabilities(text_limit=10))

    assert ListBlock(((Text("б б б"),),), ordered=True, start=10) == parts[1].body.blocks[0]


def test_reply_and_edit_stay_with_the_first_part_buttons_with_the_last() -> None:
    rows = ((Action(label="Да", token="a"),),)
    message = outbound("раз два три", actions=rows, reply_to="7", replaces="8", guard="g")
    capabilities = Capabilities(text_limit=8, buttons=BUTTONS)

    first, last = split_outbound(message, capabilities)

    assert (first.reply_to, first.replaces, first.actions, first.guard) == ("7", "8", (), "g")
    assert (None, None, rows, "g") == (last.reply_to, last.replaces, last.actions, last.guard)


def test_what_fits_is_the_same_message() -> None:
    message = outbound("раз", reply_to="7", replaces="8")

    assert split_outbound(message, Capabilities(text_limit=8)) == (message,)


def test_room_is_kept_for_the_list_that_buttons_become() -> None:
    rows = ((Action(label="Да", token="a"), Action(label="Нет", token="b")),)
    capabilities = Capabilities(text_limit=40)

    parts = split_outbound(outbound("слово " * 12, actions=rows), capabilities)

    texts = [render(part, capabilities).text for part in parts]
    assert texts[-1].endswith("слово\n\n1. Да\n2. Нет")
    assert "".join(texts).count("слово") == 12


def test_a_list_that_leaves_no_room_goes_alone() -> None:
    rows = ((Action(label="Подробный ответ", token="a"),),)
    capabilities = Capabilities(text_limit=18)

    texts = [
        render(p, capabilities).text
        for p in split_outbound(outbound("раз два три", actions=rows), capabilities)
    ]

    assert texts == ["раз два три", "1. Подробный ответ"]


@pytest.mark.parametrize(
    ("text", "caption_limit", "expected"),
    [
        ("", 0, [("", 1)]),
        ("раз два", 10, [("раз два", 1)]),
        ("раз два три", 10, [("", 1), ("раз два три", 0)]),
        ("раз два", 0, [("", 1), ("раз два", 0)]),
    ],
)
def test_text_is_the_caption_if_it_fits_and_follows_the_file_if_not(
    text: str, caption_limit: int, expected: list[tuple[str, int]]
) -> None:
    capabilities = Capabilities(text_limit=30, caption_limit=caption_limit, media=SENDS_IMAGES)

    parts = split_outbound(outbound(text, media=(IMAGE,)), capabilities)

    assert expected == [(plain_text(part.body), len(part.media)) for part in parts]


def test_several_files_go_one_by_one_and_the_text_follows_with_the_buttons() -> None:
    rows = ((Action(label="Да", token="a"),),)
    capabilities = Capabilities(text_limit=30, caption_limit=30, media=SENDS_IMAGES, buttons=BUTTONS)

    parts = split_outbound(outbound("раз", media=(IMAGE, LOCAL, IMAGE), actions=rows), capabilities)

    assert [part.media for part in parts] == [(IMAGE,), (IMAGE,), (LOCAL,)]
    assert [(), (), rows] == [part.actions for part in parts]
    assert render(parts[-1], capabilities).text == "раз\n\nпрайс.pdf"


def test_more_lines_about_files_than_a_message_holds_become_messages() -> None:
    capabilities = Capabilities(text_limit=30)
    rows = ((Action(label="Да", token="a"),),)

    parts = split_outbound(outbound("раз", media=(IMAGE, LOCAL, IMAGE), actions=rows), capabilities)

    link = "схема (https://x.ru/a.png)"
    assert [render(part, capabilities).text for part in parts] == [link, "прайс.pdf", link, "раз\n\n1. Да"]


def test_a_bullet_without_words_is_nothing_to_see() -> None:
    body = Body((Quote(()), ListBlock(((),))))

    with pytest.raises(ValueError, match="needs text or a file"):
        split_outbound(outbound(body), Capabilities(text_limit=10))
    (part,) = split_outbound(outbound(body, media=(IMAGE,)), Capabilities(text_limit=10, media=SENDS_IMAGES))
    assert part.media == (IMAGE,)


@pytest.mark.parametrize("text", ["", " \n\n \t", "\u200b\u2060"])
def test_a_message_with_nothing_to_see_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs text or a file"):
        split_outbound(outbound(text_body(text)), Capabilities(text_limit=10, buttons=BUTTONS))


@pytest.mark.parametrize("text", ["a" * 65536, "слово. " * 9362, "👩\u200d👧" * 9000, "a\n\n" * 20000])
def test_64_kib_are_cut_in_reasonable_time(text: str) -> None:
    capabilities = Capabilities(text_limit=4096, text_unit=TextUnit.UTF16, dialect=DialectName.TELEGRAM_HTML)

    begin = time.process_time()
    parts = split_outbound(outbound(text_body(text)), capabilities)
    spent = time.process_time() - begin

    assert len(parts) >= 8
    assert spent < 5.0  # seconds of a slow machine; what is quadratic needs minutes
