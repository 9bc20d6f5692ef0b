"""What drivers raise, turned into our error: what happened, and what it is about."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from channels.phrase import phrase
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.engine import driver_errors


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Raise `StoreUnavailable` for whatever the driver of `url`, a disk or a limit of time raises inside the block."""
    broken: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error, OSError, *driver_errors(url))
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable(phrase("store.silent", "The database does not answer in time")) from error
    except broken as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise StoreUnavailable(
            phrase("store.unusable", "The database cannot be used: {why}", why=cause)
        ) from error
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            phrase(
                "store.no_driver",
                "The driver of this database is not installed. Install it with: pip install {name}",
                name=error.name,
            )
        ) from error
