"""How right `any` counts on labelled videos: whatever is repeated, the catalogue switched off.

    python -m tests.bench.repeated DIR [DIR ...]      (part of `make bench BENCH_SETS="DIR DIR"`)

Of a movement whose sides take turns, a repetition per side and one per pair of sides are both right. What a label calls "none"
must not be counted as repeated, unless its name is an exercise's; a single one, such as picking something up, counts.
Exit code 1 when fewer than three in four are exact or something is repeated in a clip without exercise.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from feedback.errors import NoExercise
from feedback.exercises import CATALOGUE
from feedback.exercises.reserved import ANY
from feedback.review import review
from pose.errors import PoseError
from tests.bench.labels import Clip, read_set
from tests.bench.measure import read_cached

EXACT = 0.75
"""The share of exact counts that is right."""


@dataclass(frozen=True)
class Counted:
    """One clip: what was counted as `any`, and what is answered when nothing was asked for."""

    clip: Clip
    reps: int
    unasked: str

    @property
    def off(self) -> int:
        """By how many repetitions the count is off."""
        return min(abs(self.reps - count) for count in right_counts(self.clip))


def right_counts(clip: Clip) -> set[int]:
    """The right counts where the exercise is not known: a repetition of one side is one, or half of one."""
    exercise = CATALOGUE.get(clip.exercise)
    if exercise is None or not exercise.movement.each_side:
        return set(clip.counts)
    return {each for count in clip.counts for each in (count, count // 2, (count + 1) // 2)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print, judge."""
    parser = argparse.ArgumentParser(prog="repeated", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="DIR", help="directories of labelled videos")
    parser.add_argument("--model", default="full", help="full, lite, heavy or a .task file (full)")
    options = parser.parse_args(arguments)
    console = Console()
    good = True
    for folder in options.sets:
        found = [one for clip in read_set(folder) if (one := _count(clip, options.model)) is not None]
        counted = [one for one in found if one.clip.counts and one.clip.exercise != "none"]
        idle = [one for one in found if one.clip.name.startswith("none_") and one.clip.besides not in CATALOGUE]
        exact, near = sum(one.off == 0 for one in counted), sum(one.off <= 1 for one in counted)
        console.print(f"{folder.name}: exact {exact}, within one {near} of {len(counted)}")
        for one in counted:
            if one.off:
                console.print(f"  {one.clip.name}: {one.reps} of {min(right_counts(one.clip))}", highlight=False)
        for one in idle:
            if one.reps:
                console.print(f"  {one.clip.name}: {one.reps} where there is no exercise", highlight=False)
        for one in found:
            if one.clip.exercise == "none" and one.unasked == ANY:
                console.print(f"  {one.clip.name}: counted though nobody asked", highlight=False)
        good = good and exact >= EXACT * len(counted) and not any(one.reps > 1 for one in idle)
    return 0 if good else 1


def _count(clip: Clip, model: str) -> Counted | None:
    try:
        motion, _ = read_cached(clip.path, model)
    except PoseError:
        return None
    try:
        reps = sum(one.reps for one in review(motion, exercise=ANY).sets)
    except NoExercise:
        reps = 0
    try:
        unasked = review(motion).exercise.id
    except NoExercise:
        unasked = "none"
    return Counted(clip, reps, unasked)


if __name__ == "__main__":
    sys.exit(main())
