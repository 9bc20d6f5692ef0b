"""Errors of the house, named by reaction. Errors of platforms are in `channels.errors`."""

from __future__ import annotations

from channels.errors import default_message


class OptfmError(Exception):
    """Something went wrong in the house. The docstring of the class is its default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or default_message(self))


class StoreUnavailable(OptfmError):
    """The database cannot be written now (locked, full, gone); nothing was stored, try again later."""


class StoreFenced(StoreUnavailable):
    """The other processes have taken this one for dead and work in its place; nothing was stored."""


class StoreContended(StoreUnavailable):
    """Two processes waited for each other in the database, and this one gave way; nothing was stored, try again."""


class StoreConflict(OptfmError):
    """The database already holds a row that this unit of work wanted to add; somebody else did this work."""


class StoreOutdated(StoreConflict):
    """Somebody has changed a row since it was read; nothing of this unit of work was stored, read it again."""


class StoreRefused(OptfmError):
    """The database cannot take a value of this unit of work and never will; nothing of the unit was stored."""


class SchemaMismatch(OptfmError):
    """The database has a schema that this version of the program cannot work with."""


class StartRefused(OptfmError):
    """The program cannot start as configured; the message says what to change."""
