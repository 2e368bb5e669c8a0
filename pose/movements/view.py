"""Estimate from which side the camera sees the person.

The direction from the right to the left shoulder, and from the right to the left hip, gives the camera's azimuth: both lines
stay level while the person stands, lies, hangs or bends. Azimuth 0 degrees is straight ahead of the person, 90 the person's
left side, 180 the back.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from pose.motion import INDEX, Floats, Motion

ViewId = Literal["front", "side_left", "side_right", "oblique", "rear"]
VIEWS: tuple[ViewId, ...] = get_args(ViewId)

FRONT, OBLIQUE, SIDE = 22.5, 67.5, 112.5
"""Degrees from straight ahead: below 22.5 the view is front, below 67.5 oblique, below 112.5 side, otherwise rear."""


@dataclass(frozen=True)
class View:
    """Where the camera stands.

    Attributes:
        id: "side_left" means that the camera sees the person's left side.
        confidence: 0 to 1; low near a border between two views and when the person turns.
        azimuth: degrees, -180 to 180; positive on the person's left.
    """

    id: ViewId
    confidence: float
    azimuth: float


def name_view(azimuth: float) -> ViewId:
    """The view at an azimuth in degrees."""
    off = abs(azimuth)
    if off < FRONT:
        return "front"
    if off < OBLIQUE:
        return "oblique"
    if off < SIDE:
        return "side_left" if azimuth > 0 else "side_right"
    return "rear"


BORDER = 7.5
"""Degrees on either side of a border between two views in which both apply: what estimating the azimuth leaves open."""


def views_at(azimuth: float) -> dict[ViewId, float]:
    """The views that apply at an azimuth in degrees, each with its weight; the weights sum to 1.

    A view fades into its neighbour within `BORDER` of the border between them, so that a degree more or less changes little.
    """
    off = abs(azimuth)
    side: ViewId = "side_left" if azimuth > 0 else "side_right"
    order: tuple[ViewId, ...] = ("front", "oblique", side, "rear")
    for border, (nearer, further) in zip((FRONT, OBLIQUE, SIDE), pairwise(order), strict=True):
        if abs(off - border) < BORDER:
            share = (off - border + BORDER) / (2 * BORDER)
            return {nearer: 1 - share, further: share}
    return {name_view(azimuth): 1.0}


def azimuths(motion: Motion) -> Floats:
    """(n,) the camera's azimuth in every sample, degrees; NaN where the person was not found."""
    directions = []
    for part in ("shoulder", "hip"):
        across = motion.world[:, INDEX[f"left_{part}"]] - motion.world[:, INDEX[f"right_{part}"]]
        directions.append(np.exp(1j * np.arctan2(-across[:, 2], across[:, 0])))
    # Both lines have the same weight, since the shoulders turn when the arms hold a bar.
    return np.asarray(np.degrees(np.angle(np.sum(directions, axis=0))))


def estimate_view(motion: Motion, *, start: int = 0, end: int | None = None) -> View:
    """The view in which the person is seen most of the time.

    Args:
        motion: the landmarks.
        start, end: the samples to use; leave out walking in and out.

    Raises:
        ValueError: none of these samples has a person.
    """
    azimuth = azimuths(motion)[start:end]
    azimuth = azimuth[~np.isnan(azimuth)]
    if not azimuth.size:
        raise ValueError("there is no person in these samples to estimate a view from")
    # The median is taken around the mean direction, since azimuths jump from 180 to -180 degrees.
    mean = np.degrees(np.angle(np.mean(np.exp(1j * np.radians(azimuth)))))
    centre = float(mean + np.median((azimuth - mean + 180) % 360 - 180))
    centre = (centre + 180) % 360 - 180
    view = name_view(centre)
    share = float(np.mean([name_view(value) == view for value in azimuth]))
    return View(view, round(share, 3), round(centre, 1))


def views_besides(motion: Motion, view: View, *, least: float) -> list[View]:
    """The other views that apply to at least a share `least` of the samples."""
    azimuth = azimuths(motion)
    azimuth = azimuth[~np.isnan(azimuth)]
    names = np.array([name_view(value) for value in azimuth])
    found = []
    for name in VIEWS:
        share = float(np.mean(names == name)) if len(names) else 0.0
        if name != view.id and share >= least:
            mean = np.degrees(np.angle(np.mean(np.exp(1j * np.radians(azimuth[names == name])))))
            found.append(View(name, round(share, 3), round(float(mean), 1)))
    return found
