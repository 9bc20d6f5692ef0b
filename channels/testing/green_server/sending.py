"""The methods that send, change and take back messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from channels.testing.green_server import notices
from channels.testing.green_server.account import Account, State
from channels.testing.green_server.book import Book, Message, Sent, kind_of_file, mime_of
from channels.testing.green_server.faults import Tariff
from channels.testing.green_server.outgoing import OutgoingQueue, Waiting
from channels.testing.green_server.refusal import NOT_READY, Refusal, invalid, suspended
from channels.testing.green_server.upload import Upload

Given = Mapping[str, Any]


class Sending:
    """Accepts messages for the outgoing queue of one instance; `base_url` is where its files are."""

    def __init__(
        self,
        *,
        book: Book,
        account: Account,
        queue: OutgoingQueue,
        tariff: Tariff,
        clock: Callable[[], float],
        base_url: Callable[[], str],
        next_seq: Callable[[], int],
    ) -> None:
        self.book = book
        self.account = account
        self.queue = queue
        self.tariff = tariff
        self.clock = clock
        self.base_url = base_url
        self.next_seq = next_seq
        self.accepted: list[Waiting] = []
        """What the current call has put into the queue; the server takes it from here."""

    @property
    def handlers(self) -> Mapping[str, Callable[[Given], Any]]:
        """The methods that are answered here."""
        return {
            "sendMessage": self._text,
            "sendFileByUrl": self._file_by_url,
            "sendFileByUpload": self._file_by_upload,
            "uploadFile": self._upload,
            "sendLocation": self._location,
            "sendContact": self._contact,
            "forwardMessages": self._forward,
            "sendTyping": self._typing,
            "editMessage": self._edit,
            "deleteMessage": self._delete,
            "downloadFile": self._download,
        }

    # -- sending -----------------------------------------------------------------------------------

    def _accept(
        self,
        method: str,
        given: Given,
        *,
        kind: str,
        text: str = "",
        plain: str = "",
        content: Mapping[str, Any] | None = None,
        file: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        chat = given["chatId"]
        if self.account.refuse_unready and not self.account.connected:
            raise Refusal(400, NOT_READY)
        if self.account.state is State.BLOCKED:
            raise Refusal(403, "Your account is blocked")
        person = self.book.people.get(self.book.behind(chat))
        if self.account.state is State.SUSPENDED and not (person is not None and person.saved):
            raise suspended()
        quoted = given.get("quotedMessageId", "")
        if quoted and self.book.find(chat, quoted) is None:
            raise Refusal(400, "quoted message not found")
        self.tariff.write(method, chat)
        waiting_here = sum(one.message.chat_id == chat for one in self.queue.entries)
        message = Message(
            id=self._next_id(chat, waiting_here),
            chat_id=chat,
            sender=self.book.own.id,
            at=self.clock(),
            kind=kind,
            outgoing=True,
            by_api=True,
            text=text,
            content=dict(content or {}),
            quoted=quoted,
        )
        body = {name: value for name, value in given.items() if name != "file"}
        waiting = Waiting(
            method=method,
            body=body,
            message=message,
            plain=plain or text,
            accepted_at=self.clock(),
            file=file or {},
        )
        self.accepted.append(waiting)
        self.queue.put(waiting)
        return {"idMessage": message.id}

    def _next_id(self, chat: str, ahead: int) -> str:
        found = self.book.next_id(chat)
        return str(int(found) + ahead) if ahead and found.isdecimal() else found

    def _text(self, given: Given) -> dict[str, Any]:
        return self._accept("sendMessage", given, kind="textMessage", text=given["message"])

    def _file(self, method: str, given: Given, url: str, name: str) -> dict[str, Any]:
        kind = kind_of_file(name)
        caption = given.get("caption", "")
        shown = caption if kind in {"imageMessage", "videoMessage"} else ""
        data = notices.file_data(url=url, name=name, mime=mime_of(name), caption=shown)
        return self._accept(
            method,
            given,
            kind=kind,
            text=caption,
            plain=shown or f"[{name}]",
            content=data,
            file={"name": name, "url": url, "mime": mime_of(name)},
        )

    def _file_by_url(self, given: Given) -> dict[str, Any]:
        return self._file("sendFileByUrl", given, given["urlFile"], given["fileName"])

    def _file_by_upload(self, given: Given) -> dict[str, Any]:
        upload = given["file"]
        if not isinstance(upload, Upload):
            raise invalid("'file' must be a file")
        name = given.get("fileName") or upload.name
        if "." not in name:
            raise invalid("'fileName' must have an extension")
        url = self.base_url() + self.book.store_file(name, upload.content, upload.mime)
        return self._file("sendFileByUpload", given, url, name) | {"urlFile": url}

    def _upload(self, given: Given) -> dict[str, Any]:
        upload: Upload = given["file"]
        if not upload.content:
            raise invalid("file is empty")
        return {"urlFile": self.base_url() + self.book.store_file(upload.name, upload.content, upload.mime)}

    def _location(self, given: Given) -> dict[str, Any]:
        name, address = given.get("nameLocation", ""), given.get("address", "")
        data = notices.location_data(given["latitude"], given["longitude"], name=name, address=address)
        plain = f"{name} {address} {given['latitude']}, {given['longitude']}".strip()
        return self._accept("sendLocation", given, kind="locationMessage", plain=plain, content=data)

    def _contact(self, given: Given) -> dict[str, Any]:
        card = given["contact"]
        name = " ".join(filter(None, (card.get("firstName"), card.get("lastName")))) or card.get(
            "company", ""
        )
        data = notices.contact_data(card["phoneContact"], name=name)
        return self._accept(
            "sendContact", given, kind="contactMessage", plain=f"{name} +{card['phoneContact']}", content=data
        )

    def _forward(self, given: Given) -> dict[str, Any]:
        found = [self._known(given["chatIdFrom"], one) for one in given["messages"]]
        answers = [
            self._accept("forwardMessages", given, kind=one.kind, text=one.text, content=one.content)
            for one in found
        ]
        return {"messages": [one["idMessage"] for one in answers]}

    def _typing(self, given: Given) -> dict[str, Any]:
        self.book.typing.append(given["chatId"])
        return {"sendTyping": True}

    # -- changing ----------------------------------------------------------------------------------

    def _known(self, chat: str, message_id: str) -> Message:
        found = self.book.find(chat, message_id)
        if found is None or found.deleted:
            raise Refusal(400, f"message with id '{message_id}' not found in chat")
        return found

    def _own(self, given: Given) -> Message:
        found = self._known(given["chatId"], given["idMessage"])
        if not found.outgoing:
            raise Refusal(400, "only own messages can be changed")
        return found

    def _edit(self, given: Given) -> dict[str, Any]:
        message = self._own(given)
        if message.kind != "textMessage":
            raise Refusal(400, "only text messages can be edited")
        message.text = given["message"]
        message.edited = True
        now = self.clock()
        self.book.edits.append(
            Sent(
                seq=self.next_seq(),
                method="editMessage",
                chat_id=message.chat_id,
                person=self.book.behind(message.chat_id),
                message_id=message.id,
                text=message.text,
                plain=message.text,
                accepted_at=now,
                reached_at=now,
                outcome="answered",
            )
        )
        return {"idMessage": message.id}

    def _delete(self, given: Given) -> dict[str, Any]:
        message = self._own(given)
        message.deleted = True
        return {"idMessage": message.id}

    def _download(self, given: Given) -> dict[str, Any]:
        found = self.book.find(given["chatId"], given["idMessage"])
        data = found.content.get("fileMessageData") if found else None
        if data is None:
            raise Refusal(400, "file message not found or has been deleted")
        return {"downloadUrl": data["downloadUrl"] or f"{self.base_url()}/files/gone/{data['fileName']}"}
