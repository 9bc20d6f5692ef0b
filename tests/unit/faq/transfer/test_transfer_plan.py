"""What an import does to a base: nothing that is there is lost unless a person says so."""

from __future__ import annotations

import pytest

from faq.base import KnowledgeBase
from faq.entry import Category, EntryButton, FaqEntry
from faq.transfer import Conflict, Incoming, Mode, Plan, Verdict, plan, read_incoming

OLD = FaqEntry(
    id="delivery-cost", question="Сколько стоит доставка?", answer="300 ₽", category="delivery",
    aliases=["Почём доставка"], buttons=[EntryButton(text="Сайт", url="https://x.ru")],
)  # fmt: skip
BASE = KnowledgeBase(
    entries=(OLD, FaqEntry(id="who", question="Кто вы?", answer="Мы.")),
    categories=(Category(id="delivery", title="Доставка", titles={"en": "Delivery"}),),
)


def table(*rows: str, head: str = "Вопрос;Ответ") -> Incoming:
    return read_incoming("a.csv", "\n".join((head, *rows)).encode())


def verdicts(found: Plan) -> list[tuple[str, Verdict]]:
    return [(step.entry.id, step.verdict) for step in found.steps]


def test_a_question_that_the_base_has_is_the_same_entry_under_its_id() -> None:
    found = plan(table("СКОЛЬКО стоит доставка;300 ₽", "Где вы?;Тут."), BASE)

    assert [("delivery-cost", Verdict.SAME), ("gde-vy", Verdict.ADDED)] == verdicts(found)
    assert not found.conflicts


def test_another_answer_is_a_conflict_and_changes_nothing() -> None:
    found = plan(table("Сколько стоит доставка?;400 ₽", "Где вы?;Тут."), BASE)

    (step,) = found.conflicts
    assert (Conflict.ID, ("answer",), OLD) == (step.conflict, step.differs, step.entry)
    assert ["gde-vy"] == [one.entry.id for one in found.of(Verdict.ADDED)]


def test_merge_adds_what_is_missing_and_keeps_what_is_there() -> None:
    incoming = table(
        "delivery-cost;Цена доставки?;400 ₽;деньги;Hi", head="ID;Вопрос;Ответ;Ключевые слова;answer.telegram"
    )
    (step,) = plan(incoming, BASE, mode=Mode.MERGE).steps

    assert (Verdict.CHANGED, ("answer",), Conflict.ID) == (step.verdict, step.differs, step.conflict)
    assert {"aliases", "keywords", "answers"} == set(step.changed)
    assert ("Сколько стоит доставка?", "300 ₽", ("Почём доставка", "Цена доставки?"), ("деньги",), OLD.buttons) == (
        step.entry.question, step.entry.answer, step.entry.aliases, step.entry.keywords, step.entry.buttons,
    )  # fmt: skip
    assert {"telegram": "Hi"} == dict(step.entry.answers)


def test_merge_does_not_repeat_itself() -> None:
    incoming = table("Сколько стоит доставка?;300 ₽;почём ДОСТАВКА", head="Вопрос;Ответ;Синонимы")

    assert [("delivery-cost", Verdict.SAME)] == verdicts(plan(incoming, BASE, mode=Mode.MERGE))


def test_replace_follows_the_file_only_in_what_it_speaks_of() -> None:
    (step,) = plan(
        table("delivery-cost;Цена доставки?;400 ₽", head="ID;Вопрос;Ответ"), BASE, mode=Mode.REPLACE
    ).steps

    assert (Verdict.CHANGED, ("question", "answer")) == (step.verdict, step.changed)
    assert ("Цена доставки?", "400 ₽", OLD.aliases, OLD.buttons, "delivery") == (
        step.entry.question, step.entry.answer, step.entry.aliases, step.entry.buttons, step.entry.category,
    )  # fmt: skip


def test_the_same_question_under_another_id_is_told_and_only_merge_joins_it() -> None:
    incoming = table("price;Сколько стоит доставка?;300 ₽;деньги", head="ID;Вопрос;Ответ;Теги")

    for mode in (Mode.ADD, Mode.REPLACE):
        (step,) = plan(incoming, BASE, mode=mode).steps
        assert (Verdict.CONFLICT, Conflict.QUESTION, "delivery-cost") == (
            step.verdict, step.conflict, step.existing.id if step.existing else None,
        )  # fmt: skip
    assert [("delivery-cost", Verdict.CHANGED)] == verdicts(plan(incoming, BASE, mode=Mode.MERGE))


def test_two_rows_that_mean_one_entry_both_count() -> None:
    incoming = table(
        "a;Сколько стоит доставка?;300 ₽;раз",
        "b;сколько стоит доставка;300 ₽;два",
        head="ID;Вопрос;Ответ;Теги",
    )
    last = plan(incoming, BASE, mode=Mode.MERGE).steps[-1]

    assert ("раз", "два") == last.entry.keywords


def test_a_made_id_that_another_question_has_gives_way() -> None:
    base = KnowledgeBase(entries=(FaqEntry(id="gde-vy", question="Ваш адрес?", answer="Тут."),))
    (step,) = plan(table("Где вы?;Там."), base).steps

    assert Verdict.ADDED == step.verdict
    assert step.entry.id.startswith("gde-vy-")


def test_categories_are_found_by_id_or_title_and_made_once() -> None:
    incoming = table(
        "А?;1;доставка",
        "Б?;2;Delivery",
        "В?;3;Новый раздел",
        "Г?;4;новый раздел",
        "Д?;5;",
        head="Вопрос;Ответ;Категория",
    )
    found = plan(incoming, BASE, category="delivery")

    assert ["delivery", "delivery", "novyy-razdel", "novyy-razdel", "delivery"] == [
        s.entry.category for s in found.steps
    ]
    assert [Category(id="novyy-razdel", title="Новый раздел")] == list(found.categories)


def test_a_button_to_nowhere_takes_its_entry_and_those_that_lead_to_it() -> None:
    def entry(identity: str, target: str) -> FaqEntry:
        return FaqEntry(
            id=identity, question=f"{identity}?", answer="x", buttons=[EntryButton(text="→", faq=target)]
        )

    incoming = Incoming(
        name="a.yaml", entries=(entry("a", "b"), entry("b", "c"), entry("d", "who"), entry("e", "e"))
    )
    found = plan(incoming, BASE)

    assert [Conflict.BUTTON, Conflict.BUTTON, None, None] == [step.conflict for step in found.steps]
    assert ["d", "e"] == [step.entry.id for step in found.of(Verdict.ADDED)]


@pytest.mark.parametrize("mode", list(Mode))
def test_an_import_of_what_is_there_changes_nothing(mode: Mode) -> None:
    found = plan(Incoming(name="a.yaml", entries=BASE.entries, categories=BASE.categories), BASE, mode=mode)

    assert not found.writes
    assert {Verdict.SAME} == {step.verdict for step in found.steps}
