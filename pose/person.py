"""Who exercises: the one to follow among all who are in the picture.

MediaPipe's tracker follows whoever it found first, and asked for several people it overlooks those who stand side by side. So
the picture is searched a second time, now and then, with the followed person painted over: that finds a trainer, a spotter, a
passer-by or a reflection for the price of one detection. Only when somebody else of some size is seen is the video read again,
with the first person painted over, and the two motions are compared: the one who exercises moves the joints far, in place, for
most of the time.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pose.frame import Pixels
from pose.landmarks import HIPS, SHOULDERS, Pose
from pose.motion import INDEX
from pose.sampling import STEADY

LOOK_AROUND_S = 2.5
LOOKS = 5
"""Seconds between two searches for other people; at least so many in a short video."""

SEARCHED_AGAIN = 0.3
"""A find that lies with more of its trunk than this on the painted person is that person's remains."""

SMALLEST = 0.4
"""A person of less than this share of the followed one's size is background. The square root of it weighs in the choice."""

JUMP, JUMP_PER_S, JUMP_AT_MOST = 1.0, 2.5, 3.0
"""How far, in lengths of the person, the middle of a trunk gets between two samples; more is another person. The fastest of
real exercises measured, at eight samples a second, was 0.85."""

GROWTH = 0.7
"""Natural logarithm of the same for the size; measured: 0.58."""

SAME = 0.25
"""How far, in lengths of the person, shoulders and hips may lie apart in two views of one moment; more is another person, or
left taken for right. Of two trackers at 82 seams, half differed by less than 0.005, nine in ten by less than 0.05."""

LONGEST_EXCURSION_S = 20.0
"""Beyond that a return to the same place is a coincidence."""

SLIDE_S = 0.7
"""How long the tracker takes to slide from one person to another who passes in front."""

PREFERENCE = 1.4
"""By what factor somebody else must look more like exercising than the person whom the tracker chose."""

FLOOR = 0.35
"""What standing still scores: trembling landmarks must not decide between two who rest."""

ANGLES = tuple(
    (INDEX[f"{side}_{joints[0]}"], INDEX[f"{side}_{joints[1]}"], INDEX[f"{side}_{joints[2]}"])
    for joints in (
        ("hip", "knee", "ankle"),
        ("shoulder", "hip", "knee"),
        ("shoulder", "elbow", "wrist"),
        ("hip", "shoulder", "elbow"),
    )
    for side in ("left", "right")
)

_LIMBS = tuple(
    (INDEX[f"{side}_{start}"], INDEX[f"{side}_{end}"])
    for start, end in (
        *(("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"), ("hip", "knee"), ("knee", "ankle")),
        *(("ankle", "heel"), ("heel", "foot_index"), ("ankle", "foot_index")),
    )
    for side in ("left", "right")
)
_HEAD = slice(INDEX["nose"], INDEX["mouth_right"] + 1)


@dataclass
class Samples:
    """What was seen of one person, in order of time; None where the person was not found."""

    times: list[float] = field(default_factory=list)
    poses: list[Pose | None] = field(default_factory=list)

    @property
    def found(self) -> int:
        """The number of samples with the person."""
        return sum(pose is not None for pose in self.poses)

    def add(self, time: float, pose: Pose | None) -> None:
        """Append one sample."""
        self.times.append(time)
        self.poses.append(pose)

    def only(self, indices: Iterable[int]) -> "Samples":
        """The same times, with the person found only at these indices."""
        kept = set(indices)
        return Samples(self.times, [pose if i in kept else None for i, pose in enumerate(self.poses)])

    def without(self, indices: Iterable[int]) -> "Samples":
        """The same times, with the person not found at these indices."""
        dropped = set(indices)
        return self.only(i for i in range(len(self.times)) if i not in dropped)

    def between(self, start_s: float, end_s: float) -> "Samples":
        """The samples from `start_s` up to and with `end_s`."""
        inner = slice(bisect_left(self.times, start_s), bisect_right(self.times, end_s))
        return Samples(self.times[inner], self.poses[inner])

    def then(self, other: "Samples") -> "Samples":
        """These samples, and what another reading has after the last of them."""
        first = bisect_right(other.times, self.times[-1]) if self.times else 0
        return Samples(self.times + other.times[first:], self.poses + other.poses[first:])

    def spliced(self, other: "Samples", start_s: float, end_s: float) -> "Samples":
        """These samples, with those of another reading from `start_s` up to and with `end_s`."""
        first = bisect_left(self.times, start_s)
        last = bisect_right(self.times, end_s)
        inner = other.between(start_s, end_s)
        return Samples(
            self.times[:first] + inner.times + self.times[last:], self.poses[:first] + inner.poses + self.poses[last:]
        )

    def at(self, time: float, within_s: float = 0.3) -> Pose | None:
        """The pose at a time, between two samples the mean of both weighted by nearness; None if nothing is that near."""
        after = bisect_left(self.times, time)
        near = [i for i in (after - 1, after) if 0 <= i < len(self.times) and abs(self.times[i] - time) <= within_s]
        found = [(self.times[i], pose) for i in near if (pose := self.poses[i]) is not None]
        if not found:
            return None
        if len(found) == 1:
            return found[0][1]
        (t0, first), (t1, second) = found
        share = (time - t0) / (t1 - t0)
        return Pose(
            first.image + share * (second.image - first.image),
            first.world + share * (second.world - first.world),
            np.minimum(first.visibility, second.visibility),
        )


def paint_over(pixels: Pixels, pose: Pose) -> tuple[Pixels, NDArray[np.bool_]]:
    """A copy of the picture with the person painted grey, and where: (height, width)."""
    height, width = pixels.shape[:2]
    limit = 4 * max(height, width)  # landmarks far outside would overflow OpenCV's fixed point numbers
    points = np.clip(pose.image[:, :2], -limit, limit).astype(np.int32)
    thickness = max(3, round(0.35 * pose.length))
    mask = np.zeros((height, width), np.uint8)
    for start, end in _LIMBS:
        cv2.line(mask, points[start].tolist(), points[end].tolist(), 1, thickness)
    trunk = cv2.convexHull(points[SHOULDERS + HIPS])
    cv2.fillConvexPoly(mask, trunk, 1)
    cv2.polylines(mask, [trunk], True, 1, thickness)
    head = points[_HEAD].mean(axis=0).astype(int).tolist()
    cv2.line(mask, points[SHOULDERS].mean(axis=0).astype(int).tolist(), head, 1, thickness)
    cv2.circle(mask, head, round(0.4 * pose.length), 1, -1)
    where = mask.astype(bool)
    painted = pixels.copy()
    painted[where] = 127
    return painted, where


def is_remainder(found: Pose, where: NDArray[np.bool_]) -> bool:
    """Whether somebody found in a painted picture is only what is left of the painted person."""
    height, width = where.shape
    points = found.image[[INDEX["nose"], *SHOULDERS, *HIPS], :2]
    columns = np.clip(points[:, 0], 0, width - 1).astype(int)
    rows = np.clip(points[:, 1], 0, height - 1).astype(int)
    return bool(where[rows, columns].mean() > SEARCHED_AGAIN)


def look_interval(duration_s: float | None) -> float:
    """Seconds between two searches for other people."""
    return min(LOOK_AROUND_S, (duration_s or math.inf) / (LOOKS + 1))


def is_same(first: Pose, second: Pose) -> bool:
    """Whether two poses of one moment are of one person, and the same way round."""
    apart = np.linalg.norm(first.image[SHOULDERS + HIPS, :2] - second.image[SHOULDERS + HIPS, :2], axis=1)
    return bool(apart.mean() < SAME * min(first.length, second.length))


def is_rival(followed: Pose, other: Pose) -> bool:
    """Whether somebody else is large enough to be the one who exercises."""
    return other.length >= SMALLEST * followed.length


def excursions(samples: Samples, cuts: Sequence[float]) -> list[range]:
    """Indices at which the tracker followed somebody else and came back.

    A jump alone proves nothing. One that ends where the person had been before does: what lies between was another person, also
    when the tracker had slid over to them as they passed in front. What lies between two cuts was filmed elsewhere.

    Args:
        samples: what the tracker saw.
        cuts: seconds at which the picture changes as a whole; an excursion lies between two of them.
    """
    found = [i for i, pose in enumerate(samples.poses) if pose is not None]
    away: list[range] = []
    for number in range(1, len(found)):
        here = found[number]
        if not _parted(samples, found[number - 1], here):
            continue
        now = samples.times[here]
        since = max([now - LONGEST_EXCURSION_S, *(cut for cut in cuts if cut <= now)])
        earlier = (i for i in reversed(found[: number - 1]) if samples.times[i] >= since)
        left = next((i for i in earlier if not _parted(samples, i, here, reach=JUMP)), None)
        if left is not None:
            away.append(range(_before_slide(samples, found, left) + 1, here))
    return away


def stretches(samples: Samples) -> list[Samples]:
    """What the tracker saw between its jumps, the longest first."""
    parts: list[list[int]] = [[]]
    for i, pose in enumerate(samples.poses):
        if pose is None:
            continue
        if parts[-1] and _parted(samples, parts[-1][-1], i):
            parts.append([])
        parts[-1].append(i)
    return [samples.only(part) for part in sorted(parts, key=len, reverse=True)]


def score(samples: Samples, size: float) -> float:
    """How much a motion looks like exercise.

    Args:
        samples: of one person.
        size: the person's length as a share of the largest candidate's.
    """
    poses = [pose for pose in samples.poses if pose is not None]
    if len(poses) < 2:
        return 0.0
    image, world = np.stack([pose.image for pose in poses]), np.stack([pose.world for pose in poses])
    seen = np.stack([pose.visibility for pose in poses]) > 0.5
    length = float(np.median([pose.length for pose in poses]))
    centre = image[:, SHOULDERS + HIPS, :2].mean(axis=1) / length
    quarter = max(1, len(poses) // 4)
    drift = abs(float(np.median(centre[-quarter:, 0]) - np.median(centre[:quarter, 0])))
    activity = 0.0
    for start, vertex, end in ANGLES:
        valid: NDArray[np.bool_] = np.all(seen[:, [start, vertex, end]], axis=1)
        activity += _range(_angles(world, start, vertex, end), valid) / 180
    upright = image[:, HIPS, 1].mean(axis=1) - image[:, SHOULDERS, 1].mean(axis=1)
    across = np.abs(image[:, HIPS, 0].mean(axis=1) - image[:, SHOULDERS, 0].mean(axis=1))
    lying = float(np.mean(across > upright))
    present = len(poses) / len(samples.poses)
    return present * math.sqrt(size) * (FLOOR + activity + _range(centre[:, 1]) + 0.7 * lying) / (1 + drift)


def size(samples: Samples) -> float:
    """Median length of the person in pixels; 0 if never seen."""
    return float(np.median([pose.length for pose in samples.poses if pose is not None] or [0.0]))


def choose(candidates: list[Samples]) -> int:
    """Index of the one who exercises; the first one unless another looks clearly more like it."""
    largest = max(size(candidate) for candidate in candidates) or 1.0
    scores = [score(candidate, size(candidate) / largest) for candidate in candidates]
    scores[0] *= PREFERENCE
    return int(np.argmax(scores))


def _parted(samples: Samples, before: int, after: int, reach: float | None = None) -> bool:
    """Whether two samples are too far apart, in place or in size, to be of one person; `reach` in lengths of the person."""
    first, second = samples.poses[before], samples.poses[after]
    if first is None or second is None:
        raise ValueError("only samples with a person can be compared")
    if reach is None:
        waited = samples.times[after] - samples.times[before] - 1 / STEADY
        reach = min(JUMP_AT_MOST, JUMP + JUMP_PER_S * max(0.0, waited))
    smaller, larger = sorted((first.length, second.length))
    if smaller <= 0 or math.log(larger / smaller) > GROWTH:
        return True
    return float(np.linalg.norm(second.centre - first.centre)) > reach * smaller


def _before_slide(samples: Samples, found: list[int], left: int) -> int:
    """The last sample before the tracker lost hold: it slides to another person over a few samples that are still near."""
    place = found.index(left)
    while place > 0 and samples.times[left] - samples.times[found[place]] <= SLIDE_S:
        before, here = found[place - 1], found[place]
        if here - before > 1 or _parted(samples, before, here, reach=JUMP / 2):
            return before
        place -= 1
    return left


def _range(values: NDArray[np.floating], valid: NDArray[np.bool_] | None = None) -> float:
    """Distance between the 10th and the 90th percentile; 0 when fewer than a third of the values are valid."""
    if valid is not None:
        if valid.mean() < 1 / 3:
            return 0.0
        values = values[valid]
    low, high = np.percentile(values, (10, 90))
    return float(high - low)


def _angles(points: NDArray[np.float32], start: int, vertex: int, end: int) -> NDArray[np.floating]:
    """(n,) degrees at the vertex."""
    a, b = points[:, start] - points[:, vertex], points[:, end] - points[:, vertex]
    cosine = (a * b).sum(axis=1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)
    angles: NDArray[np.floating] = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return angles
