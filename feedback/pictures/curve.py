"""Angles over time: the driving angle, of the joint that shows the movement best, and the angle that was judged.

Both are measured in the same way as the checks, so that graph, video and pictures show the same values.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from feedback.checks import measures
from feedback.checks.catalogue import Check
from feedback.checks.judgement import Finding, Scene
from feedback.checks.measures import Measure, joint
from feedback.checks.take import Take
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

MEASURE_NAMES = {
    measures.working_elbow: NAMES["elbow"],
    measures.arm_bend: NAMES["elbow"],
    measures.squat_depth: N_("thigh above level"),
    measures.thigh_height: N_("thigh above level"),
    measures.arm_below_level: N_("upper arm below level"),
    measures.legs_above_level: N_("legs above level"),
    measures.trunk_lean: N_("lean of the trunk"),
    measures.trunk_lean_back: N_("backward lean of the trunk"),
    measures.arm_from_vertical: N_("arms from straight up"),
    measures.hips_below_line: N_("bend of the hips downwards"),
    measures.middle_below_line: N_("bend of the hips downwards"),
    measures.hips_above_line: N_("bend of the hips upwards"),
    measures.hips_above_straight_leg: N_("bend of the hips upwards"),
}
"""The names of the measured angles that can be followed over time, besides `joint`."""

CHORD = 45.0
"""A target above this, in degrees, is the inner angle of a joint; a target below is its deviation from straight."""


@dataclass(frozen=True)
class DrivingAngle:
    """The driving angle, on the side nearer to the camera.

    Attributes:
        name: the name of the angle in the job's language.
        values: (n,) degrees; NaN where the person was not found.
        marks: indices of the landmarks (end of one arm, vertex, end of the other arm).
    """

    name: str
    values: Floats
    marks: tuple[int, int, int]


@dataclass(frozen=True)
class Curve:
    """What a graph shows of a set.

    Attributes:
        name: the name of the angle in the job's language.
        values: (n,) degrees, not below zero; NaN where there is none.
        limits: a finding of each check that judged these values.
    """

    name: str
    values: Floats
    limits: tuple[Finding, ...] = ()


def driving_angle(examined: ExaminedSet) -> DrivingAngle:
    """The driving angle of a set."""
    movement = examined.exercise.movement
    take = _take(examined)
    values = joint(take, joint=movement.joint)
    if movement.each_side:
        # Without this, the other side's repetitions would be flat lines.
        values = values.copy()
        for repetition in examined.repetitions:
            if repetition.side not in {None, take.side}:
                moving = joint(replace(take, side=repetition.side), joint=movement.joint)
                values[repetition.start : repetition.end + 1] = moving[repetition.start : repetition.end + 1]
    arm, vertex, other = (INDEX[f"{take.side}_{part}"] for part in TRIPLES[movement.joint])
    return DrivingAngle(examined.words(NAMES[movement.joint]), values, (arm, vertex, other))


def judged_angle(examined: ExaminedSet) -> Curve:
    """The angle that decided about the fault to change first, else about what the movement should reach.

    Where no check that was made follows an angle over time, it is the driving angle, without limits.
    """
    findings = sorted(
        (finding for finding in examined.judged if _name_of(finding.check) is not None),
        key=lambda finding: finding.check.verdict != "falls_short",
    )
    faults = [finding for finding in examined.findings if _name_of(finding.check) is not None]
    first = next(iter([*faults, *findings]), None)
    name = _name_of(first.check) if first is not None else None
    if first is None or name is None:
        driving = driving_angle(examined)
        return Curve(driving.name, driving.values)
    check = first.check
    take = _take(examined)
    values = check.measure(replace(take, side=first.side)).copy()
    spans = {repetition.index: repetition for repetition in examined.repetitions}
    for finding in examined.judged:
        if finding.check is check and finding.repetition in spans:
            repetition = spans[finding.repetition]
            inside = slice(repetition.start, repetition.end + 1)
            values[inside] = check.measure(replace(take, side=finding.side, repetition=repetition))[inside]
    alike = {finding.check.id: finding for finding in findings if _same(finding.check.measure, check.measure)}
    return Curve(examined.words(name), np.maximum(values, 0), tuple(alike.values()))


def _take(examined: ExaminedSet) -> Take:
    scene = Scene(Body(examined.motion), examined.view, examined.repetitions, examined.hold)
    return Take(scene.body, scene.view, scene.near_side, scene.rest, None)


def _name_of(check: Check) -> str | None:
    """What an angle is called that can be followed over time; None for another value."""
    measure = check.measure
    if not isinstance(measure, partial) or check.unit != "deg" or not check.marks:
        return None
    if measure.func is joint:
        return NAMES[measure.keywords["joint"]]
    return MEASURE_NAMES.get(measure.func)


def _same(one: Measure, other: Measure) -> bool:
    return isinstance(one, partial) and isinstance(other, partial) and one.func is other.func and one.keywords == other.keywords
