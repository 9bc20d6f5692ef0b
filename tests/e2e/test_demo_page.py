"""The demo as a stranger meets it: one command, a page, a talk in a real browser."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

pytestmark = pytest.mark.e2e

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """`optfm-bot run` with no configuration, on a free port; gives the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "optfm_bot", "run"],
        cwd=tmp_path,
        env={**os.environ, "OPTFM__SERVER__PORT": "0", "OPTFM__LOG__FORMAT": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "started":
                yield event["addresses"][0]
                break
        else:
            pytest.fail("the demo did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield made
        await made.close()


async def ask(page: Page, words: str) -> None:
    await page.fill("textarea", words)
    await page.keyboard.press("Enter")


async def test_a_stranger_asks_chooses_and_comes_back(demo: str, browser: Browser) -> None:
    context = await browser.new_context(locale="ru-RU")
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    root = demo.split("/chat/", maxsplit=1)[0]
    await page.goto(root)
    assert page.url == demo

    await ask(page, "Сколько стоит доставка?")
    await page.get_by_text("от 20 000 ₽ бесплатно").wait_for()
    await page.get_by_role("button", name="👍 Помогло").click()
    await page.get_by_text("Рад, что помогло").wait_for()

    await ask(page, "возврат заказа")
    await page.get_by_text("Уточните, пожалуйста").wait_for()
    await page.get_by_role("button", name="Как вернуть товар?").click()
    await page.get_by_text("14 дней").first.wait_for()

    await page.reload()
    await page.get_by_text("от 20 000 ₽ бесплатно").wait_for()
    await ask(page, "<img src=x onerror=alert(1)> как приготовить борщ")
    await page.get_by_text("Пока не знаю точного ответа").wait_for()
    assert await page.locator("img[src='x']").count() == 0
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_the_page_fits(demo: str, browser: Browser, scheme: str, width: int) -> None:
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
        locale="ru-RU",
    )
    page = await context.new_page()
    await page.goto(demo)
    await ask(page, "Сколько стоит доставка?")
    await page.get_by_text("от 20 000 ₽ бесплатно").wait_for()

    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_two_tabs_show_one_talk(demo: str, browser: Browser) -> None:
    context = await browser.new_context(locale="ru-RU")
    first, second = await context.new_page(), await context.new_page()
    await first.goto(demo)
    await second.goto(demo)
    await ask(first, "Сколько стоит доставка?")

    await first.get_by_text("Сколько стоит доставка?").first.wait_for()
    await second.get_by_role("button", name="👍 Помогло").first.wait_for()


def test_the_demo_tells_programs_what_it_is(demo: str) -> None:
    root = demo.split("/chat/", maxsplit=1)[0]
    found = {}
    for path in ("/", "/healthz", "/readyz"):
        with urllib.request.urlopen(root + path, timeout=10) as answer:
            found[path] = json.load(answer)
    with urllib.request.urlopen(f"{root}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()

    assert (found["/"]["service"], found["/"]["status"]) == ("OptFM", "running")
    assert found["/"]["channels"]["web"]["state"] == "connected"
    assert found["/healthz"] == {"status": "ok"}
    assert (found["/readyz"]["status"], found["/readyz"]["problems"]) == ("ok", [])
    assert 'optfm_channel_up{channel="web"} 1.0' in metrics
