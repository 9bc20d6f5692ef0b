"""An author hears about what readers will get differently."""

from __future__ import annotations

import pytest

from channels.body import parse_body
from channels.capabilities import Buttons, Capabilities, DialectName
from channels.content import ContentProblem, content_problems
from channels.model import Action, Media, MediaKind

PLAIN = Capabilities(text_limit=40)
HTML = Capabilities(
    text_limit=40, dialect=DialectName.TELEGRAM_HTML, buttons=Buttons(max_rows=9, per_row=2, label_length=9)
)


@pytest.mark.parametrize(
    ("markdown", "capabilities", "expected"),
    [
        ("Всё **хорошо**", HTML, ()),
        ("Всё **хорошо**", PLAIN, (ContentProblem(id="markup_to_plain"),)),
        ("слово " * 15, HTML, (ContentProblem(id="split", detail="3"),)),
        ("[а](ftp://x.ru)", HTML, (ContentProblem(id="link_unsupported", detail="ftp://x.ru"),)),
        ("- [а](/price)", HTML, (ContentProblem(id="link_unsupported", detail="/price"),)),
        ("   ", HTML, (ContentProblem(id="empty"),)),
    ],
)
def test_each_problem_is_named(
    markdown: str, capabilities: Capabilities, expected: tuple[ContentProblem, ...]
) -> None:
    assert expected == content_problems(parse_body(markdown), capabilities)


def test_buttons_and_files_are_looked_at_too() -> None:
    problems = content_problems(
        parse_body("а"),
        HTML,
        actions=((Action(label="Очень длинно", token="a"),),),
        media=(Media(kind=MediaKind.VIDEO, url="https://x.ru/v"),),
    )

    assert [problem.id for problem in problems] == ["media_to_link", "label_shortened"]


def test_a_list_of_buttons_that_cannot_fit_is_a_problem_and_not_an_error() -> None:
    actions = ((Action(label="слово " * 20, token="a"),),)

    assert ContentProblem(id="too_large") in content_problems(parse_body("а"), PLAIN, actions=actions)
