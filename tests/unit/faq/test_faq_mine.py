"""Mining: what people ask in vain becomes clusters, proposals and a file of drafts, whatever they write."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from faq import FaqEntry, FaqManager, KnowledgeBase, Status
from faq.mine import Asked, Mined, MoreAliases, NewEntry, Noise, mine
from faq.mining.asked import noise
from faq.mining.clusters import gather
from faq.mining.drafts import UNWRITTEN, drafts
from faq.mining.forms import read_questions
from faq.mining.personal import mask, without_hidden
from faq.mining.phrasing import as_question, phrase
from faq.normalize import Normalizer
from faq.yaml_source import RawFile, parse_knowledge

MISSES: Mapping[str, Sequence[str]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "misses.yaml").read_text("utf-8")
)
SUBJECTS = {text: subject for subject, texts in MISSES.items() for text in texts}
EMPTY = FaqManager([])


def asked_in(misses: Mapping[str, Sequence[str]] = MISSES) -> list[Asked]:
    """Everybody asks once, a second after another."""
    texts = [(subject, text) for subject, texts in misses.items() for text in texts]
    return [Asked(text=text, person=f"{number}", at=number * 1000) for number, (_, text) in enumerate(texts)]


def asked(*texts: str) -> list[Asked]:
    return [Asked(text=text, person=str(number)) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def mined(manager: FaqManager) -> Mined:
    return mine(asked_in(), manager, examples=100)


# -- clusters ---------------------------------------------------------------------------------------------


def test_a_cluster_is_about_one_subject_and_most_questions_are_in_one(manager: FaqManager) -> None:
    asked = asked_in()
    read = read_questions(asked, Normalizer(), [])
    people = {one.person: SUBJECTS[one.text] for one in asked}
    groups = [
        [people[person] for place in members for person in sorted(read.forms[place].people)]
        for members in gather(read.forms)
    ]
    gathered = [group for group in groups if len(group) > 1]
    right = sum(max(Counter(group).values()) for group in gathered)
    assert right >= 0.95 * sum(map(len, gathered))
    assert sum(map(len, gathered)) >= 0.85 * len(
        people.keys() - {p for p, s in people.items() if s == "noise"}
    )


@pytest.mark.parametrize("subject", [subject for subject in MISSES if subject != "noise"])
def test_every_subject_has_a_cluster_of_several_people(mined: Mined, subject: str) -> None:
    masked = {mask(text) for text in MISSES[subject]}
    assert max(len(masked.intersection(cluster.examples)) for cluster in mined.clusters) >= 3


@pytest.mark.parametrize(
    "texts",
    [
        ("как вернуть подарок", "как вирнуть подарок", "подарок вернуть как"),  # a typing error, the order
        ("подарочный сертификат", "подарочные сертификаты", "ПОДАРОЧНЫХ СЕРТИФИКАТОВ!!!"),  # endings, case
        ("подарочный сертификат", "podarochnyj sertifikat", "gjlfhjxysq cthnbabrfn"),  # Latin letters, layout
        ("подарочный сертификат", "Здравствуйте! Подскажите, подарочный сертификат?"),  # courtesy
        ("где мой заказ 12345678", "где мой заказ 87654321"),  # numbers
        ("how to return a gift", "returning gifts, how?"),
    ],
)
def test_what_differs_in_writing_only_is_one_question(texts: Sequence[str]) -> None:
    # Each of the first ones is asked by several, so that it is known how the words are spelled.
    people = asked(*[texts[0]] * 4, *texts[1:])
    (cluster,) = mine(people, EMPTY).clusters
    assert (len(people), len(people)) == (cluster.people, cluster.times)
    assert phrase(mask(texts[0]), Normalizer()).casefold() == cluster.title.casefold().rstrip("?")


def test_an_english_question_is_not_read_as_russian() -> None:
    clusters = mine(
        asked("return a gift", "gift return", "возврат подарка", "подарок возврат"), EMPTY
    ).clusters
    assert {2} == {cluster.people for cluster in clusters}
    assert 2 == len(clusters)


def test_what_one_person_repeats_counts_once_for_people() -> None:
    questions = [Asked(text="есть самовывоз?", person="a", at=at) for at in (5, 3, 9)]
    assert () == mine(questions, EMPTY).clusters
    assert 3 == mine(questions, EMPTY).rare
    (cluster,) = mine([*questions, Asked(text="самовывоз есть", person="b", at=7)], EMPTY).clusters
    assert (2, 4, 3, 9) == (cluster.people, cluster.times, cluster.first_at, cluster.last_at)


def test_examples_differ_and_are_limited(manager: FaqManager) -> None:
    for cluster in mine(asked_in(), manager).clusters:
        assert 1 <= len(cluster.examples) <= 5
        assert len(set(cluster.examples)) == len(cluster.examples)
        assert cluster.words


def test_a_limit_leaves_out_the_least_asked(manager: FaqManager, mined: Mined) -> None:
    few = mine(asked_in(), manager, limit=3, examples=100)
    assert few.clusters == mined.clusters[:3]
    assert len(mined.clusters) - 3 == few.more


def test_every_question_is_accounted_for(mined: Mined) -> None:
    counted = sum(cluster.times for cluster in mined.clusters) + mined.rare + mined.answered
    assert mined.questions == counted + sum(mined.noise.values()) == len(asked_in())


# -- noise ------------------------------------------------------------------------------------------------


def test_noise_is_set_aside_and_counted(mined: Mined) -> None:
    assert {
        Noise.GREETING: 4, Noise.CHATTER: 2, Noise.SIGNS: 4, Noise.NUMBER: 2, Noise.LINK: 1, Noise.PROFANITY: 2,
    } == mined.noise  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Здравствуйте! Подскажите, пожалуйста", Noise.GREETING),
        ("Добрый день! Спасибо", Noise.GREETING),
        ("🤬 ваш бот тупой", Noise.PROFANITY),
        ("да", Noise.CHATTER),
        ("4276 1234 5678 9010", Noise.NUMBER),
        ("ivan@example.com", Noise.LINK),
        ("б", Noise.SIGNS),
        ("\x00\ud800", Noise.SIGNS),
        ("привет, где заказ", None),
        ("почему такой дебильный сайт не открывается", None),
        ("где мой заказ 123456", None),
        ("страхование", None),
        ("оператор", None),
        ("колебания цен", None),
    ],
)
def test_a_question_is_told_from_noise(text: str, kind: Noise | None) -> None:
    assert kind == noise(mask(text), Normalizer())


# -- proposals --------------------------------------------------------------------------------------------


def test_a_subject_that_the_base_lacks_is_proposed_as_a_draft(mined: Mined) -> None:
    cluster = next(one for one in mined.clusters if "подарочный сертефикат" in one.examples)
    proposal = cluster.proposal
    assert isinstance(proposal, NewEntry)
    assert ("podarochnye-sertifikaty", Status.DRAFT, "") == (proposal.id, proposal.status, proposal.answer)
    assert "Есть ли у вас подарочные сертификаты?" == proposal.question == cluster.title
    assert "можно купить подарочный сертификат" in proposal.aliases
    assert "сертификат" in proposal.keywords
    # What the bot reads by itself is no phrasing to add.
    assert not any("сертефикат" in text or text.isascii() for text in proposal.aliases)


def test_a_word_that_a_base_has_does_not_make_its_entry_the_one_that_is_meant(mined: Mined) -> None:
    (cluster,) = (one for one in mined.clusters if "есть оптовые цены" in one.examples)
    assert isinstance(cluster.proposal, NewEntry)


def leaning(*, refused: bool = False) -> Mined:
    """Questions about an entry in words that it has, among others that its question does not name."""
    entries = [
        FaqEntry(id="guarantee", question="Какая гарантия на технику?", answer="Год."),
        FaqEntry(id="pickup", question="Где забрать заказ самому?", answer="На складе."),
        FaqEntry(id="payment", question="Как оплатить картой?", answer="На сайте."),
    ]
    texts = ("гарантия", "про гарантию", "гарантии хотелось бы", "что с гарантией", "а гарантия")
    manager = FaqManager(entries)
    questions = [Asked(text=text, person=str(n), refused=refused) for n, text in enumerate(texts * 2)]
    return mine(questions, _Silent(manager), examples=10)


class _Silent(FaqManager):
    """Answers nothing, and ranks as another does: whether a base answers is the matcher's affair."""

    def __init__(self, inner: FaqManager) -> None:
        super().__init__([])
        self._inner = inner
        self.rank = inner.rank  # type: ignore[method-assign]
        self.entry = inner.entry  # type: ignore[method-assign]

    @property
    def entries(self) -> Sequence[FaqEntry]:
        return self._inner.entries


def test_questions_that_lean_to_an_entry_are_proposed_as_its_phrasings() -> None:
    (cluster,) = leaning().clusters
    proposal = cluster.proposal
    assert isinstance(proposal, MoreAliases)
    assert "guarantee" == proposal.entry_id
    assert "что с гарантией" in proposal.aliases or "гарантия" in proposal.aliases
    assert proposal.share >= 0.6


def test_who_refused_the_offered_entries_does_not_speak_for_one() -> None:
    (cluster,) = leaning(refused=True).clusters
    assert isinstance(cluster.proposal, NewEntry)


def test_what_the_base_answers_by_now_is_not_proposed_again(manager: FaqManager) -> None:
    found = mine(asked("как отменить заказ", "Как отменить заказ?", "отменить заказ"), manager)
    assert ((), 3) == (found.clusters, found.answered)


def test_ids_do_not_clash_with_any_that_is_there() -> None:
    questions = asked("самовывоз есть", "есть самовывоз")
    (first,) = mine(questions, EMPTY).clusters
    assert isinstance(first.proposal, NewEntry)
    (second,) = mine(questions, EMPTY, taken={first.proposal.id}).clusters
    assert isinstance(second.proposal, NewEntry)
    assert first.proposal.id != second.proposal.id


# -- personal data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("звоните +7 (916) 123-45-67", "звоните [телефон]"),
        ("8-800-555-35-35 мой", "[телефон] мой"),
        ("пишите на ivan.petrov+1@mail.example.ru", "пишите на [почта]"),
        ("карта 4276 1234 5678 9010 не проходит", "карта [карта] не проходит"),
        ("где заказ № 42", "где заказ № [номер]"),
        ("заказ 12345 где", "заказ [номер] где"),
        ("посылка RA123456789RU", "посылка [номер]"),
        ("меня зовут Анна Петрова, где заказ", "меня зовут [имя], где заказ"),
        ("меня зовут анна где мой заказ", "меня зовут [имя] где мой заказ"),
        ("Зовут меня Пётр", "Зовут меня [имя]"),
        ("смотрите https://example.com/orders?key=1", "смотрите [ссылка]"),
        ("пишите @ivan_petrov", "пишите [имя]"),
        ("стоит 15000 рублей", "стоит 15000 рублей"),
        ("размер 42-44 за 2024 год", "размер 42-44 за 2024 год"),
        ("с 10:00 до 22:00", "с 10:00 до 22:00"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert masked == mask(text)
    assert mask(masked) == masked


def test_nothing_personal_gets_into_a_result(mined: Mined) -> None:
    told = repr(mined)
    for secret in ("916", "1204567", "ivan", "Анна", "example.com"):
        assert secret not in told
    assert "меня зовут [имя], мне не начислили бонусные баллы" in told
    assert "пришлите оптовый прайс" in told


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Здравствуйте! Подскажите, пожалуйста, есть ли самовывоз???", "Есть ли самовывоз?"),
        ("ЕСТЬ САМОВЫВОЗ", "Есть самовывоз?"),
        ("а в Ростов-на-Дону доставляете? спасибо", "В Ростов-на-Дону доставляете?"),
        ("меня зовут Анна, где мой заказ №123?", "Где мой заказ?"),
    ],
)
def test_a_question_is_cleaned(text: str, question: str) -> None:
    assert question == as_question(phrase(mask(text), Normalizer()))


def test_of_a_story_the_sentence_with_the_subject_is_taken() -> None:
    story = (
        "Я заказывала у вас платье неделю назад на день рождения дочери. Можно ли поменять размер? "
        "Платье очень красивое, всем понравилось, но мало."
    )
    assert "Можно ли поменять размер" == phrase(mask(story), Normalizer(), ["размер"])


# -- a file of drafts -------------------------------------------------------------------------------------


def written(mined: Mined) -> str:
    return drafts(
        mined.clusters, language="ru", title=("Черновики",), add_to="В {entry}:", asked="{people} {times}"
    )


def loaded(text: str) -> KnowledgeBase:
    return parse_knowledge([RawFile("drafts.yaml", text.encode("utf-8"))])


def test_the_file_is_a_knowledge_base_of_drafts(mined: Mined) -> None:
    base = loaded(written(mined))
    proposed = [one.proposal for one in mined.clusters if isinstance(one.proposal, NewEntry)]
    assert [(p.id, p.question, p.aliases, p.keywords) for p in proposed] == [
        (entry.id, entry.question, entry.aliases, entry.keywords) for entry in base.entries
    ]
    assert {(Status.DRAFT, UNWRITTEN)} == {(entry.status, entry.answer) for entry in base.entries}
    assert () == FaqManager.from_base(base).entries


def test_phrasings_for_an_entry_are_comments_to_copy() -> None:
    text = written(leaning())
    assert "# В guarantee:\n#   - " in text
    assert {"version": 1, "language": "ru", "entries": []} == yaml.safe_load(text)


# -- anything at all --------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([*SUBJECTS, "\ud83d", "# - :", "'\"", "null", "[номер]", "yes"]), max_size=3
    ).map(" ".join),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=12), st.randoms())
def test_any_texts_in_any_order_give_the_same_result_and_a_readable_file(
    texts: list[str], order: random.Random
) -> None:
    questions = [Asked(text=text, person=str(n // 2), at=n) for n, text in enumerate(texts)]
    found = mine(questions, EMPTY, min_people=1)
    order.shuffle(questions)
    assert found == mine(questions, EMPTY, min_people=1)
    assert len(texts) == found.questions
    if found.clusters:
        base = loaded(written(found))
        assert [one.title for one in found.clusters] == [entry.question for entry in base.entries]


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_masking_never_fails_and_leaves_one_line(text: str) -> None:
    masked = mask(text)
    assert len(masked.splitlines()) <= 1
    masked.encode("utf-8")
    assert without_hidden(without_hidden(masked)) == without_hidden(masked)


def test_the_order_of_real_questions_does_not_matter(manager: FaqManager, mined: Mined) -> None:
    questions = asked_in()
    random.Random(7).shuffle(questions)  # noqa: S311 - the same disorder each time
    assert mined == mine(questions, manager, examples=100)


def test_many_questions_take_seconds() -> None:
    """5,000 different ones in far less than a scan of all pairs would take (12 million comparisons)."""
    dice = random.Random(1)  # noqa: S311 - the same questions each time
    words = sorted({word for text in SUBJECTS for word in text.split()})
    questions = asked(*(" ".join(dice.choices(words, k=6)) for _ in range(5_000)))
    shares: list[float] = []
    start = process_time()
    mine(questions, EMPTY, limit=20, watch=shares.append)
    assert process_time() - start < 15
    assert sorted(shares) == shares
    assert 0 < shares[0] <= shares[-1] <= 1
