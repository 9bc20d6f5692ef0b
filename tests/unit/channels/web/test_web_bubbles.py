"""What a page is shown of the record and of memory: each message once, in its place, in its last words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.body import parse_body
from channels.capabilities import Buttons, Capabilities
from channels.model import Action, ChatRef, Media, MediaKind, Outbound, Past
from channels.web.bubbles import ChatMessage, arranged, recalled
from channels.web.dialect import DIALECT
from channels.web.spec import SPEC

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CHAT = ChatRef(channel="web", chat_id="s" * 24)


def ours(words: str, name: str, second: int = 0, **changes: object) -> Past:
    said = Outbound(chat=CHAT, body=parse_body(words), **changes)  # type: ignore[arg-type]
    return Past(id=name, at=NOW + timedelta(seconds=second), message=said)


def bubble(name: str, second: int, words: str = "", *, visitor: bool = False) -> ChatMessage:
    return ChatMessage(
        message_id=name,
        author="visitor" if visitor else "bot",
        at=NOW + timedelta(seconds=second),
        html=words or name,
    )


def test_a_message_of_the_record_looks_as_it_was_sent() -> None:
    rows = ((Action(label="Да", token="t"), Action(label="Сайт", url="https://x.ru")),)
    [seen] = recalled([ours("**раз** <b>", "101", actions=rows)], SPEC.capabilities)
    assert (seen.message_id, seen.html) == ("101", "<p><b>раз</b> &lt;b&gt;</p>")
    assert [button.label for button in seen.buttons[0]] == ["Да", "Сайт"]
    assert seen.edited is False


def test_a_replacement_goes_by_the_name_of_what_it_replaced_wherever_the_record_begins() -> None:
    [seen] = recalled([ours("вторая страница", "102", replaces="101")], SPEC.capabilities)
    assert (seen.message_id, seen.edited) == ("101", True)


def test_files_and_impossible_buttons_do_not_spoil_the_history() -> None:
    media = (Media(kind=MediaKind.IMAGE, url="https://x.ru/a.png", name="Схема"),)
    rows = ((Action(label="Зло", url="javascript:alert(1)"), Action(label="Телефон", ask_contact=True)),)
    [seen] = recalled([ours("вот", "101", media=media, actions=rows)], SPEC.capabilities)
    assert 'href="https://x.ru/a.png"' in seen.html
    assert seen.buttons == ()
    assert "javascript" not in seen.html.partition("href")[2]


def test_a_message_longer_than_today_allows_is_still_one_bubble() -> None:
    small = Capabilities(
        text_limit=40, dialect=DIALECT, buttons=Buttons(max_rows=2, per_row=2, label_length=20)
    )
    text = "\n\n".join(f"Абзац номер {number} из многих." for number in range(5))
    [seen] = recalled([ours(text, "101", actions=((Action(label="Да", token="t"),),))], small)
    assert seen.message_id == "101"
    assert all(f"номер {number}" in seen.html for number in range(5))
    assert [button.label for button in seen.buttons[0]] == ["Да"]


def test_memory_fills_what_the_record_lacks_and_knows_the_last_words() -> None:
    told = [bubble("a", 0), bubble("b", 10, "старые слова"), bubble("c", 20)]
    window = [bubble("between", 15), bubble("b", 99, "новые слова"), bubble("last", 30)]
    seen = arranged(told, window)
    assert [message.message_id for message in seen] == ["a", "b", "between", "c", "last"]
    assert (seen[1].html, seen[1].at) == ("новые слова", told[1].at)


NAMED = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99), st.booleans()), max_size=12)


@given(told=NAMED, window=NAMED)
def test_no_message_is_lost_or_doubled(
    told: list[tuple[int, int, bool]], window: list[tuple[int, int, bool]]
) -> None:
    def distinct(rows: list[tuple[int, int, bool]]) -> list[ChatMessage]:
        made = {(visitor, name): bubble(str(name), at, visitor=visitor) for name, at, visitor in rows}
        return sorted(made.values(), key=lambda message: message.at)

    past, memory = distinct(told), distinct(window)
    names = [message.name for message in arranged(past, memory)]
    assert sorted(names) == sorted({message.name for message in (*past, *memory)})
    assert [name for name in names if name in {m.name for m in past}] == [m.name for m in past]
