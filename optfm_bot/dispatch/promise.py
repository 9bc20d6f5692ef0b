"""Promises: what the bot wants to say becomes history, outbox rows and buttons with tokens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from channels.body import plain_text
from channels.codec import encode_outbound
from channels.contract import Channel
from channels.model import Action, Body, ChatRef, Outbound, Purpose
from channels.split import split_outbound
from channels.values import dataclass
from optfm_bot.domain.choices import KeptChoice, decode, encode
from optfm_bot.domain.conversation import REMEMBER_CHOICES_MS
from optfm_bot.domain.say import Say
from optfm_bot.ids import IdSource, from_short, short
from optfm_bot.outbox.outgoing import Outgoing
from optfm_bot.store.records import Direction, OutboxRow, OutboxState, TurnRow

_REMEMBERED = 10_000
PARTS = 1000
"""Outbox numbers that belong to one event of an update: its messages and their parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """Rows for the store, the same messages in hand, and which of them offers choices that may be typed as numbers."""

    turns: Sequence[TurnRow]
    rows: Sequence[OutboxRow]
    outgoing: list[Outgoing]
    offered: int | None
    offered_until: int


class Promises:
    """Makes promises. Tokens of buttons are `<history id>-<number>`: their meaning is kept in the history row."""

    def __init__(self, ids: IdSource) -> None:
        self.ids = ids
        self._recent: OrderedDict[int, tuple[str, tuple[KeptChoice, ...]]] = OrderedDict()

    def make(
        self,
        says: Sequence[Say],
        channel: Channel,
        chat: ChatRef,
        *,
        lane: str,
        inbox_id: int | None,
        now: int,
        part: int,
        begin: bool,
    ) -> Promised:
        """Promise messages to a chat, cut to what the channel can carry.

        `part` numbers the event in its update; with `begin` the first message is written as being sent already.
        Without an `inbox_id` they answer nothing that anybody wrote.
        """
        turns: list[TurnRow] = []
        rows: list[OutboxRow] = []
        outgoing: list[Outgoing] = []
        offered: int | None = None if not says else 0
        for say in says:
            turn_id = self.ids.next()
            buttons = channel.capabilities.buttons
            if buttons is None and say.spoken is not None:
                say = replace(say, body=say.spoken, choices=())  # noqa: PLW2901 - the same message, as it is said here
            actions, kept = _actions(say, turn_id, asks_contact=buttons is not None and buttons.contact)
            message = Outbound(
                chat=chat,
                body=say.body,
                actions=actions,
                media=say.media,
                reply_to=say.reply_to,
                replaces=say.replaces,
                purpose=say.purpose,
                guard=None if say.purpose is Purpose.SYSTEM else "reachable",
            )
            turns.append(_turn(turn_id, lane, say, inbox_id, now, kept))
            if kept:
                self._remember(turn_id, lane, kept)
                if say.kind != "answer" or buttons is None:
                    offered = turn_id
            for piece in split_outbound(message, channel.capabilities):
                row = OutboxRow(
                    id=self.ids.next(),
                    channel=channel.instance,
                    lane=lane,
                    message=encode_outbound(piece),
                    purpose=say.purpose.value,
                    created_at=now,
                    inbox_id=inbox_id,
                    seq=part * PARTS + len(rows),
                    turn_id=turn_id,
                    state=OutboxState.SENDING if begin else OutboxState.READY,
                )
                rows.append(row)
                outgoing.append(
                    Outgoing(
                        id=row.id, lane=lane, message=piece, created_at=now, update_id=inbox_id, begun=begin
                    )
                )
                begin = False
        return Promised(
            turns=turns,
            rows=rows,
            outgoing=outgoing,
            offered=offered,
            offered_until=now + REMEMBER_CHOICES_MS if offered else 0,
        )

    def _remember(self, turn_id: int, lane: str, kept: tuple[KeptChoice, ...]) -> None:
        self._recent[turn_id] = (lane, kept)
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    def recent(self, turn_id: int, lane: str) -> tuple[KeptChoice, ...] | None:
        """The choices of a message of this conversation, if it was promised lately; nothing for another's."""
        found = self._recent.get(turn_id)
        if found is None:
            return None
        return found[1] if found[0] == lane else ()

    @staticmethod
    def kept(row: TurnRow | None, lane: str) -> tuple[KeptChoice, ...]:
        """The choices of a history row, if it belongs to this conversation."""
        if row is None or row.lane != lane or row.choices is None:
            return ()
        return decode(row.choices)

    @staticmethod
    def place(token: str) -> tuple[int, int] | None:
        """Read a token: the history id of the message and the number of the button; None if it is not ours."""
        turn, _, number = token.partition("-")
        if not number.isascii() or not number.isdecimal() or len(number) > 3:  # noqa: PLR2004 - more buttons than any message has
            return None
        try:
            return from_short(turn), int(number)
        except ValueError:
            return None


def _actions(
    say: Say, turn_id: int, *, asks_contact: bool
) -> tuple[tuple[tuple[Action, ...], ...], tuple[KeptChoice, ...]]:
    """The buttons of a message, and what they mean; where nobody can be asked for the contact, nothing promises it."""
    kept: list[KeptChoice] = []
    rows: list[tuple[Action, ...]] = []
    prefix = short(turn_id)
    for row in say.choices:
        actions: list[Action] = []
        for choice in row:
            if choice.ask_contact and not asks_contact:
                continue
            if choice.meaning is None:
                actions.append(Action(label=choice.label, url=choice.url, ask_contact=choice.ask_contact))
                continue
            actions.append(Action(label=choice.label, token=f"{prefix}-{len(kept)}"))
            kept.append(KeptChoice(choice.label, choice.meaning))
        if actions:
            rows.append(tuple(actions))
    return tuple(rows), tuple(kept)


def _turn(
    turn_id: int, lane: str, say: Say, inbox_id: int | None, now: int, kept: Sequence[KeptChoice]
) -> TurnRow:
    return TurnRow(
        id=turn_id,
        lane=lane,
        direction=Direction.OUT,
        kind=say.kind,
        text=_plain(say.body),
        at=now,
        inbox_id=inbox_id,
        entry_id=say.entry_id,
        entry_version=say.entry_version,
        score=say.score,
        choices=encode(kept) if kept else None,
    )


@lru_cache(maxsize=2048)
def _plain(body: Body) -> str:
    return plain_text(body)
