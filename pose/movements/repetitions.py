"""Counts and times the repetitions of a movement, or how long it was held.

Every drive of a movement is scaled from 0 at rest to 1 at its usual extreme, and their average, weighted by how clearly each
swings in this video, is the phase. Samples outside the movement's posture (walking in, standing up) are left out. The others
are searched for cycles of the phase (`pose.movements.cycles`). The `fit` of a cycle says how well it matches the movement's
signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pose.motion import Floats, Motion
from pose.movements.cycles import OWN_RANGE, Cycle, find_cycles, usual_swing
from pose.movements.movement import Band, Movement, When
from pose.movements.signals import ANGLES, Signals, bridge, runs, smooth

STRANGERS = 0.2
"""If at most this share of the repetitions has a fit of 0, and they are not between the others, they are another movement."""

SMALL = 0.4
"""A repetition with a fit of 0 and a swing below this share of the fitting ones is another movement, such as a step before
lunges."""

UNREST_S = 0.5
"""Seconds before and after a sample in which the body must not move for the sample to belong to a hold."""

HOLE_S = 0.5
"""Seconds. A shorter loss of the posture, such as an error of the landmarks, does not divide the movement."""

ACROSS = {"hands_left"}
"""Signals across the trunk, whose middle an oblique camera moves away from 0 (by 5 cm in a real clip): they depend on the
landmarks' depth. Differences of heights are 0 from any view when both sides are level."""

Side = Literal["left", "right"]

ANGLE_MARGIN, LENGTH_MARGIN = 15.0, 0.08
"""Uncertainty of the landmarks: degrees, and metres of the person."""


@dataclass(frozen=True)
class Repetition:
    """One repetition.

    Attributes:
        index: its number, from 1.
        side: the leg in front if the movement alternates; the side that moves if each side counts.
        start, peak, end: samples of the motion: leaving the rest position, the extreme, back at rest.
        start_s, peak_s, end_s: the same in seconds.
        swing: range of the phase; 1 is the usual range of the movement.
        fit: 0 to 1, how well it matches the movement's signature.
    """

    index: int
    side: Side | None
    start: int
    peak: int
    end: int
    start_s: float
    peak_s: float
    end_s: float
    swing: float
    fit: float

    @property
    def cycle(self) -> Cycle:
        """Its cycle of the phase."""
        return Cycle(self.start, self.peak, self.end, self.swing)


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
        motion: the landmarks, cleaned (`pose.movements.signals.clean`).
        movement: what to count; not a held one.

    Returns:
        The repetitions in order, full and partial ones. `pose.movements.cycles` says how small a repetition may be.
    """
    found = _without_strangers(find_candidates(Signals(motion), movement))
    return [replace(repetition, index=number) for number, repetition in enumerate(found, 1)]


def find_candidates(signals: Signals, movement: Movement) -> list[Repetition]:
    """The repetitions in the signals of a cleaned motion, together with swings of other movements, whose `fit` is low."""
    times = signals.motion.times
    values = phase(signals, movement)
    inside = within(signals, movement.posture, times) & ~np.isnan(values)
    sides = _sides(movement, values)
    cycles = _find_cycles(times, sides, inside, movement.floor)
    if movement.each_side and movement.alternating and {drive.signal for drive in movement.drives} <= ACROSS:
        sides = _sides(movement, values - _middle(values, cycles))
        cycles = _find_cycles(times, sides, inside, movement.floor)
    usual = usual_swing([cycle.swing for _, cycle in cycles])
    found = [
        _repetition(signals, movement, sides[side], cycle, side)
        for side, cycle in sorted(cycles, key=lambda each: each[1].peak)
        if cycle.swing >= OWN_RANGE * usual
    ]
    return [replace(repetition, index=number) for number, repetition in enumerate(found, 1)]


def _sides(movement: Movement, values: Floats) -> dict[Side | None, Floats]:
    """The phase of each side, or the one phase of a movement that has no sides."""
    return {"left": np.maximum(values, 0), "right": np.maximum(-values, 0)} if movement.each_side else {None: values}


def _middle(values: Floats, cycles: Sequence[tuple[Side | None, Cycle]]) -> float:
    """The phase halfway between the usual extremes of both sides; 0 if only one side moves."""
    tops = [[values[cycle.peak] for side, cycle in cycles if side == name] for name in ("left", "right")]
    return float(np.median(tops[0]) + np.median(tops[1])) / 2 if all(tops) else 0.0


def _find_cycles(
    times: Floats, sides: dict[Side | None, Floats], inside: NDArray[np.bool_], floor: float
) -> list[tuple[Side | None, Cycle]]:
    """The cycles of each side, with samples of the whole motion, while the body is in the movement's posture."""
    return [
        (side, Cycle(run.start + cycle.start, run.start + cycle.peak, run.start + cycle.end, cycle.swing))
        for side, values in sides.items()
        for run in runs(inside)
        for cycle in find_cycles(times[run], values[run], floor)
    ]


def find_hold(motion: Motion, movement: Movement) -> Hold | None:
    """The longest time for which a held movement was held, or None.

    Args:
        motion: the landmarks, cleaned.
        movement: a held one.
    """
    return max(find_holds(Signals(motion), movement), key=lambda hold: hold.duration_s, default=None)


def find_holds(signals: Signals, movement: Movement) -> list[Hold]:
    """All holds of a held movement in the signals of a cleaned motion, in order."""
    times = signals.motion.times
    still = within(signals, movement.posture, times)
    for drive in movement.drives:
        still &= _unrest(times, signals[drive.signal]) <= abs(drive.peak - drive.rest)
    found = (Hold(run.start, run.stop - 1, float(times[run.start]), float(times[run.stop - 1])) for run in runs(still))
    return [hold for hold in found if hold.duration_s >= movement.shortest_s]


def _unrest(times: Floats, values: Floats) -> Floats:
    """(n,) the range of a signal within half a second before and after each sample."""
    first = np.searchsorted(times, times - UNREST_S)
    last = np.searchsorted(times, times + UNREST_S, side="right")
    return np.array([np.ptp(values[a:b]) for a, b in zip(first, last, strict=True)])


def phase(signals: Signals, movement: Movement) -> Floats:
    """(n,) the phase: 0 at rest, 1 at the movement's usual extreme; NaN without the person."""
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
    return np.fmax(np.minimum(1 - outside / margin, 1), 0)


def within(signals: Signals, bands: tuple[Band, ...], times: Floats) -> NDArray[np.bool_]:
    """(n,) whether the body is in a posture. Losses shorter than `HOLE_S` are ignored."""
    inside = np.ones(len(times), dtype=bool)
    for band in bands:
        inside &= fit(signals[band.signal], band) > 0
    for hole in runs(~inside):
        if hole.start > 0 and hole.stop < len(times) and times[hole.stop] - times[hole.start - 1] <= HOLE_S:
            inside[hole] = True
    return inside


def _repetition(signals: Signals, movement: Movement, values: Floats, cycle: Cycle, side: Side | None) -> Repetition:
    start, peak, end = cycle.start, cycle.peak, cycle.end
    if movement.alternating and side is None:
        side = "left" if np.nanmedian(signals["left_ahead"][start : end + 1]) > 0 else "right"
    # A repetition that the video cuts off, or a fault such as an incomplete lockout, has only one end near rest.
    calm = min(values[start], values[end])
    rests = [moment for moment in (start, end) if values[moment] <= calm + cycle.swing / 4]
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
        swing=cycle.swing,
        fit=_signature_fit(signals, movement.signature, cycle, rests),
    )


def _signature_fit(signals: Signals, signature: tuple[Band, ...], cycle: Cycle, rests: list[int]) -> float:
    """0 to 1: the product of how well each band fits one cycle."""
    product = 1.0
    for band in signature:
        product *= float(fit(_value(signals[band.signal], band.when, cycle, rests), band))
        if product == 0:
            break
    return product


def _value(track: Floats, when: When, cycle: Cycle, rests: list[int]) -> Floats:
    """() a signal's value in a cycle, as a band asks for it."""
    match when:
        case "peak":
            value = track[cycle.peak]
        case "rest":
            value = track[rests].mean()
        case "change":
            value = track[cycle.peak] - track[rests].mean()
        case "range":
            value = np.ptp(track[cycle.start : cycle.end + 1])
        case "usual":
            value = np.median(track[cycle.start : cycle.end + 1])
    return np.asarray(value)


def _without_strangers(found: list[Repetition]) -> list[Repetition]:
    """Leave out repetitions with a fit of 0 that are small beside the others, or that are rare and not between the others."""
    fitting = [repetition for repetition in found if repetition.fit > 0]
    rare = len(found) - len(fitting) <= STRANGERS * len(found)
    small = SMALL * usual_swing([each.swing for each in fitting])

    def stranger(each: Repetition) -> bool:
        amid = bool(fitting) and fitting[0].end <= each.start and each.end <= fitting[-1].start
        return each.fit == 0 and (each.swing < small or (rare and not amid))

    return [each for each in found if not stranger(each)]
