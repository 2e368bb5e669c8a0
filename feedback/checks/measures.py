"""What a check measures: functions that turn a cleaned motion into one value per sample.

Angles are taken in the picture, where they are exact as long as the movement lies in its plane; obliquely they are taken in
space, with the depth that the pose model guesses. Lengths are centimetres of the person (MediaPipe's world scale), so that
neither the picture's size nor the camera's distance plays a part.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, TypeVar

import numpy as np
from pydantic import AfterValidator

from feedback.checks.take import Part, Take, cut_off
from feedback.errors import nearest
from pose.motion import INDEX, Floats
from pose.movements.angles import TRIPLES, angle_at, inclination
from pose.movements.signals import LENGTHS, scales


def check_joint(name: str) -> str:
    """Raises ValueError unless `pose.movements.angles.TRIPLES` has the joint."""
    if name not in TRIPLES:
        raise ValueError(f"there is no joint {name!r}{nearest(name, TRIPLES)}")
    return name


JointName = Annotated[str, AfterValidator(check_joint)]

CM = 100
NARROW_M = 0.1
"""Smallest distance in the picture, in metres, by which another distance is divided."""

RESTING_ARM = 25.0
"""Degrees. An elbow that moves less than this in a repetition does not take part in it."""

BENT = 0.4
"""Share of the way down from which the legs are bent enough to show the direction of the knees."""

WIDE = 1.25
"""Knees that are at least this many times as far apart as the feet do not fall inwards, even if they were further apart
before."""

HANGING = 45.0
"""A person hangs or stands if the trunk is within this many degrees of the vertical; a lying trunk is near level."""

OFF_AXIS = 30.0
"""Largest angle between the camera and straight ahead or straight behind, degrees, at which heights of both sides are
compared."""

TOES_STAY_M = 0.045
"""Largest rise of the toes in a squat or a deadlift, also with raised heels. If they rise further, the foot is hidden."""

ANKLE_FOLLOWS, FOOT_JITTER_M, FOOT_RESTS_M = 2.2, 0.015, 0.06
"""Largest rise of a heel, as a multiple of the ankle's rise; largest movement of a foot that stands still; largest difference
between the heights at which a visible foot rests."""

STILL_LOW = 0.04
"""In a lift, the body is at its lowest point if its height is below this share of the way up."""

SHANK_TILTS, WITNESS = 0.05, 20.0
"""Share of the leg's length by which the shank's tilt lowers the hips; degrees by which two measurements of the depth may
differ."""

SHORTEST_WAY_M = 0.08
"""Smallest rise of the shoulders in a push-up from which the lag of the hips is measured."""

FULL_REACH = 0.8
"""Share of its longest reach below the shoulder from which on an arm that carries the body is nearly straight."""

ONE_ARM = 0.4
"""An arm that moves less than this share of the other arm rests. Sides that take turns are not uneven."""


F = TypeVar("F", bound=Callable[..., Floats])

MEASURES: dict[str, Callable[..., Floats]] = {}
"""All measures by the name that exercise files use. The arguments after the take are the parameters of a measure."""


def measure(function: F) -> F:
    """Add a function to `MEASURES`."""
    MEASURES[function.__name__] = function
    return function


@measure
def joint(take: Take, *, joint: JointName, in_picture: bool = False) -> Floats:
    """The angle of a joint, degrees, 180 is straight; obliquely in space, or with `in_picture` in the picture there too."""
    parts = TRIPLES[joint]
    return angle_at(*([take.point(part) for part in parts] if in_picture else take.points(*parts)))


@measure
def working_elbow(take: Take) -> Floats:
    """The elbow's angle in the picture, degrees; nothing while this arm rests and the other one works (alternating curls)."""
    angle = angle_at(*(take.point(part) for part in TRIPLES["elbow"]))
    if take.repetition is not None:
        own = angle[take.repetition.start : take.repetition.end + 1]
        if np.nanmax(own, initial=0.0) - np.nanmin(own, initial=180.0) < RESTING_ARM:
            return np.full(len(angle), np.nan)
    return angle


@measure
def arm_bend(take: Take) -> Floats:
    """The elbow's angle as the distance from shoulder to wrist tells it, degrees; 180 is the arm at its longest.

    Unlike the angle in the picture it holds for an elbow that points at the camera.
    The two parts of the arm count as equally long.
    """
    reach = np.linalg.norm(take.point("wrist") - take.point("shoulder"), axis=1)
    return np.asarray(2 * np.degrees(np.arcsin(np.clip(reach / np.nanpercentile(reach, 98), 0, 1))))


@measure
def thigh_height(take: Take) -> Floats:
    """How far the thigh is from level, degrees: 0 is parallel to the floor, below is deeper."""
    return np.asarray(90 - inclination(*take.points("knee", "hip")))


@measure
def squat_depth(take: Take) -> Floats:
    """How far the thigh is from level, degrees: 0 is parallel to the floor, below is deeper.

    The depth also follows from how far hips and shoulders sink, by the lengths of leg and trunk. There is no value if both
    contradict the thigh, as behind a rack, where the model guesses knees and hips.
    """
    thigh = thigh_height(take)
    if take.repetition is None:
        return thigh
    shoulder, hip, knee, ankle = (take.point(part, world=True) for part in ("shoulder", "hip", "knee", "ankle"))
    lengths = (float(np.nanmedian(np.linalg.norm(a - b, axis=1))) for a, b in ((shoulder, hip), (hip, knee), (knee, ankle)))
    trunk, *leg = lengths
    lowest = take.samples.start + int(np.nanargmin(thigh[take.samples]))
    sunk = {part: np.nanmax(take.height(part)[take.samples]) - take.height(part)[lowest] for part in ("shoulder", "hip")}
    sunk["shoulder"] -= trunk * (1 - np.cos(np.radians(inclination(hip, shoulder)[lowest])))
    witnesses = [np.degrees(np.arcsin(np.clip(1 - 2 * (way / sum(leg) - SHANK_TILTS), -1, 1))) for way in sunk.values()]
    if min(abs(thigh[lowest] - witness) for witness in witnesses) > WITNESS:
        return np.full(len(thigh), np.nan)
    return thigh


@measure
def arm_below_level(take: Take, *, higher: bool = False) -> Floats:
    """How far the upper arm hangs below level, degrees; negative above the shoulder. With `higher`, the higher one of both."""
    if not higher:
        return np.asarray(90 - inclination(*take.points("elbow", "shoulder")))
    left, right = (90 - inclination(*replace(take, side=side).points("elbow", "shoulder")) for side in ("left", "right"))
    return np.asarray(np.fmin(left, right))


@measure
def arm_swing(take: Take) -> Floats:
    """How far the upper arm turns away from where it is between repetitions, degrees in the picture, either way."""
    line = take.point("elbow") - take.point("shoulder")
    turn = np.degrees(np.unwrap(np.nan_to_num(np.arctan2(line[:, 0], line[:, 1]))))
    return np.abs(turn - take.at_rest(turn))


@measure
def legs_above_level(take: Take) -> Floats:
    """How far the line from the hip to the ankle is above level, degrees: 90 is straight up; nothing while the person hangs."""
    hangs = inclination(*take.points("hip", "shoulder")) < HANGING
    return np.where(hangs, np.nan, 90 - inclination(*take.points("hip", "ankle")))


@measure
def legs_apart(take: Take) -> Floats:
    """The angle between both legs, from hip to ankle, degrees in the picture."""
    left, right = (take.body.at(f"{side}_ankle") - take.body.at(f"{side}_hip") for side in ("left", "right"))
    cross = left[:, 0] * right[:, 1] - left[:, 1] * right[:, 0]
    return np.asarray(np.abs(np.degrees(np.arctan2(cross, np.sum(left * right, axis=1)))))


@measure
def hands_aside(take: Take) -> Floats:
    """How far the hands are to one side of the middle of the trunk, cm, either way."""
    return np.abs(CM * LENGTHS["hands_left"](take.body))


@measure
def height(take: Take, *, part: Part, over: Part) -> Floats:
    """How far a part is above another one, cm; negative below it."""
    return CM * (take.height(part) - take.height(over))


@measure
def lift(take: Take, *, part: Part) -> Floats:
    """How far a part is up from where it rests between repetitions, cm."""
    up = take.height(part)
    return CM * (up - take.at_rest(up))


@measure
def trunk_lean(take: Take) -> Floats:
    """How far the trunk leans from the vertical, degrees, forwards or backwards."""
    return inclination(*take.points("hip", "shoulder"))


@measure
def trunk_lean_back(take: Take) -> Floats:
    """How far the trunk leans backwards from the vertical, degrees; only from the side, where front is left or right."""
    hip, shoulder = take.point("hip"), take.point("shoulder")
    forward = -1 if take.view.azimuth > 0 else 1
    line = shoulder - hip
    return np.asarray(-np.degrees(np.arctan2(forward * line[:, 0], -line[:, 1])))


@measure
def trunk_swing(take: Take) -> Floats:
    """How far the trunk leans away from how it is between repetitions, degrees in the picture, either way."""
    lean = trunk_lean_back(take)
    return np.abs(lean - take.at_rest(lean))


@measure
def hips_above_line(take: Take) -> Floats:
    """How far the body bends at the hips above the straight line from shoulder to ankle, degrees; negative below it.

    On the knees, or where the ankle is not seen, the line ends at the knee.
    """
    return _bend_above(*take.points("shoulder", "hip", take.leg_end))


def _bend_above(shoulder: Floats, hip: Floats, ankle: Floats) -> Floats:
    share = np.sum((hip - shoulder) * (ankle - shoulder), axis=1) / np.sum((ankle - shoulder) ** 2, axis=1)
    below = hip[:, 1] - (shoulder + share[:, None] * (ankle - shoulder))[:, 1]
    return np.asarray((180 - angle_at(shoulder, hip, ankle)) * np.where(below > 0, -1, 1))


@measure
def head_below_trunk(take: Take) -> Floats:
    """How far the ear is below the line of the trunk, seen from the shoulder, degrees in the picture; negative above it."""
    trunk = take.point("shoulder") - take.point("hip")
    head = take.point("ear") - take.point("shoulder")
    turn = np.arctan2(trunk[:, 0] * head[:, 1] - trunk[:, 1] * head[:, 0], np.sum(trunk * head, axis=1))
    return np.asarray(np.degrees(turn) * np.sign(trunk[:, 0]))


@measure
def hips_above_straight_leg(take: Take) -> Floats:
    """How far the body bends at the hips above the line from shoulder to ankle, degrees, with the straighter of both legs."""
    bends = []
    for side in ("left", "right"):
        of_side = replace(take, side=side)
        straight = angle_at(*of_side.points("hip", "knee", "ankle"))
        bends.append((straight, hips_above_line(of_side)))
    (left_knee, left), (right_knee, right) = bends
    return np.where(left_knee >= right_knee, left, right)


@measure
def hips_below_line(take: Take) -> Floats:
    """How far the body bends at the hips below the straight line from shoulder to ankle, degrees; negative above it.

    Obliquely that line is not seen. What is seen there is how far the hips lag behind the shoulders on the way up.
    """
    return _hips_lag(take) if take.view.id == "oblique" else -hips_above_line(take)


def _hips_lag(take: Take) -> Floats:
    """How far the body bends because the hips come up later than the shoulders, degrees; only on the way up.

    A straight body turns about the feet, so shoulders and hips complete the same share of their ways at the same time. The way
    that the hips lack is their distance from the body's line. It gives the angles of trunk and legs with that line.
    """
    values = np.full(len(take.rest), np.nan)
    if take.repetition is None:
        return values
    up = slice(take.repetition.peak, take.repetition.end + 1)
    shoulder, hip = (take.height(part) for part in ("shoulder", "hip"))
    way = float(np.nanmax(shoulder[up]) - shoulder[up.start])
    if not way > SHORTEST_WAY_M:
        return values
    share = (shoulder[up] - shoulder[up.start]) / way
    lacks = share * np.ptp(hip[up]) - (hip[up] - hip[up.start])
    parts = [take.point(part, world=True) for part in ("shoulder", "hip", "ankle")]
    lengths = [float(np.nanmedian(np.linalg.norm(a - b, axis=1))) for a, b in pairwise(parts)]
    values[up] = np.degrees(sum(np.arctan(lacks / length) for length in lengths))
    return values


@measure
def middle_below_line(take: Take) -> Floats:
    """How far the body bends at the hips below the line from shoulders to ankles, degrees, in the middle between both sides."""
    shoulder, hip, ankle = (
        (take.body.at(f"left_{part}") + take.body.at(f"right_{part}")) / 2 for part in ("shoulder", "hip", "ankle")
    )
    return -_bend_above(shoulder, hip, ankle)


@measure
def heel_lift(take: Take) -> Floats:
    """How far the heel is up from where it rests between repetitions, cm.

    Toes and ankle must agree: as the pose model sees a lifted heel, the toes follow it by at most half of its way, and the
    ankle by about half of it. What the toes move sideways is the whole foot's way, or the camera's, and is taken off. Nothing
    is measured of a heel that rests at another height each time, or of toes that rise far: the foot is hidden, behind a plate
    or by the picture's edge.
    """
    heel, toes, ankle = (take.height(part) for part in ("heel", "foot_index", "ankle"))
    resting = heel[take.rest & ~np.isnan(heel)]
    if not resting.size or np.subtract(*np.percentile(resting, [90, 10])) > FOOT_RESTS_M:
        return np.full(len(heel), np.nan)
    up, toes_up, ankle_up = (height - take.at_rest(height) for height in (heel, toes, ankle))
    if np.nanmax(toes_up[take.samples], initial=0.0) > TOES_STAY_M:
        return np.full(len(heel), np.nan)
    agreed = np.fmin(np.fmin(up, 2 * (up - toes_up)), ANKLE_FOLLOWS * ankle_up)
    across = take.body.motion.image[:, INDEX[f"{take.side}_foot_index"], 0] / np.nanmedian(scales(take.body.motion))
    return CM * (agreed - np.maximum(np.abs(across - take.at_rest(across)) - FOOT_JITTER_M, 0))


@measure
def feet_lift(take: Take) -> Floats:
    """How far the ankle is up from where it rests between repetitions, cm: in the picture and over the hips, too."""
    ankle, hip = take.height("ankle"), take.height("hip")
    return CM * np.fmin(ankle - take.at_rest(ankle), ankle - hip - take.at_rest(ankle - hip))


@measure
def knees_apart(take: Take) -> Floats:
    """How far the knees are apart with bent legs, per cent of where they should be.

    They should be, measured against the feet, at least as far apart as when standing (straight legs), and on the way up as far
    as on the way down at the same height.
    """
    values = np.full(len(take.rest), np.nan)
    feet = take.gap("ankle")
    ratio = take.gap("knee") / np.where(feet > NARROW_M, feet, np.nan)
    if take.repetition is None:
        return values
    start, peak, end = take.repetition.start, take.repetition.peak, take.repetition.end
    height = take.body.height("shoulder", "ankle")
    bent = height[start] + BENT * (height[peak] - height[start])
    expected = np.full(len(values), take.at_rest(ratio))
    down = slice(start, peak + 1)
    by_height = np.argsort(height[down])
    back = slice(peak, end + 1)
    expected[back] = np.fmax(expected[back], np.interp(height[back], height[down][by_height], ratio[down][by_height]))
    low = np.zeros(len(values), dtype=bool)
    low[start : end + 1] = height[start : end + 1] < bent
    values[low] = 100 * ratio[low] / np.minimum(expected[low], WIDE)
    return values


@measure
def knee_inside(take: Take) -> Floats:
    """How far the knee is inside the line from the hip to the ankle with bent legs, cm, in the picture."""
    hip, knee, ankle = (take.point(part) for part in ("hip", "knee", "ankle"))
    other = take.body.at(f"{'right' if take.side == 'left' else 'left'}_hip")
    share = (knee - hip)[:, 1] / (ankle - hip)[:, 1]
    line = hip[:, 0] + share * (ankle - hip)[:, 0]
    inside = CM * (knee[:, 0] - line) * np.sign(np.nanmedian((other - hip)[:, 0]))
    if take.repetition is not None:
        height = take.body.height("shoulder", "ankle")
        start, peak = height[take.repetition.start], height[take.repetition.peak]
        inside = np.where(height < start + BENT * (peak - start), inside, np.nan)
    return np.asarray(inside)


@measure
def trunk_dips(take: Take) -> Floats:
    """In a lift: how much further the trunk leans forward than at the lowest point, degrees: the hips run ahead."""
    values = np.full(len(take.rest), np.nan)
    if take.repetition is None:
        return values
    lean = trunk_lean(take)
    start, end = take.repetition.start, take.repetition.end
    # Shoulders and hips together are lowest at the lowest point, even if the chest sinks while the hips already rise. The lift
    # begins at the last such sample: before it, the person may bend down twice to grip the bar.
    height = (take.height("shoulder") + take.height("hip"))[start : end + 1]
    low = np.flatnonzero(height <= np.nanmin(height) + STILL_LOW * (np.nanmax(height) - np.nanmin(height)))
    bottom = start + int(low[-1])
    values[bottom : end + 1] = lean[bottom : end + 1] - lean[bottom]
    return values


@measure
def elbow_flare(take: Take) -> Floats:
    """How far the upper arms stand off from the trunk at the lowest point of a push-up, degrees; only from the front.

    From the front the trunk points away from the camera, and the lowered upper arm is level: what is seen of its length across
    the picture is the sine of the angle.
    """
    arms = 0.0
    for side in ("left", "right"):
        arm = take.body.at(f"{side}_elbow", world=True) - take.body.at(f"{side}_shoulder", world=True)
        arms += float(np.nanmedian(np.linalg.norm(arm, axis=1)))
    return np.degrees(np.arcsin(np.clip((take.gap("elbow") - take.gap("shoulder")) / arms, 0, 1)))


@measure
def arm_from_vertical(take: Take) -> Floats:
    """How far the line from the shoulder to the wrist is from straight up, degrees, in the picture."""
    return inclination(take.point("shoulder"), take.point("wrist"))


@measure
def feet_apart(take: Take) -> Floats:
    """The distance of the ankles across the picture as a multiple of the shoulders' width with the arms down."""
    return np.abs(take.gap("ankle")) / take.at_rest(take.gap("shoulder"))


@measure
def mouth_over_hands(take: Take) -> Floats:
    """How far the mouth is above the wrists that hold the bar, cm."""
    mouth = (take.body.at("mouth_left") + take.body.at("mouth_right")) / 2
    return np.asarray(CM * (take.body.at("wrist") - mouth)[:, 1])


@measure
def hip_sway(take: Take) -> Floats:
    """How far the hips swing out from where they hang between repetitions, cm across the picture, either way."""
    across = (take.point("hip") - take.point("wrist"))[:, 0]
    return np.abs(CM * (across - take.at_rest(across)))


@measure
def hands_uneven(take: Take) -> Floats:
    """How much less far one hand is below its shoulder than the other one, per cent of the other, near the arms' full reach.

    In space: across the picture the nearer hand is the lower one, level or not.
    """
    left, right = (
        (take.body.at(f"{side}_wrist", world=True) - take.body.at(f"{side}_shoulder", world=True))[:, 1]
        for side in ("left", "right")
    )
    reach, less = np.fmax(left, right), np.fmin(left, right)
    far = reach >= FULL_REACH * np.nanmax(reach[take.samples])
    return np.asarray(np.where(far, 100 * (1 - less / np.where(far, reach, 1)), np.nan))


@measure
def tilt(take: Take, *, part: Part, by_turns: bool = False) -> Floats:
    """How much higher one side's part is than the other's, more than at rest, cm.

    Not measured: a body turned so far that its two sides are at different distances, and, for parts that may move `by_turns`,
    repetitions of one side alone.
    """
    if abs(np.sin(np.radians(take.view.azimuth))) > np.sin(np.radians(OFF_AXIS)):
        return np.full(len(take.rest), np.nan)
    hips = take.body.at("hip")[:, 1]
    left, right = (hips - take.body.at(f"{side}_{part}")[:, 1] for side in ("left", "right"))
    if by_turns and take.repetition is not None:
        moved = sorted(float(np.ptp(side[take.repetition.start : take.repetition.end + 1])) for side in (left, right))
        if moved[0] < ONE_ARM * moved[1]:
            return np.full(len(left), np.nan)
    difference = left - right
    return np.abs(CM * (difference - take.at_rest(difference)))


@measure
def duration(take: Take) -> Floats:
    """How long the repetition takes, seconds: the same in every sample; nothing for one that was cut off or hardly fits."""
    repetition = take.repetition
    seconds = float("nan")
    if repetition and repetition.fit > 0 and not any(cut_off(take.body.motion, repetition)):
        seconds = repetition.end_s - repetition.start_s
    return np.full(len(take.rest), seconds)
