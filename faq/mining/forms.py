"""Questions brought to forms: what they have in common that differ by spelling, endings, order or script. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from faq.mining.asked import Asked, Noise, noise, words_of
from faq.mining.personal import mask, without_hidden
from faq.mining.spelling import Spelling, is_russian, readings
from faq.normalize import Normalizer

MIN_READ = 0.6
"""So much of a text in Latin letters must be Russian words that are known, to be read as Russian."""


@dataclass(slots=True, kw_only=True)
class Variant:
    """Questions of the very same words, masked, and what is known of those who asked."""

    text: str
    people: set[str] = field(default_factory=set)
    times: int = 0
    refused: int = 0
    first_at: int | None = None
    last_at: int | None = None
    written: Counter[str] = field(default_factory=Counter)
    """How the words were written: case and signs."""

    def add(self, asked: Asked, masked: str) -> None:
        """Count one more question of these words."""
        self.people.add(asked.person)
        self.times += 1
        self.refused += asked.refused
        self.written[masked] += 1
        if asked.at is not None:
            self.first_at = asked.at if self.first_at is None else min(self.first_at, asked.at)
            self.last_at = asked.at if self.last_at is None else max(self.last_at, asked.at)

    @property
    def best(self) -> str:
        """How it is written most often."""
        return min(self.written, key=lambda text: (-self.written[text], text.isupper(), text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Questions that consist of the same stems. `variants` begin with the one to show."""

    stems: tuple[str, ...]
    variants: tuple[Variant, ...]
    people: frozenset[str]
    times: int
    refused: int
    words: Mapping[str, str] = field(default_factory=dict)
    """Each stem as it is written in the variant to show."""

    @property
    def text(self) -> str:
        """The commonest spelling."""
        return self.variants[0].best


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All forms, those that most people asked first, and what was set aside."""

    forms: tuple[Form, ...]
    noise: Mapping[Noise, int]
    people: int
    times: int


def read_questions(asked: Iterable[Asked], normalizer: Normalizer, known: Iterable[str]) -> Questions:
    """Bring questions to forms. `known` are the texts of the base: their words are spelled right.

    The order of the questions does not matter. Never raises, whatever the texts.
    """
    variants: dict[str, Variant] = {}
    kinds: dict[str, Noise | None] = {}
    masks: dict[str, str] = {}
    keys: dict[str, str] = {}
    counted: Counter[Noise] = Counter()
    everybody: set[str] = set()
    times = 0
    for one in asked:
        everybody.add(one.person)
        times += 1
        masked = masks.get(one.text)
        if masked is None:
            masked = masks[one.text] = mask(one.text)
        if masked not in kinds:
            kinds[masked] = noise(masked, normalizer)
            keys[masked] = " ".join(words_of(without_hidden(masked)))
        kind = kinds[masked]
        if kind is not None:
            counted[kind] += 1
        else:
            variants.setdefault(keys[masked], Variant(text=keys[masked])).add(one, masked)
    ordered = [variants[key] for key in sorted(variants)]
    terms, common = _terms(ordered, normalizer, known)
    nothing = sum(variant.times for variant, stems in zip(ordered, terms, strict=True) if not stems)
    if nothing:
        counted[Noise.SIGNS] += nothing
    return Questions(
        forms=_gathered(ordered, terms, common),
        noise={kind: counted[kind] for kind in Noise if counted[kind]},
        people=len(everybody),
        times=times,
    )


Terms = dict[str, str]
"""Stems with the word that each of them comes from."""


def _terms(
    variants: Sequence[Variant], normalizer: Normalizer, known: Iterable[str]
) -> tuple[list[Terms], list[int]]:
    """The stems of each variant, and how common the rarest spelling in it is.

    They are read in the right script, each led to the stem that stands for it.
    """
    right = {stem for text in known for stem in _normal(text, normalizer)}
    typed = [_normal(without_hidden(variant.best), normalizer) for variant in variants]
    counts: Counter[str] = Counter()
    foreign = [place for place, variant in enumerate(variants) if not is_russian(variant.text)]
    for variant, stems in zip(variants, typed, strict=True):
        if is_russian(variant.text):
            for stem in stems:
                counts[stem] += len(variant.people)
    spelling = Spelling(_with(counts, right), right)
    vocabulary = {spelling(stem) for stem in (*counts, *right) if is_russian(stem)}
    for place in foreign:
        typed[place] = _read(variants[place], typed[place], normalizer, spelling, vocabulary, right)
        for stem in typed[place]:
            counts[stem] += len(variants[place].people)
    if foreign:
        spelling = Spelling(_with(counts, right), right)
    common = [min((counts[stem] for stem in stems), default=0) for stems in typed]
    return [_led(stems, spelling) for stems in typed], common


def _with(counts: Mapping[str, int], right: Iterable[str]) -> dict[str, int]:
    """The counts, with the words of the base in them."""
    return {**dict.fromkeys(right, 1), **counts}


def _normal(text: str, normalizer: Normalizer) -> Terms:
    return {term.stem: term.word for term in normalizer.normalize(text).terms}


def _read(
    variant: Variant,
    typed: Terms,
    normalizer: Normalizer,
    spelling: Spelling,
    vocabulary: set[str],
    right: set[str],
) -> Terms:
    """The stems of a text in Latin letters: in Russian, if that gives words that people use here."""
    best, share = typed, MIN_READ
    as_typed = _share(typed, right)
    for text in readings(without_hidden(variant.best)):
        stems = _normal(text, normalizer)
        found = _share({spelling(stem): word for stem, word in stems.items()}, vocabulary)
        if found > max(share, as_typed) or (found == share and found > as_typed and best is typed):
            best, share = stems, found
    return best


def _share(stems: Terms, known: set[str]) -> float:
    """How much of the letters belongs to known stems."""
    total = sum(map(len, stems))
    return sum(len(stem) for stem in stems if stem in known) / total if total else 0.0


def _led(stems: Terms, spelling: Spelling) -> Terms:
    led: Terms = {}
    for stem, word in stems.items():
        led.setdefault(spelling(stem), word)
    return led


def _gathered(variants: Sequence[Variant], terms: Sequence[Terms], common: Sequence[int]) -> tuple[Form, ...]:
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, stems in enumerate(terms):
        if stems:
            groups[tuple(sorted(stems))].append(place)
    forms = []
    for key, places in groups.items():
        # To show: in Russian, spelled as most do, asked by most.
        places.sort(
            key=lambda place: (not is_russian(variants[place].text), -common[place], *_asked(variants[place]))
        )
        own = [variants[place] for place in places]
        forms.append(
            Form(
                stems=key,
                variants=tuple(own),
                people=frozenset().union(*(variant.people for variant in own)),
                times=sum(variant.times for variant in own),
                refused=sum(variant.refused for variant in own),
                words=terms[places[0]],
            )
        )
    return tuple(sorted(forms, key=lambda form: (-len(form.people), -form.times, form.stems)))


def _asked(variant: Variant) -> tuple[int, int, str]:
    return -len(variant.people), -variant.times, variant.text
