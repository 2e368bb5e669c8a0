"""Cycles of a phase: swings from rest (0) to an extreme (1) and back, measured against the person's own range.

- An extreme counts when it stands out by a floor and by `OWN_RANGE` of the person's usual swing. Bounces stay below.
- Two extremes are one (pulsing, a wobble at the bottom) unless the phase goes back at least `RETURN` of the way between them.
- A cycle that the start or the end cuts off counts when its extreme and the way back are seen.

Times decide, never numbers of samples, so that the frame rate plays no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pose.motion import Floats
from pose.peaks import prominent_peaks

OWN_RANGE = 0.18
"""The share of the person's usual swing that an extreme must stand out by. Bounces in a pause reach some 15 %; a push-up that
bends the elbow by 36 degrees instead of 91 was measured at 21 %."""

RETURN = 0.35
"""The share of the way back to rest that completes a cycle. A fault like an incomplete lockout goes about half the way."""

SEEN_SWING = 0.5
"""A cycle was under way at the start if less than this share of its way to the extreme is seen."""

EXTREME = 0.75
"""A cycle that was under way at the start counts if it begins this close to the person's usual extreme."""

EDGE = 0.1
"""A cycle starts and ends where the phase crosses this share of its swing."""

BEYOND = 1.05
"""The rest position lies at most so many times the person's usual swing from the extreme."""

SHORTEST_S = 0.25
"""No exercise of the body is repeated faster; quicker swings are tracking errors."""


@dataclass(frozen=True)
class Cycle:
    """One swing there and back.

    Attributes:
        start, peak, end: samples: leaving rest, the extreme, back at rest. A cycle that was under way starts at its extreme.
        swing: how far the phase went.
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
        floor: the least swing.
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
    # What is cut off by the start or the end shows its full swing on its other side only.
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
    """The middle one of the larger swings, so that partial ones do not lower it; 0 without any."""
    largest = max(swings, default=0.0)
    return float(np.median([swing for swing in swings if swing >= largest / 2])) if len(swings) else 0.0


def _parted(tops: list[int], phase: Floats) -> list[int]:
    """Extremes without those that no way back separates from a higher neighbour."""
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
    """Where the phase is least before, between and after the extremes."""
    borders = [0, *tops, len(phase) - 1]
    return [a + int(np.argmin(phase[a : b + 1])) for a, b in pairwise(borders)]


def _edges(phase: Floats, before: int | None, top: int, after: int, usual: float) -> tuple[int, int]:
    """The last sample before the extreme and the first after it that are near rest.

    Rest is the valley, but never far beyond the usual swing: arms that hang before the first press are not its start.
    """
    lowest = phase[top] - BEYOND * usual

    def line(valley: int) -> float:
        rest = max(phase[valley], lowest)
        return float(rest + EDGE * (phase[top] - rest))

    end = top + int(np.flatnonzero(phase[top : after + 1] <= line(after))[0])
    if before is None:
        return top, end
    return before + int(np.flatnonzero(phase[before : top + 1] <= line(before))[-1]), end
