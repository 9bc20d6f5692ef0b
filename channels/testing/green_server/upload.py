"""Files as they come over the wire."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of a form, or a raw body that is one."""

    name: str
    mime: str = ""
    content: bytes = field(default=b"", repr=False)

    def as_json(self) -> dict[str, object]:
        """What the record of a call shows of it."""
        return {"name": self.name, "mime": self.mime, "size": len(self.content)}
