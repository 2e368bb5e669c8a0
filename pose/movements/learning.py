"""Learns a movement from its repetitions: the signals that drive it, their values at rest and at the extreme, and the
posture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pose.motion import Floats
from pose.movements.angles import SIDES
from pose.movements.cycles import Cycle
from pose.movements.movement import Band, Drive, Movement, When
from pose.movements.signals import ANGLES, Signals, bridge
from pose.movements.tracks import NAMES, OF_BOTH_SIDES, UNITS, Tracks, ends_of, rests_of

DRIVES = 5
"""Largest number of signals that drive a learned movement."""

SHARE = 0.35
"""A signal can drive the movement if it changes by at least this share of the largest change, both in pose errors."""

STEADY = 0.75
"""Lowest correlation of a driving signal with the phase."""

LOOSE = 30.0
"""Degrees by which the trunk may lie outside its range in these repetitions."""

PARTIAL, PARTIAL_MARGIN = 0.35, 0.25
"""A repetition fits fully from this share of the usual change on, and not at all below the first share minus the second."""

MIRRORED = 0.35
"""The sides take turns if the body at one extreme is the mirror image of the body at the other: the part that both sides share
changes by less than this share of the differences between the sides."""

OPPOSITE = 0.2
"""The sides also take turns if their differences turn into the opposite, up to this share of them, and exceed the change that
both sides share: the hands may be lower on one side."""

IDENTITY = (
    *("knee", "hip", "elbow", "shoulder", "trunk"),
    *("wrist_over_shoulder", "knee_over_hip", "ankle_over_hip", "shoulder_over_ankle"),
)
"""Signals of the posture at rest and at the extreme, for a movement of either side."""

SEEN = 0.6
"""Lowest visibility, 0 to 1, of the landmarks of a signal that is used."""

AROUND = 1.5
"""Pose errors by which another repetition or another person may differ at rest and at the extreme."""

STAYS = 1.0
"""Pose errors by which a signal that did not move may move in another repetition."""

_DIFFERENCES = np.array([name in OF_BOTH_SIDES for name in NAMES])
_IN_COMMON = np.array([not name.startswith(("left_", "right_", "hands_left")) for name in NAMES])
_JOINTS = ("knee", "hip", "elbow", "shoulder", "ankle")


def learn_movement(tracks: Tracks, cycles: Sequence[Cycle], direction: Floats, *, name: str) -> Movement:
    """Define a movement by its repetitions.

    Args:
        tracks: the signals.
        cycles: the repetitions, at least one.
        direction: (k,) the weights of the signals in the phase, positive on the way from rest to the extreme.
        name: the movement's id.
    """
    span = slice(cycles[0].start, cycles[-1].end + 1)
    rests, peaks = ends_of(tracks, cycles)
    change = peaks - rests
    phase = tracks.values[span] @ direction
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.nan_to_num([np.corrcoef(track, phase)[0, 1] for track in tracks.values[span].T])
    weight = np.abs(change) / UNITS * (np.abs(together) >= STEADY) * (np.sign(together) == np.sign(change)) * tracks.seen
    each_side = takes_turns(tracks, rests, peaks)
    if each_side:
        weight *= _DIFFERENCES
    chosen = [number for number in np.argsort(-weight)[:DRIVES] if weight[number] >= SHARE * weight.max()]
    if each_side:
        rests, peaks = np.zeros_like(rests), change / 2 * np.sign(change[chosen[0]])
        change = peaks
    drives = tuple(Drive(NAMES[number], _rounded(number, rests[number]), _rounded(number, peaks[number])) for number in chosen)
    return Movement(
        id=name,
        joint=_joint(tracks, span),
        drives=drives,
        posture=_posture(tracks.signals, span),
        signature=() if each_side else (_change_band(chosen[0], change[chosen[0]]),),
        lowering_first=_lowers_first(tracks, cycles),
        each_side=each_side,
    )


def takes_turns(tracks: Tracks, rests: Floats, peaks: Floats) -> bool:
    """Whether the extreme mirrors the rest: left and right take turns.

    Args:
        tracks: the signals.
        rests, peaks: (k,) every signal at rest and at the extreme, in degrees and metres.
    """
    change, middle = np.abs(peaks - rests) / UNITS * tracks.seen, np.abs(peaks + rests) / 2 / UNITS * tracks.seen
    in_common, differences = np.linalg.norm(change[_IN_COMMON]), np.linalg.norm(change[_DIFFERENCES])
    off = np.linalg.norm(middle[_DIFFERENCES])
    mirrored = in_common < MIRRORED * differences and off < differences / 2
    return bool(mirrored or (in_common < differences and off < OPPOSITE * differences))


def _rounded(number: int, value: float) -> float:
    return round(float(value), 1 if NAMES[number] in ANGLES else 3)


def _change_band(number: int, change: float) -> Band:
    least = _rounded(number, change * PARTIAL)
    margin = max(_rounded(number, abs(change) * PARTIAL_MARGIN), 1e-3)
    if change > 0:
        return Band(NAMES[number], low=least, when="change", margin=margin)
    return Band(NAMES[number], high=least, when="change", margin=margin)


def _posture(signals: Signals, span: slice) -> tuple[Band, ...]:
    bands = []
    for name, least, most in (("trunk", 0.0, 180.0), ("facing_down", -90.0, 90.0)):
        low, high = np.nanpercentile(signals[name][span], [2, 98])
        low, high = low - LOOSE, high + LOOSE
        bands.append(
            Band(
                name,
                low=round(float(low), 1) if low > least else float("-inf"),
                high=round(float(high), 1) if high < most else float("inf"),
            )
        )
    return tuple(band for band in bands if np.isfinite(band.low) or np.isfinite(band.high))


def _joint(tracks: Tracks, span: slice) -> str:
    """The joint that moves most, on either side."""
    moved = {
        joint: max(
            float(np.ptp(tracks.values[span, NAMES.index(name)]))
            for name in ([joint] if joint == "ankle" else [f"{side}_{joint}" for side in SIDES])
        )
        for joint in _JOINTS
    }
    return max(moved, key=moved.__getitem__)


def _lowers_first(tracks: Tracks, cycles: Sequence[Cycle]) -> bool:
    """Whether body and hands sink on the way to the extreme."""
    rises = bridge(tracks.times, np.stack([tracks.signals[f"{part}_rise"] for part in ("shoulder", "wrist", "hip")], axis=1))
    sinks = [rises[end].sum() - rises[cycle.peak].sum() for cycle in cycles for end in rests_of(cycle)]
    return bool(np.median(sinks) > 0)


def with_identity(movement: Movement, tracks: Tracks, cycles: Sequence[Cycle]) -> Movement:
    """Add a signature that distinguishes a learned movement: ranges, posture at both ends, and the signals that do not move.

    Args:
        movement: the result of `learn_movement`.
        tracks: the signals.
        cycles: the repetitions, at least one.
    """
    rests = np.stack([tracks.raw[rests_of(cycle)].mean(axis=0) for cycle in cycles])
    peaks = np.stack([tracks.raw[cycle.peak] for cycle in cycles])
    covered = np.stack([np.ptp(tracks.raw[cycle.start : cycle.end + 1], axis=0) for cycle in cycles])
    driving = {drive.signal for drive in movement.drives}
    bands: list[Band] = []
    for name in (*IDENTITY, *(drive.signal for drive in movement.drives if drive.signal not in IDENTITY)):
        number = NAMES.index(name)
        if tracks.seen[number] < SEEN or name.endswith("_rise"):
            continue
        if name not in OF_BOTH_SIDES:
            bands += [_around(number, rests[:, number], "rest"), _around(number, peaks[:, number], "peak")]
        most = float(covered[:, number].max()) + STAYS * float(UNITS[number])
        least = float(np.median(covered[:, number])) * PARTIAL
        margin = max(float(np.median(covered[:, number])) * PARTIAL_MARGIN, float(UNITS[number]) / 2)
        if name in driving:
            bands.append(Band(name, low=_rounded(number, least), when="range", margin=_rounded(number, margin)))
        elif np.median(covered[:, number]) < 2 * UNITS[number]:
            bands.append(Band(name, high=_rounded(number, most), when="range", margin=float(UNITS[number])))
    return replace(movement, signature=(*movement.signature, *bands), fewest=2 if len(cycles) > 1 else 1)


def _around(number: int, values: Floats, when: When) -> Band:
    reach = AROUND * float(UNITS[number])
    low, high = float(values.min()) - reach, float(values.max()) + reach
    return Band(NAMES[number], low=_rounded(number, low), high=_rounded(number, high), when=when)
