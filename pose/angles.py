"""Joint angles from landmarks, in degrees.

Angles are taken in pixels, never in normalised coordinates: those squeeze a picture into a square and bend every angle
that is not upright. Image angles are exact only in the plane of the picture; world angles hold from any side, but with
the depth that the model guesses (compare research on MediaPipe: about 7 degrees from the side, 14 obliquely).
"""

import numpy as np

from pose.motion import INDEX, Floats, Motion
from pose.view import ViewId

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
"""Visibility from which a landmark counts as seen; below, MediaPipe guesses where it might be."""


def angle_at(a: Floats, vertex: Floats, b: Floats) -> Floats:
    """The angle between the lines from `vertex` to `a` and to `b`.

    Args:
        a, vertex, b: (..., k) points in k dimensions.

    Returns:
        (...) degrees from 0 to 180; NaN where a point is missing or falls on the vertex.
    """
    u, v = a - vertex, b - vertex
    lengths = np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.sum(u * v, axis=-1) / np.where(lengths > 0, lengths, np.nan)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def joint_angle(motion: Motion, joint: str, *, world: bool = False, min_visibility: float = TRUSTED) -> Floats:
    """One joint over time.

    Args:
        motion: the landmarks.
        joint: a key of `JOINTS`, such as "left_knee".
        world: take the angle in space instead of in the picture.
        min_visibility: samples with a landmark below it are NaN.

    Returns:
        (n,) degrees, 180 is straight.
    """
    triple = [INDEX[name] for name in JOINTS[joint]]
    points = motion.world[:, triple] if world else motion.image[:, triple, :2]
    angle = angle_at(points[:, 0], points[:, 1], points[:, 2])
    return np.where(motion.visibility[:, triple].min(axis=1) >= min_visibility, angle, np.nan)


def joint_angles(motion: Motion, *, world: bool = False, min_visibility: float = TRUSTED) -> dict[str, Floats]:
    """All of `JOINTS` over time; see `joint_angle`."""
    return {joint: joint_angle(motion, joint, world=world, min_visibility=min_visibility) for joint in JOINTS}


def joint_angle_seen(motion: Motion, joint: str, view: ViewId, *, min_visibility: float = TRUSTED) -> Floats:
    """One joint over time, the way that errs least from a view.

    From the side, knees and elbows bend in the plane of the picture; the angles at hip and shoulder and the body's line reach
    from the wide shoulders to the narrow hips, which only space shows. From ahead or behind, arms move in the picture's plane.

    Args:
        motion, joint, min_visibility: see `joint_angle`.
        view: from where the camera looks.
    """
    part = joint.split("_", 1)[1]
    world = part not in ("elbow", "shoulder" if view in ("front", "rear") else "knee")
    return joint_angle(motion, joint, world=world, min_visibility=min_visibility)


def inclination(points_from: Floats, points_to: Floats) -> Floats:
    """How far the line between two points leans from the upward vertical of the picture.

    Args:
        points_from, points_to: (..., 2 or 3) points, y down.

    Returns:
        (...) degrees: 0 straight up, 90 level, 180 straight down.
    """
    line = points_to - points_from
    across = np.linalg.norm(np.delete(line, 1, axis=-1), axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, -line[..., 1])))
