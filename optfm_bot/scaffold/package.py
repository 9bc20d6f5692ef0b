"""The package of a new channel: from a few answers to the contents of its files. Pure but for reading templates."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from channels.contract import INSTANCE_NAME, Transport
from optfm_bot.scaffold.template import render

_SUFFIX: Final = ".tmpl"
_TARGETS: Final = {"gitignore": ".gitignore", "init.py": "__init__.py"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """What the author of a channel has decided. `kind` is what stands in configurations, `title` what people read."""

    kind: str
    title: str
    transports: frozenset[Transport]

    @property
    def distribution(self) -> str:
        """The name of the package for pip."""
        return f"optfm-bot-{self.kind.replace('_', '-')}"

    @property
    def package(self) -> str:
        """The name of the package for `import`."""
        return self.distribution.replace("-", "_")

    @property
    def class_name(self) -> str:
        """The beginning of the names of classes: `vk_teams` makes `VkTeams`."""
        return "".join(part.capitalize() for part in self.kind.replace("-", "_").split("_"))


def is_good_name(kind: str) -> bool:
    """Whether a kind can name an instance, a distribution and a package."""
    words = kind.replace("-", "_").split("_")
    return bool(INSTANCE_NAME.fullmatch(kind)) and all(words) and not keyword.iskeyword(kind)


def channel_files(channel: NewChannel) -> Mapping[str, str]:
    """Give the contents of every file by its path inside the package's folder."""
    values, flags = _values(channel), _flags(channel.transports)
    return {
        path: render(template.read_text("utf-8"), values, flags)
        for path, template in _templates(files("optfm_bot.scaffold") / "channel", "", channel.package)
    }


def files_to_open(channel: NewChannel) -> Sequence[str]:
    """The files that an author changes first, in that order."""
    source = f"src/{channel.package}"
    return (
        f"{source}/spec.py",
        f"{source}/updates.py",
        f"{source}/channel.py",
        "tests/example_platform.py",
    )


def _templates(folder: Traversable, path: str, package: str) -> list[tuple[str, Traversable]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if item.is_dir():
            inner = f"{path}{item.name}/"
            found += _templates(item, f"{inner}{package}/" if inner == "src/" else inner, package)
        elif item.name.endswith(_SUFFIX):
            name = item.name.removesuffix(_SUFFIX)
            found.append((path + _TARGETS.get(name, name), item))
    return found


def _values(channel: NewChannel) -> dict[str, str]:
    polling, webhook = Transport.POLLING in channel.transports, Transport.WEBHOOK in channel.transports
    ordered = sorted(channel.transports)
    return {
        "kind": channel.kind,
        # Inside texts in quotes; a title in one line of a docstring must not end it.
        "title": channel.title.replace("\\", "").replace('"', ""),
        "title_literal": json.dumps(channel.title, ensure_ascii=False),
        "distribution": channel.distribution,
        "package": channel.package,
        "class_name": channel.class_name,
        "env": channel.kind.replace("-", "_").upper(),
        "bases": ", ".join(["Channel", *(["Polling"] if polling else []), *(["Webhook"] if webhook else [])]),
        "transports": ", ".join(f"Transport.{one.name}" for one in ordered),
        "transport_names": ", ".join(one.value for one in ordered),
    }


def _flags(transports: frozenset[Transport]) -> frozenset[str]:
    names = {one.value for one in transports}
    return frozenset(names | ({"both"} if len(names) > 1 else {f"{next(iter(names))}only"}))
