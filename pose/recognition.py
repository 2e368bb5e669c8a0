"""Which movement a motion shows, if any."""

from collections.abc import Iterable
from dataclasses import dataclass

from pose.motion import Motion
from pose.movement import Movement
from pose.repetitions import find_hold, find_repetitions


@dataclass(frozen=True)
class Recognition:
    """The movement that was recognised.

    Attributes:
        movement: None when the motion shows none of those looked for.
        confidence: 0 to 1, in the movement or in that there is none.
    """

    movement: Movement | None
    confidence: float


def recognise(motion: Motion, movements: Iterable[Movement]) -> Recognition:
    """Tell which of the movements a cleaned motion shows."""
    best = Recognition(None, 1.0)
    for movement in movements:
        if movement.held:
            hold = find_hold(motion, movement)
            score = hold.duration_s if hold else 0.0
        else:
            score = sum(repetition.swing for repetition in find_repetitions(motion, movement))
        if score > 0 and (best.movement is None or score > best.confidence):
            best = Recognition(movement, score)
    return Recognition(best.movement, min(best.confidence, 1.0))
