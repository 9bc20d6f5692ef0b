"""Sending messages by REST, and telling what has become of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from mimetypes import guess_type
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import orjson
import structlog

from channels.body import parse_body
from channels.contract import Addressable, Channel
from channels.errors import ChannelError, Unreachable
from channels.model import ChatRef, Media, MediaKind
from optfm_bot.api.call import Answer, Call, Masks, channel_of
from optfm_bot.api.idempotency import fingerprint_of, key_of
from optfm_bot.api.models import MessageAccepted, MessagePart, MessageStatus, MessageView, SendMessage
from optfm_bot.api.refusals import Refusal, refused_by_channel
from optfm_bot.clock import Clock
from optfm_bot.dispatch.notice import NothingToShow, Notice, NotNow
from optfm_bot.errors import StoreConflict, StoreRefused
from optfm_bot.house import House
from optfm_bot.ids import from_short, short
from optfm_bot.store.records import IdempotencyRow, OutboxRow, OutboxState
from optfm_bot.store.unit import UnitOfWork

log = structlog.get_logger("optfm_bot.api")

_ADDRESS_SECONDS = 30.0
_KINDS = {"image": MediaKind.IMAGE, "video": MediaKind.VIDEO, "audio": MediaKind.AUDIO}
_STATES = {
    OutboxState.READY: MessageStatus.READY,
    OutboxState.SENDING: MessageStatus.SENDING,
    OutboxState.SENT: MessageStatus.SENT,
    OutboxState.UNCERTAIN: MessageStatus.UNCERTAIN,
    OutboxState.DROPPED: MessageStatus.DROPPED,
    OutboxState.FAILED: MessageStatus.FAILED,
}
_WORST_FIRST = (MessageStatus.FAILED, MessageStatus.UNCERTAIN, MessageStatus.DROPPED)


class MessageDesk:
    """Takes messages and promises them to the outbox of the house."""

    def __init__(self, house: House, clock: Clock, masks: Masks) -> None:
        self._house = house
        self._clock = clock
        self._masks = masks

    async def send(self, call: Call) -> Answer:
        """Promise a message; the answer goes out after the commit.

        A key that this client has used before gives the message of that time. The key is written into the same unit of
        work as the message, so of two requests at once one is refused by the store and finds what the other one did.
        """
        channel = channel_of(call, self._house.channels)
        wanted = call.read(SendMessage)
        key = key_of(call)
        fingerprint = fingerprint_of(channel.instance, wanted)
        token_id = call.token.id if call.token is not None else 0
        if key and (earlier := await self._house.store.idempotency(token_id, key)) is not None:
            return await self._again(earlier, fingerprint)
        chat = ChatRef(channel=channel.instance, chat_id=await self._chat_id(channel, wanted))
        notice = Notice(
            chat=chat, body=parse_body(wanted.text), media=_media(wanted), reply_to=wanted.reply_to
        )

        def along(unit: UnitOfWork, turn_id: int) -> None:
            if key:
                row = IdempotencyRow(
                    token_id=token_id, key=key, fingerprint=fingerprint, turn_id=turn_id, at=self._clock.ms()
                )
                unit.api.add_idempotency(row)

        try:
            turn_id = await self._house.notices.send(notice, along=along)
        except NothingToShow:
            raise Refusal("nothing_to_show") from None
        except NotNow:
            raise Refusal("not_now") from None
        except StoreRefused:
            raise Refusal("not_storable") from None
        except StoreConflict:
            earlier = await self._house.store.idempotency(token_id, key)
            if earlier is None:
                raise
            return await self._again(earlier, fingerprint)
        log.info("api.message", channel=channel.instance, client=call.client, message=short(turn_id))
        return await self._accepted(turn_id)

    async def look(self, call: Call) -> Answer:
        """Tell what has become of a message."""
        try:
            turn_id = from_short(call.places["id"])
        except ValueError:
            raise Refusal("no_message") from None
        rows = await self._rows(turn_id)
        chat = ChatRef.parse(rows[0].lane)
        parts = [self._part(row) for row in rows]
        return Answer(
            body=MessageView(
                id=short(turn_id),
                channel=chat.channel,
                chat=chat.chat_id,
                state=summary([part.state for part in parts]),
                parts=parts,
            )
        )

    # -- taking -------------------------------------------------------------------------------------------

    async def _again(self, earlier: IdempotencyRow, fingerprint: str) -> Answer:
        if earlier.fingerprint != fingerprint:
            raise Refusal("key_reused")
        return await self._accepted(earlier.turn_id, replayed=True)

    async def _accepted(self, turn_id: int, *, replayed: bool = False) -> Answer:
        rows = await self._rows(turn_id)
        chat = ChatRef.parse(rows[0].lane)
        name = short(turn_id)
        headers = {"Location": f"/api/messages/{name}"}
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        body = MessageAccepted(id=name, channel=chat.channel, chat=chat.chat_id, parts=len(rows))
        return Answer(body=body, headers=headers)

    async def _rows(self, turn_id: int) -> Sequence[OutboxRow]:
        rows = await self._house.store.promised([turn_id])
        if not rows:
            raise Refusal("no_message")
        return rows

    async def _chat_id(self, channel: Channel, wanted: SendMessage) -> str:
        if wanted.phone is not None:
            return await self._address(channel, wanted.phone)
        if wanted.group is not None and not channel.capabilities.groups:
            raise Refusal("no_groups", channel=channel.instance)
        return wanted.chat or wanted.group or ""

    async def _address(self, channel: Channel, phone: str) -> str:
        if not isinstance(channel, Addressable):
            raise Refusal("no_phone", channel=channel.instance)
        try:
            async with self._clock.limit(_ADDRESS_SECONDS):
                return await channel.address(phone)
        except TimeoutError:
            raise refused_by_channel(Unreachable(maybe_sent=False)) from None
        except ChannelError as error:
            raise refused_by_channel(error, self._masks[channel.instance]) from None

    # -- looking ------------------------------------------------------------------------------------------

    def _part(self, row: OutboxRow) -> MessagePart:
        state = _STATES[row.state]
        # The trouble of earlier attempts stays in the row, and says nothing of a message that arrived.
        why = "" if row.state is OutboxState.SENT else row.error or ""
        mask = self._masks[row.channel] if row.channel in self._house.channels else str
        return MessagePart(
            state=state,
            external_ids=orjson.loads(row.external_ids) if row.external_ids else [],
            at=datetime.fromtimestamp(row.sent_at / 1000, UTC) if row.sent_at is not None else None,
            attempts=row.attempts,
            why=mask(why),
        )


def summary(parts: Sequence[MessageStatus]) -> MessageStatus:
    """Where a message is whose parts are there: on its way while one is, else as bad as the worst of them."""
    if MessageStatus.SENDING in parts or MessageStatus.READY in parts:
        untouched = all(part is MessageStatus.READY for part in parts)
        return MessageStatus.READY if untouched else MessageStatus.SENDING
    return next((state for state in _WORST_FIRST if state in parts), MessageStatus.SENT)


def _media(wanted: SendMessage) -> tuple[Media, ...]:
    if wanted.file_url is None:
        return ()
    name = wanted.file_name or PurePosixPath(unquote(urlsplit(wanted.file_url).path)).name
    mime = guess_type(name)[0] or ""
    kind = _KINDS.get(mime.partition("/")[0], MediaKind.FILE)
    return (Media(kind=kind, url=wanted.file_url, name=name, mime=mime),)
