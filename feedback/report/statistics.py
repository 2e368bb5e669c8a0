"""Figures of a whole set: range, tempo, symmetry, consistency, time under tension."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback.report.schema import Quantity, Statistics, Tempo
from pose.motion import Floats
from pose.movements.movement import Movement
from pose.movements.repetitions import Hold, Repetition
from pose.movements.signals import Signals
from pose.movements.view import View

AROUND_S = 0.3
"""Seconds before and after a repetition that belong to its range: its start and end are not quite at rest."""

PAUSE_SHARE = 0.1
"""During the pause the driving angle is within this share of its range from the extreme."""


@dataclass(frozen=True)
class Figures:
    """The figures of one repetition: the driving joint's range in degrees, and the tempo."""

    range_of_motion: float
    tempo: Tempo


def driving_angle(signals: Signals, movement: Movement, repetition: Repetition | None = None) -> Floats:
    """(n,) angle in degrees of the joint that shows the movement best; of the working side if sides take turns."""
    side = repetition.side if repetition else None
    return signals[f"{side}_{movement.joint}" if side else movement.joint]


def figures(signals: Signals, movement: Movement, repetition: Repetition) -> Figures:
    """Range and tempo of one repetition."""
    angle, times = driving_angle(signals, movement, repetition), signals.motion.times
    known = ~np.isnan(angle)
    own = known & (times >= repetition.start_s) & (times <= repetition.end_s)
    if own.sum() < 3:
        return Figures(0.0, Tempo(lowering_s=0, pause_s=0, lifting_s=0))
    around = angle[known & (times >= repetition.start_s - AROUND_S) & (times <= repetition.end_s + AROUND_S)]
    low, high = float(around.min()), float(around.max())
    angle, times = angle[own], times[own]
    peak = float(np.interp(repetition.peak_s, times, angle))
    near_peak = np.abs(angle - peak) <= PAUSE_SHARE * (high - low)
    at = int(np.argmin(np.abs(times - repetition.peak_s)))
    first = at - int(np.argmin(near_peak[at::-1])) + 1 if not near_peak[: at + 1].all() else 0
    last = at + int(np.argmin(near_peak[at:])) - 1 if not near_peak[at:].all() else len(times) - 1
    to_peak, pause, back = times[first] - times[0], times[last] - times[first], times[-1] - times[last]
    lowering, lifting = (to_peak, back) if movement.lowering_first else (back, to_peak)
    tempo = Tempo(lowering_s=_seconds(lowering), pause_s=_seconds(pause), lifting_s=_seconds(lifting))
    return Figures(round(high - low, 1), tempo)


def statistics(
    *,
    signals: Signals,
    movement: Movement,
    view: View,
    repetitions: Sequence[Repetition],
    of_reps: Sequence[Figures],
    hold: Hold | None,
) -> Statistics:
    """The figures of the set; None for a figure that a hold, or a set without repetitions, cannot have."""
    if hold is not None:
        return Statistics(
            range_of_motion=None,
            tempo=None,
            symmetry=None,
            consistency=None,
            time_under_tension=Quantity(value=_seconds(hold.duration_s), unit="s"),
        )
    durations = [repetition.end_s - repetition.start_s for repetition in repetitions]
    ranges = [figure.range_of_motion for figure in of_reps]
    return Statistics(
        range_of_motion=_quantity(np.median(ranges) if ranges else None, "deg"),
        tempo=_quantity(np.median(durations) if durations else None, "s"),
        symmetry=_quantity(_symmetry(signals, movement, view, repetitions), "%"),
        consistency=_quantity(_consistency(ranges, durations), "%"),
        time_under_tension=_quantity(sum(durations) if durations else None, "s"),
    )


def _symmetry(signals: Signals, movement: Movement, view: View, repetitions: Sequence[Repetition]) -> float | None:
    """Range of the weaker side as a share of the stronger one, in per cent; None unless the view is from front or rear."""
    if view.id not in {"front", "rear"} or not repetitions:
        return None
    ranges: dict[str, list[float]] = {"left": [], "right": []}
    for repetition in repetitions:
        for side in (repetition.side,) if repetition.side else ("left", "right"):
            angle = signals[f"{side}_{movement.joint}"][repetition.start : repetition.end + 1]
            if not np.isnan(angle).any():
                ranges[side].append(float(np.ptp(angle)))
    if not ranges["left"] or not ranges["right"]:
        return None
    left, right = float(np.median(ranges["left"])), float(np.median(ranges["right"]))
    return 100 * min(left, right) / max(left, right) if max(left, right) > 0 else None


def _consistency(ranges: Sequence[float], durations: Sequence[float]) -> float | None:
    """100 minus the mean coefficient of variation of range and duration, in per cent."""
    if len(ranges) < 2 or min(np.mean(ranges), np.mean(durations)) <= 0:
        return None
    variation = float(np.mean([np.std(values) / np.mean(values) for values in (ranges, durations)]))
    return 100 * max(0.0, 1 - variation)


def _quantity(value: float | None, unit: str) -> Quantity | None:
    return None if value is None else Quantity.model_validate({"value": round(float(value), 1), "unit": unit})


def _seconds(value: float) -> float:
    return round(max(0.0, float(value)), 2)
