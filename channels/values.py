"""Value classes that are made with every message: frozen to the type checker, as cheap to make as any other class.

`@dataclass(frozen=True)` of the standard library sets each field through a function, which costs three times as much as
an assignment, and a message on its way through the house sets some three hundred fields. So the type checker alone
forbids to assign to them, unless Python runs in its development mode (`-X dev`): then the classes are really frozen.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

FROZEN = bool(sys.flags.dev_mode)
"""Whether classes that are made from now on are frozen at run time, too. In our tests they are."""

if TYPE_CHECKING:  # to the type checker they are those of the standard library
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
    from dataclasses import replace as replace  # noqa: PLC0414
else:

    def dataclass(*, frozen: bool = False, **options: Any) -> Callable[[type], type]:
        """Decorate a class as `dataclasses.dataclass` would; what is frozen compares and hashes in the same way."""
        if frozen and not FROZEN:
            return lambda kind: dataclasses.dataclass(unsafe_hash=_hashed(kind, options), **options)(kind)
        return dataclasses.dataclass(frozen=frozen, **options)

    def replace(value: Any, /, **changes: Any) -> Any:
        """Give a copy with these fields changed, as `dataclasses.replace` would."""
        kind = type(value)
        return kind(**{name: getattr(value, name) for name in _names(kind)} | changes)


def _hashed(kind: type, options: dict[str, Any]) -> bool:
    """Whether a hash is to be made: of what compares by its fields and brings none of its own."""
    return bool(options.get("eq", True)) and "__hash__" not in vars(kind)


@cache
def _names(kind: type) -> tuple[str, ...]:
    """What `__init__` takes."""
    return tuple([field.name for field in dataclasses.fields(kind) if field.init])
