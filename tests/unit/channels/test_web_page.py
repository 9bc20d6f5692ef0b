"""The files of the page: readable in both themes, worded in both languages, unable to run what is shown."""

from __future__ import annotations

import re

import pytest

from channels.web.page import assets, render_page

CSS = assets()["chat.css"].content.decode()
SCRIPT = assets()["chat.js"].content.decode()
PAIRS = [
    ("text", "surface"), ("text", "raised"), ("muted", "surface"), ("muted", "raised"), ("link", "surface"),
    ("link", "raised"), ("link", "accent-soft"), ("accent-text", "accent"), ("accent-text", "accent-hover"),
    ("warn-text", "warn-bg"), ("bad", "surface"),
]  # fmt: skip


def colours(theme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{([^}]*--page[^}]*)\}", CSS)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[("light", "dark").index(theme)]))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_text_is_readable(theme: str, ink: str, paper: str) -> None:
    palette = colours(theme)
    light, dark = sorted((luminance(palette[ink]), luminance(palette[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_both_languages_have_the_same_words() -> None:
    words = SCRIPT[SCRIPT.index("const WORDS") : SCRIPT.index("const KEPT")]
    russian, english = (set(re.findall(r"(\w+): \"", part)) for part in words.split("en: {"))
    assert russian == english
    assert len(russian) > 20


def test_every_word_that_the_page_asks_for_exists() -> None:
    html = render_page(instance="web", title="x", starters=(), commands={}, max_length=10)
    asked = set(re.findall(r'data-(?:word|label|hint)="(\w+)"', html)) | set(
        re.findall(r"words\.(\w+)", SCRIPT)
    )
    known = set(re.findall(r"(\w+): \"", SCRIPT[SCRIPT.index("const WORDS") : SCRIPT.index("const KEPT")]))
    assert asked - known == set()


@pytest.mark.parametrize(
    "way",
    [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        'setAttribute("on',
    ],
)
def test_the_script_has_no_way_to_run_what_it_shows(way: str) -> None:
    assert way not in SCRIPT


def test_nothing_comes_from_another_host() -> None:
    for asset in assets().values():
        hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.[a-z]{2,})", asset.content.decode()))
        assert hosts <= {"www.w3.org"}


def test_the_page_is_small() -> None:
    assert sum(len(asset.content) for asset in assets().values()) < 60_000
