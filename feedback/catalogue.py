"""What an exercise is to the coach: a movement to count and checks to judge it by."""

from dataclasses import dataclass

from pose.movement import Movement


@dataclass(frozen=True)
class Check:
    """A form check."""

    id: str


@dataclass(frozen=True)
class Exercise:
    """An exercise of the catalogue."""

    movement: Movement
    checks: tuple[Check, ...] = ()
