"""Find the cycles of a phase: swings from rest (0) to an extreme (1) and back, relative to the person's own range.

- An extreme counts if its prominence is at least a floor and at least `OWN_RANGE` of the person's usual swing. Bounces are less
  prominent.
- Two extremes are one (such as pulsing at the bottom) unless the phase goes back by at least `RETURN` of the way between them.
- A cycle that the start or the end of the video cuts off counts if its extreme and the way back are visible.

All limits are in seconds, not in samples, so that the frame rate does not change the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pose.motion import Floats
from pose.movements.peaks import prominent_peaks

OWN_RANGE = 0.18
"""Lowest prominence of an extreme, as a share of the person's usual swing: a smaller repetition does not count. Bounces in a
pause reach 15 %; a push-up that bends the elbow by 36 degrees instead of 91 reached 21 %."""

RETURN = 0.35
"""The share of the way back to rest that completes a cycle. A fault like an incomplete lockout goes about half the way."""

SEEN_SWING = 0.5
"""If less than this share of the way to the extreme is visible, the cycle had begun before the video."""

EXTREME = 0.75
"""A cycle that had begun before the video counts if it starts at this share of the person's usual extreme or more."""

EDGE = 0.1
"""A cycle starts and ends where the phase crosses this share of its swing."""

BEYOND = 1.05
"""The rest position is at most this many times the person's usual swing away from the extreme."""

SHORTEST_S = 0.25
"""Seconds. No exercise is repeated faster; shorter swings are tracking errors."""


@dataclass(frozen=True)
class Cycle:
    """One swing to the extreme and back.

    Attributes:
        start, peak, end: samples at which the person leaves rest, is at the extreme, and is back at rest. A cycle that had
            begun before the video starts at its extreme.
        swing: difference of the phase between rest and extreme.
    """

    start: int
    peak: int
    end: int
    swing: float


def find_cycles(times: Floats, phase: Floats, floor: float) -> list[Cycle]:
    """The cycles of a phase, in order.

    Args:
        times: (n,) seconds, rising.
        phase: (n,) without NaN.
        floor: the lowest swing that counts.
    """
    padded = np.concatenate([[phase.min()], phase, [phase.min()]])
    peaks, prominences = prominent_peaks(padded, floor)
    if not peaks:
        return []
    needed = max(floor, OWN_RANGE * usual_swing(prominences))
    tops = _parted([peak - 1 for peak, prominence in zip(peaks, prominences, strict=True) if prominence >= needed], phase)
    valleys = _valleys(tops, phase)
    rises = [float(phase[top] - phase[valley]) for top, valley in zip(tops, valleys[:-1], strict=True)]
    falls = [float(phase[top] - phase[valley]) for top, valley in zip(tops, valleys[1:], strict=True)]
    # A cycle that the start or the end cuts off shows its full swing on the other side only.
    seen = [min(pair) for pair in zip(rises, falls, strict=True)]
    seen[0], seen[-1] = falls[0], rises[-1] if len(tops) > 1 else max(rises[-1], falls[-1])
    usual = usual_swing(seen)
    level = float(np.median(phase[tops]))
    cycles = []
    for number, top in enumerate(tops):
        if falls[number] < RETURN * min(seen[number], usual):
            continue
        under_way = rises[number] < SEEN_SWING * min(falls[number], usual)
        if under_way and phase[top] < max(level - (1 - EXTREME) * usual, 2 * floor):
            continue
        start, end = _edges(phase, None if under_way else valleys[number], top, valleys[number + 1], usual)
        if times[end] - times[start] >= SHORTEST_S:
            cycles.append(Cycle(start, top, end, seen[number]))
    return cycles


def usual_swing(swings: Sequence[float]) -> float:
    """Median of the swings of at least half of the largest swing, so that partial swings do not lower it; 0 if there is
    none."""
    largest = max(swings, default=0.0)
    return float(np.median([swing for swing in swings if swing >= largest / 2])) if len(swings) else 0.0


def _parted(tops: list[int], phase: Floats) -> list[int]:
    """Remove the extremes that are not separated from a higher neighbour by a way back."""
    number = 0
    while number < len(tops) - 1:
        valleys = _valleys(tops, phase)
        lower = min(phase[tops[number]], phase[tops[number + 1]])
        rest = min(phase[valleys[number]], phase[valleys[number + 2]])
        if lower - phase[valleys[number + 1]] < RETURN * (lower - rest):
            del tops[number if phase[tops[number]] < phase[tops[number + 1]] else number + 1]
            number = 0
        else:
            number += 1
    return tops


def _valleys(tops: list[int], phase: Floats) -> list[int]:
    """Indices of the lowest phase before, between and after the extremes."""
    borders = [0, *tops, len(phase) - 1]
    return [a + int(np.argmin(phase[a : b + 1])) for a, b in pairwise(borders)]


def _edges(phase: Floats, before: int | None, top: int, after: int, usual: float) -> tuple[int, int]:
    """The last sample before the extreme and the first after it that are near rest.

    Rest is the valley, but not far beyond the usual swing: arms that hang before the first press are not the start of the
    press.
    """
    lowest = phase[top] - BEYOND * usual

    def line(valley: int) -> float:
        rest = max(phase[valley], lowest)
        return float(rest + EDGE * (phase[top] - rest))

    end = top + int(np.flatnonzero(phase[top : after + 1] <= line(after))[0])
    if before is None:
        return top, end
    return before + int(np.flatnonzero(phase[before : top + 1] <= line(before))[-1]), end
