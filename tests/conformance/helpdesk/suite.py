"""What every helpdesk promises, as checks to inherit: subclass `HelpdeskSuite` in a test module and say how agents act.

    class TestMail(HelpdeskSuite):
        @asynccontextmanager
        async def staged(self) -> AsyncIterator[Stage]:
            async with MailServer() as server:
                desk = MailHelpdesk(settings_of(server), context())
                await desk.open()
                try:
                    yield MailStage(desk, server)
                finally:
                    await desk.close()

A `Stage` is the fake's side of the play: what agents do, what they see, what goes wrong. What a helpdesk cannot do is
named in its `powers` (left out: the check is skipped, and says so). A helpdesk that is told instead of asked (a group
of a messenger) overrides `Stage.events`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar, TypeVar

import pytest

from channels.contract import HealthState
from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge, Unauthorized, Unreachable
from channels.model import Body, Bold, Break, Code, Inline, Italic, Link, ListBlock, Text
from channels.testing.conformance.witness import everything_logged, leaks, told
from optfm_bot.helpdesk.contract import (
    AgentReplied,
    Closed,
    Customer,
    DeskFile,
    DeskMessage,
    Helpdesk,
    HelpdeskEvent,
    KnownTicket,
    Polled,
    Reopened,
    TicketDraft,
    TicketRef,
)

E = TypeVar("E", bound=HelpdeskEvent)

LOOKUP = "lookup"
"""`find_ticket` and `find_message` can be trusted."""
CLOSES = "closes"
"""Agents can close a ticket, and so can we; `read` tells of it."""
REOPENS = "reopens"
"""Agents can open a closed ticket again; `read` tells of it."""
REMOVES = "removes"
"""A ticket can vanish: then it is `Gone`."""
FAULTS = ("revoked", "busy", "down", "lost_answer")
"""`Stage.fault`: wrong credentials, "slow down", nobody listens, the next change is accepted and not answered."""
ALL: frozenset[str] = frozenset({LOOKUP, CLOSES, REOPENS, REMOVES, *FAULTS})

TEXTS = (
    "Где мой заказ №55?",
    "Скидка < 10 % & \"кавычки\" 'и' > всё; a_b*c`d`[e](f) \\ {g} ~h~ #i $1 &amp; <b>жирный</b> &lt;",
    "Семья 👨‍👩‍👧‍👦, флаг 🇷🇺, é из двух знаков: e\u0301, 中文, עברית",
    "первая строка\nвторая строка\n\nпосле пустой",
    "x" * 10,
)
LONG = " ".join(f"слово{number}" for number in range(600))[:5000]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One message as agents see it. `kind` is customer, note or agent; `files` are names and contents."""

    kind: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


class Stage(ABC):
    """The fake's side of one helpdesk: the play's other half. `secrets` must appear in no error, log or repr."""

    powers: frozenset[str] = ALL
    secrets: Sequence[str] = ()

    def __init__(self, desk: Helpdesk) -> None:
        self.desk = desk

    def now(self) -> datetime:
        """The moment as the helpdesk's clock has it."""
        return self.desk.clock()

    @abstractmethod
    async def seen(self, ticket: TicketRef) -> list[Seen]:
        """What agents see in a ticket, oldest first."""

    @abstractmethod
    async def agent_reply(self, ticket: TicketRef, text: str, files: Sequence[DeskFile] = ()) -> None:
        """An agent answers the customer; the reply is final when this returns."""

    @abstractmethod
    async def agent_note(self, ticket: TicketRef, text: str) -> None:
        """An agent writes to other agents."""

    async def agent_close(self, ticket: TicketRef) -> None:
        """An agent closes the ticket."""
        raise NotImplementedError

    async def agent_reopen(self, ticket: TicketRef) -> None:
        """An agent opens it again."""
        raise NotImplementedError

    async def remove(self, ticket: TicketRef) -> None:
        """The ticket is no more."""
        raise NotImplementedError

    async def is_open(self, ticket: TicketRef) -> bool:
        """Whether agents see it as open."""
        raise NotImplementedError

    def fault(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let something go wrong inside the block: see `FAULTS`."""
        raise NotImplementedError(name)

    async def events(self, ticket: TicketRef, known: KnownTicket) -> Sequence[HelpdeskEvent]:
        """What the house would hear of this ticket now."""
        return await self.desk.read(ticket.id, known)


@dataclass(slots=True)
class Record:
    """What the house would have written down of one ticket: `hear` asks what is new and remembers it."""

    stage: Stage
    ticket: TicketRef
    known: KnownTicket = field(init=False)

    def __post_init__(self) -> None:
        first = self.ticket.thread_id
        self.known = KnownTicket(
            id=self.ticket.id,
            open=True,
            customer_id=self.ticket.customer_id,
            threads=frozenset({first} if first else ()),
        )

    def add(self, *threads: str) -> None:
        """Remember messages of ours."""
        self.known = replace(self.known, threads=self.known.threads | set(threads))

    async def say(self, text: str, *files: DeskFile, key: str = "m") -> None:
        """The customer writes."""
        ref = await self.stage.desk.add_customer_message(self.ticket, message(text, *files, key=key))
        self.add(ref.id)

    async def note(self, text: str, *, key: str = "n") -> None:
        """The house writes a note."""
        self.add((await self.stage.desk.add_note(self.ticket, message(text, key=key))).id)

    async def hear(self) -> list[HelpdeskEvent]:
        """Ask what is new, and remember it as the house does."""
        events = list(await self.stage.events(self.ticket, self.known))
        for event in events:
            match event:
                case AgentReplied():
                    self.add(event.thread_id)
                case Closed():
                    self.known = replace(self.known, open=False)
                case Reopened():
                    self.known = replace(self.known, open=True)
        return events


def message(text: str, *files: DeskFile, key: str = "m") -> DeskMessage:
    """Something to put into a ticket."""
    return DeskMessage(key=key, text=text, files=files)


def draft(text: str = "Здравствуйте", *, key: str = "t", ref: str = "max:4217") -> TicketDraft:
    """A ticket to open."""
    customer = Customer(ref=ref, name="Мария К.", channel="MAX", phone="+79001112233")
    return TicketDraft(
        key=key, subject="MAX: доставка", customer=customer, customer_id=None, message=message(text, key=key)
    )


def plain(body: Body) -> str:
    """What a body says, blocks and breaks as lines."""
    lines: list[str] = []
    for block in body.blocks:
        items = block.items if isinstance(block, ListBlock) else (block.children,)
        lines += [_words(item) for item in items]
    return "\n".join(lines)


def _words(children: Sequence[Inline]) -> str:
    words = ""
    for child in children:
        match child:
            case Text(value) | Code(value):
                words += value
            case Bold(inner) | Italic(inner) | Link(_, inner):
                words += _words(inner)
            case Break():
                words += "\n"
    return words


def squeezed(text: str) -> str:
    """A text without white space: how lines are wrapped is the helpdesk's own affair."""
    return "".join(text.split())


def replies(events: Sequence[HelpdeskEvent]) -> list[AgentReplied]:
    """The replies among events."""
    return only(events, AgentReplied)


def only(events: Sequence[HelpdeskEvent], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def steady() -> datetime:
    """The time of day, for a `HelpdeskContext` of a test that needs none of its own."""
    return datetime.now(UTC)


class HelpdeskSuite:
    """Every promise that the house relies on."""

    pytestmark: ClassVar[pytest.MarkDecorator] = pytest.mark.asyncio

    def staged(self) -> AbstractAsyncContextManager[Stage]:
        """Give an opened helpdesk on a fresh fake, and clear up afterwards."""
        raise NotImplementedError

    @pytest.fixture
    async def stage(self) -> AsyncIterator[Stage]:
        async with self.staged() as made:
            yield made

    @asynccontextmanager
    async def opened(self, stage: Stage, text: str = "Здравствуйте") -> AsyncIterator[Record]:
        """A ticket with its record."""
        yield Record(stage, await stage.desk.open_ticket(draft(text)))

    # -- towards it ---------------------------------------------------------------------------------------

    async def test_a_ticket_is_opened_with_what_the_customer_wrote(self, stage: Stage) -> None:
        async with self.opened(stage, TEXTS[0]) as record:
            assert record.ticket.id
            [first] = await stage.seen(record.ticket)
            assert first.kind == "customer"
            assert squeezed(TEXTS[0]) in squeezed(first.text)

    @pytest.mark.parametrize("text", [*TEXTS, LONG], ids=["words", "markup", "unicode", "lines", "x", "long"])
    async def test_words_of_a_customer_arrive_as_they_were_written(self, stage: Stage, text: str) -> None:
        async with self.opened(stage) as record:
            await record.say(text)
            said = [one.text for one in await stage.seen(record.ticket) if one.kind == "customer"]
            assert squeezed(text) in squeezed("".join(said[1:]))

    async def test_lines_stay_lines(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await record.say("первая\nвторая\nтретья")
            said = (await stage.seen(record.ticket))[-1].text
            lines = [line.strip() for line in said.splitlines()]
            assert [line for line in lines if line in {"первая", "вторая", "третья"}] == [
                "первая",
                "вторая",
                "третья",
            ]

    async def test_messages_keep_their_order(self, stage: Stage) -> None:
        async with self.opened(stage, "номер 0") as record:
            for number in range(1, 5):
                await record.say(f"номер {number}", key=f"m{number}")
            said = squeezed("".join(one.text for one in await stage.seen(record.ticket)))
            places = [said.index(f"номер{number}") for number in range(5)]
            assert sorted(places) == places

    async def test_the_same_words_twice_are_two_messages(self, stage: Stage) -> None:
        async with self.opened(stage, "ау") as record:
            await record.say("ау", key="m1")
            await record.say("ау", key="m2")
            assert len(record.known.threads) >= 2
            assert sum("ау" in one.text for one in await stage.seen(record.ticket)) == 3

    async def test_files_of_a_customer_arrive_whole(self, stage: Stage) -> None:
        file = DeskFile(name="счёт №1.pdf", mime="application/pdf", data=bytes(range(256)) * 40)
        async with self.opened(stage) as record:
            await record.say("вот", file)
            files = [one for seen in await stage.seen(record.ticket) for one in seen.files]
            assert [data for _, data in files] == [file.data]
            assert files[0][0].endswith(".pdf")

    async def test_a_file_may_come_without_words(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await record.say("", DeskFile(name="a.png", mime="image/png", data=b"\x89PNG\r\n\x1a\n" * 3))
            assert [data for seen in await stage.seen(record.ticket) for _, data in seen.files] == [
                b"\x89PNG\r\n\x1a\n" * 3
            ]

    async def test_a_note_is_no_message_to_the_customer(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await record.note("Разговор с ботом:\n— привет <b>")
            note = (await stage.seen(record.ticket))[-1]
            assert note.kind == "note"
            assert squeezed("— привет <b>") in squeezed(note.text)

    async def test_two_customers_have_two_tickets(self, stage: Stage) -> None:
        one = await stage.desk.open_ticket(draft("первый", key="t1", ref="max:1"))
        two = await stage.desk.open_ticket(draft("второй", key="t2", ref="max:2"))
        assert one.id != two.id
        assert [seen.text for seen in await stage.seen(one)] != [seen.text for seen in await stage.seen(two)]

    # -- from it ------------------------------------------------------------------------------------------

    async def test_a_reply_is_told_once(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "Заказ в пути")
            [reply] = replies(await record.hear())
            assert squeezed("Заказ в пути") == squeezed(plain(reply.body))
            assert reply.ticket == record.ticket.id
            assert reply.at.tzinfo is not None
            assert replies(await record.hear()) == []

    async def test_the_key_of_a_reply_is_its_own(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "раз")
            await stage.agent_reply(record.ticket, "два")
            await stage.agent_reply(record.ticket, "раз")
            heard = replies(await record.hear())
            assert [squeezed(plain(reply.body)) for reply in heard] == ["раз", "два", "раз"]
            assert len({reply.key for reply in heard}) == len({reply.thread_id for reply in heard}) == 3

    async def test_neither_notes_nor_our_own_words_come_back(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await record.say("ещё вопрос")
            await record.note("заметка бота")
            await stage.agent_note(record.ticket, "коллеги, кто возьмёт?")
            assert replies(await record.hear()) == []

    async def test_our_own_words_do_not_come_back_even_if_we_forgot_them(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await stage.desk.add_customer_message(record.ticket, message("ещё вопрос"))
            await stage.desk.add_note(record.ticket, message("заметка", key="n"))
            record.known = replace(record.known, threads=frozenset())
            assert replies(await record.hear()) == []

    async def test_markup_signs_of_an_agent_arrive(self, stage: Stage) -> None:
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "a < b & c > d * _e_ 👍🏽")
            [reply] = replies(await record.hear())
            assert squeezed("a < b & c > d * _e_ 👍🏽") == squeezed(plain(reply.body))

    async def test_files_of_an_agent_are_fetched_whole_and_within_the_limit(self, stage: Stage) -> None:
        data = bytes(range(256)) * 30
        async with self.opened(stage) as record:
            await stage.agent_reply(
                record.ticket, "вот", [DeskFile(name="track.pdf", mime="application/pdf", data=data)]
            )
            [reply] = replies(await record.hear())
            [file] = reply.files
            assert file.name.endswith(".pdf")
            assert await stage.desk.fetch(file, limit=len(data)) == data
            with pytest.raises(TooLarge):
                await stage.desk.fetch(file, limit=len(data) - 1)

    async def test_a_ticket_is_closed_and_open_again(self, stage: Stage) -> None:
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.agent_close(record.ticket)
            assert len(only(await record.hear(), Closed)) == 1
            assert only(await record.hear(), Closed) == []
            self.needs(stage, REOPENS)
            await stage.agent_reopen(record.ticket)
            assert len(only(await record.hear(), Reopened)) == 1
            await stage.agent_close(record.ticket)
            assert len(only(await record.hear(), Closed)) == 1

    async def test_the_keys_of_two_closings_differ(self, stage: Stage) -> None:
        self.needs(stage, CLOSES)
        self.needs(stage, REOPENS)
        async with self.opened(stage) as record:
            keys = []
            for _ in range(2):
                await stage.agent_close(record.ticket)
                keys += [event.key for event in only(await record.hear(), Closed)]
                await stage.agent_reopen(record.ticket)
                await record.hear()
            assert len(set(keys)) == len(keys) == 2

    async def test_a_reply_and_a_closing_at_once_come_in_that_order(self, stage: Stage) -> None:
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "Готово")
            await stage.agent_close(record.ticket)
            kinds = [type(event) for event in await record.hear() if isinstance(event, AgentReplied | Closed)]
            assert kinds == [AgentReplied, Closed]

    async def test_we_may_close_and_close_twice(self, stage: Stage) -> None:
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.desk.close_ticket(record.ticket)
            await stage.desk.close_ticket(record.ticket)
            assert not await stage.is_open(record.ticket)

    async def test_a_customer_opens_a_closed_ticket_by_writing(self, stage: Stage) -> None:
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.desk.close_ticket(record.ticket)
            await record.say("и ещё")
            assert await stage.is_open(record.ticket)

    async def test_changes_name_the_ticket(self, stage: Stage) -> None:
        desk = stage.desk
        if not isinstance(desk, Polled):
            pytest.skip("this helpdesk is not asked for changes")
        _, cursor = await desk.changes(None)
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "да")
            changed, after = await desk.changes(cursor)
            assert record.ticket.id in changed
            assert isinstance(after, str)

    # -- doubt --------------------------------------------------------------------------------------------

    async def test_a_lost_answer_to_a_message_is_found(self, stage: Stage) -> None:
        self.needs(stage, LOOKUP, "lost_answer")
        async with self.opened(stage) as record:
            since, said = stage.now(), message("где <заказ> & чек?\nжду", key="lost")
            async with stage.fault("lost_answer"):
                with pytest.raises(Unreachable) as caught:
                    await stage.desk.add_customer_message(record.ticket, said)
            assert caught.value.maybe_sent
            found = await stage.desk.find_message(
                record.ticket, said, since=since, known=record.known.threads, note=False
            )
            assert found is not None
            assert found.id not in record.known.threads
            record.add(found.id)
            again = await stage.desk.find_message(
                record.ticket, said, since=since, known=record.known.threads, note=False
            )
            assert again is None, "a message that we know is taken for another one"

    async def test_a_lost_answer_to_a_note_is_found(self, stage: Stage) -> None:
        self.needs(stage, LOOKUP, "lost_answer")
        async with self.opened(stage) as record:
            since, said = stage.now(), message("Разговор:\n— да", key="lost-note")
            async with stage.fault("lost_answer"):
                with pytest.raises(Unreachable):
                    await stage.desk.add_note(record.ticket, said)
            found = await stage.desk.find_message(
                record.ticket, said, since=since, known=record.known.threads, note=True
            )
            assert found is not None

    async def test_what_never_arrived_is_not_found(self, stage: Stage) -> None:
        async with self.opened(stage, "ау") as record:
            for note in (False, True):
                said = message("ау", key="never")
                found = await stage.desk.find_message(
                    record.ticket, said, since=stage.now(), known=record.known.threads, note=note
                )
                assert found is None

    async def test_a_lost_answer_to_a_new_ticket_is_found(self, stage: Stage) -> None:
        self.needs(stage, LOOKUP, "lost_answer")
        since, made = stage.now(), draft("не работает оплата", key="lost-ticket")
        async with stage.fault("lost_answer"):
            with pytest.raises(Unreachable) as caught:
                await stage.desk.open_ticket(made)
        assert caught.value.maybe_sent
        found = await stage.desk.find_ticket(made, since=since, known=())
        assert found is not None
        assert [one.kind for one in await stage.seen(found)] == ["customer"]
        assert await stage.desk.find_ticket(made, since=since, known={found.id}) is None

    async def test_a_ticket_that_was_never_opened_is_not_found(self, stage: Stage) -> None:
        assert await stage.desk.find_ticket(draft(), since=stage.now(), known=()) is None

    # -- reactions ----------------------------------------------------------------------------------------

    async def test_a_ticket_that_is_no_more_is_gone(self, stage: Stage) -> None:
        self.needs(stage, REMOVES)
        async with self.opened(stage) as record:
            await stage.remove(record.ticket)
            with pytest.raises(Gone):
                await stage.desk.add_customer_message(record.ticket, message("ау", key="m"))

    @pytest.mark.parametrize(
        ("fault", "reaction"), [("revoked", Unauthorized), ("busy", RetryLater), ("down", Unreachable)]
    )
    async def test_trouble_is_told_by_reaction_and_nothing_is_done_twice(
        self, stage: Stage, fault: str, reaction: type[ChannelError]
    ) -> None:
        self.needs(stage, fault)
        async with self.opened(stage) as record:
            async with stage.fault(fault):
                with pytest.raises(reaction) as caught:
                    await record.say("слышно?")
            if isinstance(caught.value, Unreachable):
                assert not caught.value.maybe_sent, (
                    "nobody listened, and yet it says that it may have arrived"
                )
            await record.say("слышно?")
            said = [one.text for one in await stage.seen(record.ticket) if "слышно?" in one.text]
            assert len(said) == 1

    async def test_a_probe_tells_wrong_credentials(self, stage: Stage) -> None:
        assert (await stage.desk.probe()).state is HealthState.OK
        self.needs(stage, "revoked")
        async with stage.fault("revoked"):
            found = await stage.desk.probe()
        assert found.state is HealthState.BAD_CREDENTIALS
        assert found.hint

    async def test_no_secret_is_told(self, stage: Stage) -> None:
        with everything_logged() as lines:
            async with self.opened(stage) as record:
                for name in sorted(stage.powers & set(FAULTS)):
                    async with stage.fault(name):
                        try:
                            await record.say("ау", key=name)
                        except ChannelError as error:
                            lines.extend(told(error))
                        lines.append(repr(await stage.desk.probe()))
        lines += [repr(stage.desk), repr(stage.desk.settings), str(vars(stage.desk))]
        for secret in stage.secrets:
            assert leaks(secret, lines) == []

    async def test_a_customer_stays_out_of_repr(self, stage: Stage) -> None:
        async with self.opened(stage, "мой секрет") as record:
            await stage.agent_reply(record.ticket, "ваш секрет")
            shown = repr([draft("мой секрет"), record.ticket, *(await record.hear())])
            assert "секрет" not in shown
            assert "Мария" not in shown

    async def test_life(self, stage: Stage) -> None:
        """Opened and closed twice, it still works, and closing twice harms nobody."""
        await stage.desk.open()
        async with self.opened(stage) as record:
            await record.say("ау")
        await stage.desk.close()
        await stage.desk.close()

    async def test_a_file_above_its_limit_is_refused(self, stage: Stage) -> None:
        """`spec.file_limit` is kept by the house; a helpdesk refuses what it cannot take in any case."""
        async with self.opened(stage) as record:
            big = DeskFile(
                name="big.bin", mime="application/octet-stream", data=b"0" * (self._limit(stage) + 1)
            )
            if len(big.data) > 4_000_000:
                pytest.skip("set a small file_limit in the settings of the test to check it")
            with pytest.raises(Rejected):
                await record.say("", big)

    @staticmethod
    def _limit(stage: Stage) -> int:
        return int(getattr(stage.desk.settings, "file_limit", stage.desk.spec.file_limit))

    @staticmethod
    def needs(stage: Stage, *powers: str) -> None:
        """Leave the check out where the helpdesk cannot do that."""
        if missing := set(powers) - stage.powers:
            pytest.skip(f"this helpdesk has not: {', '.join(sorted(missing))}")
