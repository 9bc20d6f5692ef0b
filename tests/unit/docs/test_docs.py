"""The documentation tells the truth: commands run, examples are valid, tables equal the code, links lead somewhere."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from sqlalchemy import create_engine

from channels.contract import ChannelContext, WebhookRequest
from channels.web.channel import WebChatChannel
from channels.web.spec import WebChatSettings
from config.check import RESERVED_NAMES
from config.environment import PREFIX
from config.load import load_config
from config.schema import SECTIONS_TO_COME, Settings, leaf_keys
from faq.lint import Code, Severity, lint
from faq.source import load_knowledge
from faq.yaml_entries import (
    ATTACHMENT_KEYS,
    BUTTON_KEYS,
    CATEGORY_KEYS,
    CONNECTION_KEYS,
    ENTRY_KEYS,
    TOP_KEYS,
)
from optfm_bot.api.endpoints import ENDPOINTS
from optfm_bot.api.openapi import BASE
from optfm_bot.app import App
from optfm_bot.cli import journal
from optfm_bot.cli.main import main
from optfm_bot.clock import SystemClock
from optfm_bot.plan import plan_channels, plan_helpdesk
from optfm_bot.store.engine import database_url
from optfm_bot.store.schema import upgrade
from optfm_bot.store.tables import metadata

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "123456789:AAExampleExampleExampleExample"
VARIABLES = {
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "SHOP_TOKEN": TOKEN,
    "SUPPORT_TOKEN": TOKEN.replace("1", "2"),
    "TELEGRAM_STAFF_TOKEN": TOKEN.replace("1", "3"),
    "MAX_BOT_TOKEN": TOKEN,
    "GREEN_API_TOKEN": "0123456789abcdef",
    "GREEN_WEBHOOK_SECRET": "0123456789abcdef",
    "BOT_MAIL_PASSWORD": "0123456789abcdef",
    "FREESCOUT_API_KEY": "0123456789abcdef",
    "FREESCOUT_WEBHOOK_SECRET": "0123456789abcdef",
    "NOTIFY_TEAM": "json://127.0.0.1/",
    "NOTIFY_ANNA": "json://127.0.0.1/",
}
SECRET_FILES = ("secrets/telegram_webhook", "secrets/max_webhook")
OTHERS = frozenset({".", "cd", "export", "echo", "mkdir", "chmod", "openssl", "make", "curl", "sqlite3"})
"""Commands of the shell and of other programs that pages may name; those that can be checked are."""
RUSSIAN = re.compile("[а-яё]{4}", re.IGNORECASE)


def _tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_tables", ROOT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_tables"] = module
    spec.loader.exec_module(module)
    return module


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


tables = _tables()
PAGES: list[Path] = [*tables.pages(), ROOT / "CHANGELOG.md"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A block of code of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block says to be, in a comment on its first line."""
        found = re.match(r"# ([\w/]+\.\w+)\n", self.text)
        return found[1] if found else None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(page: Path, language: str | None = None) -> list[Fence]:
    found = [
        Fence(page=page, line=token.map[0] + 1, language=token.info.strip(), text=token.content)
        for token in MarkdownIt().enable("table").parse(page.read_text("utf-8"))
        if token.type == "fence" and token.map is not None
    ]
    return [fence for fence in found if language in {None, fence.language}]


ALL = [fence for page in PAGES for fence in fences(page)]


def of(language: str) -> list[Any]:
    return [pytest.param(fence, id=str(fence)) for fence in ALL if fence.language == language]


def test_every_block_of_code_is_of_a_kind_that_is_checked_here() -> None:
    odd = [str(f) for f in ALL if f.language not in {"sh", "yaml", "python", "sql", "toml", "text"}]
    assert odd == []


# -- links -----------------------------------------------------------------------------------------------------------


def links(page: Path) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        for child in token.children or ():
            href = child.attrGet("href") or child.attrGet("src")
            if href is not None:
                yield str(href)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hosting sites make them."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and unquote(anchor) not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached = {
        ((ROOT / "docs") / link.partition("#")[0]).resolve() for link in links(ROOT / "docs" / "index.md")
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs") and page.name != "index.md"}
    assert pages - reached == set()


# -- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_tables_equal_the_code(page: Path) -> None:
    """Mended by: python docs/tables.py."""
    text = page.read_text("utf-8")
    assert tables.filled(text) == text
    assert text.count("<!-- table:") == len(tables.PLACE.findall(text))


def test_every_table_is_shown_somewhere() -> None:
    shown = {found["name"] for page in PAGES for found in tables.PLACE.finditer(page.read_text("utf-8"))}
    assert shown == set(tables.TABLES)


def section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / "reference" / page).read_text("utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("The file", TOP_KEYS),
        ("A category", CATEGORY_KEYS),
        ("An entry", ENTRY_KEYS),
        ("A button", BUTTON_KEYS),
        ("An attachment", ATTACHMENT_KEYS),
        ("A connection", CONNECTION_KEYS),
    ],
)
def test_the_knowledge_format_names_the_keys_that_are_read(heading: str, keys: tuple[str, ...]) -> None:
    assert sorted(keys) == sorted(first_cells(section("knowledge-format.md", heading)))


def test_the_codes_of_lint_are_all_named() -> None:
    assert {code.value for code in Code} == set(
        first_cells(section("knowledge-format.md", "What lint finds"))
    )


def test_the_names_of_sections_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
    reserved = re.search(r"^Reserved names: (.*)\.$", page, re.MULTILINE)
    planned = re.search(r"^The sections (.*) are planned", page, re.MULTILINE)
    assert reserved is not None
    assert planned is not None
    assert set(re.findall(r"`(\w+)`", reserved[1])) == RESERVED_NAMES
    assert set(re.findall(r"`(\w+)`", planned[1])) == SECTIONS_TO_COME
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == list(Settings.model_fields)


def test_the_tables_of_the_database_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    assert set(first_cells(page.split("## What is kept")[1])) == set(metadata.tables)


def addresses(folder: Path) -> set[tuple[str, str]]:
    """Every address of a bot with a Telegram webhook and a web chat, with the instance's name left open."""
    (folder / "config.yaml").write_text(
        "server: {public_url: https://bot.example.com}\nchannels:\n  web: {type: webchat}\n"
        f"  telegram: {{token: '{TOKEN}', mode: webhook, webhook_secret: secret}}\n",
        "utf-8",
    )
    app = App(load_config(folder / "config.yaml", env={}, cwd=folder), cwd=folder)
    plans = plan_channels(
        load_config(folder / "config.yaml", env={}, cwd=folder), clock=SystemClock(), cwd=folder
    )
    found = set()
    for route in app._routes(plans):
        path = route.path.replace("{name}", "{file}")
        for name in ("web", "telegram"):
            path = re.sub(rf"^(/chat)?/{name}\b", r"\1/{name}", path)
        found.add((route.method, path))
    return found


def test_the_addresses_are_those_of_the_server(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
    written = set(re.findall(r"^\| (GET|POST|OPTIONS) \| `([^`]+)` \|", page, re.MULTILINE))
    assert addresses(tmp_path) == written


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_metrics_and_variables_that_are_named_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    known = set(first_cells(tables.metrics_table()))
    named = {
        name
        for name in re.findall(r"\boptfm_[a-z_]+", text)
        if not name.startswith(("optfm_bot", "optfm_lines"))
    }
    assert named - known == set()
    keys = {PREFIX + "__".join(map(str, path)).upper() for path in leaf_keys(Settings)}
    assert set(re.findall(r"\bOPTFM__[A-Z_]+", text)) - keys == set()


# -- languages -------------------------------------------------------------------------------------------------------


def commands(page: Path) -> list[str]:
    return [line for fence in fences(page, "sh") for line in fence.text.splitlines()]


def test_both_readmes_name_the_same_commands_and_links() -> None:
    english, russian = ROOT / "README.md", ROOT / "README.ru.md"
    assert commands(english) == commands(russian)
    code = {link for link in links(english) if link.startswith(("tests/", "docs/", "benchmarks/"))}
    assert code - set(links(russian)) == set()


def test_the_guide_for_those_who_write_answers_is_in_russian() -> None:
    page = (ROOT / "docs" / "how-to" / "write-knowledge.md").read_text("utf-8")
    russian, _, english = page.partition("\n## In English\n")
    assert len(RUSSIAN.findall(russian)) > 300
    assert english.strip()
    assert not RUSSIAN.search(english)


# -- commands --------------------------------------------------------------------------------------------------------


def invoke(words: list[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run one of our commands, as far as it can be run here: nobody is served and no platform is asked."""
    if words[0] == "run":
        words = [*words, "--check"]
    if words[0] == "doctor":
        words = [*words, "--offline"]
    if words[:2] == ["channels", "test"]:
        words = ["channels", "list"]
    if words[0] == "helpdesk":  # nobody is asked, but the options have to be there
        words = [*words, "--help"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(main, words, input="", env=dict(env))
    if result.exception is not None and not isinstance(result.exception, SystemExit | click.ClickException):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and a program that writes no log into the output of the tests."""
    monkeypatch.setattr(journal, "configure_logging", lambda **_: None)
    monkeypatch.setattr("optfm_bot.cli.serve.configure_logging", lambda **_: None)
    monkeypatch.setattr("optfm_bot.cli.serve.log_crashes", lambda: None)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def with_a_bot(folder: Path) -> None:
    assert invoke(["init", ".", "--yes", "--language", "en"], folder, {})[0] == 0
    asyncio.run(_database(folder / "optfm.db"))


async def _database(path: Path) -> None:
    await upgrade(database_url(f"sqlite:///{path}"))


@pytest.mark.parametrize("page", [page for page in PAGES if fences(page, "sh")], ids=shown)
def test_the_commands_of_a_page_work_in_their_order(page: Path, shell: Path) -> None:
    lines = commands(page)
    folder, env = shell, dict[str, str]()
    if not any(line.startswith("optfm-bot init") for line in lines):
        with_a_bot(folder)
    for line in lines:
        words = shlex.split(line.partition(" > ")[0])
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        command, *rest = words
        if command == "optfm-bot":
            code, output = invoke(rest, folder, env)
            assert code == 0, f"{line}\n{output}"
            continue
        assert command in OTHERS, line
        if command == "cd":
            folder /= rest[0]
        elif command == "export":
            name, _, env[name] = rest[0].partition("=")
        elif command == "make":
            assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), line


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("curl" in line for line in commands(page))], ids=str
)
def test_what_curl_asks_for_is_there(page: Path, tmp_path: Path) -> None:
    known = {path for _, path in addresses(tmp_path)} | {f"{BASE}{one.path}" for one in ENDPOINTS}
    for line in commands(page):
        if line.startswith("curl"):
            path = re.sub(r"/(web|telegram)\b", "/{name}", re.findall(r"https?://[^/]+(/[^\s?\"]*)", line)[0])
            assert any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path) for one in known), line


def test_what_curl_sends_to_the_web_chat_is_taken() -> None:
    (line,) = (line for line in commands(ROOT / "docs/reference/channels/web.md") if "-d" in line)
    words = shlex.split(line)
    chat = WebChatChannel(WebChatSettings(), ChannelContext(instance="web", clock=SystemClock().now))
    (raw,) = chat.split(WebhookRequest(headers={}, body=words[words.index("-d") + 1].encode()))
    assert [getattr(event, "text", None) for event in chat.parse(raw)] == ["delivery"]


@pytest.mark.parametrize("fence", of("sql"))
def test_questions_to_the_database_are_understood(fence: Fence) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        for statement in filter(str.strip, fence.text.split(";")):
            raw.execute(statement)
    engine.dispose()


# -- examples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", of("yaml"))
def test_examples_of_files_are_valid(fence: Fence, tmp_path: Path) -> None:
    if re.search(r"^entries:", fence.text, re.MULTILINE):
        knowledge = tmp_path / "faq.yaml"
        knowledge.write_text(fence.text, "utf-8")
        errors = [str(found) for found in lint(load_knowledge(knowledge)) if found.severity is Severity.ERROR]
        assert errors == []
        return
    (tmp_path / "secrets").mkdir()
    for name in SECRET_FILES:
        (tmp_path / name).write_text("0123456789abcdef", "utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "config.yaml").write_text(fence.text, "utf-8")
    env = {name: value for name, value in VARIABLES.items() if name in fence.text}
    loaded = load_config(tmp_path / "config.yaml", env=env, cwd=tmp_path)
    assert [str(found) for found in loaded.warnings if found.key != "faq.path"] == []
    assert plan_channels(loaded, clock=SystemClock(), cwd=tmp_path)
    desk = plan_helpdesk(loaded)
    assert (desk is not None) is bool(loaded.settings.helpdesk)


def test_the_example_file_shows_the_defaults(tmp_path: Path) -> None:
    """It says of itself that every key is shown with its default, but for channels, knowledge and addresses."""
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    env = {"TELEGRAM_BOT_TOKEN": TOKEN}  # others would say what the file leaves open
    loaded = load_config(ROOT / "config.example.yaml", env=env, cwd=tmp_path)
    given, default = loaded.settings, Settings()
    for name in set(Settings.model_fields) - {"channels", "faq"}:
        assert getattr(given, name) == getattr(default, name), name
    missing = [key for key in leaf_keys(Settings) if key[-1] != "channels" and f"{key[-1]}:" not in text]
    assert missing == []


@pytest.mark.parametrize("fence", [one for one in of("python") if one.values[0].file is None])
def test_examples_in_python_run(fence: Fence) -> None:
    exec(compile(fence.text, str(fence), "exec"), {"__name__": "example"})  # noqa: S102 - our own page


# -- decisions and words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem
)
def test_a_decision_is_short_and_whole(page: Path) -> None:
    text = page.read_text("utf-8")
    for part in (
        "Context.",
        "Options.",
        "Decision.",
        "Consequences, good.",
        "Consequences, bad.",
        "How we will know.",
    ):
        assert f"**{part}**" in text
    assert 10 <= len(text.splitlines()) <= 40


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_pages_speak_of_the_project_alone(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"/(work|tmp/docs|root|home)/|TODO|FIXME|pypi\.", text)
