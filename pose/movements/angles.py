"""Joint angles from landmarks, in degrees.

Image angles are computed from pixels, not from normalised coordinates: those squeeze the picture into a square and change every
slanted angle. Image angles are exact only in the plane of the picture. World angles are valid from any side, but contain the
model's guess of the depth (error by research on MediaPipe: about 7 degrees from the side, 14 from an oblique view).
"""

import numpy as np

from pose.motion import INDEX, Floats, Motion
from pose.movements.view import ViewId

TRIPLES = {
    "knee": ("hip", "knee", "ankle"),
    "hip": ("shoulder", "hip", "knee"),
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("hip", "shoulder", "elbow"),
    "body_line": ("shoulder", "hip", "ankle"),
    "ankle": ("knee", "ankle", "foot_index"),
}
"""Joint: the landmarks (without their side) on one arm of the angle, at its vertex and on the other arm."""

SIDES = ("left", "right")

JOINTS = {f"{side}_{joint}": tuple(f"{side}_{part}" for part in triple) for side in SIDES for joint, triple in TRIPLES.items()}
"""Joint with its side: its three landmarks, the vertex in the middle."""

TRUSTED = 0.5
"""Lowest visibility at which a landmark counts as seen. Below it, MediaPipe guesses the position."""


def angle_at(a: Floats, vertex: Floats, b: Floats) -> Floats:
    """The angle between the lines from `vertex` to `a` and to `b`.

    Args:
        a, vertex, b: (..., k) points in k dimensions.

    Returns:
        (...) degrees from 0 to 180; NaN where a point is missing or equals the vertex.
    """
    u, v = a - vertex, b - vertex
    lengths = np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.sum(u * v, axis=-1) / np.where(lengths > 0, lengths, np.nan)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def joint_angle(motion: Motion, joint: str, *, world: bool = False, min_visibility: float = TRUSTED) -> Floats:
    """The angle of one joint over time.

    Args:
        motion: the landmarks.
        joint: a key of `JOINTS`, such as "left_knee".
        world: use the world landmarks instead of the picture.
        min_visibility: the angle is NaN where one of the landmarks has a lower visibility.

    Returns:
        (n,) degrees, 180 is straight.
    """
    triple = [INDEX[name] for name in JOINTS[joint]]
    points = motion.world[:, triple] if world else motion.image[:, triple, :2]
    angle = angle_at(points[:, 0], points[:, 1], points[:, 2])
    return np.where(motion.visibility[:, triple].min(axis=1) >= min_visibility, angle, np.nan)


def joint_angles(motion: Motion, *, world: bool = False, min_visibility: float = TRUSTED) -> dict[str, Floats]:
    """The angles of all `JOINTS` over time; see `joint_angle`."""
    return {joint: joint_angle(motion, joint, world=world, min_visibility=min_visibility) for joint in JOINTS}


def joint_angle_seen(motion: Motion, joint: str, view: ViewId, *, min_visibility: float = TRUSTED) -> Floats:
    """The angle of one joint over time, from the landmarks with the smaller error in that view.

    From the side, knees and elbows bend in the plane of the picture. The angles at hip and shoulder and the body line need
    world landmarks, since the shoulders are wider than the hips. From the front or rear, arms move in the plane of the picture.

    Args:
        motion, joint, min_visibility: see `joint_angle`.
        view: the camera's view of the person.
    """
    part = joint.split("_", 1)[1]
    world = part not in ("elbow", "shoulder" if view in ("front", "rear") else "knee")
    return joint_angle(motion, joint, world=world, min_visibility=min_visibility)


def inclination(points_from: Floats, points_to: Floats) -> Floats:
    """The angle between the line through two points and the upward vertical of the picture.

    Args:
        points_from, points_to: (..., 2 or 3) points, y down.

    Returns:
        (...) degrees: 0 straight up, 90 level, 180 straight down.
    """
    line = points_to - points_from
    across = np.linalg.norm(np.delete(line, 1, axis=-1), axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, -line[..., 1])))
