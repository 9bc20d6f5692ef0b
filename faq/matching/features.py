"""The features of a candidate: numbers that say how a message and an entry fit. All lie between 0 and about 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from faq.contract import Via
from faq.language.lexicon import Floats, Numbers
from faq.matching.index import Index, sorted_words
from faq.matching.message import Message

FEATURES: Final = (
    "cover",
    "cover_message",
    "cover_phrase",
    "soft_cover",
    "soft_cover_message",
    "soft_cover_phrase",
    "entry_cover",
    "entry_soft_cover",
    "entry_answer_cover",
    "entry_answer_soft_cover",
    "answer_cover",
    "answer_soft_cover",
    "meaning",
    "answer_meaning",
    "entry_meaning",
    "keyword",
    "soft_keyword",
    "spelling",
    "phrase",
    "gap",
    "hard_gap",
    "support",
    "supported",
    "subjects",
    "subject",
    "hard_subject",
    "head",
    "head_share",
)
"""The names, in the order of the columns.

`cover*` is how much of the message a phrasing explains (`_message`), how much of the phrasing the message names
(`_phrase`) and the geometric mean of both; `entry_*` takes all phrasings together, `answer_*` the answer. `soft_*`
counts words of like meaning too. `meaning*` is the cosine of mean vectors. `keyword` is a keyword that is named,
`spelling` RapidFuzz's token sort ratio, `phrase` that the words are those of a phrasing. `gap` is the weight of the
heaviest word that nothing supports, `support` of the heaviest that a phrasing has, `supported` how many are.
`subjects` counts words with a meaning of their own that a phrasing supports, three being all;
`subject` is how well the heaviest word itself is supported, by the entry or its answer; `hard_subject` by a phrasing.
`head` is the score of the classifier over the phrasings, `head_share` its share; 0 where there is none.
"""

_SEMANTIC_FROM, _SEMANTIC_SPAN, _SEMANTIC_MOST = 0.22, 0.6, 0.92
"""A cosine of word vectors below the first number says nothing; the sum of the first two is a synonym."""
_KEYWORD = 0.9
"""What a keyword gives where an alias would give 1."""
_NAMED = 0.8
_FROM_ANSWER = 0.8
_SURE = 0.75
_SUBJECT = 0.25
_MOST_SUBJECTS = 3
SPELLED = 0.3
MEANT = 0.45
"""From these similarities on a word of the message counts as found."""
CLOSER = 4
"""So many phrasings of an entry are compared word by word; the others are too far off to win."""
_ROUNDING = 1e-6
_SMALL = 4_096
"""A base of so many stems is compared as a whole with the words of a message; of a larger one, what is asked for."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidates with their features: `values` by candidate and feature, and the best phrasing of each."""

    entries: Numbers
    values: Floats
    phrases: npt.NDArray[np.int64]
    lexical: Floats
    """By word of the message and candidate: how well a phrasing supports the word by its spelling."""
    meaning: Floats
    """The same by spelling or meaning."""


def compare(index: Index, message: Message, entries: Numbers, head: Floats | None = None) -> Comparison:
    """Measure candidates; `entries` are their numbers, in order, `head` the classifier's two columns. Pure."""
    near, answers = _near(index, message, entries)
    columns: dict[str, npt.NDArray[np.floating]] = {}
    best = _by_phrase(index, message, near, columns)
    _by_entry(index, message, entries, near, answers, columns)
    table = np.zeros((len(entries), len(FEATURES)), np.float32)
    if head is not None:
        columns["head"], columns["head_share"] = head.T
    for place, name in enumerate(FEATURES):
        if name in columns:
            table[:, place] = columns[name]
    return Comparison(entries, table, best, near.in_entry, near.soft_in_entry)


@dataclass(frozen=True, slots=True)
class _Near:
    """The phrasings that are compared, and how well the words of the message find support.

    `phrases` are their numbers, `starts` where those of each entry begin, `meanings` their cosines with the message.
    By stem of them: `own` weights and the best similarity of any word, `named` by spelling and `soft_named` by meaning
    too, `begins` where those of a phrasing begin. By word: `by_phrase` and `in_entry`, each with its soft twin.
    """

    phrases: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    meanings: Floats
    begins: npt.NDArray[np.int64]
    own: Floats
    named: Floats
    soft_named: Floats
    by_phrase: Floats
    soft_by_phrase: Floats
    in_entry: Floats
    soft_in_entry: Floats


def _near(index: Index, message: Message, entries: Numbers) -> tuple[_Near, Floats]:
    """The phrasings that are compared; and for the answers of the entries what `in_entry` is, both twins as one."""
    words = len(message.words)
    phrases, group, meanings = _closest(index, message, entries)
    values, begins = index.tokens.gather(phrases)
    told, told_begins = index.answers.gather(entries.astype(np.int64))
    similar, most = _similarities(index, message, np.concatenate((values, told)))
    by_phrase = np.maximum.reduceat(similar[: len(values)], begins, axis=0)
    starts = np.searchsorted(group, np.arange(len(entries)))
    in_entry = np.maximum.reduceat(by_phrase, starts, axis=0)
    answers = np.zeros((len(entries), 2 * words), np.float32)
    if len(told):
        filled = index.answers.starts[entries + 1] > index.answers.starts[entries]
        answers[filled] = np.maximum.reduceat(similar[len(values) :], told_begins[filled], axis=0)
    near = _Near(
        phrases=phrases,
        group=group,
        starts=starts,
        meanings=meanings,
        begins=begins,
        own=index.vocabulary.weights[values],
        named=most[0, : len(values)],
        soft_named=most[1, : len(values)],
        by_phrase=by_phrase.T[:words],
        soft_by_phrase=by_phrase.T[words:],
        in_entry=in_entry.T[:words],
        soft_in_entry=in_entry.T[words:],
    )
    return near, answers.T


def _by_phrase(
    index: Index, message: Message, near: _Near, columns: dict[str, npt.NDArray[np.floating]]
) -> npt.NDArray[np.int64]:
    """The features of the best phrasing of each entry; gives the numbers of those phrasings."""
    keyword = index.is_keyword[near.phrases]
    factor = np.where(keyword, _KEYWORD, 1.0).astype(np.float32)
    own_total = np.maximum(np.add.reduceat(near.own, near.begins), 1e-6)
    heaviest = np.minimum(index.phrase_heaviest[near.phrases], 1.0)
    best = near.starts
    for prefix, supports, named in (
        ("", near.by_phrase, near.named),
        ("soft_", near.soft_by_phrase, near.soft_named),
    ):
        message_cover = message.weights @ supports / message.total
        phrase_cover = np.add.reduceat(near.own * named, near.begins) / own_total
        mean = np.sqrt(message_cover * phrase_cover) * factor
        best = _first_best(mean, near.group, near.starts)
        columns[f"{prefix}cover"] = mean[best]
        columns[f"{prefix}cover_message"] = message_cover[best]
        columns[f"{prefix}cover_phrase"] = phrase_cover[best]
        counts = keyword if prefix else keyword & (phrase_cover > _NAMED)
        columns[f"{prefix}keyword"] = np.maximum.reduceat(
            np.where(counts, phrase_cover * heaviest, 0.0), near.starts
        )
    # The ratio of sorted words is the token sort ratio, without sorting the words of phrasings for every message.
    plains = [index.sorted_plains[number] for number in near.phrases.tolist()]
    spelling = process.cdist([sorted_words(message.reading.text)], plains, scorer=fuzz.ratio)[0]
    columns["spelling"] = np.maximum.reduceat(spelling, near.starts) / 100.0
    columns["phrase"] = np.maximum.reduceat(_same_words(index, message, near.phrases), near.starts)
    columns["meaning"] = np.maximum.reduceat(near.meanings, near.starts)
    return near.phrases[best]


def _by_entry(
    index: Index,
    message: Message,
    entries: Numbers,
    near: _Near,
    answers: Floats,
    columns: dict[str, npt.NDArray[np.floating]],
) -> None:
    """The features of an entry as a whole and of its answer."""
    weights, total = message.weights, message.total
    in_entry, in_entry_soft = near.in_entry, near.soft_in_entry
    in_answer, in_answer_soft = answers[: len(message.words)], answers[len(message.words) :]
    columns["entry_cover"] = weights @ in_entry / total
    columns["entry_soft_cover"] = weights @ in_entry_soft / total
    columns["entry_answer_cover"] = weights @ np.maximum(in_entry, _FROM_ANSWER * in_answer) / total
    columns["entry_answer_soft_cover"] = (
        weights @ np.maximum(in_entry_soft, _FROM_ANSWER * in_answer_soft) / total
    )
    columns["answer_cover"] = weights @ in_answer / total
    columns["answer_soft_cover"] = weights @ in_answer_soft / total
    columns["answer_meaning"] = index.answer_meanings[entries] @ message.meaning
    columns["entry_meaning"] = index.entry_meanings[entries] @ message.meaning
    column = weights[:, None]
    anywhere, anywhere_soft = np.maximum(in_entry, in_answer), np.maximum(in_entry_soft, in_answer_soft)
    columns["gap"] = (column * (1.0 - anywhere_soft)).max(0)
    columns["hard_gap"] = (column * (1.0 - anywhere)).max(0)
    columns["support"] = (column * in_entry).max(0)
    columns["supported"] = np.minimum((column * in_entry > _SUBJECT).sum(0), _MOST_SUBJECTS) / _MOST_SUBJECTS
    found = supported(in_entry, in_entry_soft) & message.subjects[:, None]
    columns["subjects"] = np.minimum(found.sum(0), _MOST_SUBJECTS) / _MOST_SUBJECTS
    heaviest = int(np.argmax(weights))
    columns["subject"] = anywhere_soft[heaviest]
    columns["hard_subject"] = in_entry[heaviest]


def supported(spelled: Floats, meant: Floats) -> npt.NDArray[np.bool_]:
    """Where a word is found at all: by its spelling, or surely enough by its meaning."""
    return (spelled >= SPELLED) | (meant >= MEANT)


def _lookup(index: Index, message: Message) -> Floats:
    """By word of the message and stem of the base: how well the stem stands for the word by spelling."""
    found = np.zeros((len(message.words), len(index.vocabulary.stems)), np.float32)
    for place, relatives in enumerate(message.relatives):
        for relative in relatives:
            found[place, relative.number] = max(found[place, relative.number], relative.similarity)
    return found


def _closest(
    index: Index, message: Message, entries: Numbers
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """The phrasings of the candidates that are worth comparing, entry by entry; their entries; their meanings."""
    starts, ends = index.spans[entries], index.spans[entries + 1]
    lengths = ends - starts
    offsets = np.cumsum(lengths) - lengths
    group = np.repeat(np.arange(len(entries)), lengths)
    phrases = np.arange(int(lengths.sum())) + np.repeat(starts - offsets, lengths)
    meaning: Floats = index.phrase_meanings[phrases] @ message.meaning
    if int(lengths.max(initial=0)) > CLOSER:
        order = np.lexsort((-meaning, group))
        rank = np.arange(len(order)) - np.repeat(offsets, lengths)
        kept = np.sort(order[rank < CLOSER])
        phrases, group, meaning = phrases[kept], group[kept], meaning[kept]
    return phrases, group, meaning


def _similarities(index: Index, message: Message, stems: Numbers) -> tuple[Floats, Floats]:
    """By stem: how well it stands for each word by spelling, then by meaning too; and in two rows the most of it."""
    vectors = index.vocabulary.vectors
    hard = _lookup(index, message)
    whole = len(vectors) <= _SMALL
    if not whole:
        hard, vectors = hard[:, stems], vectors[stems]
    soft = message.vectors @ vectors.T
    soft -= _SEMANTIC_FROM
    soft /= _SEMANTIC_SPAN
    np.clip(soft, 0.0, 1.0, out=soft)
    soft *= _SEMANTIC_MOST
    np.maximum(hard, soft, out=soft)
    most = np.stack((hard.max(0), soft.max(0)))
    # Rows of a few words are gathered and compared several times faster than columns of them.
    by_stem: Floats = np.ascontiguousarray(np.concatenate((hard, soft)).T)
    return (by_stem[stems], most[:, stems]) if whole else (by_stem, most)


def _first_best(
    values: npt.NDArray[np.floating], group: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """For each group the place of its greatest value, the first one on a tie; what rounding did to equals is no win."""
    greatest = np.maximum.reduceat(values, starts)[group]
    best: npt.NDArray[np.int64] = np.flatnonzero(values >= greatest - _ROUNDING)
    return best[np.searchsorted(group[best], np.arange(len(starts)))]


def _same_words(index: Index, message: Message, phrases: npt.NDArray[np.int64]) -> Floats:
    """1 where a phrasing has the words of the message and no others, whatever their forms and order."""
    same = np.zeros(len(phrases), np.float32)
    wanted = set()
    for relatives in message.relatives:
        if not relatives or relatives[0].similarity < _SURE:
            return same
        wanted.add(relatives[0].number)
    for place in np.flatnonzero(index.phrase_lengths[phrases] == len(wanted)).tolist():
        number = int(phrases[place])
        if set(index.tokens.of(number).tolist()) == wanted:
            same[place] = _KEYWORD if index.phrases[number].via is Via.KEYWORD else 1.0
    return same
