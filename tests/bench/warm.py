"""Warm costs, in a process that has its imports done: for one clip, pairs, where the time goes, and the cost of length.

Ours is all of the analysis, to the report. On both sides the model is loaded before; where the time goes, ours loads it, as a
job does.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pose
from feedback.errors import NoExercise
from feedback.review import examine
from pose.errors import NoPerson
from pose.reading import landmarks, parts, video
from pose.reading import model as models
from pose.reading import reader as reading
from tests.bench import plain
from tests.bench.clock import Cost, Steps, measured


@dataclass
class Warm:
    """Of one clip.

    Attributes:
        pairs: (plain, ours on all cores).
        single: ours with one worker.
        counted: repetitions in each of our runs; None where no exercise was found.
        rate: pictures looked at per second of video.
        steps: seconds of each step, of the plain loop and of ours with one worker.
    """

    pairs: list[tuple[Cost, Cost]] = field(default_factory=list)
    single: list[Cost] = field(default_factory=list)
    counted: list[int | None] = field(default_factory=list)
    rate: float = 0.0
    steps: dict[str, dict[str, float]] = field(default_factory=dict)


def cores() -> int:
    """That this process may use; as many workers a daemon has."""
    return len(os.sched_getaffinity(0))


def compare(clip: Path, pairs: int) -> Warm:
    """Alternate the plain loop and ours."""
    found = Warm()
    _ours(clip, 1, found)  # libraries warm up at their first use
    load = partial(_loaded, models.find())
    found.counted.clear()
    for _ in range(pairs):
        costs: list[Cost] = []
        steps = Steps()
        with plain.load() as landmarker, measured(costs):
            plain.plain_loop(clip, landmarker, steps)
        found.steps["plain"] = steps.with_rest(costs[0].wall_s)
        with load(cores()), measured(costs):
            _ours(clip, cores(), found)
        found.pairs.append((costs[0], costs[1]))
        with load(1), measured(found.single):
            _ours(clip, 1, found)
    steps = Steps()
    with _traced(steps), measured(costs):
        _ours(clip, 1, found)
    found.steps["ours"] = steps.with_rest(costs[-1].wall_s)
    return found


def plain_cost(clip: Path, out: Path) -> Cost:
    """The whole plain loop, with drawing and writing, once its model is loaded."""
    costs: list[Cost] = []
    with plain.load() as landmarker, measured(costs):
        plain.plain_loop(clip, landmarker, Steps(), out)
    return costs[0]


def cost_of_length(clip: Path, runs: int) -> list[Cost]:
    """What reading a video's motion costs for each second of it, on all cores, with the model loaded before."""
    costs: list[Cost] = []
    seconds = 1.0
    for _ in range(runs):
        with _loaded(models.find(), cores()), measured(costs):
            seconds = pose.read_motion(clip, workers=cores()).video.duration_s
    return [Cost(cost.wall_s / seconds, cost.cpu_s / seconds) for cost in costs]


def _ours(clip: Path, workers: int, found: Warm) -> None:
    try:
        motion = pose.read_motion(clip, workers=workers)
        found.rate = len(motion.times) / motion.video.duration_s
        reps: int | None = examine(motion).report.reps.total
    except (NoExercise, NoPerson):
        reps = None
    found.counted.append(reps)


@contextmanager
def _loaded(model: models.Model, workers: int) -> Iterator[None]:
    """Models as a reading with so many workers asks for them; if it asks for more, it loads them itself."""
    with ExitStack() as stack:
        detector = stack.enter_context(landmarks.Detector(model))
        trackers = [stack.enter_context(landmarks.Tracker(model)) for _ in range(workers)]
        # What is lent is closed here, not by who borrows it.
        stack.enter_context(patch.object(reading, "Detector", lambda _: nullcontext(detector)))
        stack.enter_context(
            patch.object(
                parts, "Tracker", lambda bundle: nullcontext(trackers.pop()) if trackers else landmarks.Tracker(bundle)
            )
        )
        yield


@contextmanager
def _traced(steps: Steps) -> Iterator[None]:
    """Our own steps, while the block runs; with one worker they follow one another, so that their times add up."""

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with steps.step(name):
                return call(*args, **kwargs)

        return wrapped

    frames = video.Video.frames

    def timed_frames(*args: Any, **kwargs: Any) -> Iterator[video.Frame]:
        source = frames(*args, **kwargs)
        while True:
            with steps.step("decode"):
                frame = next(source, None)
            if frame is None:
                return
            yield frame

    with ExitStack() as stack:
        stack.enter_context(patch.object(video.Video, "frames", timed_frames))
        for step, owner, name in [
            ("convert", video.Frame, "rgb"),
            ("infer", landmarks.Tracker, "follow"),
            ("infer", landmarks.Detector, "find"),
            ("load", landmarks.Tracker, "__init__"),
            ("load", landmarks.Detector, "__init__"),
        ]:
            stack.enter_context(patch.object(owner, name, timed(step, getattr(owner, name))))
        yield
