"""chat: around the talk stand the owner's words, whatever else is printed is the program's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from optfm_bot.cli import chat

Cli = Callable[..., Result]

TEXTS = """\
agent: {name: Оля}
faq: {path: knowledge/}
texts:
  ru:
    console.welcome: "{name} на связи."
    console.prompt: "я: "
    console.bye: Заходите ещё.
    admit.text: Спросите у Оли.
"""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person types, a line whenever the prompt stands there; then the input ends."""
    lines: list[str] = []
    invited, write = asyncio.Event(), chat._write

    class Keyboard:
        async def line(self) -> str:
            await invited.wait()
            invited.clear()
            return f"{lines.pop(0)}\n" if lines else ""

    def told(text: str) -> None:
        write(text)
        if text.rstrip() in {"я:", "вы ›"}:
            invited.set()

    monkeypatch.setattr(chat, "_write", told)

    monkeypatch.setattr(chat, "KeyboardReader", Keyboard)
    monkeypatch.setattr(chat, "_is_person", lambda: True)
    return lines


def test_the_lines_around_a_talk_are_the_owners(cli: Cli, project: Path, typed: list[str]) -> None:
    (project / "config.yaml").write_text(TEXTS, "utf-8")
    typed.append("почём слоны в зоопарке")

    said = cli("chat").stdout

    assert said.startswith("Оля на связи.\n/why — почему такой ответ, /quit — выход.\n")
    assert "я: " in said
    assert "Спросите у Оли." in said
    assert said.endswith("Заходите ещё.\n")


def test_quietly_there_is_the_talk_alone(cli: Cli, project: Path, typed: list[str]) -> None:
    (project / "config.yaml").write_text(TEXTS, "utf-8")
    typed.append("сколько стоит доставка")

    said = cli("chat", "--quiet").stdout

    assert "300" in said
    assert "на связи" not in said
    assert "Заходите" not in said
