"""What a platform cannot show is said another way, and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.body import parse_body
from channels.capabilities import Buttons, Capabilities, DialectName
from channels.errors import TooLarge
from channels.model import Action, ChatRef, Media, MediaKind, Outbound, Purpose
from channels.render import numbered_actions, plain_copy, render, split_outbound

CHAT = ChatRef(channel="telegram", chat_id="42")
YES = Action(label="Да", token="yes")
NO = Action(label="Нет", token="no")
SITE = Action(label="Сайт", url="https://x.ru")
MAIL = Action(label="Почта", url="mailto:a@x.ru")
PHONE = Action(label="Мой номер", ask_contact=True)
NONE = Capabilities(text_limit=100)
FULL = Capabilities(
    text_limit=100,
    caption_limit=20,
    dialect=DialectName.TELEGRAM_HTML,
    buttons=Buttons(max_rows=3, per_row=2, label_length=8, contact=True),
    edit=True,
    media={MediaKind.IMAGE: 10_000_000},
)


def outbound(text: str, *rows: tuple[Action, ...], **fields: object) -> Outbound:
    """A message with this text and these buttons."""
    return replace(Outbound(chat=CHAT, body=parse_body(text), actions=rows), **fields)


def with_buttons(**limits: object) -> Capabilities:
    """The full platform with other limits of buttons."""
    assert FULL.buttons is not None
    return replace(FULL, buttons=replace(FULL.buttons, **limits))


def test_what_the_platform_can_show_is_left_alone() -> None:
    message = outbound("**Да**", (YES, SITE), (PHONE,), reply_to="7", replaces="8", purpose=Purpose.CLARIFY)
    message = replace(message, actions=((YES, SITE), (NO,)))

    call = render(message, FULL)

    assert (call.text, call.plain, call.markup) == ("<b>Да</b>", "Да", True)
    assert call.actions == ((YES, SITE), (NO,))
    assert (call.chat, call.reply_to, call.replaces, call.purpose) == (CHAT, "7", "8", Purpose.CLARIFY)
    assert call.degraded == ()
    assert numbered_actions(message, FULL) == ()


def test_without_buttons_they_become_numbers_and_addresses() -> None:
    message = outbound("Помогло?", (YES, SITE), (PHONE, MAIL), (NO,))

    call = render(message, NONE)

    assert call.text == ("Помогло?\n\nСайт: https://x.ru\nПочта: a@x.ru\n\n1. Да\n2. Мой номер\n3. Нет")
    assert call.actions == ()
    assert call.degraded == ("buttons_to_list",)
    assert numbered_actions(message, NONE) == (YES, PHONE, NO)


def test_more_buttons_than_fit_become_a_list_with_whole_labels() -> None:
    actions = tuple(Action(label=f"Длинный вариант {n}", token=str(n)) for n in range(7))
    message = outbound("?", actions)
    capabilities = replace(FULL, text_limit=500)

    call = render(message, capabilities)

    assert call.actions == ()
    assert actions == numbered_actions(message, capabilities)
    assert call.degraded == ("buttons_to_list",)
    assert "7. Длинный вариант 6" in call.text


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (((YES, NO, SITE),), ((YES, NO), (SITE,))),
        (((YES,), (NO,), (SITE,), (YES,)), ((YES, NO), (SITE, YES))),
    ],
)
def test_rows_that_do_not_fit_are_wrapped(
    rows: tuple[tuple[Action, ...], ...], expected: tuple[tuple[Action, ...], ...]
) -> None:
    call = render(outbound("?", *rows), FULL)

    assert expected == call.actions
    assert call.degraded == ("buttons_rewrapped",)


def test_a_long_label_is_shortened() -> None:
    call = render(outbound("?", (Action(label="Стоимость\nдоставки", token="a"),)), FULL)

    assert ((Action(label="Стоимос…", token="a"),),) == call.actions
    assert call.degraded == ("label_shortened",)


def test_a_button_without_a_label_gets_one_that_says_nothing() -> None:
    assert render(outbound("?", (Action(label=" ", token="a"),)), FULL).actions[0][0].label == "…"


@pytest.mark.parametrize("capabilities", [with_buttons(urls=False), FULL])
def test_an_address_that_no_button_opens_becomes_a_line(capabilities: Capabilities) -> None:
    action = MAIL if capabilities is FULL else SITE
    call = render(outbound("?", (YES, action)), capabilities)

    assert call.actions == ((YES,),)
    assert call.degraded == ("url_button_to_text",)
    assert call.plain in {"?\n\nПочта: a@x.ru", "?\n\nСайт: https://x.ru"}


def test_a_contact_that_cannot_be_asked_becomes_a_number_beside_real_buttons() -> None:
    message = outbound("?", (YES, PHONE))
    capabilities = with_buttons(contact=False)

    call = render(message, capabilities)

    assert (call.actions, call.plain) == (((YES,),), "?\n\n1. Мой номер")
    assert call.degraded == ("contact_to_list",)
    assert numbered_actions(message, capabilities) == (PHONE,)


def test_a_token_too_long_for_the_payload_becomes_a_number() -> None:
    message = outbound("?", (YES, NO))

    assert numbered_actions(message, with_buttons(payload_bytes=2)) == (YES,)


@pytest.mark.parametrize(
    ("media", "line", "name"),
    [
        (
            Media(kind=MediaKind.FILE, url="https://x.ru/a.pdf", name="Прайс"),
            '<a href="https://x.ru/a.pdf">Прайс</a>',
            "media_to_link",
        ),
        (
            Media(kind=MediaKind.FILE, url="https://x.ru/a"),
            '<a href="https://x.ru/a">https://x.ru/a</a>',
            "media_to_link",
        ),
        (
            Media(kind=MediaKind.FILE, url="file:///etc/passwd", name="Прайс"),
            "Прайс (file:///etc/passwd)",
            "media_to_link",
        ),
        (Media(kind=MediaKind.FILE, path="/srv/a.pdf", name="a.pdf"), "a.pdf", "media_to_name"),
        (
            Media(
                kind=MediaKind.FILE, origin="max", file_id="7", url="https://x.ru/s", name="b", public=False
            ),
            "b",
            "media_to_name",
        ),
        (
            Media(kind=MediaKind.IMAGE, origin="max", file_id="7", name="huge.png", size=10_000_001),
            "huge.png",
            "media_to_name",
        ),
    ],
)
def test_a_file_that_cannot_be_sent_becomes_a_line(media: Media, line: str, name: str) -> None:
    call = render(outbound("?", media=(media,)), FULL)

    assert (f"?\n\n{line}", (), (name,)) == (call.text, call.media, call.degraded)


def test_plain_platforms_say_that_markup_was_lost_only_if_there_was_any() -> None:
    assert render(outbound("**а**"), NONE).degraded == ("markup_to_plain",)
    assert render(outbound("а\n\n- б https://x.ru"), NONE).degraded == ()
    assert not render(outbound("а"), NONE).markup


def test_an_edit_becomes_a_new_message_where_nothing_can_be_edited() -> None:
    call = render(outbound("а", replaces="8"), NONE)

    assert (call.replaces, call.degraded) == (None, ("edit_to_new",))


@pytest.mark.parametrize(
    ("length", "media"), [(101, ()), (21, (Media(kind=MediaKind.IMAGE, url="https://x.ru/a"),))]
)
def test_a_text_over_the_limit_is_refused(length: int, media: tuple[Media, ...]) -> None:
    render(outbound("a" * (length - 1), media=media), FULL)

    with pytest.raises(TooLarge, match=f"{length} long"):
        render(outbound("a" * length, media=media), FULL)


def test_the_plain_copy_says_the_same_without_markup() -> None:
    call = render(outbound("**а** & [б](https://x.ru)", (YES,)), FULL)

    plain = plain_copy(call)

    assert (plain.text, plain.markup) == ("а & б (https://x.ru)", False)
    assert (call.actions, (*call.degraded, "markup_to_plain")) == (plain.actions, plain.degraded)
    assert plain_copy(plain) is plain


def test_the_plain_copy_of_a_part_fits_too() -> None:
    text = " ".join(f"[слово](https://example.ru/{'x' * 40}/{n})" for n in range(5))

    for part in split_outbound(outbound(text), FULL):
        assert len(plain_copy(render(part, FULL)).text) <= FULL.text_limit


def test_the_renderer_adds_no_words_of_any_language() -> None:
    media = Media(kind=MediaKind.AUDIO, url="https://x.ru/a")
    call = render(
        outbound("1", (Action(label="2", token="a"), Action(label="3", url="https://x.ru")), media=(media,)),
        NONE,
    )

    assert call.text == "1\n\nhttps://x.ru/a\n3: https://x.ru\n\n1. 2"


@pytest.mark.parametrize("size", [None, 10_000_000])
def test_a_file_that_lies_elsewhere_is_sent_if_it_fits(size: int | None) -> None:
    media = Media(kind=MediaKind.IMAGE, origin="max", file_id="7", name="a.png", size=size, public=False)

    call = render(outbound("?", media=(media,)), FULL)

    assert ((media,), ()) == (call.media, call.degraded)
