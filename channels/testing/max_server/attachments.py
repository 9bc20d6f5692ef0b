"""Attachments of outgoing messages: from a checked draft to what people's clients get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels.testing.max_server import updates
from channels.testing.max_server.draft import MEDIA, AttachmentDraft, Draft
from channels.testing.max_server.faults import NOT_READY
from channels.testing.max_server.keyboard import Keyboard
from channels.testing.max_server.refusal import ApiError, bad_payload
from channels.testing.max_server.world import Upload, World


class Attachments:
    """Builds attachments; `media_url` gives the address under which a file can be fetched."""

    def __init__(self, world: World, media_url: Callable[[Upload], str]) -> None:
        self.world = world
        self.media_url = media_url

    def build(self, draft: Draft) -> tuple[list[dict[str, Any]], Keyboard | None]:
        """The attachments as people get them. Raises `attachment.not.ready`."""
        keyboard: Keyboard | None = None
        found: list[dict[str, Any]] = []
        for one in draft.attachments or ():
            if one.kind == "inline_keyboard":
                keyboard_id = f"cb-{self.world.serial():010x}"
                raw = {"type": one.kind, "callback_id": keyboard_id, "payload": one.about}
                keyboard = Keyboard(keyboard_id=keyboard_id, rows=draft.buttons or (), raw=raw)
                found.append(raw)
            elif one.kind in MEDIA and one.token is not None:
                found.append(self._medium(self._upload(one.kind, one.token)))
            else:
                found.append(self._other(one))
        return found, keyboard

    def _upload(self, kind: str, token: str) -> Upload:
        upload = self.world.uploads.get(token)
        if upload is None or upload.kind != kind:
            raise bad_payload(f"there is no {kind} with this token")
        if upload.content is None or upload.not_ready:
            upload.not_ready = max(0, upload.not_ready - 1)
            raise ApiError(*NOT_READY)
        return upload

    def _medium(self, upload: Upload) -> dict[str, Any]:
        url = self.media_url(upload)
        match upload.kind:
            case "image":
                return updates.image(upload.token, photo_id=upload.id, url=url)
            case "video":
                return updates.video(upload.token, url=url)
            case "audio":
                return updates.audio(upload.token, url=url)
            case _:
                return updates.file(upload.token, url=url, name=upload.name, size=upload.size)

    def _other(self, one: AttachmentDraft) -> dict[str, Any]:
        match one.kind:
            case "image":
                upload = self.world.store("image", b"", name="image")
                return updates.image(upload.token, photo_id=upload.id, url=str(one.about["url"]))
            case "sticker":
                return updates.sticker(one.about["code"], url=f"https://media.example/{one.about['code']}")
            case "location":
                return updates.location(one.about["latitude"], one.about["longitude"])
            case "share":
                return updates.share(one.about["url"] or "https://media.example/")
            case _:
                vcf = one.about["vcf_info"] or updates.vcard(
                    one.about["name"] or "", one.about["vcf_phone"] or ""
                )
                contact_id = one.about["contact_id"]
                return updates.contact(
                    vcf, about=None if contact_id is None else self.world.person(contact_id)
                )
