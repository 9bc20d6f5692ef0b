"""Tickets: what the house says arrives as it was said, and what agents do is told once and in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from channels.errors import TooLarge
from channels.testing.conformance.subject import promise
from optfm_bot.helpdesk.contract import AgentReplied, Closed, DeskFile, Polled, Reopened
from optfm_bot.testing.desk_stage import (
    CLOSES,
    REOPENS,
    HelpdeskStage,
    draft,
    message,
    only,
    plain,
    replies,
    squeezed,
)
from optfm_bot.testing.desk_subject import DeskSubject

TEXTS: Final = (
    "Где мой заказ №55?",
    "Скидка < 10 % & \"кавычки\" 'и' > всё; a_b*c`d`[e](f) \\ {g} ~h~ #i $1 &amp; <b>жирный</b> &lt;",
    "Семья 👨‍👩‍👧‍👦, флаг 🇷🇺, é из двух знаков: e\u0301, 中文, עברית",
    "первая строка\nвторая строка\n\nпосле пустой",
    "x" * 10,
)
LONG: Final = " ".join(f"слово{number}" for number in range(600))[:5000]


class TicketChecks(DeskSubject):
    """The two directions of a ticket."""

    # -- towards it ---------------------------------------------------------------------------------------

    async def test_a_ticket_is_opened_with_what_the_customer_wrote(self, stage: HelpdeskStage) -> None:
        """The draft's message is the first one, once, and by the customer."""
        async with self.opened(stage, TEXTS[0]) as record:
            promise(record.ticket.id, "the ticket has no id")
            seen = await stage.seen(record.ticket)
            promise([one.kind for one in seen] == ["customer"], f"agents see {seen} instead of one message")
            promise(squeezed(TEXTS[0]) in squeezed(seen[0].text), f"agents read {seen[0].text!r}")

    @pytest.mark.parametrize("text", [*TEXTS, LONG], ids=["words", "markup", "unicode", "lines", "x", "long"])
    async def test_words_of_a_customer_arrive_as_they_were_written(
        self, stage: HelpdeskStage, text: str
    ) -> None:
        """Letter by letter: nothing is taken for markup, nothing is cut."""
        async with self.opened(stage) as record:
            await record.say(text)
            said = [one.text for one in await stage.seen(record.ticket) if one.kind == "customer"]
            promise(squeezed(text) in squeezed("".join(said[1:])), f"of {text!r} arrived {said[1:]!r}")

    async def test_lines_stay_lines(self, stage: HelpdeskStage) -> None:
        """Line breaks of a customer are line breaks for agents."""
        async with self.opened(stage) as record:
            await record.say("первая\nвторая\nтретья")
            said = (await stage.seen(record.ticket))[-1].text
            lines = [line.strip() for line in said.splitlines()]
            kept = [line for line in lines if line in {"первая", "вторая", "третья"}]
            promise(kept == ["первая", "вторая", "третья"], f"three lines became {said!r}")

    @pytest.mark.parametrize("name", ["Мария К.", "From", "<b>Иван</b>", "*Иван*", "> Иван", "https"])
    async def test_the_member_of_a_group_stands_before_their_words(
        self, stage: HelpdeskStage, name: str
    ) -> None:
        """In a ticket of a group each message begins with a name, which is taken for nothing else."""
        async with self.opened(stage) as record:
            await record.say(f"{name}: Где заказ?\nИ когда?")
            said = (await stage.seen(record.ticket))[-1].text
            lines = [line.strip() for line in said.splitlines()]
            promise(f"{name}: Где заказ?" in lines, f"agents read {said!r}")

    async def test_messages_keep_their_order(self, stage: HelpdeskStage) -> None:
        """Agents read what the customer wrote in the order in which it was written."""
        async with self.opened(stage, "номер 0") as record:
            for number in range(1, 5):
                await record.say(f"номер {number}", key=f"m{number}")
            said = squeezed("".join(one.text for one in await stage.seen(record.ticket)))
            places = [said.find(f"номер{number}") for number in range(5)]
            promise(-1 not in places, f"not everything arrived: {said}")
            promise(sorted(places) == places, f"the order was lost: {said}")

    async def test_the_same_words_twice_are_two_messages(self, stage: HelpdeskStage) -> None:
        """A customer may repeat themselves."""
        async with self.opened(stage, "ау") as record:
            await record.say("ау", key="m1")
            await record.say("ау", key="m2")
            promise(len(record.known.threads) >= 2, "two messages have one id")  # noqa: PLR2004 - as the name says
            said = [one.text for one in await stage.seen(record.ticket) if "ау" in one.text]
            promise(len(said) == 3, f"{len(said)} of three messages arrived")  # noqa: PLR2004 - the first one and two more

    async def test_files_of_a_customer_arrive_whole(self, stage: HelpdeskStage) -> None:
        """Byte by byte, once, and what kind of file it is can be told by its name."""
        file = DeskFile(name="счёт №1.pdf", mime="application/pdf", data=bytes(range(256)) * 40)
        async with self.opened(stage) as record:
            await record.say("вот", file)
            files = [one for seen in await stage.seen(record.ticket) for one in seen.files]
            promise([data for _, data in files] == [file.data], f"{len(files)} files, or not the same bytes")
            promise(files[0][0].endswith(".pdf"), f"the file is called {files[0][0]!r}")

    async def test_a_file_may_come_without_words(self, stage: HelpdeskStage) -> None:
        """A photo alone is a message."""
        data = b"\x89PNG\r\n\x1a\n" * 3
        async with self.opened(stage) as record:
            await record.say("", DeskFile(name="a.png", mime="image/png", data=data))
            files = [found for seen in await stage.seen(record.ticket) for _, found in seen.files]
            promise(files == [data], f"{len(files)} files, or not the same bytes")

    async def test_a_note_is_no_message_to_the_customer(self, stage: HelpdeskStage) -> None:
        """Agents see that a note is one; what it says arrives letter by letter."""
        async with self.opened(stage) as record:
            await record.note("Разговор с ботом:\n— привет <b>")
            note = (await stage.seen(record.ticket))[-1]
            promise(note.kind == "note", f"the note is seen as {note.kind}")
            promise(squeezed("— привет <b>") in squeezed(note.text), f"the note says {note.text!r}")

    async def test_two_customers_have_two_tickets(self, stage: HelpdeskStage) -> None:
        """Nobody reads what somebody else wrote."""
        one = await stage.desk.open_ticket(draft("первый", key="t1", ref="max:1"))
        two = await stage.desk.open_ticket(draft("второй", key="t2", ref="max:2"))
        promise(one.id != two.id, "both have the same ticket")
        texts = [[seen.text for seen in await stage.seen(ticket)] for ticket in (one, two)]
        promise(texts[0] != texts[1], f"both tickets say {texts[0]}")

    # -- from it ------------------------------------------------------------------------------------------

    async def test_a_reply_is_told_once(self, stage: HelpdeskStage) -> None:
        """With its words, its ticket and an aware moment; what is known is not told again."""
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "Заказ в пути")
            heard = replies(await record.hear())
            promise(len(heard) == 1, f"one reply was told as {len(heard)}")
            said = plain(heard[0].body)
            promise(squeezed(said) == squeezed("Заказ в пути"), f"the reply says {said!r}")
            promise(heard[0].ticket == record.ticket.id, f"it belongs to {heard[0].ticket!r}")
            promise(heard[0].at.tzinfo is not None, "its moment has no time zone")
            promise(replies(await record.hear()) == [], "the reply is told again")

    async def test_the_key_of_a_reply_is_its_own(self, stage: HelpdeskStage) -> None:
        """The same words twice are two replies, with keys and thread ids of their own."""
        async with self.opened(stage) as record:
            for text in ("раз", "два", "раз"):
                await stage.agent_reply(record.ticket, text)
            heard = replies(await record.hear())
            said = [squeezed(plain(reply.body)) for reply in heard]
            promise(said == ["раз", "два", "раз"], f"three replies were told as {said}")
            promise(len({reply.key for reply in heard}) == len(heard), "two replies have one key")
            promise(len({reply.thread_id for reply in heard}) == len(heard), "two replies have one thread id")

    async def test_neither_notes_nor_our_own_words_come_back(self, stage: HelpdeskStage) -> None:
        """A reply is what an agent says to the customer, and nothing else is."""
        async with self.opened(stage) as record:
            await record.say("ещё вопрос")
            await record.note("заметка бота")
            await stage.agent_note(record.ticket, "коллеги, кто возьмёт?")
            promise(replies(await record.hear()) == [], "something inner was told as a reply")

    async def test_our_own_words_do_not_come_back_even_if_we_forgot_them(self, stage: HelpdeskStage) -> None:
        """The answer to a post may have been lost, so what we wrote has to be told by something else, too."""
        async with self.opened(stage) as record:
            await stage.desk.add_customer_message(record.ticket, message("ещё вопрос"))
            await stage.desk.add_note(record.ticket, message("заметка", key="n"))
            record.known = replace(record.known, threads=frozenset())
            promise(replies(await record.hear()) == [], "our own words came back as an agent's")

    async def test_markup_signs_of_an_agent_arrive(self, stage: HelpdeskStage) -> None:
        """Letter by letter in this direction, too."""
        text = "a < b & c > d * _e_ 👍🏽"
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, text)
            said = [plain(reply.body) for reply in replies(await record.hear())]
            promise([squeezed(one) for one in said] == [squeezed(text)], f"{text!r} became {said}")

    async def test_files_of_an_agent_are_fetched_whole_and_within_the_limit(
        self, stage: HelpdeskStage
    ) -> None:
        """Byte by byte; one byte more than is allowed is `TooLarge`."""
        data = bytes(range(256)) * 30
        file = DeskFile(name="track.pdf", mime="application/pdf", data=data)
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "вот", [file])
            files = [found for reply in replies(await record.hear()) for found in reply.files]
            promise(len(files) == 1, f"one file was told as {len(files)}")
            promise(files[0].name.endswith(".pdf"), f"the file is called {files[0].name!r}")
            promise(await stage.desk.fetch(files[0], limit=len(data)) == data, "not the same bytes")
            with pytest.raises(TooLarge):
                await stage.desk.fetch(files[0], limit=len(data) - 1)

    # -- open and closed ----------------------------------------------------------------------------------

    async def test_a_ticket_is_closed_and_open_again(self, stage: HelpdeskStage) -> None:
        """Each turn is told once."""
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.agent_close(record.ticket)
            promise(len(only(await record.hear(), Closed)) == 1, "the closing is not told once")
            promise(only(await record.hear(), Closed) == [], "the closing is told again")
            self.needs(stage, REOPENS)
            await stage.agent_reopen(record.ticket)
            promise(len(only(await record.hear(), Reopened)) == 1, "the opening is not told once")
            await stage.agent_close(record.ticket)
            promise(len(only(await record.hear(), Closed)) == 1, "the second closing is not told once")

    async def test_the_keys_of_two_closings_differ(self, stage: HelpdeskStage) -> None:
        """Two closings are two events, and the house tells events apart by their keys."""
        self.needs(stage, CLOSES, REOPENS)
        async with self.opened(stage) as record:
            keys = []
            for _ in range(2):
                await stage.agent_close(record.ticket)
                keys += [event.key for event in only(await record.hear(), Closed)]
                await stage.agent_reopen(record.ticket)
                await record.hear()
            promise(len(keys) == 2, f"two closings were told as {len(keys)}")  # noqa: PLR2004 - as the name says
            promise(keys[0] != keys[-1], "both closings have one key")

    async def test_a_reply_and_a_closing_at_once_come_in_that_order(self, stage: HelpdeskStage) -> None:
        """The customer hears the answer before “the talk is over”."""
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "Готово")
            await stage.agent_close(record.ticket)
            kinds = [type(event) for event in await record.hear() if isinstance(event, AgentReplied | Closed)]
            promise(kinds == [AgentReplied, Closed], f"told were {[kind.__name__ for kind in kinds]}")

    async def test_we_may_close_and_close_twice(self, stage: HelpdeskStage) -> None:
        """Twice is once."""
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.desk.close_ticket(record.ticket)
            await stage.desk.close_ticket(record.ticket)
            promise(not await stage.is_open(record.ticket), "the ticket is still open")

    async def test_a_customer_opens_a_closed_ticket_by_writing(self, stage: HelpdeskStage) -> None:
        """Agents see that there is something to do again."""
        self.needs(stage, CLOSES)
        async with self.opened(stage) as record:
            await stage.desk.close_ticket(record.ticket)
            await record.say("и ещё")
            promise(await stage.is_open(record.ticket), "the ticket is still closed")

    async def test_changes_name_the_ticket(self, stage: HelpdeskStage) -> None:
        """A helpdesk that is polled names what has changed since the cursor."""
        desk: object = stage.desk
        if not isinstance(desk, Polled):
            pytest.skip("this helpdesk is not asked for changes")
        _, cursor = await desk.changes(None)
        async with self.opened(stage) as record:
            await stage.agent_reply(record.ticket, "да")
            changed, after = await desk.changes(cursor)
            promise(record.ticket.id in changed, f"{record.ticket.id!r} is not among {list(changed)}")
            promise(isinstance(after, str), "the cursor is no text")
