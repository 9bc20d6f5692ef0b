"""The guard: nobody takes a check away, replaces or silences it without saying why where everybody reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from channels.testing.conformance.fault_server import FAULTS
from channels.testing.conformance.subject import ABSENT, Subject, modes

_HOMES: Final = ("channels.testing.conformance.", "optfm_bot.testing.")
_SHORTEST_REASON: Final = 10
_HOOKS: Final = ("pytest_generate_tests", "connected", "push", "channel", "needs", "needs_mode", "needs_wire")


class CheckRemovedError(TypeError):
    """A class takes a check away, or says less than it has to."""


@cache
def pinned() -> Sequence[str]:
    """The names of all checks, as the data file beside this module has them."""
    text = (files("channels.testing.conformance") / "checks.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def faults_of(subject: type[Subject]) -> Iterator[str]:
    """What is wrong with a class of checks, a sentence for each mistake; nothing for an honest one."""
    for name in pinned():
        yield from faults_of_check(subject, name)
    for name in _HOOKS:
        if not _of_the_kit(_home(subject, name)):
            yield f"{name} is the kit's own; what differs is said by `absent` and `deviations`"
    for mark in _marks(subject):
        if mark.name in {"skip", "skipif", "xfail"}:
            yield f"the whole class is marked {mark.name}; mark the check that fails, with a reason"
    if getattr(subject, "__test__", True) is False:
        yield "`__test__` is false, so nothing is checked"
    yield from _faults_of_claims(subject)


def faults_of_check(subject: type, name: str) -> Iterator[str]:
    """What is wrong with one check of a class, be it of a channel or of a helpdesk; nothing if it is as it was."""
    check = getattr(subject, name, None)
    if check is None:
        yield f"{name} is gone"
        return
    marks = _marks(check)
    if _of_the_kit(_home(subject, name)):
        return
    excused = [mark for mark in marks if mark.name == "xfail"]
    if not excused:
        yield f"{name} is overridden without @pytest.mark.xfail(reason=…, strict=True)"
    for mark in excused:
        if mark.kwargs.get("strict") is not True:
            yield f"{name}: the xfail is not strict, so nobody hears when it is mended"
        if not _is_reason(str(mark.kwargs.get("reason") or "")):
            yield f"{name}: the xfail gives no reason"
        if mark.args or mark.kwargs.get("run") is False:
            yield f"{name}: an xfail with a condition, or that is not run, hides more than it says"
    silenced = sorted({mark.name for mark in marks} & {"skip", "skipif"})
    if silenced:
        yield f"{name} is marked {silenced[0]}; a check that cannot pass is an xfail with a reason"


def _faults_of_claims(subject: type[Subject]) -> Iterator[str]:
    if not hasattr(subject, "spec"):
        yield "`spec` is missing: the ChannelSpec of the channel"
        return
    if not hasattr(subject, "payloads"):
        yield "`payloads` is missing: the folder of recorded updates"
    yield from _faults_of_absences(subject)
    yield from _faults_of_deviations(subject)
    yield from _faults_of_modes(subject)


def _faults_of_absences(subject: type[Subject]) -> Iterator[str]:
    for thing, why in subject.absent.items():
        if thing not in ABSENT:
            yield f"`absent` does not know {thing!r}; it knows {', '.join(ABSENT)}"
        if not _is_reason(why):
            yield f"`absent` gives no reason for {thing!r}"


def _faults_of_deviations(subject: type[Subject]) -> Iterator[str]:
    for where, deviation in subject.deviations.items():
        call, _, fault = where.partition(" ")
        if call not in {"deliver", "fetch"} or fault not in FAULTS:
            yield f"`deviations` does not know {where!r}; it is deliver or fetch and one of {', '.join(FAULTS)}"
        if not _is_reason(deviation.because):
            yield f"`deviations` gives no reason for {where!r}"


def _faults_of_modes(subject: type[Subject]) -> Iterator[str]:
    checked = set(modes(subject))
    if extra := checked - subject.spec.transports:
        yield f"`transports` names what the spec does not: {sorted(extra)}"
    for left_out in sorted(subject.spec.transports - checked):
        if not _is_reason(subject.elsewhere.get(left_out, "")):
            yield f"{left_out} is not checked here, and `elsewhere` does not say which class does it"


def _is_reason(words: str) -> bool:
    return len(words.strip()) >= _SHORTEST_REASON


def checks_of(subject: type) -> Sequence[str]:
    """The names of the checks that a class has."""
    return sorted(name for name in dir(subject) if name.startswith("test_"))


def _home(subject: type, name: str) -> str:
    """The module in which a name was defined last; a class that is the kit's own is not told apart from another."""
    return next((base.__module__ for base in subject.__mro__ if name in vars(base)), "")


def _of_the_kit(module: str) -> bool:
    return module.startswith(_HOMES)


def _marks(thing: Any) -> list[Any]:
    marks = getattr(thing, "pytestmark", [])
    return list(marks) if isinstance(marks, (list, tuple)) else [marks]
