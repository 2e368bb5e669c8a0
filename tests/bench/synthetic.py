"""A confusion table over synthetic sequences: every exercise as a moving stick figure, in every view in which it is judged.

    python -m tests.bench.synthetic [--bodies 20] [--exercise ID ...]      or      make bench BENCH_SETS=DIR

A sequence has a body of other proportions (each length within 8 % of the usual one), another tempo (1 to 4 s for each
repetition), another sample rate (6 to 15 a second, as `pose.reading.sampling` takes them) and landmarks that err by 1 cm
(standard deviation). The exercise is not given. Exit code 1 when less than 97 % are recognised or counted exactly.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from multiprocessing import Pool

from rich.console import Console
from rich.table import Table

from feedback.exercises import CATALOGUE
from pose.movements.sets import find_sets
from pose.movements.signals import clean
from tests.figures import EXERCISES, Body, figure

AZIMUTHS = {"front": (0,), "rear": (180,), "side_left": (90,), "side_right": (-90,), "oblique": (45, -45)}
"""Degrees of the camera from which a view is seen."""

PROPORTIONS, PERIODS_S, RATES, NOISE_M = 0.08, (1.0, 4.0), (6.0, 15.0), 0.01
TARGET = 0.97


@dataclass(frozen=True)
class Film:
    """One sequence: what is done, from where it is seen, and the seed of body, tempo, rate and noise."""

    exercise: str
    azimuth: int
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="synthetic", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--bodies", type=int, default=20, help="sequences for each exercise and camera (20)")
    parser.add_argument("--exercise", nargs="+", choices=sorted(EXERCISES), default=sorted(EXERCISES), help="only these")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    options = parser.parse_args(arguments)
    planned = [
        Film(exercise, azimuth, seed)
        for exercise in options.exercise
        for azimuth in azimuths(exercise)
        for seed in range(options.bodies)
    ]
    with Pool(options.jobs) as pool:
        answers = pool.map(answer, planned, chunksize=8)
    console = Console(highlight=False, width=120)
    table = Table("exercise", "sequences", "recognised", "exact", "taken for")
    named = counted = 0
    for exercise in options.exercise:
        own = [(each, got) for each, got in zip(planned, answers, strict=True) if each.exercise == exercise]
        right = sum(got[0] == exercise for _, got in own)
        exact = sum(got == (exercise, expected(exercise)) for _, got in own)
        others = Counter(got[0] for _, got in own if got[0] != exercise)
        named, counted = named + right, counted + exact
        taken = ", ".join(f"{name} {count}" for name, count in others.most_common())
        table.add_row(exercise, str(len(own)), f"{right / len(own):.3f}", f"{exact / len(own):.3f}", taken)
    console.print(table)
    recognised, exact_share = named / len(planned), counted / len(planned)
    console.print(f"{len(planned)} sequences: recognised {recognised:.3f}, exact {exact_share:.3f}")
    return 0 if min(recognised, exact_share) >= TARGET else 1


def azimuths(exercise: str) -> list[int]:
    """The cameras from which an exercise is judged, in degrees."""
    views = {view for check in CATALOGUE[exercise].checks for view in check.views}
    return sorted({azimuth for view, angles in AZIMUTHS.items() if view in views for azimuth in angles})


def expected(exercise: str) -> int:
    """The repetitions of a sequence; none in a held position."""
    movement = CATALOGUE[exercise].movement
    return 0 if movement.held else 8 if movement.alternating else 4


def answer(sequence: Film) -> tuple[str, int]:
    """The name that a sequence gets and its repetitions; several sets are named together."""
    chance = random.Random(sequence.seed)
    body = Body(**{each.name: each.default * chance.uniform(1 - PROPORTIONS, 1 + PROPORTIONS) for each in fields(Body)})
    period, rate = chance.uniform(*PERIODS_S), chance.uniform(*RATES)
    lead = 4.0 if CATALOGUE[sequence.exercise].movement.held else 1.0
    motion = figure(
        sequence.exercise,
        expected(sequence.exercise),
        azimuth=sequence.azimuth,
        period=period,
        pause=chance.uniform(0, 0.5),
        lead=lead,
        tail=lead,
        fps=rate,
        noise=NOISE_M,
        seed=sequence.seed,
        body=body,
    )
    found = find_sets(clean(motion), [movement for exercise in CATALOGUE.values() for movement in exercise.movements])
    return " and ".join(one.movement.id for one in found) or "none", sum(len(one.repetitions) for one in found)


if __name__ == "__main__":
    sys.exit(main())
