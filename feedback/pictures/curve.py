"""Angles over time: the driving angle, of the joint that shows the movement best, and the angle that was judged.

Both are measured in the same way as the checks, so that graph, video and pictures show the same values.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from feedback.checks import measures
from feedback.checks.catalogue import Check
from feedback.checks.judgement import Finding, Scene
from feedback.checks.measures import joint
from feedback.checks.references import Measure
from feedback.checks.take import Take
from feedback.examination import ExaminedSet
from feedback.pictures.naming import JOINT_NAMES, function_of, measure_name
from pose.motion import INDEX, Floats
from pose.movements.angles import TRIPLES
from pose.movements.signals import Body

FOLLOWED = frozenset(
    {
        measures.joint,
        measures.working_elbow,
        measures.arm_bend,
        measures.squat_depth,
        measures.thigh_height,
        measures.arm_below_level,
        measures.legs_above_level,
        measures.trunk_lean,
        measures.trunk_lean_back,
        measures.arm_from_vertical,
        measures.hips_below_line,
        measures.middle_below_line,
        measures.hips_above_line,
        measures.hips_above_straight_leg,
        measures.head_below_trunk,
        measures.trunk_swing,
        measures.arm_swing,
        measures.legs_apart,
    }
)
"""The measured angles that are meaningful at any time of a set."""

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
    """The curve in the graph of a set.

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
        # Without this, repetitions of the other side would be flat lines.
        values = values.copy()
        for repetition in examined.repetitions:
            if repetition.side not in {None, take.side}:
                moving = joint(replace(take, side=repetition.side), joint=movement.joint)
                values[repetition.start : repetition.end + 1] = moving[repetition.start : repetition.end + 1]
    arm, vertex, other = (INDEX[f"{take.side}_{part}"] for part in TRIPLES[movement.joint])
    return DrivingAngle(examined.words(JOINT_NAMES[movement.joint]), values, (arm, vertex, other))


def judged_angle(examined: ExaminedSet) -> Curve:
    """The angle that decided about the fault to change first, else about what the movement should reach, else the one that
    came closest to a fault.

    An extreme has the value that was judged there, which the smoothed landmarks do not quite reach. Where no check that was
    made follows an angle over time, it is the driving angle, without limits.
    """
    findings = sorted(
        (finding for finding in examined.judged if _is_followed(finding.check)),
        key=lambda finding: (0, 0.0) if finding.check.verdict == "falls_short" else (1, -finding.excess),
    )
    faults = [finding for finding in examined.findings if _is_followed(finding.check)]
    first = next(iter([*faults, *findings]), None)
    if first is None:
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
    if check.verdict == "falls_short":
        for finding in examined.judged:
            if finding.check is check:
                values[finding.sample] = finding.value
    alike = {finding.check.id: finding for finding in findings if _same(finding.check.measure, check.measure)}
    return Curve(measure_name(examined.words, check), np.maximum(values, 0), tuple(alike.values()))


def _take(examined: ExaminedSet) -> Take:
    scene = Scene(Body(examined.motion), examined.view, examined.repetitions, examined.hold)
    return Take(scene.body, scene.view, scene.near_side, scene.rest, None)


def _is_followed(check: Check) -> bool:
    """Whether a check judges an angle that can be followed over time."""
    return check.unit == "deg" and bool(check.marks) and function_of(check) in FOLLOWED


def _same(one: Measure, other: Measure) -> bool:
    return isinstance(one, partial) and isinstance(other, partial) and one.func is other.func and one.keywords == other.keywords
