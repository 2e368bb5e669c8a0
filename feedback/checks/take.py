"""The input of a measure: one side of the body in one repetition, and whether its landmarks are visible.

Lengths are in metres of the person (MediaPipe's world scale), so they do not depend on the picture's size and the camera's
distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pose.motion import INDEX, Floats, Motion
from pose.movements.angles import TRUSTED, angle_at
from pose.movements.repetitions import Repetition
from pose.movements.signals import Body, scales
from pose.movements.view import View

Side = Literal["left", "right"]
Part = Literal["shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index"]

SEEN_SHARE = 0.6
"""A landmark is seen if it is visible and in the picture in at least this share of the samples of the repetition or hold."""

HANDS_RAISED_M = 0.3
"""Wrists this far above the ankles, in metres, are on a bench or a step; on the floor they measure at most 0.1 above them."""

CUT_OFF_S = 0.1
"""Seconds. A repetition that begins or ends closer than this to the start or end of the motion may be cut off."""

FOOT_EDGE = 0.015
"""A foot this close to the lower edge, as a share of the picture's height, is cut off: its landmarks are guessed."""

KNEELING_KNEE = 155.0
"""Knee angle in degrees below which a person in a push-up or plank may be kneeling."""

KNEE_STAYS, FEET_UP_M = 0.3, 0.1
"""The knees are on the floor if they move by less than this share of the hips' way, or if the ankles are this far above
them."""

LEG_END = "leg_end"
"""Used like a landmark's name: the end of the body's line; see `Take.leg_end`."""


@dataclass(frozen=True)
class Take:
    """The input of a measure: the whole cleaned motion, one side of the body, one repetition.

    Attributes:
        body: the motion in metres of the person.
        view: the camera's view of the person.
        side: the side of the body to measure.
        rest: (n,) whether the body is between repetitions; these samples give the person's own posture.
        repetition: the repetition; None in a hold.
    """

    body: Body
    view: View
    side: Side
    rest: NDArray[np.bool_]
    repetition: Repetition | None

    def point(self, part: str, *, world: bool = False) -> Floats:
        """A landmark of this side, by its name without the side: (n, 2) metres in the picture or (n, 3) in space, y down."""
        return self.body.at(f"{self.side}_{part}", world=world)

    def points(self, *parts: str) -> list[Floats]:
        """Landmarks of this side, for angles: in space from an oblique view, otherwise in the picture, where the error is
        smaller."""
        return [self.point(part, world=self.view.id == "oblique") for part in parts]

    def gap(self, part: str) -> Floats:
        """(n,) horizontal distance from the right part to the left one in the picture, metres; negative if they are crossed."""
        apart = self.body.at(f"left_{part}")[:, 0] - self.body.at(f"right_{part}")[:, 0]
        hips = self.body.at("left_hip")[:, 0] - self.body.at("right_hip")[:, 0]
        return np.asarray(apart * np.sign(np.nanmedian(hips[self.samples])))

    def height(self, part: str) -> Floats:
        """(n,) height of a landmark of this side, metres from the upper edge of the picture, so it is negative.

        Heights can be compared over time as long as the camera does not move. No other landmark is needed.
        """
        motion = self.body.motion
        return np.asarray(-motion.image[:, INDEX[f"{self.side}_{part}"], 1] / np.nanmedian(scales(motion)))

    @property
    def samples(self) -> slice:
        """The samples of the repetition; all samples in a hold."""
        return slice(self.repetition.start, self.repetition.end + 1) if self.repetition else slice(None)

    def sees(self, part: str) -> bool:
        """Whether a part of this side is seen in most of the samples."""
        return bool(np.mean(seen(self.body.motion, f"{self.side}_{part}")[self.samples]) >= SEEN_SHARE)

    @property
    def kneels(self) -> bool:
        """Whether the knees are on the floor: they are bent, and do not move while the hips move or have the feet above
        them."""
        hip, knee, ankle = (self.point(part)[self.samples] for part in ("hip", "knee", "ankle"))
        if not np.nanmedian(angle_at(hip, knee, ankle)) < KNEELING_KNEE:
            return False
        feet_up = float(np.nanmedian((knee - ankle)[:, 1]))
        heights = [self.height(part)[self.samples] for part in ("hip", "knee")]
        hip_way, knee_way = (float(np.subtract(*np.nanpercentile(height, [98, 2]))) for height in heights)
        return feet_up > FEET_UP_M or (self.repetition is not None and knee_way < KNEE_STAYS * hip_way)

    @property
    def hands_are_raised(self) -> bool:
        """Whether this side's hand stands much higher than its foot, on a bench or a step."""
        if not (self.sees("wrist") and self.sees("ankle")):
            return False
        above = (self.height("wrist") - self.height("ankle"))[self.samples]
        return bool(np.nanmedian(above) > HANDS_RAISED_M)

    @property
    def leg_end(self) -> Part:
        """The end of the body's line: the ankle, or the knee if the person kneels or the ankle is not seen."""
        return "knee" if self.kneels or not self.sees("ankle") else "ankle"

    def full_names(self, marks: Sequence[str]) -> tuple[str, ...]:
        """The full names of landmarks: with the side, if they have one, and with `LEG_END` resolved."""
        parts = [self.leg_end if part == LEG_END else part for part in marks]
        return tuple(part if part in INDEX else f"{self.side}_{part}" for part in parts)

    def at_rest(self, values: Floats) -> float:
        """The usual value between repetitions; NaN if there is none."""
        values = values[self.rest & ~np.isnan(values)]
        return float(np.median(values)) if values.size else float("nan")


def seen(motion: Motion, name: str) -> NDArray[np.bool_]:
    """(n,) whether a landmark, by its full name, is in the picture and not hidden."""
    x, y = motion.image[:, INDEX[name], :2].T
    bottom = motion.video.height * (1 - FOOT_EDGE if name.endswith(("heel", "foot_index")) else 1)
    inside = (x >= 0) & (x <= motion.video.width) & (y >= 0) & (y <= bottom)
    return np.asarray(inside & (motion.visibility[:, INDEX[name]] >= TRUSTED))


class CutOff(NamedTuple):
    """Whether the first or the last position of a repetition may not have been seen."""

    at_start: bool
    at_end: bool


def cut_off(motion: Motion, repetition: Repetition) -> CutOff:
    """Whether the start or the end of the motion may have cut a repetition off, or its way there or back was not seen."""
    first, last = motion.times[np.flatnonzero(motion.detected)[[0, -1]]]
    return CutOff(
        repetition.start == repetition.peak or bool(repetition.start_s - first < CUT_OFF_S),
        repetition.peak == repetition.end or bool(last - repetition.end_s < CUT_OFF_S),
    )
