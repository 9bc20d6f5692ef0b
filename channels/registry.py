"""Which channels there are: those of the house and those that other packages add by an entry point.

Names are known without importing anything, a spec is read without importing the channel's SDK, and the
channel itself is imported only when one is made. An outside package that is broken is named and does not harm
the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Self

import structlog

from channels.contract import INSTANCE_NAME, Channel, ChannelContext, ChannelSettings, ChannelSpec
from channels.errors import Misconfigured
from channels.phrase import Phrase, phrase

GROUP = "optfm_bot.channels"
DISTRIBUTION = "optfm-bot"
BUILT_IN: Mapping[str, str] = {
    "console": "channels.console.spec:SPEC",
    "green_api": "channels.greenapi.spec:SPEC",
    "max": "channels.max.spec:SPEC",
    "telegram": "channels.telegram.spec:SPEC",
    "webchat": "channels.web.spec:SPEC",
}

log = structlog.get_logger("channels.registry")


@dataclass(frozen=True, slots=True)
class SpecSource:
    """Where a spec is to be found: `address` is `module:NAME`, `distribution` the package that offers it."""

    kind: str
    address: str
    distribution: str


class ChannelRegistry:
    """Finds the spec of a kind of channel; the same kind offered twice is refused rather than guessed at."""

    def __init__(self, sources: Iterable[SpecSource]) -> None:
        self._sources: dict[str, SpecSource] = {}
        self._specs: dict[str, ChannelSpec] = {}
        self._problems: dict[str, str] = {}
        offers: dict[str, list[SpecSource]] = {}
        for source in sources:
            offers.setdefault(source.kind, []).append(source)
        for kind, offered in offers.items():
            self._choose(kind, offered)

    @classmethod
    def installed(cls) -> Self:
        """Give the registry of everything that is installed here. Imports none of it."""
        ours = [SpecSource(kind, address, DISTRIBUTION) for kind, address in BUILT_IN.items()]
        others = [
            SpecSource(point.name, point.value, point.dist.name if point.dist else "an unknown package")
            for point in entry_points(group=GROUP)
            if BUILT_IN.get(point.name) != point.value
        ]
        return cls([*ours, *others])

    def kinds(self) -> tuple[str, ...]:
        """Give the kinds that can be asked for, sorted. Imports nothing."""
        return tuple(sorted(self._sources))

    def spec(self, kind: str) -> ChannelSpec:
        """Give the spec of `kind`, importing its module. Raises `Misconfigured` with what to do about it."""
        if kind in self._specs:
            return self._specs[kind]
        source = self._sources.get(kind)
        if source is not None:
            spec = self._load(source)
            if spec is not None:
                self._specs[kind] = spec
                return spec
        if kind in self._problems:
            raise Misconfigured(self._problems[kind])
        near = get_close_matches(kind, self._sources, n=2, cutoff=0.6)
        guess = phrase("registry.guess", " Did you mean {names}?", names=" / ".join(near)) if near else ""
        raise Misconfigured(
            phrase(
                "registry.unknown_kind",
                "There is no channel of type {kind}.{guess} Known types: {kinds}.",
                kind=repr(kind),
                guess=guess,
                kinds=", ".join(self.kinds()),
            )
        )

    def specs(self) -> tuple[ChannelSpec, ...]:
        """Give every spec that can be read, sorted by kind; the others are in `problems` afterwards."""
        found = []
        for kind in self.kinds():
            try:
                found.append(self.spec(kind))
            except Misconfigured as error:
                log.warning("channels.unreadable", kind=kind, why=str(error))
        return tuple(found)

    def problems(self) -> Mapping[str, str]:
        """Give what is wrong, in a sentence by kind, with the channels that were looked at so far."""
        return dict(self._problems)

    def distribution(self, kind: str) -> str:
        """Give the name of the package that offers `kind`, for the message that says what to install."""
        source = self._sources.get(kind)
        return DISTRIBUTION if source is None else source.distribution

    def _choose(self, kind: str, offered: list[SpecSource]) -> None:
        if len(offered) == 1:
            self._sources[kind] = offered[0]
            return
        names = ", ".join(sorted({source.distribution for source in offered}))
        built_in = next((source for source in offered if source.address == BUILT_IN.get(kind)), None)
        if built_in is not None:
            self._sources[kind] = built_in
            self._problems[kind] = phrase(
                "registry.twice_ours",
                "The channel type {kind} is offered more than once, by {names}; the built-in one is used."
                " Uninstall or rename the other.",
                kind=repr(kind),
                names=names,
            )
        else:
            self._problems[kind] = phrase(
                "registry.twice_none",
                "The channel type {kind} is offered more than once, by {names}; none of them is used."
                " Uninstall or rename the other.",
                kind=repr(kind),
                names=names,
            )
        log.warning("channels.duplicate", kind=kind, offered_by=names)

    def _load(self, source: SpecSource) -> ChannelSpec | None:
        module, _, name = source.address.partition(":")
        try:
            spec = getattr(import_module(module), name)
        except Exception as error:  # a stranger's module may raise anything; it is logged with its stack
            log.warning("channels.broken", kind=source.kind, offered_by=source.distribution, exc_info=error)
            self._refuse(
                source,
                phrase(
                    "registry.not_imported",
                    "{address} cannot be imported ({error})",
                    address=source.address,
                    error=f"{type(error).__name__}: {error}",
                ),
            )
            return None
        if isinstance(spec, ChannelSpec) and spec.kind == source.kind:
            return spec
        if isinstance(spec, ChannelSpec):
            self._refuse(
                source,
                phrase(
                    "registry.other_name",
                    "{address} calls itself {name}; both names must be the same",
                    address=source.address,
                    name=repr(spec.kind),
                ),
            )
        else:
            self._refuse(
                source,
                phrase(
                    "registry.no_spec",
                    "{address} is a {found} and no ChannelSpec",
                    address=source.address,
                    found=type(spec).__name__,
                ),
            )
        return None

    def _refuse(self, source: SpecSource, why: Phrase) -> None:
        self._problems[source.kind] = phrase(
            "registry.unusable",
            "The channel type {kind} of the package {distribution} is unusable: {why}."
            " Update or uninstall that package.",
            kind=repr(source.kind),
            distribution=source.distribution,
            why=why,
        )
        del self._sources[source.kind]


def create_channel(
    spec: ChannelSpec,
    settings: ChannelSettings,
    context: ChannelContext,
    *,
    distribution: str = DISTRIBUTION,
) -> Channel:
    """Make the channel that `spec` describes, importing its factory only now.

    `settings` is an instance of `spec.settings`; `distribution` is the package that offers the channel.
    Raises `Misconfigured` with an install command when a library is missing, and when the factory makes no
    channel.
    """
    if not isinstance(settings, spec.settings):
        raise TypeError(
            f"a {spec.kind} channel takes {spec.settings.__name__}, not {type(settings).__name__}"
        )
    if not INSTANCE_NAME.fullmatch(context.instance):
        raise Misconfigured(
            phrase(
                "registry.bad_name",
                "{instance} cannot be the name of a channel: one has up to 32 of a-z, 0-9, _ and -, and "
                "starts with a letter",
                instance=repr(context.instance),
            )
        )
    factory = _import_factory(spec, distribution)
    if not (isinstance(factory, type) and issubclass(factory, Channel)):
        raise Misconfigured(
            phrase(
                "registry.no_channel",
                "{factory} is no Channel; this is a mistake in the package {distribution}",
                factory=spec.factory,
                distribution=distribution,
            )
        )
    return factory(settings, context)


def _import_factory(spec: ChannelSpec, distribution: str) -> Any:
    module, _, name = spec.factory.partition(":")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        package = f"{distribution}[{spec.extra}]" if spec.extra else distribution
        raise Misconfigured(
            phrase(
                "registry.no_library",
                "{title} needs a library that is not installed ({why}). Install it with: pip install "
                '"{package}"',
                title=spec.title,
                why=error,
                package=package,
            )
        ) from error
    except AttributeError as error:
        raise Misconfigured(
            phrase(
                "registry.no_factory",
                "{factory} does not exist; this is a mistake in the package {distribution}",
                factory=spec.factory,
                distribution=distribution,
            )
        ) from error
