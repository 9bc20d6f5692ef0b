"""The files that browsers get: readable, in both languages, small, unable to run what is shown."""

from __future__ import annotations

import re

import pytest

from channels.web.page import assets, chat_config, loader, render_page, version
from channels.web.spec import WebChatSettings

CSS = assets()["panel.css"].content.decode()
SCRIPTS = {name: asset.content.decode() for name, asset in assets().items() if name.endswith(".js")}
SCRIPTS["widget.js"] = loader().content.decode()
ALL = "\n".join(SCRIPTS.values())
WORDS = SCRIPTS["words.js"]
PAIRS = [
    ("text", "surface"), ("text", "raised"), ("muted", "surface"), ("muted", "raised"), ("link", "surface"),
    ("link", "raised"), ("link", "accent-soft"), ("on-accent", "accent"), ("on-accent", "accent-hover"),
    ("warn-text", "warn-bg"), ("bad", "surface"), ("surface", "text"),
]  # fmt: skip


def palette(theme: str) -> dict[str, tuple[float, ...]]:
    """The colours of a theme, as the style sheet says them when a site asks for none of its own."""
    found: dict[str, tuple[float, ...]] = {}
    for name, value in re.findall(r"^  --([\w-]+): (.+);$", CSS, re.MULTILINE):
        own = re.sub(r"var\(--chat-[\w-]+, (#\w+|light-dark\([^)]*\))\)", r"\1", value)
        pair = re.search(r"light-dark\((#\w{6}), (#\w{6})\)", own)
        colour = pair[("light", "dark").index(theme) + 1] if pair else own
        if re.fullmatch(r"#\w{6}", colour):
            found[name] = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    share = re.search(r"--accent-soft: color-mix\(in srgb, var\(--link\) (\d+)%, var\(--surface\)\)", CSS)
    assert share is not None
    mix = int(share[1]) / 100
    found["accent-soft"] = tuple(
        link * mix + ground * (1 - mix) for link, ground in zip(found["link"], found["surface"], strict=True)
    )
    return found


def luminance(colour: tuple[float, ...]) -> float:
    red, green, blue = (
        c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_text_is_readable(theme: str, ink: str, paper: str) -> None:
    colours = palette(theme)
    light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def words_of(script: str) -> tuple[set[str], set[str]]:
    russian, english = script[script.index("WORDS = ") :].split("en: {", maxsplit=1)
    return tuple(set(re.findall(r"\b([a-zA-Z]+): \"", part.split("};")[0])) for part in (russian, english))  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["words.js", "widget.js"])
def test_both_languages_have_the_same_words(name: str) -> None:
    russian, english = words_of(SCRIPTS[name])
    assert russian == english
    assert len(russian) > 3


def test_every_word_that_is_asked_for_exists_and_no_other() -> None:
    panel = "".join(text for name, text in SCRIPTS.items() if name not in {"widget.js", "words.js"})
    asked = set(re.findall(r"words\.(\w+)", panel)) - {"js"}
    known, _ = words_of(WORDS)
    assert asked - known == set()
    spoken = {
        "connecting",
        "online",
        "offline",
        "resting",
        "bot",
        "agent",
    }  # by the name of a state or an author
    assert known - asked - spoken == set()


@pytest.mark.parametrize(
    "way",
    [
        "innerHTML", "outerHTML", "insertAdjacentHTML", "setHTML", "DOMParser", "document.write", "eval(",
        "new Function", 'setAttribute("on', 'setAttribute("style', "createContextualFragment",
    ],
)  # fmt: skip
def test_the_scripts_have_no_way_to_run_what_they_show(way: str) -> None:
    assert way not in ALL


def test_nothing_comes_from_another_host() -> None:
    for text in (*SCRIPTS.values(), CSS, assets()["icon.svg"].content.decode()):
        hosts = set(re.findall(r"(?:https?:)?//([\w-]+\.[\w.-]*[a-z]{2,})", text))
        assert hosts <= {"www.w3.org"}


def test_modules_load_only_each_other_from_the_same_folder() -> None:
    for name, text in SCRIPTS.items():
        for found in re.findall(r'from "([^"]+)"', text):
            assert found.startswith("./"), name
            assert found[2:] in assets()


def test_a_site_loads_little_and_the_chat_is_light() -> None:
    panel = sum(
        len(asset.packed)
        for name, asset in assets().items()
        if name not in {"page.js", "page.css", "icon.svg"}
    )
    assert len(loader().packed) <= 4_000
    assert panel <= 30_000


def test_the_loader_knows_its_version_and_makes_one_global() -> None:
    text = SCRIPTS["widget.js"]
    assert f"static/{version()}/panel.js" in text
    assert "{{" not in text
    assert re.findall(r"window\.(\w+) =[^=]|defineProperty\(window, \"(\w+)\"", text) == [("", "OptfmChat")]


def test_what_a_page_is_told_is_data() -> None:
    config = chat_config(
        instance="web", title="<b>", starters=['"?<'] * 9, commands={}, settings=WebChatSettings()
    )
    html = render_page(config)
    assert len(config["starters"]) == 6
    assert config["files"] is None
    assert "<title>&lt;b&gt;</title>" in html
    assert '"?<' not in html
