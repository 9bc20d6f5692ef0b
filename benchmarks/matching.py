"""How well and how fast the matcher finds the entry that a message asks for, beside the usual ways to do it.

    python -m benchmarks.matching                          everything; half an hour
    python -m benchmarks.matching --quick                  a look of three minutes; the kept results stay as they are
    python -m benchmarks.matching --part speed --only house
    python -m benchmarks.matching --data my/questions      other files of entries and labelled questions (JSONL)

Prints tables in Markdown and writes them with the numbers to results/matching.md and results/matching.json, and the
plot of speed to docs/explanation/matching-speed.svg. Of the part or the systems that were not asked for, the JSON file
keeps what it had. The linear machine and TF-IDF need scikit-learn (the dependency group `lab`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any

from benchmarks.baselines import LabMissing
from benchmarks.matching_quality import (
    QUICK,
    BaseUnreadable,
    Case,
    bearable,
    labelled_cases,
    measure_case,
    thinned,
    training_cases,
)
from benchmarks.matching_speed import LARGEST, SIZES, Size, SpeedFailed, medians, run_one, write_base
from benchmarks.matching_tables import report, speed_panels
from benchmarks.plot import draw
from benchmarks.suite import HERE
from benchmarks.synthetic import MIX, Vocabulary, make_base
from benchmarks.systems import SYSTEMS
from faq.quality.labelled import LabelledError

ROOT = HERE.parent
DATA = ROOT.parent / "shared" / "eval"
BASES = ROOT / "training" / "bases"
PLOT = ROOT / "docs" / "explanation" / "matching-speed.svg"
FAST = (*(name for name in SYSTEMS if name.startswith("house")), "wratio", "difflib")
"""Whose speed is measured unless others are asked for."""
MESSAGES, QUICK_MESSAGES = 2_100, 420
QUICK_SIZES = (Size(100, 3), Size(1_000, 3), Size(10_000, 5))

Data = dict[str, Any]


def measure_quality(cases: Sequence[Case], systems: Sequence[str]) -> Data:
    """All systems over all cases. A system whose library is missing is left out, and it is said why."""
    found: Data = {
        case.name: {
            "fitted": case.fitted,
            "entries": len(case.entries),
            "phrases": case.phrases,
            "questions": len(case.questions),
            "systems": {},
        }
        for case in cases
    }
    left_out: dict[str, str] = {}
    for name in systems:
        for case in cases:
            if not bearable(name, case):
                spared = f"{left_out[name]}," if name in left_out else "it would take too long for"
                left_out[name] = f"{spared} {case.name}"
                continue
            try:
                found[case.name]["systems"][name] = measure_case(case, name)
            except LabMissing as error:
                left_out[name] = str(error)
                break
            _say(f"{case.name}: {name}")
    return {"cases": found, "left_out": left_out}


def measure_speed(
    vocabulary: Vocabulary,
    systems: Sequence[str],
    sizes: Sequence[Size],
    *,
    rounds: int,
    messages: int,
    budget: float,
) -> Data:
    """All systems over synthetic bases of these sizes, in turn, so many rounds; medians and all rounds."""
    measures = []
    for size in sizes:
        base = make_base(vocabulary, size.entries, size.each, messages)
        held: dict[str, list[Data]] = {
            name: [] for name in systems if size.entries <= LARGEST.get(name, size.entries)
        }
        with tempfile.TemporaryDirectory() as folder:
            write_base(base, Path(folder))
            for number in range(rounds):
                for name, found in held.items():
                    found.append(run_one(name, Path(folder), budget))
                    _say(f"{size.entries} × {size.each}, round {number + 1}: {name}")
        measures += [
            {
                "entries": size.entries,
                "each": size.each,
                "phrases": size.phrases,
                "system": name,
                "medians": medians(found),
                "rounds": found,
            }
            for name, found in held.items()
        ]
    return {"rounds": rounds, "mix": MIX, "measures": measures}


def vocabulary_of(cases: Sequence[Case]) -> Vocabulary:
    """The words of the bases in the repository, so that a synthetic base is the same everywhere."""
    own = [one for case in cases for one in case.questions if not one.foreign]
    answers = [entry.answer for case in cases for entry in case.entries]
    phrasings = [text for case in cases for entry in case.entries for text in entry.phrasings]
    foreign = [one.text for case in cases for one in case.questions if one.foreign]
    return Vocabulary([*phrasings, *(one.text for one in own), *answers], foreign)


def merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> Data:
    """The kept results with new ones in their place: by part, file, system and size."""
    result = dict(before) | {key: value for key, value in now.items() if key not in {"quality", "speed"}}
    if "quality" in now:
        cases = {name: dict(case) for name, case in before.get("quality", {}).get("cases", {}).items()}
        for name, case in now["quality"]["cases"].items():
            kept = cases.get(name, {}).get("systems", {})
            cases[name] = case | {"systems": {**kept, **case["systems"]}}
        left_out = {
            name: why
            for name, why in before.get("quality", {}).get("left_out", {}).items()
            if name not in now["systems"]
        }
        result["quality"] = now["quality"] | {
            "cases": cases,
            "left_out": left_out | now["quality"]["left_out"],
        }
    if "speed" in now:
        known = {_place(one): one for one in before.get("speed", {}).get("measures", ())}
        known |= {_place(one): one for one in now["speed"]["measures"]}
        ordered = sorted(known.values(), key=lambda one: (one["entries"], one["each"]))
        result["speed"] = now["speed"] | {"measures": ordered}
    return result


def _place(measure: Mapping[str, Any]) -> tuple[int, int, str]:
    return measure["entries"], measure["each"], measure["system"]


def _versions() -> dict[str, str]:
    found = {"python": python_version()}
    for name in ("rapidfuzz", "numpy", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("quality", "speed"), help="only this one")
    parser.add_argument("--only", action="append", choices=tuple(SYSTEMS), help="only these systems")
    parser.add_argument("--data", type=Path, action="append", help="folders of JSONL files")
    parser.add_argument("--bases", type=Path, default=BASES, help="the bases that the weights were fitted on")
    parser.add_argument("--rounds", type=int, default=3, help="of speed")
    parser.add_argument(
        "--budget", type=float, default=10, help="seconds for a system's timed messages, each"
    )
    parser.add_argument("--quick", action="store_true", help="fewer questions, sizes, messages; one round")
    parser.add_argument("--output", type=Path, help="the JSON file; the tables go beside it")
    return parser.parse_args()


def _cases(options: argparse.Namespace) -> tuple[list[Case], list[Case]]:
    """Labelled files, and the bases of the training. Ends with a sentence where one cannot be read."""
    folders = options.data or [DATA]
    for folder in options.data or ():
        if not folder.is_dir():
            sys.exit(f"{folder} is not a folder; --data names one with JSONL files of entries and questions")
    try:
        # Files of different folders may have one name.
        labelled = [
            case
            for folder in folders
            for case in labelled_cases(folder, f"{folder.name}/" if len(folders) > 1 else "")
        ]
        return labelled, list(training_cases(options.bases))
    except (LabelledError, BaseUnreadable) as error:
        sys.exit(str(error))


def main() -> None:
    """Measure what the command line asks for, print it and keep it."""
    options = _options()
    labelled, training = _cases(options)
    if options.part != "quality" and not training:
        sys.exit(f"no bases in {options.bases}: the words of the synthetic ones come from them")
    if options.part != "speed" and not [*labelled, *training]:
        sys.exit("no files of questions; --data names a folder with JSONL files of entries and questions")
    quick: bool = options.quick
    now: Data = {"systems": list(options.only or SYSTEMS), "versions": _versions()}
    if options.part != "speed":
        cases = [*labelled, *training]
        now["quality"] = measure_quality(
            [thinned(case) for case in cases] if quick else cases, now["systems"]
        )
        now["quality"]["thinned_to"] = QUICK if quick else None
    if options.part != "quality":
        try:
            now["speed"] = measure_speed(
                vocabulary_of(training),
                options.only or FAST,
                QUICK_SIZES if quick else SIZES,
                rounds=1 if quick else options.rounds,
                messages=QUICK_MESSAGES if quick else MESSAGES,
                budget=min(options.budget, 3) if quick else options.budget,
            )
        except SpeedFailed as error:
            sys.exit(str(error))
    output: Path = options.output or HERE / "results" / ("matching.tmp.json" if quick else "matching.json")
    before = json.loads(output.read_text("utf-8")) if output.exists() and not quick else {}
    data = merged(before, now)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(report(now))
    if not quick:
        output.with_suffix(".md").write_text(report(data), "utf-8")
    if "speed" in data and not options.output and not quick:
        PLOT.write_text(
            draw(speed_panels(data["speed"]["measures"]), "Latency and memory against size"), "utf-8"
        )


if __name__ == "__main__":
    main()
