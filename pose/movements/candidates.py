"""Look for the repetitions of every movement, in windows all over a film: what `pose.movements.sets` chooses from."""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pose.motion import Floats, Motion
from pose.movements.movement import Movement
from pose.movements.repetitions import Side, find_candidates
from pose.movements.signals import Signals

WINDOW_S, STEP_S = 24.0, 12.0
"""Length and distance of the windows. A window holds some repetitions of the slowest exercises and little else."""

LONGEST_STEP_S = 1.0
"""A gap between two frames counts as this long at most: while a recording is paused, nothing happens."""

UNDER_WAY = 0.6
"""What a candidate counts that begins at its extreme."""

REACH = 8
"""Of the candidates of a movement that were found so far, so many last ones may be of the same moment as a new one."""


class Film:
    """A motion with the seconds that were recorded up to each sample, and its shots."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        steps = np.minimum(np.diff(motion.times, prepend=motion.times[:1]), LONGEST_STEP_S)
        self.clock: Floats = np.cumsum(steps)
        self.shots = motion.shots

    def shot_of(self, sample: int) -> slice:
        """The shot that a sample is in."""
        return next(shot for shot in self.shots if shot.start <= sample < shot.stop)

    def seconds_of(self, shot: slice) -> float:
        """How long a shot is."""
        return float(self.clock[shot.stop - 1] - self.clock[shot.start])

    def windows(self) -> Iterator[slice]:
        """Overlapping windows; one for a shot that is not much longer."""
        for shot in self.shots:
            clock = self.clock[shot]
            starts = np.arange(clock[0], clock[-1] - WINDOW_S + STEP_S, STEP_S)
            if len(starts) <= 2:
                yield shot
                continue
            for start in starts:
                first, stop = np.searchsorted(clock, [start, start + WINDOW_S])
                yield slice(shot.start + int(first), shot.start + int(stop))


@dataclass(frozen=True)
class Candidate:
    """A repetition that one movement could have. Samples are those of the whole motion.

    Attributes:
        movement: which one.
        start, peak, end: samples.
        start_s, end_s: of the film clock.
        swing, fit, side: as those of a `Repetition`.
    """

    movement: Movement
    start: int
    peak: int
    end: int
    start_s: float
    end_s: float
    swing: float
    fit: float
    side: Side | None

    @property
    def gain(self) -> float:
        """What it adds to a set: seconds, weighed by the fit. One that was under way at the start shows part of itself.

        A movement and its reverse (a press, a pulldown) look alike; the right one begins at rest.
        """
        return self.fit * (self.end_s - self.start_s) * (UNDER_WAY if self.start == self.peak else 1.0)


def search_film(film: Film, movements: Sequence[Movement]) -> list[Candidate]:
    """The candidates of all movements in all windows; of those found in two windows the one further inside of its window."""
    kept: dict[Movement, list[tuple[float, Candidate]]] = {movement: [] for movement in movements}
    for window in film.windows():
        part = film.motion.part(window.start, window.stop)
        if not part.detected.any():
            continue
        signals = Signals(part)
        clock, shot = film.clock, film.shot_of(window.start)
        for movement in movements:
            for each in find_candidates(signals, movement):
                start, end = window.start + each.start, window.start + each.end
                candidate = Candidate(
                    movement=movement,
                    start=start,
                    peak=window.start + each.peak,
                    end=end,
                    start_s=float(clock[start]),
                    end_s=float(clock[end]),
                    swing=each.swing,
                    fit=each.fit,
                    side=each.side,
                )
                before = np.inf if window.start == shot.start else clock[start] - clock[window.start]
                after = np.inf if window.stop == shot.stop else clock[window.stop - 1] - clock[end]
                _keep(kept[movement], min(before, after), candidate)
    return [candidate for each in kept.values() for _, candidate in each]


def _keep(kept: list[tuple[float, Candidate]], inside: float, candidate: Candidate) -> None:
    """Add a candidate, unless one of the same moment lies further inside of its window."""
    rivals = [rival for rival in kept[-REACH:] if _same_moment(rival[1], candidate)]
    if any(rival[0] >= inside for rival in rivals):
        return
    for rival in rivals:
        kept.remove(rival)
    insort(kept, (inside, candidate), key=lambda each: each[1].start)


def _same_moment(first: Candidate, second: Candidate) -> bool:
    return first.start <= second.peak <= first.end or second.start <= first.peak <= second.end
