"""How well the sets of whole workouts are found: films joined from labelled videos, with something else between the sets.

    python -m tests.bench.workouts DIR [DIR ...] [--films 40] [--seed 1]      or      make bench-workouts BENCH_SETS="DIR DIR"

A film holds three to six sets, of which no two neighbours are of one exercise. Before each set comes up to forty seconds of
walking, of a still picture, of black or of nothing. A DIR must hold a clip `none_walk_left`, as rendered sets do. A set is
found when one of the same exercise covers 70 % of the true time; the true time of a clip that was counted by eye is that of
the set found in the clip alone. The exercise is not given. Forty films take about half an hour.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from rich.console import Console

from feedback.errors import NoExercise
from feedback.exercises import CATALOGUE
from feedback.report.schema import SetReport
from feedback.review import review
from pose import read_motion
from pose.errors import PoseError
from pose.reading.frame import Pixels
from pose.reading.video import Video
from tests.bench.labels import Clip, read_set

WIDTH, HEIGHT, FPS = 640, 360, 30
LONGEST_GAP_S = 40.0
COVERED = 0.7
WALK = "none_walk_left"


@dataclass
class Outcome:
    """One film's figures.

    Attributes:
        sets, found, extra, exact: sets in truth; of them found; found where there is none; found with the right count.
        notes: what went wrong.
    """

    sets: int = 0
    found: int = 0
    extra: int = 0
    exact: int = 0
    notes: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when precision, recall or the share of exact counts is below 0.92."""
    parser = argparse.ArgumentParser(prog="workouts", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="DIR", help="directories of labelled videos")
    parser.add_argument("--films", type=int, default=40, help="how many (40)")
    parser.add_argument("--seed", type=int, default=1, help="of the first film (1)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    options = parser.parse_args(arguments)
    clips = [clip for folder in options.sets for clip in read_set(folder)]
    walk = next(clip.path for clip in clips if clip.name == WALK)
    known = [clip for clip in clips if clip.exercise in CATALOGUE and (clip.hold_s or clip.reps)]
    seeds = range(options.seed, options.seed + options.films)
    console = Console(highlight=False)
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for seed, outcome in zip(seeds, pool.map(partial(measure, known, walk), seeds), strict=True):
            outcomes.append(outcome)
            notes = "; ".join(outcome.notes) or "as it is"
            console.print(f"film {seed}: {outcome.found} of {outcome.sets} sets: {notes}", markup=False)
    sets, found, extra, exact = (
        sum(getattr(outcome, name) for outcome in outcomes) for name in ("sets", "found", "extra", "exact")
    )
    recall, precision, counted = found / sets, found / max(found + extra, 1), exact / max(found, 1)
    console.print(f"{options.films} films, {sets} sets: recall {recall:.3f}, precision {precision:.3f}, exact {counted:.3f}")
    return 0 if min(recall, precision, counted) >= 0.92 else 1


def measure(clips: Sequence[Clip], walk: Path, seed: int) -> Outcome:
    """Make one film, analyse it, compare."""
    chance = random.Random(seed)
    chosen: list[Clip] = []
    for _ in range(chance.randint(3, 6)):
        chosen.append(chance.choice([clip for clip in clips if not chosen or clip.exercise != chosen[-1].exercise]))
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / "film.mp4"
        starts = _join(film, chosen, walk, chance)
        found = _sets_of(film)
    outcome = Outcome(sets=len(chosen))
    left = list(found)
    for clip, start in zip(chosen, starts, strict=True):
        first, last = _span(clip)
        match = next((one for one in left if _covers(one, clip.exercise, start + first, start + last)), None)
        if match is None:
            outcome.notes.append(f"{clip.exercise} at {start + first:.0f} s ({clip.name}) was not found")
            continue
        left.remove(match)
        outcome.found += 1
        if not clip.counts or match.reps in clip.counts:
            outcome.exact += 1
        else:
            outcome.notes.append(f"{clip.exercise} at {start + first:.0f} s ({clip.name}): {match.reps} of {clip.reps}")
    outcome.extra = len(left)
    outcome.notes += [f"{one.exercise} at {one.start_s:.0f} s is none" for one in left]
    return outcome


def _covers(one: SetReport, exercise: str, start_s: float, end_s: float) -> bool:
    shared = min(end_s, one.end_s) - max(start_s, one.start_s)
    return one.exercise == exercise and shared >= COVERED * (end_s - start_s)


def _span(clip: Clip) -> tuple[float, float]:
    """From when to when the clip shows its exercise."""
    if clip.truth.get("reps"):
        return clip.truth["reps"][0]["start_s"], clip.truth["reps"][-1]["end_s"]
    alone = [one for one in _sets_of(clip.path) if one.exercise == clip.exercise]
    return (alone[0].start_s, alone[-1].end_s) if alone else (0.0, 1.0)


def _sets_of(path: Path) -> list[SetReport]:
    try:
        return review(read_motion(path)).sets
    except (NoExercise, PoseError):
        return []


def _join(film: Path, clips: Sequence[Clip], walk: Path, chance: random.Random) -> list[float]:
    """Write the film; when each clip starts, seconds."""
    starts: list[float] = []
    with av.open(str(film), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "23", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        number = 0

        def add(pictures: Iterator[Pixels]) -> None:
            nonlocal number
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                out.mux(stream.encode(frame))
                number += 1

        for clip in clips:
            gap_s = chance.uniform(4, LONGEST_GAP_S)
            kind = chance.choice(["walk", "stand", "black", "nothing"])
            if kind != "nothing":
                add(_filling(kind, walk, round(gap_s * FPS)))
            starts.append(number / FPS)
            add(_pictures(clip.path))
        out.mux(stream.encode(None))
    return starts


def _filling(kind: str, walk: Path, count: int) -> Iterator[Pixels]:
    if kind == "black":
        yield from [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * count
    elif kind == "stand":
        yield from [next(_pictures(walk))] * count
    else:
        left = count
        while left:
            for picture in _pictures(walk):
                if left:
                    left -= 1
                    yield picture


def _pictures(path: Path) -> Iterator[Pixels]:
    """The pictures of a video at the film's rate, letterboxed to its size."""
    number = 0
    with Video(path) as video:
        scale = min(WIDTH / video.size[0], HEIGHT / video.size[1])
        size = max(2, round(video.size[0] * scale)), max(2, round(video.size[1] * scale))
        left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
        for frame in video.frames():
            pixels: Pixels | None = None
            while number / FPS <= frame.time:
                if pixels is None:
                    pixels = cv2.copyMakeBorder(
                        frame.rgb(size),
                        top,
                        HEIGHT - size[1] - top,
                        left,
                        WIDTH - size[0] - left,
                        cv2.BORDER_CONSTANT,
                    )
                yield pixels
                number += 1


if __name__ == "__main__":
    sys.exit(main())
