"""Helpdesks of other packages are found by their entry point; what is wrong with one is named and harms no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from channels.errors import Misconfigured
from config.load import load_config
from config.problem import ConfigError
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import Helpdesk, HelpdeskContext, HelpdeskSettings
from optfm_bot.helpdesk.registry import (
    KINDS,
    create_helpdesk,
    helpdesk_kinds,
    helpdesk_spec,
    installed_specs,
)
from optfm_bot.i18n.hints import translate
from optfm_bot.plan import plan_helpdesk
from optfm_bot.staffing import make_helpdesk

Install = Callable[..., None]

SPEC = """
from optfm_bot.sdk import HelpdeskSettings, HelpdeskSpec

class BoxSettings(HelpdeskSettings):
    size: int

SPEC = HelpdeskSpec(kind="box", title="Box", settings=BoxSettings, factory="{factory}")
NOT_ONE = 5
"""
DESK = """
from optfm_bot.sdk import Helpdesk, TicketRef, ThreadRef
from box_desk.spec import SPEC

class Box(Helpdesk):
    spec = SPEC
    async def open_ticket(self, draft): return TicketRef(id="1")
    async def find_ticket(self, draft, *, since, known): return None
    async def add_customer_message(self, ticket, message): return ThreadRef(id="1")
    async def add_note(self, ticket, note): return ThreadRef(id="1")
    async def find_message(self, ticket, message, *, since, known, note): return None
    async def fetch(self, file, *, limit): return b""
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Leaves what an installer leaves: a package, and beside it the description with its entry points."""

    def put(
        name: str = "box-desk",
        *,
        points: str = "box = box_desk.spec:SPEC",
        factory: str = "box_desk.desk:Box",
        spec: str = SPEC,
    ) -> None:
        place = tmp_path / "place"
        package, described = place / "box_desk", place / f"{name.replace('-', '_')}-1.0.dist-info"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "spec.py").write_text(spec.replace("{factory}", factory))
        (package / "desk.py").write_text(DESK)
        described.mkdir()
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (described / "entry_points.txt").write_text(f"[optfm_bot.helpdesks]\n{points}\n")
        monkeypatch.syspath_prepend(place)
        for module in [one for one in sys.modules if one.split(".")[0] == "box_desk"]:
            monkeypatch.delitem(sys.modules, module)

    return put


def made(folder: Path, text: str) -> Helpdesk | None:
    (folder / "config.yaml").write_text(f"channels: {{console: {{}}}}\nhelpdesk: {{{text}}}\n")
    loaded = load_config(None, env={}, cwd=folder)
    assert plan_helpdesk(loaded) is not None
    return make_helpdesk(loaded, clock=ManualClock(), channels={})


def test_a_helpdesk_of_another_package_is_found_and_configured(install: Install, tmp_path: Path) -> None:
    install()

    desk = made(tmp_path, "box: {size: 3}")

    assert helpdesk_kinds() == ("box", *sorted(KINDS))
    assert installed_specs().keys() == {"box", *KINDS}
    assert desk is not None
    assert (type(desk).__name__, desk.instance, desk.settings.size) == ("Box", "box", 3)
    assert isinstance(desk.settings, HelpdeskSettings)


def test_its_settings_are_checked_with_their_place(install: Install, tmp_path: Path) -> None:
    install()

    with pytest.raises(ConfigError, match=r"config\.yaml:2: helpdesk\.box\.sice"):
        made(tmp_path, "box: {size: 3, sice: 4}")


def test_knowing_the_kinds_imports_nothing(install: Install) -> None:
    install(spec="raise RuntimeError('imported')")

    assert "box" in helpdesk_kinds()
    assert helpdesk_spec("mail").kind == "mail"


def test_an_unknown_kind_is_answered_with_those_that_there_are(install: Install) -> None:
    install()

    with pytest.raises(Misconfigured, match="no helpdesk 'bax'; there are box, freescout, mail, telegram"):
        helpdesk_spec("bax")


@pytest.mark.parametrize(
    ("points", "spec", "why"),
    [
        ("box = box_desk.missing:SPEC", SPEC, "ModuleNotFoundError"),
        ("box = box_desk.spec:SPEC", "raise RuntimeError('no glue')", "RuntimeError: no glue"),
        ("box = box_desk.spec:NOTHING", SPEC, "AttributeError"),
        ("box = box_desk.spec:NOT_ONE", SPEC, "is no HelpdeskSpec"),
        ("crate = box_desk.spec:SPEC", SPEC, "calls itself 'box'"),
    ],
)
def test_a_broken_package_is_named_and_harms_no_other(
    install: Install, tmp_path: Path, points: str, spec: str, why: str
) -> None:
    install(points=points, spec=spec)
    kind = points.partition(" ")[0]

    with pytest.raises(Misconfigured, match=why) as caught:
        helpdesk_spec(kind)

    assert f"The helpdesk '{kind}' of box-desk cannot be used" in str(caught.value)
    assert "box-desk пользоваться нельзя" in translate(caught.value.args[0], "ru")
    assert installed_specs().keys() == KINDS.keys()
    with pytest.raises(ConfigError, match=r"config\.yaml:2: helpdesk\."):
        made(tmp_path, f"{kind}: {{size: 3}}")


def test_one_kind_of_two_packages_is_refused_rather_than_guessed_at(install: Install) -> None:
    install()
    install("other-desk", points="box = box_desk.spec:OTHER")

    with pytest.raises(Misconfigured, match="by several packages: box-desk, other-desk") as caught:
        helpdesk_spec("box")

    assert "несколько пакетов" in translate(caught.value.args[0], "ru")


def test_a_name_of_ours_stays_ours(install: Install) -> None:
    install(points="mail = box_desk.spec:SPEC")

    assert helpdesk_spec("mail").factory.startswith("optfm_bot.")
    assert helpdesk_kinds() == tuple(sorted(KINDS))


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        ("box_desk.desk:Missing", "AttributeError"),
        ("box_desk.spec:BoxSettings", "no class of a Helpdesk"),
        ("box_desk.lost:Box", "needs a package that is not installed: box_desk.lost"),
    ],
)
def test_a_factory_that_makes_no_helpdesk_is_named(install: Install, factory: str, why: str) -> None:
    install(factory=factory)
    spec = helpdesk_spec("box")

    with pytest.raises(Misconfigured, match=why):
        create_helpdesk(
            spec,
            spec.settings.model_validate({"size": 1}),
            HelpdeskContext(instance="box", clock=ManualClock().now),
        )
