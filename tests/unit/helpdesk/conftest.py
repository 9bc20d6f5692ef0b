"""What the tests of the desk have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.helpdesk.desk_scene import Scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.store.open()
    yield made
    await made.store.close()
