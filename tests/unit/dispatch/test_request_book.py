"""The book of requests: who sees what, who may take what back, and who of us is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels.body import plain_text
from optfm_bot.clock import ManualClock
from optfm_bot.dispatch.requests import Office, Requests
from optfm_bot.domain.choices import CancelRequest
from optfm_bot.domain.conversation import EMPTY
from optfm_bot.domain.form_steps import REQUEST
from optfm_bot.domain.requests import Assign, Manager
from optfm_bot.domain.say import NewRequest, Response, Withdrawn
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import PersonRow
from optfm_bot.store.request_records import RequestRow, RequestStatus

WORDS = Catalogue.load()
ANNA, BORIS = "stage:anna", "stage:boris"
NEW = NewRequest(id=90, number="261121-0090", form="request", fields={"name": "Анна", "gift": "да"})
OLEG, VERA = Manager(name="Олег"), Manager(name="Вера")
TARGETS = {"Олег": ("oleg",), "Вера": ("vera", "office"), "": ("office",)}


def hearers(name: str) -> Sequence[str]:
    return TARGETS[name]


class Scene:
    """The book over a store in memory; it is half past one at night in Moscow."""

    def __init__(self, office: Office) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock(datetime(2026, 11, 20, 22, 30, tzinfo=UTC))
        channels: Any = {"stage": SimpleNamespace(title="Сцена")}
        self.book = Requests(
            office,
            channels,
            self.store,
            self.clock,
            words=WORDS,
            zone=ZoneInfo("Europe/Moscow"),
        )

    async def keep(self, number: int, status: RequestStatus = RequestStatus.NEW, **facts: Any) -> None:
        row = RequestRow(
            **{
                "id": number,
                "number": f"261121-{number:04}",
                "form": "request",
                "lane": ANNA,
                "person": ANNA,
                "fields": {"name": "Анна"},
                "status": status,
                "created_at": self.clock.ms(),
                "updated_at": self.clock.ms(),
                **facts,
            }
        )
        async with self.store.unit() as unit:
            unit.requests.add(row)

    async def received(self, request: NewRequest = NEW) -> Response:
        response = Response(outcome="form", conversation=EMPTY, request=request)
        return await self.book.received(response, request, ANNA, ANNA)


async def opened(office: Office | None = None) -> Scene:
    made = Scene(office or Office())
    await made.store.open()
    return made


def said(response: Response) -> str:
    (say,) = response.says
    return plain_text(say.body)


async def test_a_person_sees_their_own_newest_first_and_may_take_back_what_is_not_over() -> None:
    scene = await opened()
    await scene.keep(1, RequestStatus.DONE)
    await scene.keep(2, RequestStatus.IN_WORK)
    await scene.keep(3, form="no form any more")
    await scene.keep(4, person=BORIS)
    response = await scene.book.mine(ANNA, EMPTY, "ru")

    lines = [line for line in said(response).splitlines() if "261121" in line]
    assert [line.lstrip("•–- ") for line in lines] == [
        "261121-0003 от 21.11.2026: no form any more, новая",
        "261121-0002 от 21.11.2026: Заявка, в работе",
        "261121-0001 от 21.11.2026: Заявка, выполнена",
    ]
    buttons = [choice for row in response.says[0].choices for choice in row]
    assert [choice.meaning for choice in buttons] == [CancelRequest(3), CancelRequest(2)]
    assert [choice.label for choice in buttons] == ["Отменить 261121-0003", "Отменить 261121-0002"]
    assert response.conversation == EMPTY


async def test_only_the_last_ten_are_shown_and_none_is_said_to_be_none() -> None:
    scene = await opened()
    assert said(await scene.book.mine(ANNA, EMPTY, "ru")) == "Заявок у вас пока нет."
    for number in range(1, 13):
        await scene.keep(number)
    assert said(await scene.book.mine(ANNA, EMPTY, "ru")).count("261121-") == 10


@pytest.mark.parametrize(
    ("request_id", "withdrawn", "words"),
    [
        (1, 1, "Заявку 261121-0001 отменил."),
        (2, 2, "Заявку 261121-0002 отменил."),
        (3, None, "Заявка 261121-0003 уже выполнена, изменить её нельзя."),
        (4, None, "Заявка 261121-0004 уже отменена."),
        (5, None, "Этой заявки больше нет."),
        (6, None, "Этой заявки больше нет."),
    ],
)
async def test_taking_a_request_back(request_id: int, withdrawn: int | None, words: str) -> None:
    scene = await opened()
    for number, status in enumerate(RequestStatus, 1):
        await scene.keep(number, status)
    await scene.keep(5, person=BORIS)
    response = await scene.book.withdraw(request_id, ANNA, EMPTY, "ru")

    expected = None if withdrawn is None else Withdrawn(withdrawn, scene.clock.ms())
    assert (response.withdrawn, said(response)) == (expected, words)


async def test_a_new_request_goes_to_the_manager_whose_turn_it_is() -> None:
    office = Office(managers=(OLEG, VERA), rule=Assign.ROUND_ROBIN, hearers=hearers)
    scene = await opened(office)
    await scene.keep(1, assignee="Вера")
    await scene.keep(2, assignee="Олег")
    await scene.keep(3, assignee="")
    response = await scene.received()

    assert response.assignee == "Вера"
    assert [target for target, _ in response.told] == ["vera", "office"]
    assert response.request == NEW


async def test_what_we_are_told_has_everything_to_begin_with() -> None:
    scene = await opened(Office(hearers=hearers))
    at = scene.clock.ms()
    person = PersonRow(
        ref=ANNA,
        channel="stage",
        external_id="anna",
        display_name="Анна К.",
        first_seen_at=at,
        last_seen_at=at,
    )
    async with scene.store.unit() as unit:
        unit.history.save_person(person)
    response = await scene.received()

    ((target, text),) = response.told
    label = REQUEST.steps[0].label.plain(WORDS, "ru")
    assert (target, response.assignee) == ("office", "")
    assert text.splitlines() == [
        "Заявка 261121-0090: Заявка",
        "",
        f"{label}: Анна",
        "gift: да",
        "",
        "Клиент: Анна К.",
        "Канал: Сцена",
        "Ответственный: не назначен",
    ]
    assert "Анна" not in repr(response)


async def test_a_category_leads_to_who_knows_of_it() -> None:
    form = replace(REQUEST, name="wholesale", category="b2b")
    office = Office(
        forms={form.name: form, REQUEST.name: REQUEST},
        managers=(OLEG, Manager(name="Вера", categories=frozenset({"b2b"}))),
        rule=Assign.CATEGORY,
        hearers=hearers,
    )
    scene = await opened(office)
    wholesale = NewRequest(id=91, number="261121-0091", form="wholesale", fields={})
    gone = NewRequest(id=92, number="261121-0092", form="gone", fields={})

    assert (await scene.received(wholesale)).assignee == "Вера"
    assert (await scene.received()).assignee == "Олег"
    assert (await scene.received(gone)).assignee == "Олег"


async def test_without_targets_nobody_is_told_and_somebody_may_be_chosen() -> None:
    chosen = await (await opened(Office(managers=(OLEG,), rule=Assign.ROUND_ROBIN))).received()
    assert (chosen.assignee, chosen.told) == ("Олег", ())
    nobody = await (await opened(Office(managers=(OLEG,)))).received()
    assert (nobody.assignee, nobody.told) == ("", ())


async def test_managers_are_told_in_their_language_whatever_the_customer_speaks() -> None:
    scene = await opened(Office(language="en", hearers=hearers))
    ((_, text),) = (await scene.received()).told
    assert "Заявка" not in text
    assert "Сцена" in text
