"""new-channel: a name that fits, a folder that is new, and files that fit together."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from channels.capabilities import Capabilities
from channels.contract import Transport
from channels.testing.conformance.payloads import load_recorded
from channels.testing.quality import Tier, load_quality
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.scaffold.package import NewChannel, channel_files, files_to_open, is_good_name
from optfm_bot.scaffold.template import TemplateError, render

Cli = Callable[..., Result]

MODES = {
    "polling": frozenset({Transport.POLLING}),
    "webhook": frozenset({Transport.WEBHOOK}),
    "both": frozenset(Transport),
}


@pytest.fixture(params=sorted(MODES))
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def package(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new channel, as good as installed."""
    channel = NewChannel(kind=f"vk-{mode}", title="VK «Teams»", transports=MODES[mode])
    for path, text in channel_files(channel).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "src")
    return tmp_path


# -- the command -----------------------------------------------------------------------------------------------------


def test_a_package_is_written_and_the_files_to_open_are_named(cli: Cli, tmp_path: Path) -> None:
    result = cli("new-channel", "vk", "--yes")

    assert 0 == result.exit_code
    assert "✓ optfm-bot-vk: 24 файла" in result.output
    for path in files_to_open(NewChannel(kind="vk", title="", transports=MODES["both"])):
        assert f"  optfm-bot-vk/{path}\n" in result.output
        assert (tmp_path / "optfm-bot-vk" / path).is_file()


def test_what_is_not_given_is_asked(cli: Cli, tmp_path: Path) -> None:
    result = cli("new-channel", "vk", "--lang", "en", typed="ВКонтакте\nwebhook\nhere\n")

    assert 0 == result.exit_code, result.output
    assert "What people call the platform [Vk]" in result.output
    spec = (tmp_path / "here" / "src" / "optfm_bot_vk" / "spec.py").read_text("utf-8")
    assert 'title="ВКонтакте"' in spec
    assert "frozenset({Transport.WEBHOOK})" in spec


def test_what_is_given_is_not_asked(cli: Cli, tmp_path: Path) -> None:
    result = cli("new-channel", "vk", "--title", "VK", "--transport", "polling", "--directory", "x", "--json")

    assert {"folder": "x", "package": "optfm-bot-vk"}.items() <= json.loads(result.stdout).items()


def test_questions_without_anybody_to_answer_are_a_usage_error(cli: Cli, tmp_path: Path) -> None:
    result = cli("new-channel", "vk", typed="")

    assert (2, True) == (result.exit_code, "--yes" in result.output)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Vk"], "Имя «Vk» не годится"),
        (["1c"], "не годится"),
        (["vk-"], "не годится"),
        (["v--k"], "не годится"),
        (["x" * 33], "не годится"),
        (["../x"], "не годится"),
        (["import"], "не годится"),
        (["admin"], "начало адреса"),
        (["telegram"], "он в пакете optfm-bot"),
        ([], "Назовите"),
        (["vk", "--title", "a\nb"], "от 1 до 64"),
        (["vk", "--title", " "], "от 1 до 64"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    cli: Cli, tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = cli("new-channel", *arguments, "--yes")

    assert (2, True) == (result.exit_code, words in result.output), result.output
    assert [] == list(tmp_path.iterdir())


def test_nothing_that_exists_is_touched(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "optfm-bot-vk").mkdir()
    (tmp_path / "link").symlink_to("nowhere")

    for arguments in ([], ["--directory", "link"]):
        result = cli("new-channel", "vk", "--yes", *arguments)
        assert (2, True) == (result.exit_code, "уже есть" in result.output)
    assert [] == list((tmp_path / "optfm-bot-vk").iterdir())


def test_every_capability_is_listed_with_its_meaning(cli: Cli) -> None:
    rows = json.loads(cli("new-channel", "--list-capabilities", "--json", "--lang", "en").stdout)

    assert set(Capabilities.__dataclass_fields__) <= {row["name"] for row in rows}
    assert {"buttons.per_row", "rate.burst"} <= {row["name"] for row in rows}
    listed = {f"capability.{row['name']}" for row in rows}
    assert listed == {key for key in Catalogue.load("cli").keys if key.startswith("capability.")}
    assert "text_limit" in cli("new-channel", "--list-capabilities").output


# -- the files -------------------------------------------------------------------------------------------------------


def load(package: Path, mode: str, module: str) -> dict[str, object]:
    """Import a module of the package in a process of its own, where a wrong import shows."""
    name = f"optfm_bot_vk_{mode}"
    code = (
        f"import json, {name}.{module} as m; from optfm_bot.sdk import Polling, Webhook;"
        "s = m.SPEC; c = getattr(m, [n for n in dir(m) if n.startswith('Vk') and n.endswith('Channel')][0], None)"
        " if hasattr(m, 'read_answer') else None;"
        "print(json.dumps({'kind': s.kind, 'title': s.title, 'transports': sorted(s.transports),"
        "'limit': s.capabilities.text_limit, 'rows': s.capabilities.buttons.max_rows,"
        "'per_row': s.capabilities.buttons.per_row, 'label': s.capabilities.buttons.label_length,"
        "'per_chat': s.capabilities.rate.per_chat, 'per_bot': s.capabilities.rate.per_bot,"
        "'media': len(s.capabilities.media), 'edit': s.capabilities.edit, 'typing': s.capabilities.typing,"
        "'threads': s.capabilities.threads, 'groups': s.capabilities.groups, 'factory': s.factory,"
        "'polling': bool(c and issubclass(c, Polling)), 'webhook': bool(c and issubclass(c, Webhook))}))"
    )
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=package / "src",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    found: dict[str, object] = json.loads(told.stdout)
    return found


def test_the_channel_has_the_powers_of_its_spec(package: Path, mode: str) -> None:
    found = load(package, mode, "channel")

    assert found["kind"] == f"vk-{mode}"
    assert found["title"] == "VK «Teams»"
    assert found["transports"] == sorted(MODES[mode])
    assert (found["polling"], found["webhook"]) == (
        Transport.POLLING in MODES[mode],
        Transport.WEBHOOK in MODES[mode],
    )


def test_the_entry_point_leads_to_the_spec(package: Path, mode: str) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"]["optfm_bot.channels"]

    assert points == {f"vk-{mode}": f"optfm_bot_vk_{mode}.spec:SPEC"}
    assert load(package, mode, "spec")["factory"].startswith(f"optfm_bot_vk_{mode}.channel:")  # type: ignore[attr-defined]
    assert (package / "src" / f"optfm_bot_vk_{mode}" / "channel.py").is_file()


def test_the_table_of_the_readme_says_what_the_spec_says(package: Path, mode: str) -> None:
    readme = (package / "README.md").read_text("utf-8")
    table = dict(
        re.findall(r"^\| (\w[\w, ]*) \| (.*) \|$", readme.split("## What it can do")[1], re.MULTILINE)
    )
    found = load(package, mode, "spec")

    assert table["Transports"] == ", ".join(sorted(MODES[mode]))
    assert table["Text"] == f"up to {found['limit']} characters, plain"
    assert (
        table["Buttons"]
        == f"up to {found['rows']} rows of {found['per_row']}, labels of {found['label']} characters"
    )
    assert (table["Groups"], found["groups"]) == ("yes", True)
    assert table["Editing, typing, threads"] == "no"
    assert not found["edit"] or found["typing"] or found["threads"]
    assert (table["Files"], found["media"]) == ("as links", 0)
    assert (
        table["Pace"]
        == f"{found['per_chat']:g} message per second in a chat, {found['per_bot']:g} for the bot"
    )


def test_the_payloads_are_those_of_the_kit(package: Path, mode: str) -> None:
    recorded = load_recorded(package / "payloads")

    assert len(recorded) == 12
    assert {event["chat"] for one in recorded for event in one.events} == {
        f"vk-{mode}:70001",
        f"vk-{mode}:-500",
    }


def test_a_new_channel_is_bronze(package: Path) -> None:
    assert load_quality(package / "quality.yaml").earned is Tier.BRONZE


def test_the_code_is_in_shape(package: Path) -> None:
    ruff = str(Path(sys.executable).parent / "ruff")
    shape = ["--isolated", "--no-cache", "--target-version", "py311", "--line-length"]
    for arguments in (
        ["check", *shape, "120", "--select", "E,F,W,I,UP,B,SIM,RUF100"],
        ["format", "--check", *shape, "110"],
    ):
        done = subprocess.run(
            [ruff, *arguments, "."], cwd=package, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_house_is_imported_but_the_door(package: Path) -> None:
    foreign = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            foreign |= {
                name for name in names if name.partition(".")[0] in {"optfm_bot", "channels", "faq", "config"}
            }

    assert foreign == {"optfm_bot.sdk"}


def test_no_mark_and_no_name_of_the_template_is_left(package: Path) -> None:
    left = [
        (path.name, line)
        for path in package.rglob("*")
        if path.is_file()
        for line in path.read_text("utf-8").splitlines()
        if "#%" in line or re.search(r"\$(?!\{[A-Z_]+\})", line) or "TODO" in line
    ]
    assert left == []


# -- names and templates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "distribution", "package_name", "class_name"),
    [
        ("vk", "optfm-bot-vk", "optfm_bot_vk", "Vk"),
        ("vk_teams", "optfm-bot-vk-teams", "optfm_bot_vk_teams", "VkTeams"),
        ("x-2", "optfm-bot-x-2", "optfm_bot_x_2", "X2"),
    ],
)
def test_names_are_made_of_the_kind(kind: str, distribution: str, package_name: str, class_name: str) -> None:
    channel = NewChannel(kind=kind, title="", transports=MODES["both"])

    assert is_good_name(kind)
    assert (channel.distribution, channel.package, channel.class_name) == (
        distribution,
        package_name,
        class_name,
    )


@pytest.mark.parametrize("title", ['"quoted"', "back\\slash", "it's", "$kind ${x}", "{braces}", "«»—ё"])
def test_any_title_gives_code_that_can_be_read(title: str) -> None:
    files = channel_files(NewChannel(kind="vk", title=title, transports=MODES["both"]))

    for path, text in files.items():
        if path.endswith(".py"):
            ast.parse(text)
    assert ast.literal_eval(re.findall(r"title=(.*),", files["src/optfm_bot_vk/spec.py"])[0]) == title
    assert tomllib.loads(files["pyproject.toml"])["project"]["description"]


def test_a_template_is_filled_in() -> None:
    template = "a $x\n#% polling\nb\n#% end\n  #% webhook\nc $$5\n#% end\n"

    assert render(template, {"x": "1"}, {"webhook"}) == "a 1\nc $5\n"
    assert render(template, {"x": "1"}, {"polling"}) == "a 1\nb\n"


@pytest.mark.parametrize("template", ["$y", "#% a\n", "#% end\n", "#% a\n#% b\n#% end\n", "$"])
def test_a_broken_template_is_told(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, {}, {"a"})
