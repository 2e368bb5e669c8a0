"""Finds candidate repetitions of every movement in overlapping windows of a film. `pose.movements.sets` chooses from them."""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pose.motion import Floats, Motion
from pose.movements.movement import Movement
from pose.movements.repetitions import Side, find_candidates
from pose.movements.signals import Signals

WINDOW_S, STEP_S = 24.0, 12.0
"""Length of a window and distance between two windows, seconds. A window contains some repetitions of the slowest exercises."""

LONGEST_STEP_S = 1.0
"""A longer gap between two frames counts as this many seconds: the recording was paused."""

UNDER_WAY = 0.6
"""Weight of a candidate that begins at its extreme."""

REACH = 8
"""Number of last candidates of a movement that are compared with a new one: they may be the same repetition."""


class Film:
    """A motion with its shots, and the recorded seconds up to each sample."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        steps = np.minimum(np.diff(motion.times, prepend=motion.times[:1]), LONGEST_STEP_S)
        self.clock: Floats = np.cumsum(steps)
        self.shots = motion.shots

    def shot_of(self, sample: int) -> slice:
        """The shot of a sample."""
        return next(shot for shot in self.shots if shot.start <= sample < shot.stop)

    def seconds_of(self, shot: slice) -> float:
        """The duration of a shot in seconds."""
        return float(self.clock[shot.stop - 1] - self.clock[shot.start])

    def windows(self) -> Iterator[slice]:
        """Overlapping windows. A shot that is not much longer than a window is one window."""
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
    """A possible repetition of a movement. Samples are counted in the whole motion.

    Attributes:
        movement: the movement.
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
        """Its gain for a set: its seconds, weighted by the fit. One that began before the film shows only a part of itself.

        A movement and its reverse (a press, a pulldown) look alike; the right one begins at rest.
        """
        return self.fit * (self.end_s - self.start_s) * (UNDER_WAY if self.start == self.peak else 1.0)


def search_film(film: Film, movements: Sequence[Movement]) -> list[Candidate]:
    """The candidates of all movements in all windows. Of one found in two windows, the one further from the borders is kept."""
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
    """Add a candidate, unless the same repetition was found further from the borders of its window."""
    rivals = [rival for rival in kept[-REACH:] if _same_moment(rival[1], candidate)]
    if any(rival[0] >= inside for rival in rivals):
        return
    for rival in rivals:
        kept.remove(rival)
    insort(kept, (inside, candidate), key=lambda each: each[1].start)


def _same_moment(first: Candidate, second: Candidate) -> bool:
    return first.start <= second.peak <= first.end or second.start <= first.peak <= second.end
