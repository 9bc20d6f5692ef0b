"""What nobody outside knows for sure about MAX: switches for every answer that the sources give."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

UPLOAD_FIELDS: Final = ("data", "file")


@dataclass(slots=True, kw_only=True)
class Quirks:
    """Where sources disagree or are silent. The defaults are what the official clients live with.

    `not_ready`: how many sends with a new upload are answered "not processed yet".
    `media_field`: the only multipart field name that the storage of audio and video takes (another one is
    answered 415); None takes both.
    `polling_with_webhook`: what GET /updates says while there is a subscription, besides nothing.
    `refuse_image_url`: pictures by address are refused. `refuse_photos`: so is the answer of the image
    storage passed on as it came.
    `accept_empty_answers`: POST /answers with `{}` is taken.
    `backlog_to_webhook`: what waited while there was no subscription comes to the next one.
    `https_only`: webhooks need https and no port, as with the real server; the tests' own bots have neither.
    """

    not_ready: int = 0
    media_field: Literal["data", "file"] | None = None
    polling_with_webhook: Literal["empty", "405"] = "empty"
    refuse_image_url: bool = False
    refuse_photos: bool = False
    accept_empty_answers: bool = False
    backlog_to_webhook: bool = True
    https_only: bool = False

    def set(self, **given: Any) -> dict[str, Any]:
        """Change some; gives all. Raises `ValueError` for one that does not exist or cannot be so."""
        for name, value in given.items():
            if name not in {one.name for one in fields(self)}:
                raise ValueError(f"no quirk {name!r}")
            if name == "media_field" and value not in {None, *UPLOAD_FIELDS}:
                raise ValueError(f"media_field is data, file or null, not {value!r}")
            if name == "polling_with_webhook" and str(value) not in {"empty", "405"}:
                raise ValueError(f"polling_with_webhook is empty or 405, not {value!r}")
            setattr(self, name, str(value) if name == "polling_with_webhook" else value)
        return asdict(self)

    def reset(self) -> None:
        """Back to the defaults."""
        self.set(**asdict(Quirks()))
