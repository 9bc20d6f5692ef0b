"""Every built-in channel passes the conformance kit, in every mode and on every network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from channels.greenapi.spec import Network
from channels.registry import BUILT_IN, ChannelRegistry
from optfm_bot.testing.conformance import ChannelConformance

HERE = Path(__file__).parent


def _classes() -> list[type[ChannelConformance]]:
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"looked_at_{path.stem}", path)
        if path == Path(__file__) or spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [
            thing
            for name, thing in vars(module).items()
            if name.startswith("Test") and issubclass(thing, ChannelConformance)
        ]
    return found


def test_every_built_in_kind_is_checked_in_every_mode() -> None:
    registry = ChannelRegistry.installed()
    wanted = {(kind, mode.value) for kind in BUILT_IN for mode in registry.spec(kind).transports}
    checked = {
        (one.spec.kind, mode.value) for one in _classes() for mode in one.transports or one.spec.transports
    }
    assert checked == wanted


def test_green_api_is_checked_on_both_of_its_networks() -> None:
    checked = {
        (one.settings(one(), "http://127.0.0.1:9", mode).get("network"), mode)
        for one in _classes()
        if one.spec.kind == "green_api"
        for mode in one.transports
    }
    assert {(network, mode.value) for network, mode in checked} == {
        (network.value, mode) for network in Network for mode in ("polling", "webhook")
    }


def test_every_recording_is_used_by_a_class() -> None:
    used = {one.payloads for one in _classes()}
    assert {path for path in (HERE / "payloads").iterdir() if path.is_dir()} == used
