"""Read a video whose pixels may lie on their side, without a word about it in the file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pose.limits import Limits
from pose.motion import Motion
from pose.movement import Movement
from pose.reading import read_motion
from pose.sets import FoundSet, find_sets
from pose.signals import Signals, clean

TURNS = (90, 270, 180)
"""Degrees clockwise."""

UPRIGHT = 50.0
"""Degrees of the trunk from the vertical, in the median, up to which a picture is upright."""

BETTER = 1.25
"""How many times as many seconds of exercise a turned picture must show."""


@dataclass(frozen=True)
class Evidence:
    """What sets in a turned picture need.

    Attributes:
        confidence: of each set.
        share: of the time with the person in view.
        repetitions: in all sets together.
    """

    confidence: float
    share: float
    repetitions: int

    def met_by(self, motion: Motion, sets: Sequence[FoundSet]) -> bool:
        """Whether sets of that confidence are enough."""
        seen_s = float(np.sum(np.diff(motion.times)[motion.detected[1:]]))
        repetitions = sum(len(one.repetitions) for one in sets)
        return repetitions >= self.repetitions and sum(one.duration_s for one in sets) >= self.share * seen_s


CLEAR = Evidence(confidence=0.6, share=0.3, repetitions=2)
SURE = Evidence(confidence=0.95, share=0.6, repetitions=4)
"""For somebody who seems to stand: most of those are people who do something unknown in an upright picture."""


def read_upright(
    path: str | Path,
    movements: Iterable[Movement],
    *,
    model: str = "full",
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    workers: int = 1,
) -> Motion:
    """Read a motion as `read_motion` does; turn the picture where no movement fits as it is and one fits clearly when turned.

    The tracker finds people in any direction, so the landmarks of the first reading are turned and searched for sets. Only a
    video that is to be turned is read once more, since landmarks are more exact upright. `VideoInfo.turned` says so.

    Args:
        path: a local video file.
        movements: what may be shown.
        model, limits, progress, workers: as for `read_motion`.

    Raises:
        VideoError, NoPerson, ModelMissing: as `read_motion`.
    """
    known = list(movements)
    motion = read_motion(path, model=model, limits=limits, progress=progress, workers=workers)
    turn = find_turn(motion, known)
    return read_motion(path, model=model, limits=limits, workers=workers, turn=turn) if turn else motion


def find_turn(motion: Motion, movements: Sequence[Movement]) -> int:
    """Degrees by which the picture must be turned clockwise to be upright; 0 where that is unknown or not needed.

    A trunk that is upright most of the time belongs, as a rule, to somebody who stands, sits or hangs in an upright picture:
    a set that is found there settles it, and turning needs more evidence. Else the person or the picture lies, and the sets
    that are found in each direction decide.
    """
    signals = Signals(clean(motion))
    found = find_sets(signals.motion, movements)
    stands = np.nanmedian(signals["trunk"]) < UPRIGHT
    if (stands and found) or any(one.movement.held for one in found):
        return 0
    needed = SURE if stands else CLEAR
    repeated = [movement for movement in movements if not movement.held]  # standing still looks like lying still
    best, most = 0, BETTER * _weigh(found)
    for turn in TURNS:
        turned = turn_motion(motion, turn)
        sets = [one for one in find_sets(clean(turned), repeated) if one.confidence >= needed.confidence]
        if needed.met_by(turned, sets) and _weigh(sets) > most:
            best, most = turn, _weigh(sets)
    return best


def _weigh(sets: Sequence[FoundSet]) -> float:
    """Seconds of the sets, weighted by their confidence."""
    return sum(one.confidence * one.duration_s for one in sets)


def turn_motion(motion: Motion, degrees: int) -> Motion:
    """The motion in a picture that is turned clockwise by 90, 180 or 270 degrees."""
    width, height = motion.video.width, motion.video.height
    image, world = motion.image.copy(), motion.world.copy()
    for _ in range(degrees // 90):
        image[..., 0], image[..., 1] = height - image[..., 1], image[..., 0].copy()
        world[..., 0], world[..., 1] = -world[..., 1], world[..., 0].copy()
        width, height = height, width
    return replace(motion, video=replace(motion.video, width=width, height=height), image=image, world=world)
