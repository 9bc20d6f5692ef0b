"""Which helpdesks there are: those of the house and those that other packages add by an entry point.

A spec is read without importing what its helpdesk needs. An outside package that is broken is named, and harms nobody
who does not ask for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog

from channels.errors import Misconfigured
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import Helpdesk, HelpdeskContext, HelpdeskSettings, HelpdeskSpec

GROUP = "optfm_bot.helpdesks"

KINDS: Mapping[str, str] = {
    "freescout": "optfm_bot.helpdesk.freescout.spec:SPEC",
    "mail": "optfm_bot.helpdesk.mail.spec:SPEC",
    "telegram": "optfm_bot.helpdesk.topics.spec:SPEC",
}
"""Those of the house. Another package that offers one of these names is passed over."""

log = structlog.get_logger("optfm_bot.helpdesk")


def helpdesk_kinds() -> tuple[str, ...]:
    """The kinds that can be asked for, sorted. Imports none of them."""
    return tuple(sorted({*KINDS, *(point.name for point in entry_points(group=GROUP))}))


def helpdesk_spec(kind: str) -> HelpdeskSpec:
    """The spec of a kind of helpdesk. Raises `Misconfigured` for one that there is not, or that cannot be used."""
    address = KINDS.get(kind)
    if address is None:
        return _of_another_package(kind)
    spec = _load(address)
    if not isinstance(spec, HelpdeskSpec):
        raise TypeError(f"{address} is no spec of a helpdesk")
    return spec


def installed_specs() -> Mapping[str, HelpdeskSpec]:
    """Every spec that can be read, by its kind; what cannot be is logged."""
    found = {}
    for kind in helpdesk_kinds():
        try:
            found[kind] = helpdesk_spec(kind)
        except Misconfigured as error:
            log.warning("helpdesks.unreadable", kind=kind, why=str(error))
    return found


def create_helpdesk(spec: HelpdeskSpec, settings: HelpdeskSettings, context: HelpdeskContext) -> Helpdesk:
    """Make a helpdesk, unopened. Raises `Misconfigured` if something it needs is missing, or it makes none."""
    try:
        factory = _load(spec.factory)
    except ImportError as error:
        raise Misconfigured(
            phrase(
                "desk.no_package",
                "{title} needs a package that is not installed: {name}",
                title=spec.title,
                name=error.name,
            )
        ) from error
    except AttributeError as error:
        raise _unusable(spec.kind, spec.factory, error) from error
    if not (isinstance(factory, type) and issubclass(factory, Helpdesk)):
        raise _unusable(spec.kind, spec.factory, "no class of a Helpdesk")
    return factory(settings, context)


def _of_another_package(kind: str) -> HelpdeskSpec:
    """The spec that exactly one package offers; the same kind offered twice is refused rather than guessed at."""
    points = tuple(entry_points(group=GROUP, name=kind))
    if not points:
        raise Misconfigured(
            phrase(
                "desk.unknown",
                "There is no helpdesk {kind}; there are {kinds}",
                kind=repr(kind),
                kinds=", ".join(helpdesk_kinds()),
            )
        )
    if len({point.value for point in points}) > 1:
        raise Misconfigured(
            phrase(
                "desk.offered_twice",
                "The helpdesk {kind} is offered by several packages: {packages}. Uninstall all but one",
                kind=repr(kind),
                packages=", ".join(sorted(map(_package, points))),
            )
        )
    point = points[0]
    try:
        spec = _load(point.value)
    except Exception as error:  # a stranger's module may raise anything; it is logged with its stack
        log.warning("helpdesks.broken", kind=kind, offered_by=_package(point), exc_info=error)
        raise _unusable(kind, _package(point), error) from error
    if not isinstance(spec, HelpdeskSpec):
        raise _unusable(kind, _package(point), f"{point.value} is no HelpdeskSpec")
    if spec.kind != kind:
        raise _unusable(kind, _package(point), f"it calls itself {spec.kind!r}")
    return spec


def _unusable(kind: str, package: str, why: object) -> Misconfigured:
    told = f"{type(why).__name__}: {why}" if isinstance(why, Exception) else str(why)
    return Misconfigured(
        phrase(
            "desk.unusable",
            "The helpdesk {kind} of {package} cannot be used: {why}",
            kind=repr(kind),
            package=package,
            why=told,
        )
    )


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _load(address: str) -> Any:
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)
