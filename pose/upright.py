"""Read a video whose pixels may lie on their side, without a word about it in the file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose.limits import Limits
from pose.motion import Motion
from pose.movement import Movement
from pose.reading import read_motion
from pose.sets import FoundSet, find_sets
from pose.signals import clean

TURNS = (90, 270, 180)
"""Degrees clockwise."""

CLEAR = 0.6
"""The confidence that sets in a turned picture need."""

CLEAR_SHARE, CLEAR_REPETITIONS = 0.3, 2
"""The share of the time with the person in view, and the number of repetitions, that sets in a turned picture need."""


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
    """Degrees by which the picture must be turned clockwise to be upright; 0 where that is unknown or not needed."""
    if find_sets(clean(motion), movements):
        return 0
    repeated = [movement for movement in movements if not movement.held]  # standing still looks like lying still
    best, found_s = 0, 0.0
    for turn in TURNS:
        turned = turn_motion(motion, turn)
        sets = [one for one in find_sets(clean(turned), repeated) if one.confidence >= CLEAR]
        seconds = sum(one.duration_s for one in sets)
        if _is_clear(turned, sets) and seconds > found_s:
            best, found_s = turn, seconds
    return best


def _is_clear(motion: Motion, sets: Sequence[FoundSet]) -> bool:
    seen_s = float(np.sum(np.diff(motion.times)[motion.detected[1:]]))
    repetitions = sum(len(one.repetitions) for one in sets)
    return repetitions >= CLEAR_REPETITIONS and sum(one.duration_s for one in sets) >= CLEAR_SHARE * seen_s


def turn_motion(motion: Motion, degrees: int) -> Motion:
    """The motion in a picture that is turned clockwise by 90, 180 or 270 degrees."""
    width, height = motion.video.width, motion.video.height
    image, world = motion.image.copy(), motion.world.copy()
    for _ in range(degrees // 90):
        image[..., 0], image[..., 1] = height - image[..., 1], image[..., 0].copy()
        world[..., 0], world[..., 1] = -world[..., 1], world[..., 0].copy()
        width, height = height, width
    return replace(motion, video=replace(motion.video, width=width, height=height), image=image, world=world)
