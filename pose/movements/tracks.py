"""The signals that describe an unknown movement, each in units of the pose error."""

from collections.abc import Sequence

import numpy as np

from pose.motion import INDEX, Floats, Motion
from pose.movements.angles import SIDES, TRIPLES
from pose.movements.cycles import Cycle
from pose.movements.repetitions import ANGLE_MARGIN, LENGTH_MARGIN
from pose.movements.signals import ANGLES, Signals, bridge

_JOINTS = ("knee", "hip", "elbow", "shoulder", "ankle")
_TRUNK = ("shoulder", "hip")

PARTS: dict[str, tuple[str, ...]] = {
    **{joint: TRIPLES[joint] for joint in _JOINTS},
    **{f"{side}_{joint}": tuple(f"{side}_{part}" for part in TRIPLES[joint]) for joint in _JOINTS[:4] for side in SIDES},
    "trunk": _TRUNK,
    **{
        f"{part}_over_{over}": (part, over)
        for part, over in (
            *(("wrist", "shoulder"), ("elbow", "shoulder"), ("wrist", "hip"), ("nose", "hip")),
            *(("shoulder", "hip"), ("shoulder", "ankle"), ("knee", "hip"), ("ankle", "hip")),
        )
    },
    **{f"{part}_rise": (part,) for part in ("shoulder", "wrist", "hip")},
    **{f"{part}s_apart": (part,) for part in ("elbow", "wrist", "knee", "ankle")},
    **{f"hands_{axis}": ("wrist", *_TRUNK) for axis in ("left", "up", "ahead")},
    **{f"left_{part}_higher": (part,) for part in ("wrist", "knee", "ankle")},
    "left_ahead": ("ankle", "hip"),
    "left_hip_more_bent": ("hip", "knee"),
}
"""Signal to the landmarks that it needs. For a name without `left_` or `right_`, the better seen side counts."""

OF_BOTH_SIDES = frozenset(
    {"hands_left", "left_wrist_higher", "left_knee_higher", "left_ankle_higher", "left_ahead", "left_hip_more_bent"}
)
"""Signals that compare left and right: their sign changes if the sides are exchanged."""

NAMES = tuple(PARTS)
DEPTH = 1.5
"""The error of a distance that depends on the depth, which the model guesses, is this many times that of a height."""

IN_DEPTH = ("s_apart", "hands_", "left_ahead")

UNITS = np.array(
    [
        ANGLE_MARGIN if name in ANGLES else LENGTH_MARGIN * (DEPTH if any(part in name for part in IN_DEPTH) else 1)
        for name in NAMES
    ]
)
"""(k,) the pose error of each signal, in degrees or metres."""


class Tracks:
    """The signals of a motion as a matrix.

    Attributes:
        signals: the signals by name, in degrees and metres.
        times: (n,) seconds.
        seen: (k,) 0 to 1, visibility of the landmarks of each signal.
        raw: (n, k) in degrees and metres; no NaN.
        values: (n, k) in pose errors, weighted by visibility; no NaN.
    """

    def __init__(self, signals: Signals) -> None:
        self.signals = signals
        self.times: Floats = signals.motion.times
        # A signal without any value is 0 all the time, as one that does not move.
        self.raw: Floats = np.nan_to_num(bridge(self.times, np.stack([signals[name] for name in NAMES], axis=1)))
        self.seen: Floats = np.array([_seen(signals.motion, parts) for parts in PARTS.values()])
        self.values: Floats = self.raw / UNITS * self.seen


def _seen(motion: Motion, parts: tuple[str, ...]) -> float:
    """The mean visibility, 0 to 1, of the least visible of these landmarks."""
    visibility = [
        motion.visibility[:, [INDEX[part]] if part in INDEX else [INDEX[f"{side}_{part}"] for side in SIDES]].max(axis=1)
        for part in parts
    ]
    return float(np.mean(np.min(visibility, axis=0)))


def rests_of(cycle: Cycle) -> list[int]:
    """The samples in which a cycle is at rest: two, or one for a cycle that had begun before the video."""
    return [cycle.end] if cycle.start == cycle.peak else [cycle.start, cycle.end]


def ends_of(tracks: Tracks, cycles: Sequence[Cycle]) -> tuple[Floats, Floats]:
    """(k,) the median of each signal at rest, and (k,) at the extreme, in degrees and metres."""
    rests = values_at(tracks, [sample for cycle in cycles for sample in rests_of(cycle)])
    return rests, values_at(tracks, [cycle.peak for cycle in cycles])


def values_at(tracks: Tracks, samples: Sequence[int]) -> Floats:
    """(k,) the median of every signal at these samples, in degrees and metres."""
    return np.asarray(np.median(tracks.raw[list(samples)], axis=0))
