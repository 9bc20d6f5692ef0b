"""Opening: a new ticket begins with the customer's words, and the talk so far behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels.model import Purpose
from faq import FaqEntry, FaqManager
from optfm_bot.dispatch.opening import Opening
from optfm_bot.domain.choices import KeptChoice, OpenEntry, encode
from optfm_bot.domain.conversation import EMPTY, Conversation
from optfm_bot.domain.say import Relay, Response
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import Direction, OutboxRow, PersonRow, TurnRow
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

LANE = "stage:anna"
AT = int(datetime(2026, 11, 20, 22, 30, tzinfo=UTC).timestamp() * 1000)
FAQ = FaqManager(
    [
        FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),
        FaqEntry(id="ship", question="Сколько стоит доставка?", answer="300 рублей."),
    ]
)
WORDS = Relay(purpose=Purpose.CUSTOMER, text="Позовите человека")
BOT_SAID = Relay(purpose=Purpose.NOTE, text="Бот: зову")
CLOSE = Relay(purpose=Purpose.CLOSE)


class Scene:
    """An opening over a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.opening = Opening(
            self.store,
            Catalogue.load(),
            desk="desk",
            zone=ZoneInfo("Europe/Moscow"),
            language="ru",
            faq=lambda: FAQ,
        )
        self._turns = 0

    async def said(self, text: str, by: Direction = Direction.IN, **facts: Any) -> None:
        self._turns += 1
        row = TurnRow(
            **{
                "id": self._turns,
                "lane": LANE,
                "direction": by,
                "kind": "text",
                "text": text,
                "at": AT + self._turns * 60_000,
                **facts,
            }
        )
        async with self.store.unit() as unit:
            unit.history.add_turn(row)

    async def keep(self, status: TicketStatus = TicketStatus.OPEN) -> None:
        row = TicketRow(
            id=7,
            desk="desk",
            lane=LANE,
            person=LANE,
            subject="",
            status=status,
            opened_at=AT,
            updated_at=AT,
        )
        async with self.store.unit() as unit:
            unit.desk.save_ticket(row)

    async def completed(self, before: Conversation = EMPTY, **wanted: Any) -> Response:
        talk = wanted.pop("talk", before)
        response = Response(outcome="handoff", conversation=talk, **wanted)
        return await self.opening.completed(response, LANE, before)


@pytest.fixture
async def scene() -> Scene:
    made = Scene()
    await made.store.open()
    return made


async def test_the_talk_so_far_stands_behind_the_first_words(scene: Scene) -> None:
    await scene.said("как оплатить")
    await scene.said("Картой.", Direction.OUT, entry_id="pay")
    await scene.said("Завтра", Direction.OUT, kind="agent")
    await scene.said("")
    await scene.said("Нет такой", Direction.OUT, entry_id="gone")
    response = await scene.completed(subject="Позовите", relays=(WORDS, BOT_SAID, CLOSE))

    first, note, *others = response.relays
    assert (first, others) == (WORDS, [BOT_SAID, CLOSE])
    assert note.purpose is Purpose.NOTE
    assert note.text.splitlines() == [
        "Разговор до обращения:",
        "21.11 01:31 Клиент: как оплатить",
        "21.11 01:32 Бот: Картой. [Как оплатить заказ?]",
        "21.11 01:33 Сотрудник: Завтра",
        "21.11 01:35 Бот: Нет такой",
    ]
    assert response.subject == "Позовите"


async def test_what_was_chosen_is_told_in_the_words_of_the_choice(scene: Scene) -> None:
    chosen = encode([KeptChoice("Возврат", OpenEntry("pay"))])
    await scene.said("Доставка", kind="action")
    await scene.said("2", choices=chosen)
    await scene.said("возврат", choices=chosen)
    await scene.said("", kind="action")  # a button that nobody knows any more
    response = await scene.completed(subject="Позовите", relays=(WORDS,))

    assert response.relays[1].text.splitlines()[1:] == [
        "21.11 01:31 Клиент: Нажата кнопка: Доставка",
        "21.11 01:32 Клиент: 2 (выбран вариант «Возврат»)",
        "21.11 01:33 Клиент: возврат",
    ]


async def test_all_the_customers_first_words_come_before_it(scene: Scene) -> None:
    await scene.said("как оплатить")
    more = replace(WORDS, text="и побыстрее")
    response = await scene.completed(subject="", relays=(WORDS, more))
    assert [one.purpose for one in response.relays] == [Purpose.CUSTOMER, Purpose.CUSTOMER, Purpose.NOTE]


async def test_who_has_said_nothing_before_needs_no_briefing(scene: Scene) -> None:
    response = await scene.completed(subject="Позовите", relays=(WORDS,))
    assert response.relays == (WORDS,)


async def test_a_response_that_opens_nothing_stays_as_it_is(scene: Scene) -> None:
    await scene.said("как оплатить")
    response = await scene.completed(replace(EMPTY, ticket=7), relays=(WORDS,))
    assert response.relays == (WORDS,)


async def test_a_closed_ticket_that_goes_on_hears_what_was_said_since(scene: Scene) -> None:
    for text in ("до", "во время закрытия", "после"):
        await scene.said(text)
    before = replace(EMPTY, ticket=7, ticket_closed=AT + 2 * 60_000)
    response = await scene.completed(before, talk=replace(before, ticket_closed=0), relays=(WORDS,))

    _, note = response.relays
    assert note.text.splitlines()[1:] == ["21.11 01:33 Клиент: после"]
    still_closed = await scene.completed(before, relays=(BOT_SAID,))
    assert still_closed.relays == (BOT_SAID,)


async def test_an_open_ticket_that_the_conversation_has_forgotten_is_found_again(scene: Scene) -> None:
    await scene.keep()
    response = await scene.completed(subject="Позовите", relays=(WORDS,))
    assert (response.subject, response.conversation.ticket) == (None, 7)
    assert response.relays == (WORDS,)


async def test_a_ticket_that_is_closed_is_no_hindrance_to_a_new_one(scene: Scene) -> None:
    await scene.keep(TicketStatus.CLOSED)
    response = await scene.completed(subject="Позовите", relays=(WORDS,))
    assert (response.subject, response.conversation.ticket) == ("Позовите", None)


@pytest.mark.parametrize(
    ("text", "admitted", "nearest"),
    [
        ("можно ли оплатить доставку", 1, True),
        ("можно ли оплатить доставку", 0, False),
        ("как оплатить заказ", 1, False),
        ("", 1, False),
    ],
)
async def test_what_the_bot_took_for_nearest_is_told_if_it_had_no_answer(
    scene: Scene, text: str, admitted: int, *, nearest: bool
) -> None:
    before = replace(EMPTY, admitted=admitted, asked_text=text)
    response = await scene.completed(before, subject="Позовите", relays=(WORDS,))
    notes = [one.text for one in response.relays if one.purpose is Purpose.NOTE]

    assert bool(notes) is nearest
    if nearest:
        questions = [line for line in notes[0].splitlines() if line.startswith("- ")]
        assert questions == ["- Как оплатить заказ?", "- Сколько стоит доставка?"]


async def test_of_a_long_talk_the_last_words_are_told(scene: Scene) -> None:
    for number in range(60):
        await scene.said(f"слово {number}")
    response = await scene.completed(subject="Позовите", relays=(WORDS,))
    lines = response.relays[1].text.splitlines()[1:]
    assert len(lines) == 40
    assert lines[-1].endswith("слово 59")


# -- another helpdesk, and groups -------------------------------------------------------------------------


async def promised(scene: Scene, number: int, inbox_id: int) -> None:
    row = OutboxRow(
        id=number,
        channel="desk",
        lane=LANE,
        message="{}",
        purpose="customer",
        created_at=AT,
        inbox_id=inbox_id,
    )
    async with scene.store.unit() as unit:
        unit.outbox.add(row)


async def test_a_talk_that_moved_is_told_up_to_the_words_it_goes_on_with(scene: Scene) -> None:
    await scene.said("как оплатить", inbox_id=1)
    await scene.said("Картой.", Direction.OUT, inbox_id=1)
    await scene.said("Вы здесь?", inbox_id=2)
    await scene.said("Жду", inbox_id=3)
    await promised(scene, 50, 2)
    talk = replace(EMPTY, person=LANE, ticket=7)

    note = await scene.opening.moved(LANE, talk, 50)
    assert note is not None
    assert [line.partition(" ")[2] for line in note.text.splitlines()[1:]] == [
        "01:31 Клиент: как оплатить",
        "01:32 Бот: Картой.",
    ]
    whole = await scene.opening.moved(LANE, talk, 51)
    assert whole is not None
    assert len(whole.text.splitlines()) == 5, "of words that are not kept any more nothing is known"


async def test_a_talk_that_begins_with_the_words_that_moved_has_nothing_to_tell(scene: Scene) -> None:
    await scene.said("Вы здесь?", inbox_id=2)
    await promised(scene, 50, 2)
    assert await scene.opening.moved(LANE, replace(EMPTY, person=LANE, ticket=7), 50) is None


async def test_a_closed_ticket_of_another_helpdesk_is_briefed_when_it_has_moved(scene: Scene) -> None:
    await scene.said("как оплатить")
    row = TicketRow(
        id=7,
        desk="freescout",
        lane=LANE,
        person=LANE,
        subject="",
        external_id="77",
        opened_at=AT,
        updated_at=AT,
    )
    async with scene.store.unit() as unit:
        unit.desk.save_ticket(row)
    before = replace(EMPTY, ticket=7, ticket_closed=AT)
    response = await scene.completed(before, talk=replace(before, ticket_closed=0), relays=(WORDS,))
    assert response.relays == (WORDS,)


async def test_in_a_group_the_question_and_the_lines_have_names(scene: Scene) -> None:
    for name in ("Анна", "Борис"):
        person = PersonRow(
            ref=f"stage:{name}",
            channel="stage",
            external_id=name,
            display_name=f" {name} ",
            first_seen_at=AT,
            last_seen_at=AT,
        )
        async with scene.store.unit() as unit:
            unit.history.save_person(person)
    await scene.said("как оплатить", person="stage:Анна", message_id="m1")
    await scene.said("и куда", person="stage:Анна", message_id="m2")
    await scene.said("ясно", person="stage:Борис")
    asked = Relay(purpose=Purpose.CUSTOMER, text="как оплатить\nи куда")
    before = replace(EMPTY, asked_text=asked.text, asked="m2")
    response = Response(
        outcome="handoff", conversation=before, subject="?", relays=(asked, replace(WORDS, by="Борис"))
    )
    completed = await scene.opening.completed(response, LANE, before, group=True)

    assert [one.signed for one in completed.relays[:2]] == [
        "Анна: как оплатить\nи куда",
        "Борис: Позовите человека",
    ]
    assert [line.partition(" ")[2] for line in completed.relays[2].text.splitlines()[1:4]] == [
        "01:31 Анна: как оплатить",
        "01:32 Анна: и куда",
        "01:33 Борис: ясно",
    ]
