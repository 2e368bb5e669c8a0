"""What a measured value is called for the user: on cards, in a graph's heading."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from feedback.checks import measures
from feedback.checks.catalogue import Check
from feedback.words import N_, Words

JOINT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "knee": N_("knee angle"),
        "hip": N_("hip angle"),
        "elbow": N_("elbow angle"),
        "shoulder": N_("shoulder angle"),
        "body_line": N_("angle at the hips from shoulder to ankle"),
        "ankle": N_("ankle angle"),
    }
)
"""The names of the angles of the joints in `pose.movements.angles.TRIPLES`."""

MEASURE_NAMES: Mapping[Callable[..., object], str] = MappingProxyType(
    {
        measures.working_elbow: JOINT_NAMES["elbow"],
        measures.arm_bend: JOINT_NAMES["elbow"],
        measures.squat_depth: N_("thigh against level"),
        measures.thigh_height: N_("thigh against level"),
        measures.arm_below_level: N_("upper arm against level"),
        measures.arm_swing: N_("upper arm, away from its resting position"),
        measures.legs_above_level: N_("legs against level"),
        measures.legs_apart: N_("angle between the legs"),
        measures.hands_aside: N_("hands beside the middle of the trunk"),
        measures.height: N_("difference in height"),
        measures.lift: N_("rise from the resting position"),
        measures.trunk_lean: N_("lean of the trunk"),
        measures.trunk_lean_back: N_("backward lean of the trunk"),
        measures.trunk_swing: N_("trunk, away from its resting position"),
        measures.hips_above_line: N_("bend of the hips upwards"),
        measures.hips_above_straight_leg: N_("bend of the hips upwards"),
        measures.hips_below_line: N_("bend of the hips downwards"),
        measures.middle_below_line: N_("bend of the hips downwards"),
        measures.head_below_trunk: N_("head below the line of the trunk"),
        measures.heel_lift: N_("heel above the floor"),
        measures.feet_lift: N_("feet above their place"),
        measures.knees_apart: N_("knees apart, compared with standing"),
        measures.knee_inside: N_("knee inside the line from hip to ankle"),
        measures.trunk_dips: N_("trunk tipping forward on the way up"),
        measures.elbow_flare: N_("upper arms away from the trunk"),
        measures.arm_from_vertical: N_("arms from straight up"),
        measures.feet_apart: N_("distance of the feet, in shoulder widths"),
        measures.mouth_over_hands: N_("mouth against the hands"),
        measures.hands_uneven: N_("difference in height of the hands"),
        measures.hip_sway: N_("hips, away from their resting position"),
        measures.tilt: N_("one side higher than the other"),
        measures.duration: N_("duration of the repetition"),
    }
)
"""The names of all measures but `joint`, whose name depends on its joint."""


def function_of(check: Check) -> Callable[..., object]:
    """The function of a check's measure without its parameters."""
    return check.measure.func if isinstance(check.measure, partial) else check.measure


def measure_name(words: Words, check: Check) -> str:
    """What a check measures, such as `knee angle`, in the job's language."""
    measure = check.measure
    if isinstance(measure, partial) and measure.func is measures.joint:
        name = JOINT_NAMES[measure.keywords["joint"]]
    else:
        name = MEASURE_NAMES[function_of(check)]
    return words(name)


def at_start(name: str) -> str:
    """A name as a line begins with it."""
    return name[:1].upper() + name[1:]
