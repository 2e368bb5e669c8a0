"""Read a video that may be rotated although its metadata does not say so."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pose.motion import Motion
from pose.movements.movement import Movement
from pose.movements.sets import FoundSet, find_sets
from pose.movements.signals import Signals, clean
from pose.reading.limits import Limits
from pose.reading.reader import read_motion

TURNS = (90, 270, 180)
"""Rotations in degrees clockwise, in the order in which they are tried."""

UPRIGHT, ON_FEET = 50.0, 0.55
"""A picture is taken as upright if the median angle between trunk and vertical is less than this, in degrees, or the hips are
more than this above the ankles, in metres, as in a person who stands bent over. In a rotated picture of a standing person, hips
and ankles are at one height, or the hips are below."""

HEAD_DOWN = 110.0
"""A rotation is wrong if it leaves the median angle between trunk and vertical above this, in degrees: no exercise of the
catalogue is done with the head below the hips. Lying people measure 60 to 105."""

BETTER = 1.25
"""The rotated picture must show at least this many times as many seconds of exercise as the original picture."""


@dataclass(frozen=True)
class Evidence:
    """What the sets that are found in a rotated picture must fulfil.

    Attributes:
        confidence: lowest confidence of each set.
        share: lowest share of the time with a person that the sets last.
        repetitions: lowest number of repetitions in all sets together.
    """

    confidence: float
    share: float
    repetitions: int

    def met_by(self, motion: Motion, sets: Sequence[FoundSet]) -> bool:
        """Whether sets of at least that confidence fulfil the other two conditions."""
        seen_s = float(np.sum(np.diff(motion.times)[motion.detected[1:]]))
        repetitions = sum(len(one.repetitions) for one in sets)
        return repetitions >= self.repetitions and sum(one.duration_s for one in sets) >= self.share * seen_s


CLEAR = Evidence(confidence=0.6, share=0.3, repetitions=2)
SURE = Evidence(confidence=0.95, share=0.6, repetitions=4)
"""`SURE` is needed if the person seems to stand: most such pictures are upright and show a movement that is not in the
catalogue."""


def read_upright(
    path: str | Path,
    movements: Iterable[Movement],
    *,
    model: str = "full",
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    workers: int = 1,
) -> Motion:
    """Read a motion as `read_motion` does, but rotate the picture if a movement fits clearly in the rotated picture only.

    The tracker finds people in any orientation, so the landmarks of the first reading are rotated and searched for sets. Only a
    video that must be rotated is read a second time, since landmarks of an upright person are more accurate. `VideoInfo.turned`
    has the angle.

    Args:
        path: a local video file.
        movements: the movements that the video may show.
        model, limits, progress, workers: as for `read_motion`.

    Raises:
        VideoError, NoPerson, ModelMissing: as `read_motion`.
    """
    known = list(movements)
    motion = read_motion(path, model=model, limits=limits, progress=progress, workers=workers)
    turn = find_turn(motion, known)
    return read_motion(path, model=model, limits=limits, workers=workers, turn=turn) if turn else motion


def find_turn(motion: Motion, movements: Sequence[Movement]) -> int:
    """Degrees clockwise by which the picture must be rotated to be upright; 0 if no rotation is needed or the sets do not
    decide it.

    If the trunk is upright most of the time or the hips are high above the ankles, the picture is upright as a rule, and the
    person stands, sits or hangs. One set found in such a picture is enough to keep it, and a rotation needs more evidence.
    Otherwise the person lies, or the picture is rotated, and the sets found at each angle decide.
    """
    signals = Signals(clean(motion))
    found = find_sets(signals.motion, movements)
    stands = np.nanmedian(signals["trunk"]) < UPRIGHT or np.nanmedian(signals["hip_over_ankle"]) > ON_FEET
    if (stands and found) or any(one.movement.held for one in found):
        return 0
    needed = SURE if stands else CLEAR
    # Held movements are left out: a rotated picture of standing still looks like lying still.
    repeated = [movement for movement in movements if not movement.held]
    best, most = 0, BETTER * _weigh(found)
    for turn in TURNS:
        turned = turn_motion(motion, turn)
        signals = Signals(clean(turned))
        if np.nanmedian(signals["trunk"]) > HEAD_DOWN:
            continue
        sets = [one for one in find_sets(signals.motion, repeated) if one.confidence >= needed.confidence]
        if needed.met_by(turned, sets) and _weigh(sets) > most:
            best, most = turn, _weigh(sets)
    return best


def _weigh(sets: Sequence[FoundSet]) -> float:
    """Sum of the durations of the sets in seconds, weighted by confidence."""
    return sum(one.confidence * one.duration_s for one in sets)


def turn_motion(motion: Motion, degrees: int) -> Motion:
    """Rotate the motion clockwise by 90, 180 or 270 degrees."""
    width, height = motion.video.width, motion.video.height
    image, world = motion.image.copy(), motion.world.copy()
    for _ in range(degrees // 90):
        image[..., 0], image[..., 1] = height - image[..., 1], image[..., 0].copy()
        world[..., 0], world[..., 1] = -world[..., 1], world[..., 0].copy()
        width, height = height, width
    return replace(motion, video=replace(motion.video, width=width, height=height), image=image, world=world)
