"""Fits the weights that the package ships: `python -m training.fit [--data FOLDER] [--tier core|semantic]`.

Everything is deterministic. First every base is judged by weights that were fitted on the others (the honest numbers),
then the weights of all of them are written to `faq/data/models`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from faq.matching.features import FEATURES
from faq.matching.index import Index
from faq.matching.learning import Example, Verdict, examples, learn, verdict
from faq.matching.matcher import FusionMatcher
from faq.matching.model import Model
from faq.matching.semantic import SEMANTIC_FEATURES, SemanticMatcher
from faq.normalize import Normalizer
from faq.semantic.cache import VectorCache
from faq.semantic.encoder import shipped_encoder
from training.questions import BASES, Labelled, read_base, read_evaluation, variants

MODELS = Path("faq/data/models")
CACHE = Path(".cache/training")
RUSSIAN = ("shop_dev", "rutube_dev")
ENGLISH = ("clinc150_5shot_dev", "clinc150_20shot_dev", "banking77_5shot_dev", "banking77_20shot_dev")
HEAVY = 3.0
"""The files that were written for this purpose, or by real people, count so many times."""


def load(data: Path | None) -> list[Labelled]:
    """The bases of this folder, and the Russian evaluation files of `data`."""
    found = [read_base(path) for path in sorted(BASES.glob("*.yaml"))]
    if data is not None:
        found = [read_evaluation(data / f"{name}.jsonl") for name in (*RUSSIAN, *ENGLISH)] + found
    return found


def untrained(features: tuple[str, ...]) -> Model:
    """A model without weights: measuring needs none."""
    import numpy as np  # noqa: PLC0415

    return Model(features, np.zeros(len(features), np.float32), np.zeros(0, np.float32), 0.0)


def core(base: Labelled) -> FusionMatcher:
    """The matcher of the core over a base."""
    return FusionMatcher(Index(base.entries, Normalizer()), untrained(FEATURES))


def semantic(base: Labelled) -> FusionMatcher:
    """The matcher of the semantic tier over a base."""
    index = Index(base.entries, Normalizer())
    return SemanticMatcher(index, shipped_encoder(), VectorCache(CACHE), untrained(SEMANTIC_FEATURES))


def measured(base: Labelled, make: Callable[[Labelled], FusionMatcher]) -> list[Example]:
    """The questions of a base as its matcher measures them."""
    weight = HEAVY if base.name.partition(":")[0] in RUSSIAN else 1.0
    return examples(make(base), [(one.text, one.ids) for one in base.questions], weight=weight)


def report(name: str, known: Sequence[Example], verdicts: Sequence[Verdict]) -> str:
    """One line of the honest numbers."""
    own = [v for one, v in zip(known, verdicts, strict=True) if not one.foreign]
    foreign = sorted(
        (v.confidence for one, v in zip(known, verdicts, strict=True) if one.foreign), reverse=True
    )
    pairs = len(own) * len(foreign)
    wins = sum((v.confidence > f) + (v.confidence == f) / 2 for v in own for f in foreign)
    limit = foreign[int(0.05 * len(foreign))] if foreign else 0.0
    line = (
        f"{name:22s} top1 {sum(v.right for v in own) / len(own):.3f}  AUROC {wins / max(pairs, 1):.3f}  "
        f"c@5far {sum(v.right and v.confidence > limit for v in own) / len(own):.3f} "
    )
    for at in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        right = sum(v.right and v.confidence >= at for v in own) / len(own)
        wrong = sum(not v.right and v.confidence >= at for v in own) / len(own)
        far = sum(f >= at for f in foreign) / max(len(foreign), 1)
        line += f" | {at}: {right:.2f} {wrong:.3f} {far:.3f}"
    return line


def _family(name: str) -> str:
    """Two files of one collection must not judge each other."""
    return name.partition("_")[0]


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="Folder with shop_dev.jsonl and rutube_dev.jsonl.")
    parser.add_argument("--tier", choices=["core", "semantic"], default="core")
    parser.add_argument("--quick", action="store_true", help="Judge the evaluation files only.")
    given = parser.parse_args()
    make, features = core, FEATURES
    if given.tier == "semantic":
        make, features = semantic, SEMANTIC_FEATURES
    bases = load(given.data)
    sets = {
        base.name: [measured(part, make) for part in ([base] if base.name in ENGLISH else variants(base))]
        for base in bases
    }
    for name, known in sets.items():
        if given.quick and name not in (*RUSSIAN, *ENGLISH):
            continue
        others = (parts for other, parts in sets.items() if _family(other) != _family(name))
        model = learn([one for parts in others for own in parts for one in own], features)
        for own, part in zip(known, ("", "most", "few"), strict=False):
            print(report(f"{name} {part}", own, [verdict(one, model) for one in own]), flush=True)
    model = learn([one for parts in sets.values() for own in parts for one in own], features)
    MODELS.mkdir(parents=True, exist_ok=True)
    target = MODELS / f"{given.tier}.json"
    target.write_bytes(orjson.dumps(model.data(), option=orjson.OPT_INDENT_2) + b"\n")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
