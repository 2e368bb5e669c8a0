"""Counts and times the repetitions of a movement, or how long it was held.

Every drive of a movement is scaled from 0 at rest to 1 at its usual extreme, and their average, weighted by how clearly each
swings in this video, is the phase. A repetition is a swing of the phase to an extreme and back, measured against the person's
own range:

- What happens outside the movement's posture (walking in, standing up) is cut away first.
- An extreme counts when it stands out by the movement's floor and by `OWN_RANGE` of the person's usual swing. Bounces and
  swaying stay below.
- Two extremes are one (pulsing, a wobble at the bottom) unless the body goes back at least `RETURN` of the way between them.
- A repetition that the video's start or end cuts off counts when its extreme and the way back are seen.

Nothing here counts in frames: times decide, whatever the frame rate.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import find_peaks

from pose.motion import Floats, Motion
from pose.movement import Band, Movement
from pose.signals import ANGLES, Signals, bridge, smooth

OWN_RANGE = 0.22
"""The share of the person's usual swing that an extreme must stand out by. Bounces in a pause reach some 15 %."""

RETURN = 0.35
"""The share of the way back to rest that completes a repetition. A fault like an incomplete lockout goes about half the way."""

SEEN_SWING = 0.5
"""A repetition was under way when the video started if less than this share of its way to the extreme is seen."""

EXTREME = 0.75
"""A repetition that is under way when the video starts counts if it begins this close to the person's usual extreme."""

EDGE = 0.1
"""A repetition starts and ends where the phase crosses this share of its swing."""

SHORTEST_S = 0.25
"""No exercise of the body is repeated faster; quicker swings are tracking errors."""

STRANGERS = 0.2
"""Up to this share of repetitions that do not fit at all is taken for another movement beside the set, not for poor form."""

SHORTEST_HOLD_S = 2.0
"""A position must be kept this long to be a hold."""

UNREST_S = 0.5
"""A held position is left when the body moves within this long before or after."""

HOLE_S = 0.5
"""The posture may be lost for this long (a slip of the landmarks) without cutting the movement in two."""

ANGLE_MARGIN, LENGTH_MARGIN = 15.0, 0.08
"""What the landmarks are uncertain by: degrees, metres of the person."""


@dataclass(frozen=True)
class Repetition:
    """One repetition.

    Attributes:
        index: from 1.
        side: the leg in front, for movements that alternate.
        start, peak, end: samples of the motion: leaving the rest position, the extreme, back at rest.
        start_s, peak_s, end_s: the same in seconds.
        swing: how far the phase went; 1 is the usual range of the movement.
        fit: 0 to 1, how well the movement's signature fits it.
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
    fit: float


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


def find_repetitions(motion: Motion, movement: Movement) -> list[Repetition]:
    """The repetitions of a movement.

    Args:
        motion: the landmarks, cleaned (`pose.signals.clean`).
        movement: what to count; not a held one.

    Returns:
        Those that fit the movement, in order.
    """
    signals = Signals(motion)
    times = motion.times
    inside = within(signals, movement.posture, times)
    values = phase(signals, movement)
    inside &= ~np.isnan(values)
    found = []
    for run in _runs(inside):
        for start, peak, end, swing in _swings(times[run], values[run], movement.floor):
            moments = [run.start + index for index in (start, peak, end)]
            found.append(_repetition(signals, movement, values, moments, swing))
    usual = _usual([repetition.swing for repetition in found])
    found = [repetition for repetition in found if repetition.swing >= OWN_RANGE * usual]
    found = _without_strangers(found)
    return [replace(repetition, index=number) for number, repetition in enumerate(found, 1)]


def find_hold(motion: Motion, movement: Movement) -> Hold | None:
    """The longest time for which a held movement was held, or None.

    Args:
        motion: the landmarks, cleaned.
        movement: a held one.
    """
    signals = Signals(motion)
    times = motion.times
    still = within(signals, movement.posture, times)
    for drive in movement.drives:
        still &= _unrest(times, signals[drive.signal]) <= abs(drive.peak - drive.rest)
    best: Hold | None = None
    for run in _runs(still):
        hold = Hold(run.start, run.stop - 1, float(times[run.start]), float(times[run.stop - 1]))
        if hold.duration_s >= SHORTEST_HOLD_S and (best is None or hold.duration_s > best.duration_s):
            best = hold
    return best


def _unrest(times: Floats, values: Floats) -> Floats:
    """(n,) the range of a signal within half a second before and after each sample."""
    first = np.searchsorted(times, times - UNREST_S)
    last = np.searchsorted(times, times + UNREST_S, side="right")
    return np.array([np.ptp(values[a:b]) for a, b in zip(first, last, strict=True)])


def phase(signals: Signals, movement: Movement) -> Floats:
    """(n,) how far into a repetition the body is: 0 at rest, 1 at the movement's usual extreme; NaN without the person."""
    times = signals.motion.times
    drives = np.stack([(signals[d.signal] - d.rest) / (d.peak - d.rest) for d in movement.drives])
    known = ~np.isnan(drives).any(axis=0)
    if known.sum() < 2:
        return np.full(len(times), np.nan)
    even = bridge(times, drives.T)
    rough = np.sqrt(np.mean((even - smooth(times, even, 0.12)) ** 2, axis=0))
    swing = np.subtract(*np.percentile(even[known], [95, 5], axis=0))
    clarity = swing / np.maximum(rough, 1e-3)
    weights = (clarity / max(clarity.max(), 1e-9)) ** 2 + 1e-3
    return np.where(known, weights @ drives / weights.sum(), np.nan)


def fit(values: Floats, band: Band) -> Floats:
    """1 inside a band, falling to 0 at its margin; 0 where the value is missing."""
    margin = band.margin or (ANGLE_MARGIN if band.signal in ANGLES else LENGTH_MARGIN)
    outside = np.maximum(np.maximum(band.low - values, values - band.high), 0)
    return np.nan_to_num(np.clip(1 - outside / margin, 0, 1))


def within(signals: Signals, bands: tuple[Band, ...], times: Floats) -> NDArray[np.bool_]:
    """(n,) whether the body is in a posture; short slips do not matter."""
    inside = np.ones(len(times), dtype=bool)
    for band in bands:
        inside &= fit(signals[band.signal], band) > 0
    labels, count = ndimage.label(~inside)
    for (hole,) in ndimage.find_objects(labels, count):
        if hole.start > 0 and hole.stop < len(times) and times[hole.stop] - times[hole.start - 1] <= HOLE_S:
            inside[hole] = True
    return inside


def _runs(inside: NDArray[np.bool_]) -> list[slice]:
    labels, count = ndimage.label(inside)
    return [run for (run,) in ndimage.find_objects(labels, count)]


def _usual(swings: list[float]) -> float:
    """The person's usual swing: the middle one of the larger ones, so that partial repetitions do not lower it."""
    largest = max(swings, default=0.0)
    return float(np.median([swing for swing in swings if swing >= largest / 2])) if swings else 0.0


def _swings(times: Floats, values: Floats, floor: float) -> list[tuple[int, int, int, float]]:
    """Start, peak, end (indices) and swing of every repetition in one stretch of the phase."""
    padded = np.concatenate([[values.min()], values, [values.min()]])
    peaks, found = find_peaks(padded, prominence=floor)
    if not len(peaks):
        return []
    needed = max(floor, OWN_RANGE * _usual(list(found["prominences"])))
    tops = _apart([int(peak) - 1 for peak in peaks[found["prominences"] >= needed]], values)
    valleys = _valleys(tops, values)
    rises = [float(values[top] - values[valley]) for top, valley in zip(tops, valleys[:-1], strict=True)]
    falls = [float(values[top] - values[valley]) for top, valley in zip(tops, valleys[1:], strict=True)]
    # What is cut off by the start or the end shows its full swing on its other side only.
    seen = [min(pair) for pair in zip(rises, falls, strict=True)]
    seen[0], seen[-1] = falls[0], rises[-1] if len(tops) > 1 else max(rises[-1], falls[-1])
    usual = _usual(seen)
    level = float(np.median(values[tops]))
    swings = []
    for number, top in enumerate(tops):
        if falls[number] < RETURN * min(seen[number], usual):
            continue
        under_way = rises[number] < SEEN_SWING * min(falls[number], usual)
        if under_way and values[top] < max(level - (1 - EXTREME) * usual, 2 * floor):
            continue
        start, end = _edges(values, None if under_way else valleys[number], top, valleys[number + 1])
        if times[end] - times[start] >= SHORTEST_S:
            swings.append((start, top, end, seen[number]))
    return swings


def _apart(tops: list[int], values: Floats) -> list[int]:
    """Extremes without those that are not separated from their neighbour by a way back."""
    while len(tops) > 1:
        valleys = _valleys(tops, values)
        for number in range(len(tops) - 1):
            lower = min(values[tops[number]], values[tops[number + 1]])
            rest = min(values[valleys[number]], values[valleys[number + 2]])
            if lower - values[valleys[number + 1]] < RETURN * (lower - rest):
                del tops[number if values[tops[number]] < values[tops[number + 1]] else number + 1]
                break
        else:
            break
    return tops


def _valleys(tops: list[int], values: Floats) -> list[int]:
    """Where the phase is least before, between and after the extremes."""
    borders = [0, *tops, len(values) - 1]
    return [a + int(np.argmin(values[a : b + 1])) for a, b in pairwise(borders)]


def _edges(values: Floats, before: int | None, top: int, after: int) -> tuple[int, int]:
    """Where the repetition leaves and reaches rest: the last and first sample near the higher of its two valleys.

    Without a valley before it, the repetition was under way when the video started, and starts at its extreme.
    """
    rest = max(values[after], values[after if before is None else before])
    line = rest + EDGE * (values[top] - rest)
    end = top + int(np.flatnonzero(values[top : after + 1] <= line)[0])
    if before is None:
        return top, end
    return before + int(np.flatnonzero(values[before : top + 1] <= line)[-1]), end


def _repetition(signals: Signals, movement: Movement, values: Floats, moments: list[int], swing: float) -> Repetition:
    start, peak, end = moments
    side: Literal["left", "right"] | None = None
    if movement.alternating:
        side = "left" if np.nanmedian(signals["left_ahead"][start : end + 1]) > 0 else "right"
    # What the video's start or end cuts off has only one end near rest.
    calm = min(values[start], values[end])
    rests = [moment for moment in (start, end) if values[moment] <= calm + swing / 2]
    times = signals.motion.times
    return Repetition(
        index=0,
        side=side,
        start=start,
        peak=peak,
        end=end,
        start_s=float(times[start]),
        peak_s=float(times[peak]),
        end_s=float(times[end]),
        swing=swing,
        fit=_signature_fit(signals, movement.signature, slice(start, end + 1), rests, peak),
    )


def _signature_fit(signals: Signals, signature: tuple[Band, ...], span: slice, rests: list[int], peak: int) -> float:
    """0 to 1: the product of how well each band fits one repetition."""
    scores = []
    for band in signature:
        track = signals[band.signal]
        rest = np.mean(track[rests])
        value = {"rest": rest, "peak": track[peak], "change": track[peak] - rest, "range": np.ptp(track[span])}[band.when]
        scores.append(fit(np.asarray(value), band))
    return float(np.prod(scores))


def _without_strangers(found: list[Repetition]) -> list[Repetition]:
    """Without those that do not fit at all, when nearly all others do."""
    misfits = sum(repetition.fit == 0 for repetition in found)
    if misfits > STRANGERS * len(found):
        return found
    return [repetition for repetition in found if repetition.fit > 0]
