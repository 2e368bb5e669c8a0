"""A moving stick figure: motions with known angles, repetitions and camera, without a pose model.

    motion = figure("squat", reps=3, azimuth=90)                      # seen from the left
    motion = figure("squat", reps=2, peaks=[{}, {"knee": 120}])       # the second one shallow
    motion = figure("push_up", reps=1, both={"hip": 200})             # hips sagging all the time
    motion = film(then(walk(2), script("squat", 2), walk(2)))         # walking in and out

The person faces +z with the left hand at +x and y up, like the ground truth of rendered clips. Angles are degrees: see `Pose`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from pose.motion import INDEX, LANDMARKS, Motion, VideoInfo

UP, LEFT, AHEAD = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
FOOT = 0.2
ANKLE_FOLLOWS = 0.6
"""The share of a lifted heel's way by which the ankle rises."""


@dataclass(frozen=True)
class Body:
    """Lengths of the figure in metres; `shoulders` and `hips` are half the distance between the sides."""

    trunk: float = 0.5
    thigh: float = 0.42
    shin: float = 0.42
    upper_arm: float = 0.28
    forearm: float = 0.25
    shoulders: float = 0.17
    hips: float = 0.1


@dataclass(frozen=True)
class Pose:
    """A posture. A joint's angle is one number for both sides or a pair (left, right); 180 is straight.

    Attributes:
        lean: the trunk from the vertical; 90 prone, -90 supine.
        hip, knee, elbow: inner angles. Hips above 180 are bent backwards.
        shoulder: between trunk and upper arm; 0 hangs down.
        plane: where the arms are raised: 0 forwards, 90 sideways.
        spread: each leg outwards.
        twist: what is above the hips about the trunk's axis, to the left.
        roll: the whole body about the trunk's axis, to the left.
        knee_in: metres that each knee is moved towards the middle.
        heel: metres that the heels are off the floor.
        toes: metres that the toes are below their place.
        anchor: what stays where it is: "feet", "left_ankle", "hands" or "hips".
        rise: metres that the anchor is above its place.
        ahead: metres that the anchor is ahead of its place.
    """

    lean: float = 5
    hip: float | tuple[float, float] = 174
    knee: float | tuple[float, float] = 172
    shoulder: float | tuple[float, float] = 10
    elbow: float | tuple[float, float] = 165
    plane: float = 0
    spread: float | tuple[float, float] = 5
    twist: float = 0
    roll: float = 0
    knee_in: float = 0
    heel: float = 0
    toes: float = 0
    anchor: str = "feet"
    rise: float = 0
    ahead: float = 0


NUMBERS = [field.name for field in fields(Pose) if field.name != "anchor"]

STAND = Pose()
FLOOR = Pose(lean=72, hip=176, knee=174, shoulder=74, elbow=168, anchor="hands", spread=2, plane=20)
SPLIT = Pose(hip=(155, 195), knee=(165, 165), anchor="left_ankle")
RACK = Pose(lean=0, shoulder=45, elbow=45, plane=70)
HANG = Pose(lean=2, hip=172, knee=150, shoulder=168, elbow=168, plane=80, anchor="hands")
SUPINE = Pose(lean=-86, hip=132, knee=80, shoulder=30, elbow=60, anchor="hips")

LYING = Pose(lean=-90, hip=130, knee=75, shoulder=10, elbow=170, anchor="hips", rise=0.1)
BENCH = Pose(lean=-90, hip=155, knee=85, shoulder=85, elbow=170, plane=20, anchor="hips", rise=0.45)
SEATED = Pose(lean=2, hip=98, knee=92, anchor="hips", rise=0.5)
BALANCED = Pose(lean=-38, hip=88, knee=95, shoulder=10, elbow=125, anchor="hips", rise=0.1)
FOURS = Pose(lean=84, hip=88, knee=90, shoulder=84, elbow=170, anchor="hands")
JOG = Pose(lean=3, hip=176, knee=170, shoulder=10, elbow=90, anchor="hips", rise=0.84)
SIDE = Pose(lean=74, hip=178, knee=176, shoulder=(90, 15), elbow=(90, 165), plane=90, roll=-90, spread=2, anchor="left_elbow")
BARS = Pose(lean=8, hip=160, knee=110, shoulder=15, elbow=168, plane=20, anchor="hands", rise=0.5)

Changes = dict[str, Any]

EXERCISES: dict[str, tuple[Pose, Changes] | tuple[Pose, Changes, Changes]] = {
    "squat": (STAND, {"lean": 36, "hip": 62, "knee": 70, "shoulder": 80}),
    "push_up": (FLOOR, {"lean": 84, "shoulder": 30, "elbow": 75}),
    "lunge": (SPLIT, {"hip": (88, 182), "knee": (90, 92)}),
    "plank": (replace(FLOOR, lean=80, shoulder=80, elbow=90), {}),
    "deadlift": (STAND, {"lean": 78, "hip": 70, "knee": 138, "shoulder": 78}),
    "overhead_press": (RACK, {"shoulder": 170, "elbow": 170}),
    "biceps_curl": (STAND, {"elbow": 45, "shoulder": 18}),
    "sit_up": (SUPINE, {"lean": -5, "hip": 51}),
    "jumping_jack": (replace(STAND, plane=90, shoulder=15), {"shoulder": 165, "spread": 22}),
    "pull_up": (HANG, {"shoulder": 40, "elbow": 45}),
    "lateral_raise": (replace(STAND, plane=90, shoulder=12), {"shoulder": 95}),
    "front_raise": (replace(STAND, shoulder=12), {"shoulder": 92}),
    "bench_press": (BENCH, {"shoulder": 60, "elbow": 80, "plane": 70}),
    "row": (Pose(lean=60, hip=105, knee=155, shoulder=60, elbow=168), {"shoulder": -10, "elbow": 85}),
    "lat_pulldown": (replace(SEATED, shoulder=160, elbow=165, plane=70), {"shoulder": 35, "elbow": 60}),
    "dip": (BARS, {"shoulder": 60, "elbow": 85, "lean": 15}),
    "crunch": (replace(LYING, shoulder=25, elbow=160), {"lean": -62, "hip": 110}),
    "leg_raise": (replace(LYING, hip=172, knee=174), {"hip": 95}),
    "glute_bridge": (replace(LYING, hip=126, anchor="left_ankle"), {"lean": -114, "hip": 174, "knee": 78}),
    "good_morning": (Pose(lean=2, shoulder=60, elbow=40, plane=80), {"lean": 75, "hip": 95}),
    "kettlebell_swing": (replace(STAND, shoulder=80), {"lean": 58, "hip": 95, "knee": 140, "shoulder": 35}),
    "triceps_pushdown": (replace(STAND, elbow=86, shoulder=12), {"elbow": 168}),
    "triceps_extension": (replace(STAND, shoulder=168, elbow=168), {"elbow": 65}),
    "calf_raise": (STAND, {"rise": 0.08, "toes": 0.08}),
    "burpee": (STAND, {"lean": 78, "hip": 172, "shoulder": 80}),
    "high_knees": (JOG, {"hip": (85, 176), "knee": (80, 170)}, {"hip": (176, 85), "knee": (170, 80)}),
    "mountain_climber": (FLOOR, {"hip": (70, 176), "knee": (75, 174)}, {"hip": (176, 70), "knee": (174, 75)}),
    "donkey_kick": (FOURS, {"hip": (178, 88)}),
    "side_leg_raise": (replace(STAND, anchor="right_ankle"), {"spread": (42, 5)}),
    "russian_twist": (BALANCED, {"twist": 55}, {"twist": -55}),
    "wall_sit": (Pose(lean=2, hip=95, knee=92), {}),
    "side_plank": (SIDE, {}),
}
"""Each movement's rest pose, and the changes at its extreme, or at its two extremes if sides alternate."""

AFTER: dict[str, Changes] = {"burpee": {"rise": 0.12}}
"""Changes for a moment after the way back: a jump."""

BETWEEN: dict[str, Changes] = {"burpee": {"lean": 70, "hip": 45, "knee": 65, "shoulder": 85}}
"""Changes at half of the way to the extreme, if the way is not straight."""


Keys = list[tuple[float, Pose]]
"""Times in seconds with poses; between two times the pose changes smoothly."""


def figure(exercise: str, reps: int = 4, **options: Any) -> Motion:
    """Repetitions of an exercise (a plank is held for lead and tail); the options are those of `script` and of `film`."""
    camera = {
        name: options.pop(name)
        for name in ("azimuth", "fps", "size", "scale", "noise", "seed", "pan", "body")
        if name in options
    }
    return film(script(exercise, reps, **options), **camera)


def script(
    exercise: str,
    reps: int = 4,
    *,
    period: float = 2.0,
    pause: float = 0.3,
    lead: float = 1.0,
    tail: float = 1.0,
    depth: float | Sequence[float] = 1.0,
    both: Mapping[str, Any] | None = None,
    rest: Mapping[str, Any] | None = None,
    peaks: Sequence[Mapping[str, Any]] | None = None,
) -> Keys:
    """Repetitions of an exercise.

    Args:
        exercise: a key of `EXERCISES`.
        reps: how many.
        period, pause: seconds of each repetition and of the rest after it.
        lead, tail: seconds at rest before and after.
        depth: how far each repetition goes, 1 is all the way; one number or one for each.
        both, rest: fields of `Pose` that differ all the time, or in the rest position only.
        peaks: fields of `Pose` at the extreme that differ, for each repetition.
    """
    calm, *extremes = EXERCISES[exercise]
    calm = replace(calm, **dict(both or {}), **dict(rest or {}))
    depths = [depth] * reps if isinstance(depth, (int, float)) else list(depth)
    keys = [(0.0, calm), (lead, calm)]
    for rep in range(reps):
        own = dict(peaks[rep]) if peaks else {}
        peak = replace(calm, **{**extremes[rep % len(extremes)], **dict(both or {}), **own})
        start = keys[-1][0]
        turn = [(start + period / 2, blend(calm, peak, depths[rep]))]
        if exercise in BETWEEN:
            crouch = blend(calm, replace(calm, **BETWEEN[exercise]), depths[rep])
            turn = [(start + period / 4, crouch), *turn, (start + period * 3 / 4, crouch)]
        keys += [*turn, (start + period, calm)]
        if exercise in AFTER:
            keys += [(start + period + 0.2, replace(calm, **AFTER[exercise])), (start + period + 0.4, calm)]
        keys.append((keys[-1][0] + pause, calm))
    return [*keys, (keys[-1][0] + tail, calm)]


def walk(seconds: float = 6.0, *, step: float = 0.55, stride: float = 26, knees: float = 35, speed: float = 0) -> Keys:
    """Walking, or running with larger values: legs and arms swing alternately."""
    upright = replace(STAND, anchor="hips", rise=0.84)
    keys = []
    for number in range(round(seconds / step) + 1):
        swing = stride * (-1) ** number
        ahead = speed * number * step
        legs, arms = (180 - swing, 180 + swing), (abs(swing), 2)
        keys.append((number * step, replace(upright, hip=legs, knee=(168, 168), shoulder=arms, ahead=ahead)))
        lifted = (180 - knees, 172) if number % 2 else (172, 180 - knees)
        keys.append(((number + 0.5) * step, replace(upright, hip=(176, 176), knee=lifted, ahead=ahead + speed * step / 2)))
    return keys


def wave(seconds: float = 6.0) -> Keys:
    """Waving: standing with the right arm up, the forearm moving from side to side."""
    poses = [replace(STAND, plane=90, shoulder=(8, 85), elbow=(165, angle)) for angle in (150, 95)]
    return [(0.4 * number, poses[number % 2]) for number in range(round(seconds / 0.4) + 1)]


def then(*scripts: Keys, change: float = 0.8) -> Keys:
    """Join scripts, with some seconds between them for the change of pose."""
    joined: Keys = []
    for keys in scripts:
        offset = joined[-1][0] + change if joined else 0.0
        joined += [(time + offset, pose) for time, pose in keys]
    return joined


def film(
    keys: Keys,
    *,
    azimuth: float = 90,
    fps: float = 15,
    size: tuple[int, int] = (640, 360),
    scale: float = 140,
    noise: float = 0.0,
    seed: int = 0,
    pan: float = 0.0,
    body: Body = Body(),
) -> Motion:
    """Make the motion through poses at given times, as a distant camera sees it.

    Args:
        keys: seconds and poses.
        azimuth: of the camera, degrees: 0 straight ahead, 90 the person's left.
        fps: samples per second.
        size: of the picture in pixels.
        scale: pixels per metre.
        noise: standard deviation of every landmark in metres.
        seed: of the noise.
        pan: pixels per second by which the camera turns down and to the right.
        body: the person's proportions.
    """
    times = np.arange(0, keys[-1][0] + 1e-9, 1 / fps)
    poses = [_pose_at(keys, time) for time in times]
    points = np.concatenate([landmarks(list(group), body) for _, group in groupby(poses, key=lambda pose: pose.anchor)])
    points = points + np.random.default_rng(seed).normal(0, noise, points.shape)
    turn = np.radians(azimuth)
    right, towards = np.array([np.cos(turn), 0, -np.sin(turn)]), np.array([np.sin(turn), 0, np.cos(turn)])
    seen = np.stack([points @ right, -points @ UP, -points @ towards], axis=-1)
    hips = seen[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1, keepdims=True)
    world = seen - hips
    image = seen * scale + np.array([size[0] / 2, size[1] * 0.9, 0])
    image[..., :2] -= pan * times[:, None, None]
    image[..., 2] = world[..., 2] * scale
    hidden = {"left": azimuth < 0, "right": azimuth > 0} if 60 < abs(azimuth) < 120 else {"left": False, "right": False}
    visibility = np.array([0.2 if hidden.get(name.split("_")[0]) and "hip" not in name else 0.98 for name in LANDMARKS])
    video = VideoInfo(float(times[-1]) + 1 / fps, *size, fps, len(times), len(times))
    return Motion(video, times, image, world, np.tile(visibility, (len(times), 1)))


def blend(a: Pose, b: Pose, share: float) -> Pose:
    """A pose between two: 0 is the first, 1 the second."""
    mixed: dict[str, Any] = {}
    for name in NUMBERS:
        one, other = getattr(a, name), getattr(b, name)
        if isinstance(one, tuple) or isinstance(other, tuple):
            mixed[name] = tuple(x + share * (y - x) for x, y in zip(_pair(one), _pair(other), strict=True))
        else:
            mixed[name] = one + share * (other - one)
    return Pose(anchor=b.anchor, **mixed)


def landmarks(poses: Sequence[Pose], body: Body) -> np.ndarray:
    """(n, 33, 3) landmarks of n poses with the same anchor, in metres, y up."""
    lean, plane, twist, roll, knee_in, heel, toe, rise, forward = (
        np.array([getattr(pose, name) for pose in poses], float)[:, None]
        for name in ("lean", "plane", "twist", "roll", "knee_in", "heel", "toes", "rise", "ahead")
    )
    anchor = poses[0].anchor
    trunk, ahead = _pitch(lean), _pitch(lean + 90)
    at: dict[str, np.ndarray] = {}
    neck = body.trunk * trunk
    for side, sign, number in (("left", 1, 0), ("right", -1, 1)):
        hip, knee, shoulder, elbow, spread = (
            np.array([_pair(getattr(pose, name))[number] for pose in poses], float)[:, None]
            for name in ("hip", "knee", "shoulder", "elbow", "spread")
        )
        out = sign * LEFT
        at[f"{side}_hip"] = body.hips * out
        thigh = _abduct(_pitch(lean + hip), out, spread)
        shin = _abduct(_pitch(lean + hip + 180 - knee), out, spread)
        at[f"{side}_knee"] = at[f"{side}_hip"] + body.thigh * thigh - knee_in * out
        at[f"{side}_ankle"] = at[f"{side}_hip"] + body.thigh * thigh + body.shin * shin
        sole, toes = (-UP, _pitch(90.0)) if anchor == "feet" else (shin, _pitch(lean + hip + 180 - knee - 90))
        at[f"{side}_heel"] = at[f"{side}_ankle"] + 0.04 * sole - 0.05 * toes + heel * UP
        at[f"{side}_foot_index"] = at[f"{side}_ankle"] + 0.05 * sole + FOOT * toes - toe * UP
        at[f"{side}_ankle"] = at[f"{side}_ankle"] + ANKLE_FOLLOWS * heel * UP
        raised, turned, flexion = np.radians(shoulder), np.radians(plane), np.radians(180 - elbow)
        outwards = np.cos(turned) * ahead + np.sin(turned) * out
        upper = np.sin(raised) * outwards - np.cos(raised) * trunk
        bend = np.cos(raised) * outwards + np.sin(raised) * trunk
        fore = np.cos(flexion) * upper + np.sin(flexion) * bend
        at[f"{side}_shoulder"] = neck + body.shoulders * out
        at[f"{side}_elbow"] = at[f"{side}_shoulder"] + body.upper_arm * upper
        at[f"{side}_wrist"] = at[f"{side}_elbow"] + body.forearm * fore
        for finger in ("pinky", "index", "thumb"):
            at[f"{side}_{finger}"] = at[f"{side}_wrist"] + 0.08 * fore
        for name, sideways, over in (
            ("eye_inner", 0.01, 0.22),
            ("eye", 0.03, 0.22),
            ("eye_outer", 0.05, 0.22),
            ("ear", 0.08, 0.2),
        ):
            at[f"{side}_{name}"] = neck + over * trunk + sideways * out + (0.0 if name == "ear" else 0.09) * ahead
        at[f"mouth_{side}"] = neck + 0.15 * trunk + 0.02 * out + 0.09 * ahead
    at["nose"] = neck + 0.19 * trunk + 0.11 * ahead
    legs = ("hip", "knee", "ankle", "heel", "foot_index")
    at = {name: _turn(point, trunk, roll + (0 if name.endswith(legs) else twist)) for name, point in at.items()}
    anchors = {"feet": ("left_ankle", "right_ankle"), "hands": ("left_wrist", "right_wrist"), "hips": ("left_hip", "right_hip")}
    held = np.mean([at[name] for name in anchors.get(anchor, (anchor,))], axis=0)
    if anchor == "feet":
        held = held - ANKLE_FOLLOWS * heel * UP
    points = np.stack([np.broadcast_to(at[name], neck.shape) for name in LANDMARKS], axis=1)
    return points + (rise * UP + forward * AHEAD - held)[:, None]


def _pair(value: float | tuple[float, float]) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def _pitch(degrees: np.ndarray | float) -> np.ndarray:
    """Directions in the person's plane of symmetry, of degrees (n, 1): 0 up, 90 ahead, 180 down."""
    return np.cos(np.radians(degrees)) * UP + np.sin(np.radians(degrees)) * AHEAD


def _turn(points: np.ndarray, axis: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """(n, 3) points turned about axes (n, 3) through the middle of the hips (Rodrigues' formula)."""
    angle, along = np.radians(degrees), np.sum(axis * points, axis=1, keepdims=True) * axis
    return np.cos(angle) * (points - along) + np.sin(angle) * np.cross(axis, points) + along


def _abduct(direction: np.ndarray, out: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    return np.cos(np.radians(degrees)) * direction + np.sin(np.radians(degrees)) * out


def _pose_at(keys: Keys, time: float) -> Pose:
    for (start, a), (end, b) in pairwise(keys):
        if time <= end:
            share = np.clip((time - start) / max(end - start, 1e-9), 0, 1)
            return blend(a, b, float(share**2 * (3 - 2 * share)))
    return keys[-1][1]
