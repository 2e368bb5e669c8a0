"""The definition of a movement that can be recognised, counted or timed. Pure data: each exercise file declares one."""

from dataclasses import dataclass
from typing import ClassVar, Literal

NO_OTHER_KEYS = {"extra": "forbid"}
"""Pydantic refuses unknown keys when it reads these classes from a file."""

When = Literal["rest", "peak", "change", "range", "usual"]


@dataclass(frozen=True)
class Drive:
    """A signal that swings with the movement.

    Attributes:
        signal: its name in `pose.movements.signals`.
        rest: its usual value between repetitions.
        peak: its usual value at the extreme of a repetition (the bottom of a squat, the top of a curl).
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    signal: str
    rest: float
    peak: float


@dataclass(frozen=True)
class Band:
    """A range in which a signal lies during this movement. Its borders are soft: see `margin`.

    Attributes:
        signal: its name in `pose.movements.signals`.
        low, high: the range.
        when: in a signature, whether the value is taken at the ends of a repetition, at its extreme, as the change from the
            ends to the extreme, as the range that the signal covers in between, or as its usual (median) value there.
        margin: distance outside the range at which the fit is 0; by default the uncertainty of the landmarks.
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
        joint: the joint whose angle shows the movement best, such as "knee"; the graph shows it.
        drives: the signals that swing together. Their average, each scaled from 0 at rest to 1 at the peak, is the phase.
        posture: bands that apply all the time. Samples outside of them (walking in, standing up) are ignored.
        signature: bands at rest, at the peak and of the change between them that distinguish the movement from others.
        floor: the lowest swing of the phase that counts as a repetition, even if the person's own range is small. A half
            repetition swings by about 0.5.
        lowering_first: whether the way from rest to the extreme is the lowering (a squat) or the lifting (a curl).
        alternating: whether the left and the right side take turns.
        each_side: whether each repetition is one of a single side. The drives are then differences between the sides: 0 at
            rest, the peak value at the left side's extreme, minus the peak value at the right side's extreme.
        held: whether the movement is a position to hold and has no repetitions. It has no signature. Each of its drives gives,
            from rest to peak, the largest change of a signal within a second.
        fewest: lowest number of repetitions of a set if the exercise was not requested: one swing of a leg is not running.
        shortest_s: shortest duration of a hold in seconds.
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
