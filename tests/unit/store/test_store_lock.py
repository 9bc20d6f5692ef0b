"""One process per database."""

from __future__ import annotations

from pathlib import Path

import pytest

from optfm_bot.errors import StartRefused, StoreUnavailable
from optfm_bot.store.engine import database_url
from optfm_bot.store.lock import StoreLock


async def refuses_a_second(address: str) -> None:
    first, second = StoreLock(database_url(address)), StoreLock(database_url(address))
    await first.acquire()
    with pytest.raises(StartRefused, match="Another optfm-bot already works with"):
        await second.acquire()
    await first.release()
    await second.acquire()
    await second.release()
    await second.release()


async def test_a_second_process_on_one_file_is_refused(tmp_path: Path) -> None:
    await refuses_a_second(f"sqlite:///{tmp_path / 'new folder' / 'bot.db'}")


async def test_a_file_has_one_lock_by_whatever_name_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bot.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "data" / "bot.db")
    first = StoreLock(database_url(f"sqlite:///{tmp_path / 'data' / 'bot.db'}"))
    await first.acquire()
    try:
        with pytest.raises(StartRefused, match="Another optfm-bot already works with"):
            await StoreLock(database_url(f"sqlite:///{tmp_path / 'link.db'}")).acquire()
    finally:
        await first.release()


async def test_a_second_process_on_one_postgresql_database_is_refused(postgresql_address: str) -> None:
    await refuses_a_second(postgresql_address)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match="Cannot write beside the database"):
        await StoreLock(database_url(f"sqlite:///{tmp_path / 'file' / 'bot.db'}")).acquire()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await StoreLock(database_url("postgresql://bot:canary@127.0.0.1:1/none")).acquire()

    assert "127.0.0.1:1" in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_memory_is_everybody_s_own() -> None:
    for _ in range(2):
        await StoreLock(database_url("sqlite://")).acquire()
