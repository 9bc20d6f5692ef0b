"""Which helpdesks there are. A spec is read without importing what its helpdesk needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from channels.errors import Misconfigured
from channels.phrase import phrase
from optfm_bot.helpdesk.contract import Helpdesk, HelpdeskContext, HelpdeskSettings, HelpdeskSpec

KINDS: Mapping[str, str] = {
    "freescout": "optfm_bot.helpdesk.freescout.spec:SPEC",
    "mail": "optfm_bot.helpdesk.mail.spec:SPEC",
    "telegram": "optfm_bot.helpdesk.topics.spec:SPEC",
}


def helpdesk_spec(kind: str) -> HelpdeskSpec:
    """The spec of a kind of helpdesk. Raises `Misconfigured` for one that there is not."""
    address = KINDS.get(kind)
    if address is None:
        raise Misconfigured(
            phrase(
                "desk.unknown",
                "There is no helpdesk {kind}; there are {kinds}",
                kind=repr(kind),
                kinds=", ".join(sorted(KINDS)),
            )
        )
    spec = _load(address)
    if not isinstance(spec, HelpdeskSpec):
        raise TypeError(f"{address} is no spec of a helpdesk")
    return spec


def create_helpdesk(spec: HelpdeskSpec, settings: HelpdeskSettings, context: HelpdeskContext) -> Helpdesk:
    """Make a helpdesk, unopened. Raises `Misconfigured` if something it needs is missing."""
    try:
        made = _load(spec.factory)(settings, context)
    except ImportError as error:
        raise Misconfigured(
            phrase(
                "desk.no_package",
                "{title} needs a package that is not installed: {name}",
                title=spec.title,
                name=error.name,
            )
        ) from error
    if not isinstance(made, Helpdesk):
        raise TypeError(f"{spec.factory} makes no helpdesk")
    return made


def _load(address: str) -> Any:
    module, _, name = address.partition(":")
    return getattr(import_module(module), name)
