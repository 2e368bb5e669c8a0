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
from pose.repetitions import find_candidates, find_hold
from pose.signals import Signals

GOOD_FIT = 0.45
"""The mean fit of its repetitions from which a movement is taken for the one that is shown."""

LEAST_SHARE = 0.12
"""The share of the time with the person in view that the movement must explain, times its fit: one well-formed repetition among
seconds of walking is an exercise, two steps that remind of one are not."""


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
    """What speaks for one movement.

    Attributes:
        movement: the one.
        fit: the mean fit of its repetitions, weighed by their swing, 0 to 1.
        explained_s: the seconds that they take, each weighed by its fit.
        span: from the start of the first to the end of the last repetition, seconds.
    """

    movement: Movement
    fit: float = 0.0
    explained_s: float = 0.0
    span: tuple[float, float] = (0.0, 0.0)


def weigh(motion: Motion, movement: Movement) -> Evidence:
    """What speaks for a movement in a cleaned motion."""
    if movement.held:
        hold = find_hold(motion, movement)
        return Evidence(movement, 1.0, hold.duration_s, (hold.start_s, hold.end_s)) if hold else Evidence(movement)
    found = find_candidates(Signals(motion), movement)
    if not found:
        return Evidence(movement)
    mean = float(np.average([each.fit for each in found], weights=[each.swing for each in found]))
    explained = sum(each.fit * (each.end_s - each.start_s) for each in found)
    return Evidence(movement, mean, explained, (found[0].start_s, found[-1].end_s))


def recognise(motion: Motion, movements: Iterable[Movement]) -> Recognition:
    """Tell which of the movements a cleaned motion shows."""
    found = [weigh(motion, movement) for movement in movements]
    seen_s = float(np.sum(np.diff(motion.times)[motion.detected[1:]])) if len(motion.times) > 1 else 0.0
    likely = [one for one in found if one.fit >= GOOD_FIT and one.fit * one.explained_s >= LEAST_SHARE * seen_s]
    if not likely:
        return Recognition(None, round(1 - max((one.fit for one in found), default=0.0), 2))
    likely = [one for one in likely if not _is_pause(one, likely)]
    best = max(likely, key=lambda one: one.explained_s)
    others = max((one.explained_s for one in likely if one is not best), default=0.0)
    return Recognition(best.movement, round(best.fit * best.explained_s / (best.explained_s + others), 2))


def _is_pause(one: Evidence, others: list[Evidence]) -> bool:
    """Whether a held position is only the pause between the repetitions of another movement, or before them."""
    if not one.movement.held:
        return False
    around = max((other.span[1] - other.span[0] for other in others if not other.movement.held), default=0.0)
    return one.explained_s < around
