"""Vectors on disk: a text is encoded once, whatever happens to the folder."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faq.semantic import cache as module
from faq.semantic.cache import KEEP_DAYS, VectorCache
from faq.semantic.table import row_bytes
from tests.unit.faq.semantic.conftest import ScriptedEncoder

DAY = 24 * 60 * 60
BASE = ["где мой заказ", "как вернуть", "сколько стоит доставка"]

Warned = Callable[[], list[str]]


class Clock:
    """The time, which passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 20_000.0 * DAY

    def __call__(self) -> float:
        return self.seconds

    def pass_days(self, days: int) -> None:
        self.seconds += days * DAY


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path, clock: Clock) -> VectorCache:
    return VectorCache(folder, now=clock)


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Warned:
    caplog.set_level(logging.WARNING, "faq.semantic.cache")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "faq.semantic.cache"]


def file_in(folder: Path) -> Path:
    (found,) = folder.glob("*.vectors")
    return found


def same(found: npt.NDArray[np.float16], expected: npt.NDArray[np.float16]) -> bool:
    return found.dtype == expected.dtype and np.array_equal(found, expected)


# -- what is encoded --------------------------------------------------------------------------------------


def test_a_text_is_encoded_once_and_always_gets_the_same_vector(
    folder: Path, cache: VectorCache, clock: Clock, scripted: ScriptedEncoder
) -> None:
    first = cache.encoded(BASE, scripted)
    again = VectorCache(folder, now=clock).encoded(BASE[::-1], scripted)

    assert same(first, scripted.stored(BASE))
    assert same(again, first[::-1])
    assert scripted.asked == BASE


def test_an_edited_base_encodes_only_what_is_new(cache: VectorCache, scripted: ScriptedEncoder) -> None:
    cache.encoded(BASE, scripted)
    scripted.asked.clear()
    edited = ["как оплатить", *BASE[1:], "как оплатить"]

    assert same(cache.encoded(edited, scripted), scripted.stored(edited))
    assert scripted.asked == ["как оплатить"]


@settings(max_examples=30)
@given(
    bases=st.lists(
        st.lists(st.text(st.characters(exclude_categories=()), max_size=3), max_size=12), max_size=4
    )
)
def test_any_bases_in_a_row_get_their_own_vectors(
    tmp_path_factory: pytest.TempPathFactory, bases: list[list[str]]
) -> None:
    cache, encoder = VectorCache(tmp_path_factory.mktemp("cache"), now=Clock()), ScriptedEncoder()
    for texts in bases:
        assert same(cache.encoded(texts, encoder), encoder.stored(texts))
    assert len(set(encoder.asked)) == len(encoder.asked)


def test_vectors_of_two_encoders_are_never_mixed(folder: Path, cache: VectorCache) -> None:
    encoders = [ScriptedEncoder("use 1"), ScriptedEncoder("use 2"), ScriptedEncoder("USE/2", dimensions=5)]
    for encoder in encoders:
        cache.encoded(BASE, encoder)

    assert len(list(folder.glob("*.vectors"))) == 3
    for encoder in encoders:
        assert same(cache.encoded(BASE, encoder), encoder.stored(BASE))
        assert encoder.asked == BASE


def test_progress_counts_texts_and_ends_with_all_of_them(
    cache: VectorCache, scripted: ScriptedEncoder
) -> None:
    texts = [f"вопрос {number % 150}" for number in range(200)]
    cache.encoded(texts[:10], scripted)
    told: list[int] = []
    cache.encoded(texts, scripted, told.append)

    assert told == [20, 84, 148, 160, 200]


def test_a_long_build_that_is_broken_off_does_not_begin_anew(
    cache: VectorCache, scripted: ScriptedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SAVE_EVERY", 2)
    encode = scripted.encode

    def breaks_at_the_last(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if BASE[2] in texts:
            raise KeyboardInterrupt
        return encode(texts)

    monkeypatch.setattr(scripted, "encode", breaks_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        cache.encoded(BASE, scripted)
    monkeypatch.setattr(scripted, "encode", encode)

    assert same(cache.encoded(BASE, scripted), scripted.stored(BASE))
    assert scripted.asked == BASE


# -- others in the folder ---------------------------------------------------------------------------------


def test_what_another_process_adds_meanwhile_is_kept(
    folder: Path, cache: VectorCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = ScriptedEncoder(), ScriptedEncoder()
    encode = one.encode

    def while_the_other_writes(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        VectorCache(folder, now=clock).encoded(["чужой вопрос"], other)
        return encode(texts)

    monkeypatch.setattr(one, "encode", while_the_other_writes)
    cache.encoded(BASE, one)
    later = ScriptedEncoder()
    VectorCache(folder, now=clock).encoded([*BASE, "чужой вопрос"], later)

    assert later.asked == []


def test_many_at_once_leave_a_whole_file_and_nothing_else(folder: Path, clock: Clock, warned: Warned) -> None:
    def build(number: int) -> bool:
        texts = [f"вопрос {number % 4} {n}" for n in range(40)]
        encoder = ScriptedEncoder()
        return same(VectorCache(folder, now=clock).encoded(texts, encoder), encoder.stored(texts))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(build, range(32)))

    assert warned() == []
    assert sorted(folder.iterdir()) == [folder / ".gitignore", file_in(folder)]


# -- damage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda _: b"", lambda _: b"\x00" * 500])
def test_a_damaged_file_is_thrown_away_and_made_anew(
    cache: VectorCache,
    folder: Path,
    scripted: ScriptedEncoder,
    warned: Warned,
    damage: Callable[[bytes], bytes],
) -> None:
    cache.encoded(BASE, scripted)
    whole = file_in(folder).read_bytes()
    file_in(folder).write_bytes(damage(whole))
    found = cache.encoded(BASE, scripted)

    assert same(found, scripted.stored(BASE))
    assert scripted.asked == BASE * 2
    assert file_in(folder).read_bytes() == whole
    (sentence,) = warned()
    assert str(file_in(folder)) in sentence
    assert "thrown away" in sentence


def test_without_a_folder_it_goes_on_in_memory_and_warns_once(
    tmp_path: Path, clock: Clock, scripted: ScriptedEncoder, warned: Warned
) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = VectorCache(tmp_path / "file" / "cache", now=clock)
    for texts in (BASE, BASE, [*BASE, "ещё"]):
        assert same(cache.encoded(texts, scripted), scripted.stored(texts))

    assert scripted.asked == [*BASE, "ещё"]
    (sentence,) = warned()
    assert "kept in memory only" in sentence


def test_a_full_disk_costs_nothing_but_a_warning(
    cache: VectorCache,
    folder: Path,
    clock: Clock,
    scripted: ScriptedEncoder,
    warned: Warned,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.encoded(BASE[:1], scripted)
    before = file_in(folder).read_bytes()
    whole = module.file_of

    def full(parts: Sequence[module.Part], dimensions: int) -> Iterator[bytes]:
        yield next(whole(parts, dimensions))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "file_of", full)
    cache.encoded(BASE[:2], scripted)
    found = cache.encoded(BASE, scripted)
    assert same(found, scripted.stored(BASE))
    assert file_in(folder).read_bytes() == before
    assert sorted(folder.iterdir()) == [folder / ".gitignore", file_in(folder)]
    assert len(warned()) == 1
    assert "No space left on device" in warned()[0]

    monkeypatch.setattr(module, "file_of", whole)
    cache.encoded([*BASE, "ещё"], scripted)
    VectorCache(folder, now=clock).encoded([*BASE, "ещё"], scripted)
    assert scripted.asked == [*BASE, "ещё"]


# -- age and size -----------------------------------------------------------------------------------------


def test_what_no_base_uses_is_dropped_in_time_and_what_is_used_stays(
    cache: VectorCache, clock: Clock, scripted: ScriptedEncoder
) -> None:
    cache.encoded(BASE, scripted)
    for _ in range(4):  # the base is built again and again without its last text, nothing new in it
        clock.pass_days(KEEP_DAYS // 3)
        cache.encoded(BASE[:2], scripted)
    scripted.asked.clear()
    cache.encoded(BASE, scripted)

    assert scripted.asked == BASE[2:]


def test_a_file_is_not_written_for_every_start(
    cache: VectorCache, folder: Path, clock: Clock, scripted: ScriptedEncoder
) -> None:
    cache.encoded(BASE, scripted)
    first = file_in(folder).stat().st_ino
    clock.pass_days(3)
    cache.encoded(BASE, scripted)

    assert file_in(folder).stat().st_ino == first


def test_a_file_stays_under_its_bound_unless_one_base_needs_more(
    folder: Path, clock: Clock, scripted: ScriptedEncoder
) -> None:
    cache = VectorCache(folder, most_bytes=5 * row_bytes(scripted.dimensions), now=clock)
    old, new = ([f"{word} {number}" for number in range(4)] for word in ("старый", "новый"))
    cache.encoded(old, scripted)
    clock.pass_days(1)
    cache.encoded(new, scripted)
    scripted.asked.clear()
    cache.encoded(new, scripted)
    assert scripted.asked == []
    cache.encoded(old, scripted)
    assert scripted.asked == old[1:]

    large = [f"большой {number}" for number in range(9)]
    scripted.asked.clear()
    for _ in range(2):
        cache.encoded(large, scripted)
    assert scripted.asked == large


def test_files_that_nobody_uses_are_swept_away_and_those_of_others_are_not(
    cache: VectorCache, folder: Path, clock: Clock, scripted: ScriptedEncoder
) -> None:
    folder.mkdir()
    ages = {
        "old.vectors": 31,
        "young.vectors": 29,
        ".x.vectors.1.tmp": 2,
        ".y.vectors.2.tmp": 0,
        "notes.txt": 99,
    }
    for name, days in ages.items():
        (folder / name).write_text("x")
        os.utime(folder / name, (clock.seconds - days * DAY, clock.seconds - days * DAY))
    cache.encoded(BASE, scripted)

    assert {name for name in ages if (folder / name).exists()} == {
        "young.vectors",
        ".y.vectors.2.tmp",
        "notes.txt",
    }
