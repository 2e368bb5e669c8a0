"""Compare a motion with a reference, repetition by repetition.

Landmarks are measured from the centre of the person in lengths of the torso, so that place and size of the person do not
matter. Two videos from the same side are compared in the picture, which is exact. Others are compared by world landmarks that
are rotated to face the camera, which is less exact. The reference is mirrored, or its left and right limbs are exchanged, if
that fits better: the other person may face the other way or begin with the other leg. Dynamic time warping (Sakoe & Chiba 1978)
aligns two repetitions, so that the tempo does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from pose.motion import INDEX, LANDMARKS, Floats, Motion
from pose.movements.angles import SIDES, TRIPLES, angle_at
from pose.movements.view import estimate_view

JOINTS = tuple(
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index") for side in SIDES
)
"""The landmarks that are compared."""

ANGLES = {
    f"{side}_{joint}": tuple(INDEX[f"{side}_{part}"] for part in TRIPLES[joint])
    for joint in ("shoulder", "elbow", "hip", "knee", "ankle")
    for side in SIDES
}
"""Joint: the landmarks of its angle. Only these joints are named to the user."""

SAME_VIEW = 22.5
"""Two videos are compared in the picture if the azimuths of their cameras differ by less than this, in degrees."""

PICTURE_TOLERANCE, SPACE_TOLERANCE = 0.25, 0.6
"""Distance of a joint, in lengths of the torso, at which its similarity is 1/e. The model's own error, about 0.05 in the
picture, costs 4 %. The error of its depth, which matters between two views, is several times as large."""

DECISIVE = 85
"""The percentile of a joint's distance over time that decides: a fault lasts for part of a repetition, a tracking error for a
moment."""

LONGEST = 150
"""Largest number of samples of one span that are compared. Of a longer span, such as a hold, every second (third, ...) sample
is used."""


@dataclass(frozen=True)
class SpanComparison:
    """One repetition (or the hold) compared with a repetition of the reference.

    Attributes:
        similarity: 0 to 1.
        per_joint: the same for each of `JOINTS`.
        sample, reference_sample: the samples of greatest difference in motion and reference.
        joint: the joint of `ANGLES` whose angle differs most there.
        reference_joint: the same joint in the reference; on the other side if the limbs were exchanged.
        mirrored: whether the reference's picture was mirrored.
    """

    similarity: float
    per_joint: dict[str, float]
    sample: int
    reference_sample: int
    joint: str
    reference_joint: str
    mirrored: bool


@dataclass(frozen=True)
class Comparison:
    """A motion compared with a reference.

    Attributes:
        overall: 0 to 1; 1 is the same movement.
        per_joint: the same for each of `JOINTS`.
        spans: each repetition (or the hold), in order.
        in_picture: whether both were filmed from the same side; if not, the values are less exact.
    """

    overall: float
    per_joint: dict[str, float]
    spans: tuple[SpanComparison, ...]
    in_picture: bool


Spans = Sequence[tuple[int, int]]
"""First and last sample of each repetition, or of the hold."""


def compare(motion: Motion, spans: Spans, reference: Motion, reference_spans: Spans) -> Comparison:
    """Compare two cleaned motions of the same exercise.

    The first repetition is compared with the first one of the reference, the last with the last, and the others in proportion.

    Raises:
        ValueError: one of the motions has no span.
    """
    if not spans or not reference_spans:
        raise ValueError("there is nothing to compare: find the repetitions of both motions first")
    azimuth, reference_azimuth = (_azimuth(each, its) for each, its in ((motion, spans), (reference, reference_spans)))
    in_picture = min(abs(_turn(azimuth - reference_azimuth)), abs(_turn(azimuth + reference_azimuth))) < SAME_VIEW
    if in_picture:
        points, reference_points = in_torsos(motion.image[..., :2]), in_torsos(reference.image[..., :2])
    else:
        points, reference_points = facing(motion), facing(reference)
    tolerance = PICTURE_TOLERANCE if in_picture else SPACE_TOLERANCE
    compared = []
    for number, span in enumerate(spans):
        partner = reference_spans[round(number * (len(reference_spans) - 1) / max(1, len(spans) - 1))]
        mine, its = _samples(motion, span), _samples(reference, partner)
        if not len(mine) or not len(its):
            continue
        compared.append(
            max(
                (
                    _compare_span(
                        (points, motion.visibility, mine),
                        (arranged(reference_points, flip, swap), arranged(reference.visibility, False, swap), its),
                        tolerance,
                        mirrored=flip,
                        swapped=swap,
                    )
                    for flip, swap in product((False, True), repeat=2)
                ),
                key=lambda found: found.similarity,
            )
        )
    if not compared:
        raise ValueError("there is nothing to compare: the person is not seen in any of these spans")
    return Comparison(
        float(np.mean([found.similarity for found in compared])),
        {joint: float(np.mean([found.per_joint[joint] for found in compared])) for joint in JOINTS},
        tuple(compared),
        in_picture,
    )


def in_torsos(points: Floats) -> Floats:
    """Landmarks relative to the centre of the compared joints, in lengths of the torso.

    One length is used for the whole motion, so that bending forward does not enlarge the person. It is the 90th percentile, at
    which the torso is hardly foreshortened.

    Args:
        points: (n, 33, 2 or 3); NaN where the person was not found.
    """
    hips = points[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(axis=1)
    shoulders = points[:, [INDEX["left_shoulder"], INDEX["right_shoulder"]]].mean(axis=1)
    middle = points[:, _COMPARED].mean(axis=1)
    return np.asarray((points - middle[:, None]) / np.nanpercentile(np.linalg.norm(shoulders - hips, axis=1), 90))


def facing(motion: Motion) -> Floats:
    """(n, 33, 3) world landmarks, rotated as if the camera stood straight ahead of the person, in lengths of the torso."""
    azimuth = np.radians(_azimuth(motion, [(0, len(motion.times) - 1)]))
    x, y, z = np.moveaxis(motion.world, -1, 0)
    turned = np.stack([x * np.cos(azimuth) - z * np.sin(azimuth), y, x * np.sin(azimuth) + z * np.cos(azimuth)], axis=-1)
    return in_torsos(turned)


def arranged(values: Floats, flip: bool, swap: bool) -> Floats:
    """Mirror the picture, exchange left and right limbs, or both.

    Args:
        values: (n, 33) or (n, 33, 2 or 3); x comes first and is 0 at the centre of the person.
        flip: negate x.
        swap: exchange left and right.
    """
    values = values[:, _SWAPPED] if swap else values
    if flip:
        values = values.copy()
        values[..., 0] *= -1
    return values


def warp(costs: Floats) -> list[tuple[int, int]]:
    """Dynamic time warping: the cheapest path through a matrix of costs from the first to the last cell.

    Args:
        costs: (n, m), at least one row and column.

    Returns:
        The cells of the path in order; each step goes to the next row, the next column or both.
    """
    n, m = costs.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0
    for i in range(n):
        for j in range(m):
            total[i + 1, j + 1] = costs[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    cells = [(n - 1, m - 1)]
    while cells[-1] != (0, 0):
        i, j = cells[-1]
        before = {(i - 1, j - 1): total[i, j], (i - 1, j): total[i, j + 1], (i, j - 1): total[i + 1, j]}
        cells.append(min((cell for cell in before if min(cell) >= 0), key=before.__getitem__))
    return cells[::-1]


_COMPARED = [INDEX[joint] for joint in JOINTS]


def _other_side(name: str) -> str:
    return name.replace("left", "right") if "left" in name else name.replace("right", "left")


_SWAPPED = [INDEX[_other_side(name)] for name in LANDMARKS]
Samples = NDArray[np.intp]
_Part = tuple[Floats, Floats, Samples]
"""Points and visibility of a whole motion, and the samples to compare."""


def _compare_span(mine: _Part, its: _Part, tolerance: float, *, mirrored: bool, swapped: bool) -> SpanComparison:
    (points, visibility, samples), (other, other_visibility, other_samples) = mine, its
    a, b = points[samples][:, _COMPARED], other[other_samples][:, _COMPARED]
    weights = np.sqrt(
        visibility[samples][:, _COMPARED].mean(axis=0) * other_visibility[other_samples][:, _COMPARED].mean(axis=0)
    )
    weights = (weights + 1e-6) / np.sum(weights + 1e-6)
    squares = np.sum((a[:, None] - b[None]) ** 2, axis=-1)
    path = warp(squares @ weights)
    along = np.array([squares[cell] for cell in path])
    similarity = np.exp(-np.percentile(along, DECISIVE, axis=0) / tolerance**2)
    # Averaged over a few samples, so that a single tracking error is not taken as the greatest difference.
    steady = cv2.blur(along * weights, (1, min(5, len(along))), borderType=cv2.BORDER_REPLICATE)
    worst = path[int(np.argmax(steady.sum(axis=1)))]
    sample, other_sample = samples[worst[0]], other_samples[worst[1]]
    joint = _joint_off(points[sample], other[other_sample], np.sqrt(visibility[sample] * other_visibility[other_sample]))
    return SpanComparison(
        float(similarity @ weights),
        dict(zip(JOINTS, similarity.tolist(), strict=True)),
        int(sample),
        int(other_sample),
        joint,
        _other_side(joint) if swapped else joint,
        mirrored,
    )


def _joint_off(points: Floats, other: Floats, seen: Floats) -> str:
    """The joint whose angle differs most between two poses (33, 2 or 3), weighted by the visibility `seen` (33,)."""

    def off(joint: str) -> float:
        triple = list(ANGLES[joint])
        apart = float(np.abs(angle_at(*points[triple]) - angle_at(*other[triple])))
        return apart * float(seen[triple].min()) if np.isfinite(apart) else 0.0

    return max(ANGLES, key=off)


def _samples(motion: Motion, span: tuple[int, int]) -> Samples:
    samples = np.arange(span[0], span[1] + 1)
    samples = samples[motion.detected[samples]]
    return samples[:: max(1, -(-len(samples) // LONGEST))]


def _azimuth(motion: Motion, spans: Spans) -> float:
    return estimate_view(motion, start=spans[0][0], end=spans[-1][1] + 1).azimuth


def _turn(degrees: float) -> float:
    return (degrees + 180) % 360 - 180
