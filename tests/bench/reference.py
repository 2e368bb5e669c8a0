"""How right `reference` counts and judges on labelled videos, and what the files of `dothis learn` count.

    python -m tests.bench.reference DIR [DIR ...]      (part of `make bench BENCH_SETS="DIR DIR"`)

For each exercise and view, the first clip of each directory is the reference, a rendered one without faults where there is
one. Every other clip from a near view (the same side or its mirror image) is counted and judged with it. `deviates` is
compared with the truth of rendered clips, whose reference is a rendered one without faults:

- found, wrongly, missed: repetitions of the clips with a fault of range (`RANGE`); those with another fault do not count.
- flagged without a fault: repetitions of all other clips, but for those with a fault.

Clips whose repetitions are one side's and were counted in pairs have no truth for a pair.

`dothis learn` is tried on the clips of `LEARNED`: the written file must count its own clip, and nothing in a clip of another
exercise.

Exit code 1 when a share misses its target: `EXACT`, `RIGHT`, `FLAGGED`, or a learned file miscounts.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from feedback.errors import NoExercise
from feedback.exercises.files import parse_exercise
from feedback.exercises.reserved import REFERENCE
from feedback.reference.learning import learn, write_exercise
from feedback.report.schema import Report
from feedback.review import review
from pose.errors import PoseError
from pose.motion import Motion
from pose.movements.sets import find_sets
from pose.movements.signals import clean
from tests.bench.labels import Clip, read_set
from tests.bench.measure import read_cached
from tests.bench.repeated import right_counts

EXACT, RIGHT, FLAGGED = 0.85, 0.8, 0.05
"""Targets: the least share of exact counts, the least precision and recall, the largest share flagged without a fault."""

RANGE = {
    *("shallow_depth", "partial_curl", "partial_rise", "partial_pull", "partial_twist"),
    *("arms_low", "knees_low", "hips_low", "incomplete_lockout", "incomplete_extension"),
}
"""The faults of range that rendered clips have."""

LEARNED = ("glute_bridge_004", "russian_twist_103", "donkey_kick_008", "lateral_raise_091")
"""The clips from which an exercise file is learned."""

Motions = dict[Path, Motion]


@dataclass
class Judged:
    """The repetitions of rendered clips, by what `deviates` said and what is true."""

    found: int = 0
    wrongly: int = 0
    missed: int = 0
    clean: int = 0
    flagged: int = 0
    by_clip: dict[str, str] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """The share of flagged repetitions that have a fault."""
        return self.found / max(1, self.found + self.wrongly)

    @property
    def recall(self) -> float:
        """The share of repetitions with a fault that are flagged."""
        return self.found / max(1, self.found + self.missed)

    def add(self, clip: Clip, report: Report | None) -> None:
        """Compare a report with a clip's truth."""
        faults = [set(true["faults"]) for true in clip.truth["reps"]]
        ranged = any(each & RANGE for each in faults)
        marks = ""
        for true, real in zip(clip.truth["reps"], faults, strict=True):
            flagged = report is not None and any(
                "deviates" in item.faults for item in report.reps.items if true["start_s"] <= item.peak_s <= true["end_s"]
            )
            if real & RANGE:
                self.found += flagged
                self.missed += not flagged
                marks += "F" if flagged else "m"
            elif real:
                marks += "-"
            elif ranged:
                self.wrongly += flagged
                marks += "w" if flagged else "."
            else:
                self.clean += 1
                self.flagged += flagged
                marks += "w" if flagged else "."
        self.by_clip[clip.name] = marks


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, judge, learn, print."""
    parser = argparse.ArgumentParser(prog="reference", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="DIR", help="directories of labelled videos")
    parser.add_argument("--model", default="full", help="full, lite, heavy or a .task file (full)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, width=160)
    clips = [clip for folder in options.sets for clip in read_set(folder)]
    motions = dict(_read(clips, options.model))
    clips = [clip for clip in clips if clip.path in motions]
    return 0 if _try_references(clips, motions, console) & _try_learning(clips, motions, console) else 1


def _read(clips: Sequence[Clip], model: str) -> Iterator[tuple[Path, Motion]]:
    for clip in clips:
        try:
            motion, _ = read_cached(clip.path, model)
        except PoseError:
            continue
        yield clip.path, motion


def _try_references(clips: Sequence[Clip], motions: Motions, console: Console) -> bool:
    exact: Counter[bool] = Counter()
    judged = Judged()
    for reference, clip in pairs([clip for clip in clips if clip.counts and clip.exercise != "none"]):
        try:
            report = review(motions[clip.path], exercise=REFERENCE, reference=motions[reference.path])
        except NoExercise:
            report = None
        reps = report.reps.total if report else 0
        right = right_counts(clip)
        exact[reps in right] += 1
        if reps not in right:
            console.print(f"  {clip.name} with {reference.name}: {reps} of {min(right)}")
        if clip.truth and is_clean(reference) and (reps not in right or reps in clip.counts):
            judged.add(clip, report)
            if set(judged.by_clip[clip.name]) & set("mw"):
                said = "; ".join(f"{fault.title} {fault.reps}" for fault in report.faults) if report else "nothing counted"
                console.print(f"  {clip.name} with {reference.name}: {judged.by_clip[clip.name]} {said}")
    share = exact[True] / max(1, exact.total())
    flagged = judged.flagged / max(1, judged.clean)
    console.print(f"reference: exact {share:.3f} of {exact.total()}")
    console.print(
        f"deviates: found {judged.found}, wrongly {judged.wrongly}, missed {judged.missed}: precision {judged.precision:.2f}, "
        f"recall {judged.recall:.2f}; flagged without a fault {judged.flagged} of {judged.clean} ({flagged:.1%})"
    )
    return share >= EXACT and min(judged.precision, judged.recall) >= RIGHT and flagged <= FLAGGED


def pairs(clips: Sequence[Clip]) -> list[tuple[Clip, Clip]]:
    """Each reference with each clip that is compared with it.

    Args:
        clips: those with counted repetitions.
    """
    found = []
    chosen: set[tuple[Path, str, str]] = set()
    for reference in sorted(clips, key=lambda clip: bool(clip.truth) and not is_clean(clip)):
        place = reference.path.parent
        new = [view for view in _sides(reference) if (place, reference.exercise, view) not in chosen]
        chosen |= {(place, reference.exercise, view) for view in new}
        others = (clip for clip in clips if clip is not reference and clip.exercise == reference.exercise)
        found += [(reference, clip) for clip in others if _sides(clip) & set(new)]
    return found


def is_clean(clip: Clip) -> bool:
    """Whether a clip is rendered without faults."""
    return bool(clip.truth) and not any(true["faults"] for true in clip.truth["reps"])


def _sides(clip: Clip) -> set[str]:
    return {view.split("_")[0] for view in clip.views}


def _try_learning(clips: Sequence[Clip], motions: Motions, console: Console) -> bool:
    good = True
    cleaned = {clip.path: clean(motions[clip.path]) for clip in clips}
    for clip in (clip for clip in clips if clip.name in LEARNED):
        name = f"my_{clip.exercise}"
        text = write_exercise(learn(motions[clip.path], name), names={"en": name}, origin=clip.path.name)
        movements = parse_exercise(f"{name}.yaml", text.encode()).movements
        counts = {path: sum(len(one.repetitions) for one in find_sets(motion, movements)) for path, motion in cleaned.items()}
        others = [other for other in clips if counts[other.path] and clip.exercise not in {other.exercise, other.besides}]
        console.print(f"learn {clip.name}: {counts[clip.path]} of {min(clip.counts)}, clips of other exercises: {len(others)}")
        for other in others:
            console.print(f"  {other.name}: {counts[other.path]}")
        good = good and counts[clip.path] in clip.counts and not others
    return good


if __name__ == "__main__":
    sys.exit(main())
