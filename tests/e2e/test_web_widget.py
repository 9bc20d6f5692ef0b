"""The widget as visitors meet it: on a stranger's strict site, in a real browser, through every trouble."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    WebSocketRoute,
    async_playwright,
    expect,
)

from tests.conftest import missing
from tests.e2e.chat_processes import ChatBot, Site

# One browser for all tests of the module, each with a profile of its own; so they share a loop as well.
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 2000
OPEN, CLOSE = "Открыть чат", "Свернуть чат"
QUESTION, ANSWER = "Сколько стоит доставка?", "Доставка по России"
LOOKING_ON = (
    "window.complaints = [];"
    "addEventListener('securitypolicyviolation', (e) => complaints.push(e.violatedDirective + ' ' + e.blockedURI));"
)
_never = threading.Event()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ChatBot, Site]]:
    """A bot and a site that all tests share which do not break them."""
    with ChatBot(tmp_path_factory.mktemp("widget")) as bot, Site(bot.base) as site:
        folder = str(bot.folder / "uploads")
        yield (
            bot.start(
                allowed_origins=[site.address],
                uploads=True,
                upload_dir=folder,
                upload_max_mb=0.01,
                messages_per_minute=0,
                address_per_minute=0,
            ),
            site,
        )


@pytest.fixture
def bot(shared: tuple[ChatBot, Site]) -> ChatBot:
    return shared[0]


@pytest.fixture
def site(shared: tuple[ChatBot, Site]) -> Site:
    return shared[1]


@pytest.fixture
def make_bot(tmp_path: Path) -> Iterator[Callable[..., tuple[ChatBot, Site]]]:
    """Make a bot and a site of one's own, for trouble."""
    with ExitStack() as stack:

        def make(**chat: Any) -> tuple[ChatBot, Site]:
            bot = stack.enter_context(ChatBot(tmp_path / "bot"))
            site = stack.enter_context(Site(bot.base))
            return bot.start(allowed_origins=[site.address], **chat), site

        yield make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield made
        await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor's browser. What it complains of fails the test, unless the test took it out of `complaints`."""
    made = await browser.new_context(
        locale="ru-RU", viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    yield made
    await made.close()


async def opened(context: BrowserContext, address: str, **attributes: str) -> Page:
    """A tab with the page of a site, the chat still closed."""
    page = await context.new_page()
    await page.add_init_script(LOOKING_ON)
    await page.goto(f"{address}/?{urlencode(attributes)}" if attributes else address)
    return page


async def chatting(context: BrowserContext, address: str, **attributes: str) -> Page:
    """A tab with the chat open and greeted."""
    page = await opened(context, address, **attributes)
    await page.get_by_role("button", name=OPEN).click()
    await page.get_by_role("button", name="Все темы").first.wait_for()
    return page


async def ask(page: Page, words: str = QUESTION) -> None:
    await page.get_by_label("Ваш вопрос").fill(words)
    await page.keyboard.press("Enter")


async def bubbles(page: Page) -> list[str]:
    """The words of all bubbles, in the order of the page."""
    return await page.locator(".message .bubble").all_inner_texts()


async def session_of(page: Page) -> str:
    """The name of the talk, as the browser keeps it."""
    found = await page.evaluate(
        "JSON.parse(localStorage[Object.keys(localStorage).find((key) => key.endsWith(':talk'))]).session"
    )
    return str(found)


def message(page: Page, words: str) -> Locator:
    """The bubbles with these words."""
    return page.locator(".bubble").filter(has_text=words)


# -- a talk --------------------------------------------------------------------------------------------------


async def test_a_visitor_asks_chooses_and_comes_back_on_a_strict_site(
    context: BrowserContext, site: Site
) -> None:
    page = await chatting(context, site.address)
    await ask(page)
    await message(page, ANSWER).wait_for()
    await page.get_by_role("button", name="Сроки").click()
    await message(page, "Обычно 2–7 дней").wait_for()
    await ask(page, "как вернуть")
    await message(page, "Уточните").wait_for()
    await page.get_by_role("button", name="Как вернуть товар?").click()
    await message(page, "В течение 14 дней").wait_for()
    said = await bubbles(page)
    assert [words for words in said if words in {QUESTION, "Сроки", "как вернуть", "Как вернуть товар?"}] == [
        QUESTION, "Сроки", "как вернуть", "Как вернуть товар?",
    ]  # fmt: skip

    await page.reload()
    await page.get_by_role("button", name=OPEN).click()
    await message(page, "В течение 14 дней").wait_for()
    assert await bubbles(page) == said
    assert await page.evaluate("complaints") == []


async def test_nothing_is_run_that_is_said(context: BrowserContext, site: Site) -> None:
    page = await chatting(context, site.address)
    await ask(page, "<img src=x onerror=alert(1)> абракадабра")
    await message(page, "<img src=x").wait_for()
    await ask(page, "угловые скобки в тексте")
    await message(page, '1 < 2 && "3" > 2').wait_for()
    assert await page.locator("img").count() == 0
    assert await page.evaluate("complaints") == []


async def test_two_tabs_are_one_talk(context: BrowserContext, site: Site) -> None:
    first, second = await chatting(context, site.address), await chatting(context, site.address)
    await ask(first)
    for page in (first, second):
        await message(page, ANSWER).wait_for()
    await ask(second, "Как оплатить заказ?")
    for page in (first, second):
        await message(page, "По счёту или картой").wait_for()
    await first.get_by_role("button", name="Сроки").click()
    for page in (first, second):
        await message(page, "Обычно 2–7 дней").wait_for()

    assert await bubbles(first) == await bubbles(second)
    assert await bubbles(first) == list(dict.fromkeys(await bubbles(first)))


def choice(page: Page, words: str) -> Locator:
    """The buttons under messages with these words."""
    return page.locator(".choice").filter(has_text=words)


async def test_a_page_of_a_menu_is_turned_in_its_place(context: BrowserContext, site: Site) -> None:
    page = await chatting(context, site.address)
    await ask(page, "/faq")
    await choice(page, "Каталог").click()
    await choice(page, "Артикул 01").wait_for()
    before = await bubbles(page)
    await choice(page, "Ещё").click()
    await choice(page, "Артикул 06").wait_for()
    assert await bubbles(page) == before
    assert await choice(page, "Артикул 01").count() == 0
    await page.reload()
    await page.get_by_role("button", name=OPEN).click()
    await choice(page, "Артикул 06").wait_for()
    assert await bubbles(page) == before


async def test_a_button_of_long_ago_does_no_harm(context: BrowserContext, site: Site, bot: ChatBot) -> None:
    page = await chatting(context, site.address)
    await ask(page)
    await page.get_by_role("button", name="Сроки").click()
    await message(page, "Обычно 2–7 дней").wait_for()
    await page.get_by_role("button", name="Сроки").click()
    await expect(message(page, "Обычно 2–7 дней")).to_have_count(2)
    assert bot.answers()


async def test_a_new_talk_begins_in_every_tab(context: BrowserContext, site: Site) -> None:
    first, second = await chatting(context, site.address), await chatting(context, site.address)
    await ask(first)
    await message(second, ANSWER).wait_for()
    before = await session_of(first)
    await first.get_by_role("button", name="Новый диалог").click()
    await first.get_by_role("button", name="Оставить").click()
    assert await message(first, ANSWER).count() == 1
    await first.get_by_role("button", name="Новый диалог").click()
    await first.get_by_role("button", name="Начать новый").click()

    for page in (first, second):
        await expect(message(page, ANSWER)).to_have_count(0)
        await page.get_by_role("button", name="Все темы").wait_for()
        assert await session_of(page) != before


async def test_answers_that_come_while_the_chat_is_closed_are_counted(
    context: BrowserContext, site: Site, bot: ChatBot
) -> None:
    page = await chatting(context, site.address)
    await page.evaluate("window.heard = []; OptfmChat.on('unread', (count) => heard.push(count)); 0")
    await page.evaluate("OptfmChat.close()")
    assert bot.says(await session_of(page), "Как оплатить заказ?", "from-elsewhere") == 200
    await page.get_by_role("button", name="непрочитанных: 1").wait_for()
    await page.get_by_role("button", name=OPEN).click()
    await message(page, "По счёту или картой").wait_for()
    assert await page.evaluate("heard") == [1, 0]


async def test_the_page_of_the_chat_begins_with_the_answer_that_a_link_names(
    context: BrowserContext, bot: ChatBot
) -> None:
    page = await context.new_page()
    await page.goto(f"{bot.page}?start=payment&lang=en&theme=dark")
    await message(page, "По счёту или картой").wait_for()
    assert await page.get_by_label("Your question").count() == 1
    assert urlsplit(page.url).query == ""


# -- trouble -------------------------------------------------------------------------------------------------


async def test_a_killed_server_costs_no_message_and_doubles_none(
    context: BrowserContext, make_bot: Callable[..., tuple[ChatBot, Site]]
) -> None:
    bot, site = make_bot()
    page, other = await chatting(context, site.address), await chatting(context, site.address)
    await ask(page)
    await message(page, ANSWER).wait_for()
    bot.kill()
    await ask(page, "Как оплатить заказ?")
    await page.get_by_text("Нет связи, отправим, когда появится").wait_for()
    await message(other, "Как оплатить заказ?").wait_for()
    bot.start()

    for tab in (page, other):
        await message(tab, "По счёту или картой").wait_for()
        await expect(tab.get_by_text("Нет связи")).to_have_count(0)
    for tab in (page, other):
        await tab.reload()
        await tab.get_by_role("button", name=OPEN).click()
        await message(tab, "По счёту или картой").wait_for()
        assert (await bubbles(tab)).count(QUESTION) == 1
        assert (await bubbles(tab)).count("Как оплатить заказ?") == 1
        assert len([words for words in await bubbles(tab) if "По счёту" in words]) == 1
    assert [words for words in bot.texts() if words == "Как оплатить заказ?"] == ["Как оплатить заказ?"]


async def test_a_server_killed_at_the_moment_of_sending_answers_later_and_once(
    context: BrowserContext, make_bot: Callable[..., tuple[ChatBot, Site]]
) -> None:
    bot, site = make_bot()
    page = await chatting(context, site.address)
    for round_number in range(3):
        words = f"Артикул {round_number + 1:02d} — что это?"
        await ask(page, words)
        # A little later each time: before the message is stored, while it is answered, after.
        _never.wait(0.02 * round_number)
        bot.kill()
        bot.start()
        await message(page, f"номер {round_number + 1:02d} из каталога").wait_for()
        await expect(message(page, words)).to_have_count(1)
    said = [words for words in await bubbles(page) if "из каталога" in words]
    assert len(said) == 3
    await page.reload()
    await page.get_by_role("button", name=OPEN).click()
    await message(page, "номер 03 из каталога").wait_for()
    assert [words for words in await bubbles(page) if "из каталога" in words] == said
    assert len([words for words in bot.texts() if words.startswith("Артикул")]) == 3


async def test_what_was_written_without_a_connection_survives_a_reload(
    context: BrowserContext, make_bot: Callable[..., tuple[ChatBot, Site]]
) -> None:
    bot, site = make_bot()
    page = await chatting(context, site.address)
    bot.kill()
    await ask(page)
    await page.get_by_text("Ещё не отправлено").wait_for()
    await page.goto("about:blank")
    bot.start()
    await page.goto(site.address)
    await page.get_by_role("button", name=OPEN).click()
    await message(page, ANSWER).wait_for()
    assert bot.texts().count(QUESTION) == 1


@pytest.mark.parametrize("way", ["closed at once", "left hanging"])
async def test_where_sockets_are_blocked_events_and_posts_carry_the_talk(
    context: BrowserContext, site: Site, way: str
) -> None:
    async def block(route: WebSocketRoute) -> None:
        if way == "closed at once":
            await route.close()

    await context.route_web_socket(re.compile("/socket$"), block)
    page = await opened(context, site.address)
    asked: list[str] = []
    page.on("request", lambda made: asked.append(urlsplit(made.url).path))
    await page.get_by_role("button", name=OPEN).click()
    await page.get_by_role("button", name="Все темы").wait_for()
    await ask(page)
    await message(page, ANSWER).wait_for()
    await page.get_by_role("button", name="Сроки").click()
    await message(page, "Обычно 2–7 дней").wait_for()
    assert {"/chat/web/events", "/chat/web/messages"} <= set(asked)
    assert await page.get_by_text("На связи").count() == 1


async def test_a_browser_that_goes_offline_sends_when_it_is_back(context: BrowserContext, site: Site) -> None:
    page = await chatting(context, site.address)
    await context.set_offline(True)
    await ask(page)
    await page.get_by_text("Нет связи, отправим, когда появится").wait_for()
    await context.set_offline(False)
    await message(page, ANSWER).wait_for()
    await expect(message(page, QUESTION)).to_have_count(1)


async def test_a_browser_without_storage_still_talks(context: BrowserContext, site: Site) -> None:
    refuse = "throw new DOMException('storage is off', 'SecurityError');"
    await context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        f"Object.defineProperty(window, name, {{ get() {{ {refuse} }} }});"
    )
    page = await chatting(context, site.address)
    await ask(page)
    await message(page, ANSWER).wait_for()
    assert await page.evaluate("complaints") == []


async def test_a_site_that_is_not_allowed_is_told_so_and_sends_nothing(
    context: BrowserContext, bot: ChatBot
) -> None:
    with Site(bot.base) as stranger:
        page = await opened(context, stranger.address)
        warnings: list[str] = []
        asked: list[str] = []
        page.on("console", lambda line: warnings.append(line.text))
        page.on("request", lambda made: asked.append(urlsplit(made.url).path))
        page.on("websocket", lambda made: asked.append(urlsplit(made.url).path))
        await page.get_by_role("button", name=OPEN).click()
        await page.get_by_text("Этот сайт ещё не подключён к чату").wait_for()
        await expect(page.get_by_label("Ваш вопрос")).to_be_disabled()
        assert not {"/chat/web/socket", "/chat/web/events", "/chat/web/messages"} & set(asked)
        await page.reload()
        await page.get_by_role("button", name=OPEN).click()
        await page.get_by_text("Этот сайт ещё не подключён к чату").wait_for()
        assert [line for line in warnings if "allowed_origins" in line and stranger.address in line]


async def test_a_bot_that_is_down_is_told_politely_and_asked_again(
    context: BrowserContext, make_bot: Callable[..., tuple[ChatBot, Site]]
) -> None:
    bot, site = make_bot()
    await context.route("**/static/**", lambda route: route.abort())
    page = await opened(context, site.address)
    await page.get_by_role("button", name=OPEN).click()
    await page.get_by_text("Чат сейчас недоступен").wait_for()
    await context.unroute_all()
    await page.get_by_role("button", name=OPEN).click()
    await page.get_by_role("button", name="Все темы").wait_for()
    assert bot.answers()


async def test_who_writes_too_fast_keeps_the_words(
    context: BrowserContext, make_bot: Callable[..., tuple[ChatBot, Site]]
) -> None:
    bot, site = make_bot(messages_per_minute=2, burst=2)
    page = await chatting(context, site.address)
    await ask(page)
    await message(page, ANSWER).wait_for()
    await ask(page, "Как оплатить заказ?")
    await page.get_by_text("Слишком много сообщений подряд").wait_for()
    await expect(page.get_by_label("Ваш вопрос")).to_have_value("Как оплатить заказ?")
    assert await message(page, "Как оплатить заказ?").count() == 0
    assert "Как оплатить заказ?" not in bot.texts()


# -- files ---------------------------------------------------------------------------------------------------


async def test_a_file_is_sent_shown_after_a_reload_and_saved_again(
    context: BrowserContext, site: Site
) -> None:
    page = await chatting(context, site.address)
    picture = {"name": "чек.png", "mimeType": "image/png", "buffer": PNG}
    await page.locator("input[type=file]").set_input_files([picture])  # type: ignore[list-item]
    await page.get_by_role("button", name="Скачать чек.png").wait_for()
    await page.reload()
    await page.get_by_role("button", name=OPEN).click()
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Скачать чек.png").click()
    download = await waiting.value
    assert download.suggested_filename == "чек.png"
    saved = await asyncio.to_thread((await download.path()).read_bytes)
    assert saved == PNG
    assert await page.evaluate("complaints") == []


async def test_files_that_are_not_taken_are_refused_in_words(context: BrowserContext, site: Site) -> None:
    page = await chatting(context, site.address)
    liar = {"name": "чек.png", "mimeType": "image/png", "buffer": b"<html>"}
    await page.locator("input[type=file]").set_input_files([liar])  # type: ignore[list-item]
    await page.get_by_text("Файлы такого вида здесь не принимаются").wait_for()
    large = {"name": "x.png", "mimeType": "image/png", "buffer": PNG * 20}
    await page.locator("input[type=file]").set_input_files([large])  # type: ignore[list-item]
    await page.locator(".toast").filter(has_text="такой не отправить").wait_for()


# -- for everybody -------------------------------------------------------------------------------------------


async def focused(page: Page) -> str:
    """What has the focus inside the chat: its label, text or tag."""
    found = await page.evaluate(
        "(() => { const root = document.querySelector('optfm-chat').shadowRoot; const own = root.activeElement;"
        "return own ? own.getAttribute('aria-label') || own.id || own.textContent : document.activeElement.tagName;})()"
    )
    return str(found)


async def test_the_keyboard_alone_is_enough(context: BrowserContext, site: Site) -> None:
    page = await opened(context, site.address)
    launcher = page.get_by_role("button", name=OPEN)
    await launcher.wait_for()
    assert await launcher.get_attribute("aria-expanded") == "false"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    assert await focused(page) == OPEN
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog", name="OptFM").wait_for()
    await page.get_by_role("button", name="Все темы").wait_for()
    assert await focused(page) == "text"
    assert await page.locator(".launcher").get_attribute("aria-expanded") == "true"
    await page.keyboard.type(QUESTION)
    await page.keyboard.press("Enter")
    await message(page, ANSWER).wait_for()
    assert await focused(page) == "text"
    seen = []
    for _ in range(12):
        await page.keyboard.press("Shift+Tab")
        seen.append(await focused(page))
        if seen[-1] == "Сроки":
            break
    assert seen[-1] == "Сроки"
    await page.keyboard.press("Enter")
    await message(page, "Обычно 2–7 дней").wait_for()
    assert await focused(page) == "Сроки"
    await page.keyboard.press("Escape")
    assert await focused(page) == OPEN
    assert await page.get_by_role("dialog").count() == 0
    # Closed, it holds nobody: the next Tab leaves the chat.
    await page.keyboard.press("Tab")
    assert await focused(page) != OPEN


async def test_the_question_about_a_new_talk_holds_the_keyboard_until_it_is_answered(
    context: BrowserContext, site: Site
) -> None:
    page = await chatting(context, site.address)
    await ask(page)
    await page.get_by_role("button", name="Новый диалог").click()
    assert await focused(page) == "Оставить"
    await page.keyboard.press("Tab")
    assert await focused(page) == "Начать новый"
    await page.keyboard.press("Escape")
    assert await focused(page) == "Новый диалог"
    assert await page.get_by_role("alertdialog").count() == 0
    assert await page.get_by_role("dialog").count() == 1


async def test_messages_are_read_aloud_and_the_dots_are_not(context: BrowserContext, site: Site) -> None:
    page = await chatting(context, site.address)
    log = page.get_by_role("log")
    await expect(log).to_have_attribute("aria-live", "polite")
    assert await page.locator(".typing").get_attribute("aria-hidden") == "true"
    assert await log.locator(".unseen").first.inner_text() == "Бот:"


SIZES = [(1280, 800), (640, 400), (390, 844), (320, 640), (320, 256)]
"""Desktop, the same at 200 % zoom, phones, and desktop at 400 %."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_fits_and_can_be_read(
    browser: Browser, site: Site, scheme: str, size: tuple[int, int]
) -> None:
    width, height = size
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        locale="ru-RU",
        reduced_motion="reduce",
    )
    page = await chatting(context, site.address, color="#1f7a4d")
    await ask(page)
    await message(page, ANSWER).wait_for()
    await page.get_by_role("button", name="Сроки").click()
    await message(page, "Обычно 2–7 дней").wait_for()

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    odd = await page.evaluate(MEASURE)
    assert odd == {"wide": [], "pale": [], "small": [], "outside": []}
    panel = await page.locator(".panel").bounding_box()
    assert panel is not None
    assert (panel["x"] == 0 and panel["width"] == width) is (width <= 480)
    await context.close()


MEASURE = """() => {
  const root = document.querySelector('optfm-chat').shadowRoot;
  const numbers = (colour) => (colour.match(/[\\d.]+/g) || []).map((n) => n * (colour.startsWith('color(') ? 255 : 1));
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => rgb.slice(0, 3).map((v) => linear(v / 255))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let own = node; own; own = own.parentElement) {
      const rgb = numbers(getComputedStyle(own).backgroundColor);
      if (rgb.length === 3 || rgb[3] > 0) return rgb;
    }
    return [255, 255, 255];
  };
  const found = { wide: [], pale: [], small: [], outside: [] };
  for (const node of root.querySelectorAll('.panel *')) {
    const box = node.getBoundingClientRect();
    if (!box.width || node.closest('.unseen, [hidden], svg')) continue;
    const name = node.className + ' ' + node.textContent.slice(0, 30);
    if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline') found.wide.push(name);
    if (box.left < -0.5 || box.right > innerWidth + 0.5) found.outside.push(name);
    const pressable = node.matches('button:not(.command), a.choice');
    if (pressable && Math.min(box.width, box.height) < 24) found.small.push(name);
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own) continue;
    const [one, other] = [light(numbers(getComputedStyle(node).color)), light(ground(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) found.pale.push(name + ' ' + getComputedStyle(node).color);
  }
  return found;
}"""


@pytest.mark.parametrize("colour", ["#fff", "#ffe600", "#777777", "#d9363e", "not a colour"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_any_colour_of_a_site_can_be_read(
    context: BrowserContext, site: Site, colour: str, theme: str
) -> None:
    page = await chatting(context, site.address, color=colour, theme=theme)
    await ask(page)
    await message(page, ANSWER).wait_for()
    await page.get_by_role("button", name="Сроки").click()
    await message(page, "Обычно 2–7 дней").wait_for()
    await page.wait_for_function(
        "document.querySelector('optfm-chat').shadowRoot.getAnimations().length === 0"
    )
    assert (await page.evaluate(MEASURE))["pale"] == []
    surface = await page.locator(".panel").evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert (surface == "rgb(255, 255, 255)") is (theme == "light")


async def test_a_site_says_how_the_chat_looks_and_its_style_stays_outside(
    context: BrowserContext, site: Site
) -> None:
    page = await opened(
        context, site.address, title="Поддержка", greeting="Поможем с <заказом>", lang="en", position="left"
    )
    await page.get_by_role("button", name="Open the chat").click()
    await page.get_by_role("dialog", name="Поддержка").wait_for()
    await page.get_by_text("Поможем с <заказом>").wait_for()
    await page.get_by_placeholder("Type your question").wait_for()
    box = await page.locator(".panel").bounding_box()
    assert box is not None
    assert box["x"] < 100
    style = await page.locator(".send").evaluate(
        "(node) => { const own = getComputedStyle(node);"
        "return [own.borderTopWidth, own.textTransform, own.letterSpacing]; }"
    )
    assert style == ["0px", "none", "normal"]
    assert await page.locator("textarea").evaluate("(node) => getComputedStyle(node).fontSize") == "16px"


async def test_the_example_of_the_guide_works_as_it_stands(context: BrowserContext, site: Site) -> None:
    page = await opened(context, f"{site.address}/example")
    await page.get_by_role("button", name=OPEN).click()
    await page.get_by_role("dialog", name="Поддержка магазина").wait_for()
    await page.get_by_text("Подскажем по заказам и доставке.").wait_for()
    await ask(page)
    await message(page, ANSWER).wait_for()
    mine = page.locator(".mine .bubble")
    assert await mine.evaluate("(node) => getComputedStyle(node).backgroundColor") == "rgb(31, 122, 77)"
    assert await page.evaluate("complaints") == []


async def test_a_line_without_defer_works_and_a_second_one_does_nothing(
    context: BrowserContext, site: Site
) -> None:
    page = await chatting(context, f"{site.address}/early")
    assert await page.locator("optfm-chat").count() == 1


async def test_a_site_gets_one_name_and_steers_the_chat_by_it(context: BrowserContext, site: Site) -> None:
    page = await opened(context, site.address)
    await page.get_by_role("button", name=OPEN).wait_for()
    fresh = await opened(context, f"{site.address}/shop.css")
    names = await page.evaluate("Object.getOwnPropertyNames(window)")
    known = await fresh.evaluate("Object.getOwnPropertyNames(window)")
    assert set(names) - set(known) == {"OptfmChat"}
    await page.evaluate(
        "window.events = []; for (const name of ['open', 'close', 'message'])"
        "OptfmChat.on(name, (detail) => events.push([name, detail ?? null])); 0"
    )
    await page.evaluate("OptfmChat.open(); OptfmChat.open()")
    await page.get_by_role("button", name="Все темы").wait_for()
    await page.evaluate("OptfmChat.toggle(); OptfmChat.close()")
    assert await page.get_by_role("dialog").count() == 0
    assert await page.evaluate("events") == [["open", None], ["message", {"author": "bot"}], ["close", None]]


async def test_a_site_loads_only_the_button_until_there_is_time(context: BrowserContext, site: Site) -> None:
    await context.add_init_script("window.requestIdleCallback = (then) => { window.idle = then; };")
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda made: asked.append(urlsplit(made.url).path))
    page.on("websocket", lambda made: asked.append(urlsplit(made.url).path))
    await page.goto(site.address)
    await page.get_by_role("button", name=OPEN).wait_for()
    await page.evaluate(
        "new Promise((done) => { const look = () => (window.idle ? done() : setTimeout(look, 9)); look(); })"
    )
    assert [path for path in asked if path.startswith("/chat/")] == ["/chat/web/widget.js"]
    await page.evaluate("new Promise((done) => { OptfmChat.on('ready', done); idle(); })")
    loaded = {path.rpartition("/")[2] for path in asked if path.startswith("/chat/")}
    assert loaded == {
        "widget.js", "panel.js", "bubbles.js", "line.js", "talk.js", "words.js", "panel.css", "config",
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_checker_of_accessibility_finds_nothing(
    browser: Browser, bot: ChatBot, site: Site, scheme: str
) -> None:
    if importlib.util.find_spec("axe_playwright_python") is None:
        missing("axe", "the package axe-playwright-python is not installed")
    axe = importlib.import_module("axe_playwright_python.async_playwright").Axe()
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", locale="ru-RU", reduced_motion="reduce"
    )
    own, foreign = await context.new_page(), await chatting(context, site.address)
    await own.goto(bot.page)
    for page, ours in ((own, "#chat"), (foreign, "optfm-chat")):
        await page.get_by_role("button", name="Все темы").wait_for()
        found = [(await axe.run(page, ours)).response]
        await ask(page)
        await choice(page, "Сроки").click()
        await message(page, "Обычно 2–7 дней").wait_for()
        found.append((await axe.run(page, ours)).response)
        await page.get_by_role("button", name="Новый диалог").click()
        found.append((await axe.run(page, ours)).response)
        for result in found:
            assert len(result["passes"]) > 10
            wrong = [(one["id"], [node["target"] for node in one["nodes"]]) for one in result["violations"]]
            assert wrong == []
    await context.close()
