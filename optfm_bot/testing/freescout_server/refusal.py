"""How the fake says no: one exception that becomes the error body of the module."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A call is refused: the HTTP status and the body; `errors` are path and message each."""

    def __init__(self, status: int, message: str, *errors: tuple[str, str]) -> None:
        super().__init__(f"{status} {message}: {errors}")
        self.status = status
        self.message = message
        self.errors = errors

    def answer(self) -> dict[str, Any]:
        """The body of the answer."""
        if self.status == 401:  # noqa: PLR2004 - HTTP statuses are known by their numbers
            return {"message": self.message}
        errors = [{"path": path, "message": message, "source": "JSON"} for path, message in self.errors]
        return {"message": self.message, "_embedded": {"errors": errors}}


def bad_input(path: str, message: str) -> ApiError:
    """A 400 about one field."""
    return ApiError(400, "Error occurred", (path, message))


def not_found() -> ApiError:
    """A 404 for an id that there is not."""
    return ApiError(404, "Not Found")


def required(given: dict[str, Any], *names: str) -> None:
    """Refuse a body without these fields. Only presence is checked, as the module does."""
    for name in names:
        if name not in given or given[name] is None:
            raise bad_input(name, f"`{name}` parameter is required")
