"""Choose the person who exercises when several people are in the picture.

MediaPipe's tracker follows the person it found first. Its mode for several people misses people who stand side by side. So,
every few seconds, the picture is searched a second time with the tracked person painted over. That finds a trainer, a spotter,
a passer-by or a reflection at the cost of one detection. If another large person is found, the video is read a second time with
the first person painted over, and the two motions are compared. The person who exercises moves the joints far, stays in place,
and is visible most of the time.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pose.motion import INDEX
from pose.reading.frame import Pixels
from pose.reading.landmarks import HIPS, SHOULDERS, Pose
from pose.reading.sampling import STEADY

LOOK_AROUND_S = 2.5
LOOKS = 5
"""Seconds between two searches for other people, and the lowest number of searches in a short video."""

LOOK_AFTER_CUT_S = 0.4
"""Seconds between a cut and the first search in the new shot. From search to search the interval doubles up to the usual one,
so that a shot of one quick repetition is searched twice."""

SEARCHED_AGAIN = 0.3
"""If more than this share of a detected trunk lies on the painted area, the detection is the painted person."""

SMALLEST = 0.4
"""A person smaller than this share of the tracked person's size is background. The score contains the square root of the
share."""

JUMP, JUMP_PER_S, JUMP_AT_MOST = 1.0, 2.5, 3.0
"""Two successive samples whose trunk centres are further apart than this, in lengths of the person, are of two people: 1.0,
plus 2.5 for each second without a sample, at most 3.0. The fastest real exercise, at eight samples per second, moved by
0.85."""

GROWTH = 0.7
"""Two successive samples whose sizes differ by more than this natural logarithm are of two people. The largest measured:
0.58."""

SAME = 0.25
"""Two poses of one moment are of the same person if shoulders and hips are less than this apart, in lengths of the person. At a
greater distance they are of two people, or one has left and right exchanged. Two trackers at 82 borders between parts differed
by less than 0.005 in half of the cases and by less than 0.05 in nine of ten."""

LONGEST_EXCURSION_S = 20.0
"""Seconds. A later return to the same place is taken as a coincidence."""

OCCLUDED_S, SEEN_MEANWHILE = 4.0, 0.5
"""Seconds, and a share. A passer-by hides the person for a shorter time. If the excursion is longer, and less than this share
of it shows a person when the found one is painted over, the found person is the same one: the recording was paused, and the
person went to another place."""

SLIDE_S = 0.7
"""Seconds that the tracker needs to slide from one person to another who passes in front."""

PREFERENCE = 1.4
"""Factor by which the score of another person must exceed that of the person whom the tracker chose."""

FLOOR = 0.35
"""Score of standing still, so that noise of the landmarks does not decide between two people who rest."""

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
    """The poses of one person, in order of time; None where the person was not found."""

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
        """A copy with the poses at these indices only; the times stay."""
        kept = set(indices)
        return Samples(self.times, [pose if i in kept else None for i, pose in enumerate(self.poses)])

    def without(self, indices: Iterable[int]) -> "Samples":
        """A copy without the poses at these indices; the times stay."""
        dropped = set(indices)
        return self.only(i for i in range(len(self.times)) if i not in dropped)

    def between(self, start_s: float, end_s: float) -> "Samples":
        """The samples from `start_s` up to and with `end_s`."""
        inner = slice(bisect_left(self.times, start_s), bisect_right(self.times, end_s))
        return Samples(self.times[inner], self.poses[inner])

    def then(self, other: "Samples") -> "Samples":
        """These samples, followed by those of another reading that are later."""
        first = bisect_right(other.times, self.times[-1]) if self.times else 0
        return Samples(self.times + other.times[first:], self.poses + other.poses[first:])

    def spliced(self, other: "Samples", start_s: float, end_s: float) -> "Samples":
        """These samples, with those from `start_s` to `end_s` replaced by the samples of another reading."""
        first = bisect_left(self.times, start_s)
        last = bisect_right(self.times, end_s)
        inner = other.between(start_s, end_s)
        return Samples(
            self.times[:first] + inner.times + self.times[last:], self.poses[:first] + inner.poses + self.poses[last:]
        )

    def at(self, time: float, within_s: float = 0.3) -> Pose | None:
        """The pose at a time in seconds, interpolated between the two nearest samples; None if no sample is within
        `within_s`."""
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
    """A copy of the picture with the person painted grey, and the mask (height, width) of the painted pixels."""
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
    """Whether a person detected in a painted picture is the rest of the painted person."""
    height, width = where.shape
    points = found.image[[INDEX["nose"], *SHOULDERS, *HIPS], :2]
    columns = np.clip(points[:, 0], 0, width - 1).astype(int)
    rows = np.clip(points[:, 1], 0, height - 1).astype(int)
    return bool(where[rows, columns].mean() > SEARCHED_AGAIN)


def look_interval(duration_s: float | None) -> float:
    """Seconds between two searches for other people."""
    return min(LOOK_AROUND_S, (duration_s or math.inf) / (LOOKS + 1))


def is_same(first: Pose, second: Pose) -> bool:
    """Whether two poses of one moment are of the same person, with left and right not exchanged."""
    apart = np.linalg.norm(first.image[SHOULDERS + HIPS, :2] - second.image[SHOULDERS + HIPS, :2], axis=1)
    return bool(apart.mean() < SAME * min(first.length, second.length))


def is_rival(followed: Pose, other: Pose) -> bool:
    """Whether another person is large enough to be the one who exercises."""
    return other.length >= SMALLEST * followed.length


def excursions(samples: Samples, cuts: Sequence[float]) -> list[range]:
    """Find the ranges of indices in which the tracker followed another person before it came back.

    A jump alone does not prove that. A jump back to an earlier place does: the samples before it are of another person, even if
    the tracker slid slowly to that person. Only samples between two cuts are compared, since another shot shows another place.

    Args:
        samples: the samples of the tracker.
        cuts: times of the cuts in seconds.
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


def without_strangers(
    samples: Samples, cuts: Sequence[float], look_again: Callable[[Samples, tuple[float, float]], Samples]
) -> Samples:
    """Replace each excursion by the samples of another person who is seen meanwhile.

    A long excursion stays if nobody else is seen meanwhile, or if the other person exercises less: two shots of one room can
    follow each other without a visible cut, and a bystander is in one of them.

    Args:
        samples: the samples of the tracker.
        cuts: times of the cuts in seconds.
        look_again: reads the span from a start to an end, in seconds, with the person of these samples painted over.
    """
    # Times, not indices: another reading has another number of samples.
    away = [(samples.times[one.start], samples.times[one.stop - 1]) for one in excursions(samples, cuts)]
    kept: list[tuple[float, float]] = []
    for start, end in away:
        followed = samples.between(start, end)
        other = look_again(followed, (start, end)).between(start, end)
        alone = other.found < SEEN_MEANWHILE * len(other.times)
        if end - start > OCCLUDED_S and (alone or choose([followed, other]) == 0):
            kept.append((start, end))
        else:
            samples = samples.spliced(other, start, end)

    def is_kept(one: range) -> bool:
        first, last = samples.times[one.start], samples.times[one.stop - 1]
        return any(first <= end and start <= last for start, end in kept)

    strangers = [one for one in excursions(samples, cuts) if not is_kept(one)]
    return samples.without(i for one in strangers for i in one)


def stretches(samples: Samples) -> list[Samples]:
    """Split the samples at the tracker's jumps; the longest part comes first."""
    parts: list[list[int]] = [[]]
    for i, pose in enumerate(samples.poses):
        if pose is None:
            continue
        if parts[-1] and _parted(samples, parts[-1][-1], i):
            parts.append([])
        parts[-1].append(i)
    return [samples.only(part) for part in sorted(parts, key=len, reverse=True)]


def score(samples: Samples, size: float) -> float:
    """Score how much a motion looks like exercise.

    Args:
        samples: the samples of one person.
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
    """Median length of the person in pixels; 0 if the person was never found."""
    return float(np.median([pose.length for pose in samples.poses if pose is not None] or [0.0]))


def choose(candidates: list[Samples]) -> int:
    """Index of the person who exercises: the first one, unless another has a clearly higher score."""
    largest = max(size(candidate) for candidate in candidates) or 1.0
    scores = [score(candidate, size(candidate) / largest) for candidate in candidates]
    scores[0] *= PREFERENCE
    return int(np.argmax(scores))


def _parted(samples: Samples, before: int, after: int, reach: float | None = None) -> bool:
    """Whether two samples differ too much in place or size to be of one person; `reach` is in lengths of the person."""
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
    """Index of the last sample before the tracker began to slide to another person over a few samples that are still near."""
    place = found.index(left)
    while place > 0 and samples.times[left] - samples.times[found[place]] <= SLIDE_S:
        before, here = found[place - 1], found[place]
        if here - before > 1 or _parted(samples, before, here, reach=JUMP / 2):
            return before
        place -= 1
    return left


def _range(values: NDArray[np.floating], valid: NDArray[np.bool_] | None = None) -> float:
    """Distance between the 10th and the 90th percentile; 0 if fewer than a third of the values are valid."""
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
