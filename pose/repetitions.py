"""Counts and times the repetitions of a movement, or how long it was held.

All drives of a movement, each scaled from 0 at rest to 1 at its usual extreme, are averaged to one phase. A repetition is a
swing of that phase there and back, measured against the person's own range.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import signal

from pose.motion import Floats, Motion
from pose.movement import Movement
from pose.signals import Signals

OWN_RANGE = 0.3
"""A swing must reach this share of the person's usual one; bounces and sways stay below it."""


@dataclass(frozen=True)
class Repetition:
    """One repetition.

    Attributes:
        index: from 1.
        side: the leg or arm that works, for movements that alternate.
        start, peak, end: samples of the motion: the first of the movement, the extreme, the first back at rest.
        start_s, peak_s, end_s: the same in seconds.
        swing: how far the phase went, 1 is the usual range of the movement.
    """

    index: int
    side: Literal["left", "right"] | None
    start: int
    peak: int
    end: int
    start_s: float
    peak_s: float
    end_s: float
    swing: float


@dataclass(frozen=True)
class Hold:
    """The time in which a position was held, from its first to its last sample."""

    start: int
    end: int
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Seconds held."""
        return self.end_s - self.start_s


def phase(signals: Signals, movement: Movement) -> Floats:
    """(n,) how far into a repetition the body is: 0 at rest, 1 at the movement's usual extreme."""
    drives = [(signals[drive.signal] - drive.rest) / (drive.peak - drive.rest) for drive in movement.drives]
    return np.asarray(np.mean(drives, axis=0))


def find_repetitions(motion: Motion, movement: Movement) -> list[Repetition]:
    """The repetitions of a movement in a cleaned motion."""
    values = phase(Signals(motion), movement)
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < 3:
        return []
    usual = np.percentile(values[known], 95) - np.percentile(values[known], 5)
    peaks, _ = signal.find_peaks(values[known], prominence=max(movement.floor, OWN_RANGE * usual))
    found = []
    for number, peak in enumerate(peaks):
        low = peaks[number - 1] if number else 0
        high = peaks[number + 1] if number + 1 < len(peaks) else len(known) - 1
        start = known[low + int(np.argmin(values[known][low : peak + 1]))]
        end = known[peak + int(np.argmin(values[known][peak : high + 1]))]
        top = known[peak]
        t = motion.times
        found.append(
            Repetition(
                number + 1,
                None,
                int(start),
                int(top),
                int(end),
                float(t[start]),
                float(t[top]),
                float(t[end]),
                float(values[top] - values[start]),
            )
        )
    return found


def find_hold(motion: Motion, movement: Movement) -> Hold | None:
    """The longest time in which a held movement was held in a cleaned motion."""
    signals = Signals(motion)
    inside = np.all([(signals[b.signal] >= b.low) & (signals[b.signal] <= b.high) for b in movement.bands], axis=0)
    samples = np.flatnonzero(inside)
    if not len(samples):
        return None
    start, end = int(samples[0]), int(samples[-1])
    return Hold(start, end, float(motion.times[start]), float(motion.times[end]))
