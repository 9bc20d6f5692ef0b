"""The start of a process that serves: what is decided before the bot is loaded, and cannot be changed afterwards."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from optfm_bot.heap import give_back

_REST = 1_000_000
"""So many new objects while loading before the collector looks. A start makes a fifth of it, and keeps nearly all."""

_ABSENT = "rich"
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


@contextmanager
def loading() -> Iterator[None]:
    """Load with the collector at rest, then let it pass over what was loaded from now on, and give back the rest.

    Modules, settings and the index of a base live as long as the process. Walking over them again and again while
    they grow costs a tenth of the start, and once more after it a tenth of a second in which nobody is answered.
    If loading fails, everything is as before.
    """
    before = gc.get_threshold()
    gc.set_threshold(_REST)
    try:
        yield
        gc.freeze()
        give_back()
    finally:
        gc.set_threshold(*before)


def load_structlog() -> ModuleType:
    """Import structlog without Rich, which it would load for a renderer that is not ours: 5 MB, a tenth of a second.

    structlog goes without Rich where there is none, so for the moment of its import there is none. Whoever wants Rich
    later gets it.
    """
    if "structlog" in sys.modules:
        return sys.modules["structlog"]
    with _without(_ABSENT, sys.modules):
        return import_module("structlog")


def spare_blas_threads(environment: MutableMapping[str, str] | None = None) -> None:
    """Let NumPy calculate in the thread that asks; call it before NumPy is loaded.

    The matrices of a base are small: handing parts of them to other threads costs more than it gains, and each
    thread keeps several megabytes. What the owner has set in the environment stays.
    """
    (os.environ if environment is None else environment).setdefault(_BLAS_THREADS, "1")


@contextmanager
def _without(name: str, modules: MutableMapping[str, ModuleType]) -> Iterator[None]:
    """Make `import name` fail: None in `sys.modules` is how Python is told that a module is not there."""
    before = modules.get(name)
    modules[name] = None  # type: ignore[assignment]  # documented under `sys.modules`, unknown to its type
    try:
        yield
    finally:
        if before is None:
            del modules[name]
        else:
            modules[name] = before
