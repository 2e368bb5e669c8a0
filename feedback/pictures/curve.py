"""The driving angle over time: the angle of the joint that shows the movement best, on the side nearer to the camera.

It is measured in the same way as the checks, so that graph, video and pictures show the same values.
"""

from dataclasses import dataclass, replace

import numpy as np

from feedback.checks.catalogue import Check
from feedback.checks.judgement import Scene
from feedback.checks.measures import joint
from feedback.checks.take import LEG_END, Side, Take
from feedback.examination import ExaminedSet
from feedback.words import N_
from pose.motion import INDEX, Floats
from pose.movements.angles import TRIPLES
from pose.movements.signals import Body

NAMES = {
    "knee": N_("knee angle"),
    "hip": N_("hip angle"),
    "elbow": N_("elbow angle"),
    "shoulder": N_("shoulder angle"),
    "body_line": N_("angle at the hips from shoulder to ankle"),
    "ankle": N_("ankle angle"),
}
"""The names of the angles of the joints in `TRIPLES`."""

CHORD = 45.0
"""A target above this, in degrees, is the inner angle of a joint; a target below is its deviation from straight."""


@dataclass(frozen=True)
class Curve:
    """The driving angle.

    Attributes:
        name: the name of the angle in the job's language.
        values: (n,) degrees; NaN where the person was not found.
        side: the side of the body.
        marks: indices of the landmarks (end of one arm, vertex, end of the other arm).
        targets: the target angles in degrees.
    """

    name: str
    values: Floats
    side: Side
    marks: tuple[int, int, int]
    targets: tuple[float, ...]


def driving_angle(examined: ExaminedSet) -> Curve:
    """The driving angle of a set, with the targets of the checks that were judged."""
    movement = examined.exercise.movement
    scene = Scene(Body(examined.motion), examined.view, examined.repetitions, examined.hold)
    take = Take(scene.body, scene.view, scene.near_side, scene.rest, None)
    values = joint(take, joint=movement.joint)
    if movement.each_side:
        # Without this, the other side's repetitions would be flat lines.
        values = values.copy()
        for repetition in examined.repetitions:
            if repetition.side not in {None, take.side}:
                moving = joint(replace(take, side=repetition.side), joint=movement.joint)
                values[repetition.start : repetition.end + 1] = moving[repetition.start : repetition.end + 1]
    arm, vertex, other = (INDEX[f"{take.side}_{part}"] for part in TRIPLES[movement.joint])
    checks = list({finding.check.id: finding.check for finding in examined.judged if finding.check.unit == "deg"}.values())
    of_joint = [check for check in checks if _marked(check) == TRIPLES[movement.joint]]
    direct = [check.clear for check in of_joint if check.clear > CHORD]
    # A body held in one line may bend so far either way; the narrower limit keeps both.
    straight = [180 - check.clear for check in of_joint if check.clear <= CHORD]
    targets = (
        direct
        or ([max(straight)] if straight else [])
        or [
            target
            for check in checks
            if check.verdict == "falls_short" and (target := _translated(examined, check, take, values)) is not None
        ]
    )
    return Curve(examined.words(NAMES[movement.joint]), values, take.side, (arm, vertex, other), tuple(targets))


def _marked(check: Check) -> tuple[str, ...]:
    """The landmarks of a check; the end of the body's line is the ankle, as in the joint's own triple."""
    return tuple("ankle" if part == LEG_END else part for part in check.marks)


def _translated(examined: ExaminedSet, check: Check, take: Take, values: Floats) -> float | None:
    """The driving angle that corresponds to the target of a check on another value, such as a squat's depth by the thigh.

    The two values are correlated within a repetition. A regression line through the half of the samples nearest to the target
    converts the target.
    """
    samples = np.concatenate([np.arange(rep.start, rep.end + 1) for rep in examined.repetitions] or [np.zeros(0, int)])
    measured = check.measure(take)[samples]
    known = np.isfinite(measured) & np.isfinite(values[samples])
    measured, angles = measured[known], values[samples][known]
    near = np.abs(measured - check.clear) <= np.median(np.abs(measured - check.clear)) if len(measured) else known[:0]
    if near.sum() < 3 or np.ptp(measured[near]) < 5:
        return None
    slope, offset = np.polyfit(measured[near], angles[near], 1)
    return float(np.clip(slope * check.clear + offset, 0, 180))
