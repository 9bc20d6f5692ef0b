"""Requests: their numbers, who may change what, who gets them, and how they read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from channels.body import parse_body, plain_text
from optfm_bot.domain.form_steps import REQUEST
from optfm_bot.domain.hours import Hours, Interval
from optfm_bot.domain.requests import (
    Actor,
    Assign,
    Manager,
    Refusal,
    RequestStage,
    Told,
    assignee,
    labelled,
    listed,
    notice,
    number_of,
    refusal,
    refusal_words,
)
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.request_records import RequestStatus

WORDS = Catalogue.load()
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # half past one on Saturday in Moscow
NEW, IN_WORK, DONE, CANCELLED = RequestStage


def test_stages_are_those_of_the_store() -> None:
    assert [one.value for one in RequestStatus] == [one.value for one in RequestStage]


def test_a_number_has_the_day_in_our_zone_and_four_digits() -> None:
    assert re.fullmatch(r"261121-\d{4}", number_of(1, NOW, MOSCOW))
    assert number_of(1, NOW, MOSCOW) == number_of(1, NOW, MOSCOW)
    assert number_of(1, NOW, MOSCOW) != number_of(1, NOW, MOSCOW, attempt=1)
    assert 900 < len({number_of(one, NOW, MOSCOW) for one in range(1000)})


ALLOWED = {
    (NEW, IN_WORK, Actor.MANAGER),
    (NEW, DONE, Actor.MANAGER),
    (NEW, CANCELLED, Actor.MANAGER),
    (NEW, CANCELLED, Actor.PERSON),
    (IN_WORK, DONE, Actor.MANAGER),
    (IN_WORK, CANCELLED, Actor.MANAGER),
    (IN_WORK, CANCELLED, Actor.PERSON),
}


@pytest.mark.parametrize(("stage", "to", "actor"), list(product(RequestStage, RequestStage, Actor)))
def test_who_may_do_what(stage: RequestStage, to: RequestStage, actor: Actor) -> None:
    assert ((stage, to, actor) in ALLOWED) is (refusal(stage, to, actor) is None)


def test_every_refusal_has_a_sentence_with_the_number() -> None:
    for why, language in product(Refusal, ("ru", "en")):
        said = refusal_words(why, number="261121-0001", stage=DONE, words=WORDS, language=language)
        assert "261121-0001" in said
    assert "Заявка 1 уже выполнена, изменить её нельзя." == refusal_words(
        Refusal.FINISHED, number="1", stage=DONE, words=WORDS, language="ru"
    )
    for name, who in (("Ольга", "Ольга"), ("", "не назначен")):
        said = refusal_words(
            Refusal.OVERTAKEN, number="1", stage=IN_WORK, words=WORDS, language="ru", assignee=name
        )
        assert f"Теперь она в работе, ответственный: {who}." in said


DAY = Hours(zone=MOSCOW, week=((Interval(0, 24 * 60),),) * 5 + ((), ()))
ANNA = Manager(name="Анна", categories=frozenset({"supply"}))
OLEG = Manager(name="Олег", categories=frozenset({"sales"}))
IRA = Manager(name="Ира")
OFF = Manager(name="Пётр", hours=DAY)


def chosen(
    managers: list[Manager], rule: Assign = Assign.ROUND_ROBIN, *, category: str = "", last: str = ""
) -> str | None:
    found = assignee(managers, rule, category=category, moment=NOW, last=last.split())
    return None if found is None else found.name


def test_in_turn_each_gets_one() -> None:
    last: list[str] = []
    for _ in range(7):
        name = chosen([ANNA, OLEG, IRA], last=" ".join(last))
        assert name is not None
        last.insert(0, name)

    assert ["Анна", "Олег", "Ира", "Анна", "Олег", "Ира", "Анна"] == last[::-1]


@pytest.mark.parametrize(
    ("managers", "rule", "category", "last", "expected"),
    [
        ([ANNA, OLEG], Assign.NONE, "sales", "", None),
        ([], Assign.ROUND_ROBIN, "", "", None),
        ([ANNA, OLEG, IRA], Assign.CATEGORY, "sales", "Олег", "Олег"),
        ([ANNA, OLEG, IRA], Assign.CATEGORY, "other", "", "Ира"),
        ([ANNA, OLEG, IRA], Assign.CATEGORY, "", "", "Ира"),
        ([ANNA, OLEG], Assign.CATEGORY, "other", "", None),
        ([ANNA, OLEG, IRA], Assign.ROUND_ROBIN, "sales", "", "Анна"),
        ([OFF, ANNA], Assign.ROUND_ROBIN, "", "Анна Анна", "Анна"),
        ([OFF], Assign.ROUND_ROBIN, "", "", "Пётр"),
        ([ANNA, OLEG], Assign.ROUND_ROBIN, "", "Никто Олег Анна", "Анна"),
    ],
    ids=[
        "none", "nobody", "category", "who knows of anything", "no category", "nobody knows of it",
        "turns pass over categories", "who is off gets nothing", "all are off", "longest ago",
    ],
)  # fmt: skip
def test_who_gets_a_request(
    managers: list[Manager], rule: Assign, category: str, last: str, expected: str | None
) -> None:
    assert expected == chosen(managers, rule, category=category, last=last)


TOLD = Told(
    number="261121-0001",
    title="Заявка *x*",
    stage=NEW,
    created_at=NOW,
    person="Анна_П",
    channel="MAX",
    fields=(("Имя", "Анна"), ("Описание", "Есть <b>?\nДа")),
)


def test_a_list_of_requests_is_read_at_a_glance() -> None:
    text = listed([TOLD, TOLD], zone=MOSCOW, words=WORDS, language="ru")

    assert "Ваши заявки:\n\n" + "\n".join(
        ["- 261121-0001 от 21.11.2026: Заявка *x*, новая"] * 2
    ) == plain_text(parse_body(text)).replace("• ", "- ")
    assert "Заявок у вас пока нет." == plain_text(
        parse_body(listed([], zone=MOSCOW, words=WORDS, language="ru"))
    )


def test_a_manager_reads_what_was_asked_for_by_whom_and_where() -> None:
    found = notice(TOLD, words=WORDS, language="ru")

    assert "Заявка 261121-0001: Заявка *x*" == found.subject
    assert (
        "Имя: Анна\nОписание: Есть <b>?\nДа\n\nКлиент: Анна_П\nКанал: MAX\nОтветственный: не назначен"
    ) == found.body
    assert f"{found.subject}\n\n{found.body}" == found.text
    assert "Анна_П" not in repr(TOLD)
    assert "Анна" not in repr(found)
    assert "Assigned to: nobody" in notice(TOLD, words=WORDS, language="en").body


def test_answers_are_labelled_also_those_of_a_step_that_is_gone() -> None:
    found = labelled(REQUEST, {"name": "Анна", "old": "x"}, words=WORDS, language="ru")

    assert (("Имя", "Анна"), ("old", "x")) == found
    assert (("name", "Анна"),) == labelled(None, {"name": "Анна"}, words=WORDS, language="ru")
