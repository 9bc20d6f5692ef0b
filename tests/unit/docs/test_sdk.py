"""The door for third parties gives what it names, and names what they need."""

from __future__ import annotations

import importlib.resources
import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import faq
from channels import capabilities, contract, errors, model
from faq import contract as matching
from optfm_bot import sdk
from optfm_bot.helpdesk import contract as desk


def test_every_name_of_the_door_can_be_had() -> None:
    assert [name for name in sdk.__all__ if getattr(sdk, name, None) is None] == []
    assert sorted(sdk.__all__) == dir(sdk)


@pytest.mark.parametrize("module", [model, contract, errors, capabilities, desk, matching])
def test_the_door_leaves_out_no_type_of_the_contracts(module: ModuleType) -> None:
    public = {
        name
        for name, thing in vars(module).items()
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public - set(sdk.__all__) == set()


def test_the_door_has_the_python_door_of_the_faq() -> None:
    assert set(faq.__all__) - set(sdk.__all__) == {
        "KnowledgeWatcher",
        "YamlSource",
    }  # the house's own business


def test_each_name_is_the_thing_itself() -> None:
    assert sdk.Channel is contract.Channel
    assert sdk.FaqManager is faq.FaqManager


def test_what_the_door_does_not_name_it_does_not_give() -> None:
    with pytest.raises(AttributeError, match="House"):
        _ = sdk.House  # type: ignore[attr-defined]  # that is what is tested


def test_the_version_is_known_and_the_door_is_cheap_to_open() -> None:
    """A spec that only describes a channel must not pay for the house."""
    code = (
        "import sys, optfm_bot.sdk as sdk; sdk.ChannelSpec, sdk.HelpdeskSpec;"
        "print(sdk.SDK_VERSION, 'optfm_bot.house' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == ["1", "False"]


@pytest.mark.parametrize("package", ["optfm_bot", "channels", "faq", "config"])
def test_type_checkers_may_believe_what_the_packages_say(package: str) -> None:
    """Without the marker every name of the door is `Any` to a third party."""
    assert importlib.resources.files(package).joinpath("py.typed").is_file()
