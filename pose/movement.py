"""What defines a movement that can be recognised, counted or timed. Pure data: each exercise's file declares one."""

from dataclasses import dataclass
from typing import ClassVar, Literal

NO_OTHER_KEYS = {"extra": "forbid"}
"""Who reads these from a file refuses keys that they do not have."""

When = Literal["rest", "peak", "change", "range", "usual"]


@dataclass(frozen=True)
class Drive:
    """One signal that swings with the movement.

    Attributes:
        signal: its name in `pose.signals`.
        rest: its usual value between repetitions.
        peak: its usual value at the extreme of a repetition (the bottom of a squat, the top of a curl).
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    signal: str
    rest: float
    peak: float


@dataclass(frozen=True)
class Band:
    """A range in which a signal lies when the movement is this one. Its borders are soft: see `margin`.

    Attributes:
        signal: its name in `pose.signals`.
        low, high: the range.
        when: in a signature, whether the value is taken at the ends of a repetition, at its extreme, as the change from the
            ends to the extreme, as the range that the signal covers in between, or as its usual (median) value there.
        margin: how far outside the range the fit has fallen to 0; by default what the landmarks are uncertain by.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    signal: str
    low: float = float("-inf")
    high: float = float("inf")
    when: When = "rest"
    margin: float | None = None


@dataclass(frozen=True)
class Movement:
    """A movement that can be recognised and counted (or, if `held`, timed).

    Attributes:
        id: the exercise's id.
        joint: the joint whose angle shows the movement best, such as "knee"; it is drawn in the graph.
        drives: the signals that swing together. Their average, each scaled from 0 at rest to 1 at the peak, is the phase.
        posture: bands that hold all the time; what happens outside of them (walking in, standing up) is not looked at.
        signature: bands at rest, at the peak and in the change between them that tell the movement from others.
        floor: the least swing of the phase that counts as a repetition, however small the person's own range is.
        lowering_first: whether the way from rest to the extreme is the lowering (a squat) or the lifting (a curl).
        alternating: whether the left and the right side take turns.
        each_side: whether a repetition is one side's. The drives are then differences between the sides: 0 at rest, at the
            peak when the left side is at its extreme, at minus the peak when the right side is.
        held: whether it is a position that is held, not a repetition. It has no signature; each of its drives gives, from rest
            to peak, by how much a signal may change within a second.
        fewest: so many repetitions make a set when the exercise was not asked for; one swing of a leg is no running.
        shortest_s: a position that is left sooner was not held.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    id: str
    joint: str
    drives: tuple[Drive, ...] = ()
    posture: tuple[Band, ...] = ()
    signature: tuple[Band, ...] = ()
    floor: float = 0.25
    lowering_first: bool = True
    alternating: bool = False
    each_side: bool = False
    held: bool = False
    fewest: int = 1
    shortest_s: float = 2.0
