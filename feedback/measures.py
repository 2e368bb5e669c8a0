"""What a check measures: functions that turn a cleaned motion into one value per sample.

Seen from the side, angles are taken in the picture, where they are exact; from elsewhere in space, with the depth that the
pose model guesses. Lengths are in the person's own metres, so neither the picture's size nor the distance plays a part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pose.angles import TRIPLES, angle_at, inclination
from pose.motion import Floats
from pose.repetitions import Repetition
from pose.signals import Body
from pose.view import View

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Take:
    """What a measure looks at: the whole cleaned motion, one side of the body, one repetition.

    Attributes:
        body: the motion in the person's own metres.
        view: from where the camera looks.
        side: the side of the body to measure.
        rest: (n,) whether the body is between repetitions; the person's own posture is taken from there.
        repetition: None in a hold.
    """

    body: Body
    view: View
    side: Side
    rest: NDArray[np.bool_]
    repetition: Repetition | None

    @property
    def from_the_side(self) -> bool:
        """Whether the movement lies in the plane of the picture."""
        return self.view.id in {"side_left", "side_right"}

    def point(self, part: str, *, world: bool = False) -> Floats:
        """A landmark of this side, by its name without the side: (n, 2) metres in the picture or (n, 3) in space, y down."""
        return self.body.at(f"{self.side}_{part}", world=world)

    def points(self, *parts: str) -> list[Floats]:
        """Landmarks of this side where angles are taken best: in the picture from the side, in space from elsewhere."""
        return [self.point(part, world=not self.from_the_side) for part in parts]

    def at_rest(self, values: Floats) -> float:
        """The usual value between repetitions; NaN if there is none."""
        values = values[self.rest & ~np.isnan(values)]
        return float(np.median(values)) if values.size else float("nan")


Measure = Callable[[Take], Floats]
"""(n,) values of a take; NaN where there is none."""


def joint(name: str) -> Measure:
    """The angle of a joint, degrees, 180 is straight."""

    def measure(take: Take) -> Floats:
        return angle_at(*take.points(*TRIPLES[name]))

    return measure


def thigh_height(take: Take) -> Floats:
    """How far the thigh is from level, degrees: 0 is parallel to the floor, below is deeper."""
    return np.asarray(90 - inclination(*take.points("knee", "hip")))


def trunk_lean(take: Take) -> Floats:
    """How far the trunk leans from the vertical, degrees, forwards or backwards."""
    return inclination(*take.points("hip", "shoulder"))


def hips_off_line(take: Take) -> Floats:
    """How far the body bends at the hips from the straight line shoulder-hip-ankle, degrees: above 0 piked, below 0 sagging."""
    shoulder, hip, ankle = take.points("shoulder", "hip", "ankle")
    share = np.sum((hip - shoulder) * (ankle - shoulder), axis=1) / np.sum((ankle - shoulder) ** 2, axis=1)
    below = hip[:, 1] - (shoulder + share[:, None] * (ankle - shoulder))[:, 1]
    return np.asarray((180 - angle_at(shoulder, hip, ankle)) * np.where(below > 0, -1, 1))


def heel_height(take: Take) -> Floats:
    """How far the heel is up from where it rests, per cent of the leg's length."""
    heel, toe, knee, hip, ankle = (take.point(part) for part in ("heel", "foot_index", "knee", "hip", "ankle"))
    leg = np.linalg.norm(hip - knee, axis=1) + np.linalg.norm(knee - ankle, axis=1)
    up = toe[:, 1] - heel[:, 1]
    return np.asarray(100 * (up - take.at_rest(up)) / np.nanpercentile(leg, 90))


def knee_inwards(take: Take) -> Floats:
    """Frontal plane projection angle: how far the knee bends inside the line from hip to ankle in the picture, degrees."""
    hip, knee, ankle = (take.point(part) for part in ("hip", "knee", "ankle"))
    other = take.body.at(f"{'right' if take.side == 'left' else 'left'}_hip")
    inside = np.sign(other[:, 0] - hip[:, 0])
    share = np.sum((knee - hip) * (ankle - hip), axis=1) / np.sum((ankle - hip) ** 2, axis=1)
    offset = (knee - hip - share[:, None] * (ankle - hip))[:, 0]
    return np.asarray((180 - angle_at(hip, knee, ankle)) * np.sign(offset * inside))


def duration(take: Take) -> Floats:
    """How long the repetition takes, seconds: the same in every sample."""
    repetition = take.repetition
    seconds = repetition.end_s - repetition.start_s if repetition else float("nan")
    return np.full(len(take.rest), seconds)
