"""What defines a movement that can be recognised, counted or timed. Pure data: each exercise's file declares one."""

from dataclasses import dataclass
from typing import Literal

When = Literal["always", "rest", "peak"]


@dataclass(frozen=True)
class Drive:
    """One signal that swings with the movement.

    Attributes:
        signal: its name in `pose.signals`.
        rest: its usual value between repetitions.
        peak: its usual value at the extreme of a repetition (the bottom of a squat, the top of a curl).
    """

    signal: str
    rest: float
    peak: float


@dataclass(frozen=True)
class Band:
    """A range in which a signal must lie for the movement to be this one.

    Attributes:
        signal: its name in `pose.signals`.
        low, high: the range.
        when: in every sample of a repetition, at its ends, or at its extreme.
    """

    signal: str
    low: float = float("-inf")
    high: float = float("inf")
    when: When = "always"


@dataclass(frozen=True)
class Movement:
    """A movement that can be recognised and counted (or, if `held`, timed).

    Attributes:
        id: the exercise's id.
        joint: the joint whose angle shows the movement best, such as "knee"; it is drawn in the graph.
        drives: the signals that swing together. Their average, each scaled from 0 at rest to 1 at the peak, is the phase.
        bands: where the body must be.
        floor: the least swing of the phase that counts as a repetition, however small the person's own range is.
        lowering_first: whether the way from rest to the extreme is the lowering (a squat) or the lifting (a curl).
        alternating: whether the left and the right side take turns.
        held: whether it is a position that is held, not a repetition. It has bands and no drives.
    """

    id: str
    joint: str
    drives: tuple[Drive, ...] = ()
    bands: tuple[Band, ...] = ()
    floor: float = 0.3
    lowering_first: bool = True
    alternating: bool = False
    held: bool = False
