from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from openpyxl import Workbook

Sheet = Callable[..., bytes]


def workbook(
    *rows: Sequence[Any], merged: Sequence[str] = (), more: Callable[[Workbook], None] | None = None
) -> bytes:
    """The bytes of a workbook with these rows on its first sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Лист1"
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    if more is not None:
        more(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def make_xlsx() -> Sheet:
    return workbook
