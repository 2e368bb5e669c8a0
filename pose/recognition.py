"""Which movement a motion shows, if any.

Every movement is looked for as if it were the right one: its repetitions are found, and each is weighed by how well the
movement's signature fits it. The movement that explains most of the time with a good fit wins; when none fits well, the
motion shows none of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pose.motion import Motion
from pose.movement import Movement
from pose.repetitions import find_hold, find_repetitions

GOOD_FIT = 0.4
"""The mean fit of its repetitions from which a movement is taken for the one that is shown."""

LEAST_SHARE = 0.1
"""The share of the time with the person in view that the movement must take up: one nod in a minute is no exercise."""


@dataclass(frozen=True)
class Recognition:
    """The movement that was recognised.

    Attributes:
        movement: None when the motion shows none of those looked for.
        confidence: 0 to 1, in the movement or in that there is none.
    """

    movement: Movement | None
    confidence: float


@dataclass(frozen=True)
class Evidence:
    """What speaks for one movement: the mean fit (0 to 1) and the seconds that it explains, each weighed by its fit."""

    movement: Movement
    fit: float
    explained_s: float


def weigh(motion: Motion, movement: Movement) -> Evidence:
    """What speaks for a movement in a cleaned motion."""
    if movement.held:
        hold = find_hold(motion, movement)
        return Evidence(movement, 1.0, hold.duration_s) if hold else Evidence(movement, 0.0, 0.0)
    repetitions = find_repetitions(motion, movement)
    if not repetitions:
        return Evidence(movement, 0.0, 0.0)
    fits = [repetition.fit for repetition in repetitions]
    explained = sum(repetition.fit * (repetition.end_s - repetition.start_s) for repetition in repetitions)
    return Evidence(movement, float(np.mean(fits)), explained)


def recognise(motion: Motion, movements: Iterable[Movement]) -> Recognition:
    """Tell which of the movements a cleaned motion shows."""
    found = sorted((weigh(motion, movement) for movement in movements), key=lambda one: one.explained_s, reverse=True)
    seen_s = float(np.sum(np.diff(motion.times)[motion.detected[1:]])) if len(motion.times) > 1 else 0.0
    likely = [one for one in found if one.fit >= GOOD_FIT and one.explained_s >= LEAST_SHARE * seen_s]
    if not likely:
        return Recognition(None, round(1 - max((one.fit for one in found), default=0.0), 2))
    best = likely[0]
    others = max((one.explained_s for one in found if one is not best), default=0.0)
    rivalry = others / (best.explained_s + others)
    return Recognition(best.movement, round(best.fit * (1 - rivalry), 2))
