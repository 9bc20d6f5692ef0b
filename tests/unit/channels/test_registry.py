"""The registry finds channels without importing them and names what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import structlog

import channels.registry
from channels.capabilities import Capabilities
from channels.contract import Channel, ChannelContext, ChannelSettings, ChannelSpec, Transport
from channels.errors import Misconfigured
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from channels.phrase import Phrase
from channels.registry import BUILT_IN, DISTRIBUTION, ChannelRegistry, SpecSource, create_channel

CONTEXT = ChannelContext(instance="pigeon", clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))


class PigeonSettings(ChannelSettings):
    pass


SPEC = ChannelSpec(
    kind="pigeon",
    title="Carrier pigeon",
    settings=PigeonSettings,
    capabilities=Capabilities(text_limit=80),
    factory="pigeon_post.channel:PigeonChannel",
    transports=frozenset({Transport.POLLING}),
)


class PigeonChannel(Channel):
    spec: ClassVar[ChannelSpec] = SPEC

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        return ()

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError


@dataclass
class Package:
    """An importable package of somebody else's: files in a folder that is on the path."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / "pigeon_post" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "pigeon_post"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pigeon_specs", SimpleNamespace(SPEC=SPEC, NOT_ONE=5))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "pigeon_channels", SimpleNamespace(Pigeon=PigeonChannel, NOT_ONE=int))  # type: ignore[arg-type]
    return Package(tmp_path)


def theirs(
    address: str = "pigeon_specs:SPEC", *, kind: str = "pigeon", by: str = "pigeon-post"
) -> SpecSource:
    return SpecSource(kind, address, by)


def ours() -> list[SpecSource]:
    return [SpecSource(kind, address, DISTRIBUTION) for kind, address in BUILT_IN.items()]


def test_the_channels_of_the_house_are_there() -> None:
    registry = ChannelRegistry.installed()

    assert set(BUILT_IN) <= set(registry.kinds())
    assert set(BUILT_IN) <= {spec.kind for spec in registry.specs()}


def test_reading_every_spec_imports_neither_a_sdk_nor_a_channel() -> None:
    program = (
        "import sys; from channels.registry import ChannelRegistry; ChannelRegistry.installed().specs();"
        "heavy = {'aiogram', 'aiohttp', 'channels.telegram.channel'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_knowing_the_kinds_imports_nothing(package: Package) -> None:
    package.write("spec", "raise RuntimeError('imported')")

    assert ChannelRegistry([theirs("pigeon_post.spec:SPEC")]).kinds() == ("pigeon",)


def test_an_unknown_type_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(
        Misconfigured, match=r"'telegramm'.*Did you mean telegram\?.*console, green_api, max, telegram"
    ):
        ChannelRegistry(ours()).spec("telegramm")


def test_a_type_unlike_any_other_is_answered_with_the_list() -> None:
    with pytest.raises(
        Misconfigured, match="Known types: console, green_api, max, telegram, webchat"
    ) as caught:
        ChannelRegistry(ours()).spec("xyz")

    assert "Did you mean" not in str(caught.value)


def test_another_package_adds_a_channel_by_its_entry_point(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [
        SimpleNamespace(name="pigeon", value="pigeon_specs:SPEC", dist=SimpleNamespace(name="pigeon-post")),
        SimpleNamespace(name="console", value=BUILT_IN["console"], dist=SimpleNamespace(name=DISTRIBUTION)),
    ]
    monkeypatch.setattr(channels.registry, "entry_points", lambda **_: points)

    registry = ChannelRegistry.installed()

    assert registry.spec("pigeon") is SPEC
    assert registry.distribution("pigeon") == "pigeon-post"
    assert registry.problems() == {}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("pigeon_post.missing:SPEC", "ModuleNotFoundError"),
        ("pigeon_post.broken:SPEC", "RuntimeError: no feathers"),
        ("pigeon_post.syntax:SPEC", "SyntaxError"),
        ("pigeon_specs:NOTHING", "AttributeError"),
        ("pigeon_specs:NOT_ONE", "is a int and no ChannelSpec"),
        ("pigeon_specs", "cannot be imported"),
    ],
)
def test_a_broken_package_is_named_and_harms_nobody_else(
    package: Package, address: str, sentence: str
) -> None:
    package.write("broken", "raise RuntimeError('no feathers')")
    package.write("syntax", "def (")
    registry = ChannelRegistry([*ours(), theirs(address)])

    with structlog.testing.capture_logs() as logs:
        kinds = [spec.kind for spec in registry.specs()]

    assert kinds == sorted(BUILT_IN)
    assert sentence in registry.problems()["pigeon"]
    assert "pigeon-post" in registry.problems()["pigeon"]
    assert "pigeon" in repr(logs)
    with pytest.raises(Misconfigured, match="pigeon-post"):
        registry.spec("pigeon")


def test_what_is_wrong_with_a_package_has_a_code_to_be_said_in_another_language(package: Package) -> None:
    broken = ChannelRegistry([theirs("pigeon_specs:NOT_ONE")])
    broken.specs()
    twice = ChannelRegistry([*ours(), theirs(kind="telegram")])

    codes = [
        one.code
        for one in (broken.problems()["pigeon"], twice.problems()["telegram"])
        if isinstance(one, Phrase)
    ]
    assert codes == ["registry.unusable", "registry.twice_ours"]
    with pytest.raises(Misconfigured) as caught:
        broken.spec("pigeon")
    assert isinstance(str(caught.value), Phrase)


def test_a_spec_that_calls_itself_otherwise_is_refused(package: Package) -> None:
    with pytest.raises(Misconfigured, match="calls itself 'pigeon'"):
        ChannelRegistry([theirs(kind="dove")]).spec("dove")


def test_a_built_in_channel_is_not_replaced_by_a_stranger(package: Package) -> None:
    registry = ChannelRegistry([*ours(), theirs(kind="telegram")])

    assert registry.spec("telegram").title == "Telegram"
    assert "optfm-bot, pigeon-post; the built-in one is used" in registry.problems()["telegram"]


def test_of_two_strangers_neither_is_chosen(package: Package) -> None:
    registry = ChannelRegistry([theirs(by="pigeon-post"), theirs(by="pigeon-air")])

    assert registry.kinds() == ()
    with pytest.raises(Misconfigured, match="pigeon-air, pigeon-post; none of them is used"):
        registry.spec("pigeon")


# -- making ----------------------------------------------------------------------------------------------


def spec(factory: str = "pigeon_channels:Pigeon", **changes: Any) -> ChannelSpec:
    return replace(SPEC, factory=factory, **changes)


def test_a_channel_is_made_from_its_spec(package: Package) -> None:
    made = create_channel(spec(), PigeonSettings(), CONTEXT)

    assert isinstance(made, PigeonChannel)
    assert made.instance == "pigeon"


def test_a_missing_library_is_answered_with_an_install_command(package: Package) -> None:
    package.write("channel", "import feathers_sdk")

    with pytest.raises(Misconfigured, match=r'feathers_sdk.*pip install "optfm-bot\[pigeon\]"'):
        create_channel(spec("pigeon_post.channel:Pigeon", extra="pigeon"), PigeonSettings(), CONTEXT)


def test_the_install_command_names_the_package_of_the_channel(package: Package) -> None:
    with pytest.raises(Misconfigured, match=r'pip install "pigeon-post\[sdk\]"'):
        create_channel(
            spec("pigeon_post.gone:Pigeon", extra="sdk"),
            PigeonSettings(),
            CONTEXT,
            distribution="pigeon-post",
        )


@pytest.mark.parametrize("factory", ["pigeon_channels:Nothing", "pigeon_channels:NOT_ONE", "pigeon_channels"])
def test_a_factory_that_makes_no_channel_is_a_mistake_of_its_package(package: Package, factory: str) -> None:
    with pytest.raises(Misconfigured, match="mistake in the package optfm-bot"):
        create_channel(spec(factory), PigeonSettings(), CONTEXT)


@pytest.mark.parametrize("name", ["", "Телеграм", "a b", "-a", "a" * 33, "a/b", "a:b"])
def test_an_instance_has_a_name_that_fits_into_an_address(package: Package, name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be the name of a channel"):
        create_channel(spec(), PigeonSettings(), replace(CONTEXT, instance=name))


def test_settings_of_another_channel_are_a_mistake_of_the_caller(package: Package) -> None:
    with pytest.raises(TypeError, match="PigeonSettings"):
        create_channel(spec(), ChannelSettings(), CONTEXT)
