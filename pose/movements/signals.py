"""Clean landmarks, and compute from them the named signals that describe movements.

Lengths are in metres of the person: pixels divided by the scale between the picture and MediaPipe's world landmarks. So the
size of the picture and the distance of the camera do not matter. Heights are measured in the picture.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from pose.motion import INDEX, Floats, Motion
from pose.movements.angles import SIDES, TRIPLES, angle_at, inclination

LONGEST_GAP_S = 0.5
"""Seconds. Gaps in the detection up to this length are interpolated linearly; longer gaps stay NaN."""

SMOOTHING_S = 0.045
"""Standard deviation, in seconds, of the Gaussian that smooths landmarks. It halves oscillations of 4 Hz; the fastest
repetitions (0.4 s) keep three quarters of their range."""

SCALE_SMOOTHING_S = 1.0
"""Standard deviation of the smoothing of the scale, in seconds: the distance from the camera changes more slowly than the
pose."""

STEP_S = 0.3
"""Standard deviation, in seconds, of the Gaussian that averages out steps (one in 0.3 to 0.6 s) and keeps lunges."""

SPIKE_WINDOW_S = 0.1
SPIKE_M = 0.15
SPIKE_MADS = 4.0
"""Hampel filter: a landmark is an outlier if its distance from the median of the window (0.1 s to either side) is more than
0.15 m and more than 4 scaled median absolute deviations."""


def clean(motion: Motion) -> Motion:
    """Remove outliers, short gaps and jitter from a motion.

    Returns:
        A motion with the same times. Short gaps are interpolated, in the visibility too; longer gaps stay NaN. Nothing is
        interpolated or smoothed across a cut.
    """
    parts = [_clean_shot(motion.part(shot.start, shot.stop)) for shot in motion.shots]
    if len(parts) < 2:
        return parts[0] if parts else motion
    image, world, visibility = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("image", "world", "visibility")
    )
    return replace(motion, image=image, world=world, visibility=visibility)


def _clean_shot(motion: Motion) -> Motion:
    found = np.flatnonzero(motion.detected)
    if len(found) < 3:
        return motion
    world = motion.world.copy()
    image = motion.image.copy()
    slips = _spikes(motion.times, world)
    world[slips] = np.nan
    image[slips] = np.nan
    open_gaps = _long_gaps(motion.times, motion.detected)
    tracks = np.concatenate([image.reshape(len(image), -1), world.reshape(len(world), -1), motion.visibility], axis=1)
    tracks[~motion.detected] = np.nan
    tracks = smooth(motion.times, bridge(motion.times, tracks), SMOOTHING_S)
    tracks[open_gaps] = np.nan
    flat = 33 * 3
    visibility = np.where(open_gaps[:, None], 0.0, np.clip(tracks[:, 2 * flat :], 0, 1))
    return Motion(
        motion.video,
        motion.times,
        tracks[:, :flat].reshape(-1, 33, 3),
        tracks[:, flat : 2 * flat].reshape(-1, 33, 3),
        visibility,
    )


def bridge(times: Floats, tracks: Floats) -> Floats:
    """Replace NaN by linear interpolation, and by the nearest value before the first and after the last known value.

    Args:
        times: (n,) seconds.
        tracks: (n, k); a column without any value stays NaN.
    """
    bridged = tracks.copy()
    for column in bridged.T:
        known = ~np.isnan(column)
        if known.any() and not known.all():
            column[~known] = np.interp(times[~known], times[known], column[known])
    return bridged


def smooth(times: Floats, tracks: Floats, sigma_s: float) -> Floats:
    """Smooth with a Gaussian over time; the intervals between samples may vary.

    Args:
        times: (n,) seconds, rising.
        tracks: (n,) or (n, k) without NaN (a column of NaN stays NaN).
        sigma_s: standard deviation in seconds.
    """
    if len(times) < 2:
        return tracks
    step = min(float(np.median(np.diff(times))), sigma_s)
    grid = np.arange(times[0], times[-1] + step, step)
    columns = tracks.reshape(len(times), -1)
    even = np.stack([np.interp(grid, times, column) for column in columns.T], axis=1)
    sigma = sigma_s / step
    # The kernel ends at four standard deviations. OpenCV is loaded already; importing SciPy would take a quarter of a second.
    kernel = cv2.getGaussianKernel(2 * int(4 * sigma + 0.5) + 1, sigma, cv2.CV_64F)
    even = cv2.sepFilter2D(even, cv2.CV_64F, np.ones(1), kernel, borderType=cv2.BORDER_REPLICATE)
    back = np.stack([np.interp(times, grid, column) for column in even.T], axis=1)
    return back.reshape(tracks.shape)


def runs(flags: NDArray[np.bool_]) -> list[slice]:
    """The slices of consecutive flags that are set."""
    borders = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [slice(int(first), int(last)) for first, last in borders.reshape(-1, 2)]


def _long_gaps(times: Floats, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) whether the sample lies in a gap that is too long to be interpolated."""
    open_gaps = np.zeros(len(times), dtype=bool)
    for gap in runs(~found):
        before = times[gap.start - 1] if gap.start else -np.inf
        after = times[gap.stop] if gap.stop < len(times) else np.inf
        open_gaps[gap] = after - before > LONGEST_GAP_S
    return open_gaps


def _spikes(times: Floats, world: Floats) -> NDArray[np.bool_]:
    """(n, 33) whether the landmark is an outlier in time, by the Hampel filter."""
    step = max(float(np.median(np.diff(times))), 1e-3)
    reach = max(1, round(SPIKE_WINDOW_S / step))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(world, ((reach, reach), (0, 0), (0, 0)), mode="edge"), 2 * reach + 1, axis=0
    )
    with np.errstate(invalid="ignore"):
        median = np.median(windows, axis=-1)
        distance = np.linalg.norm(world - median, axis=-1)
        usual = 1.4826 * np.median(np.linalg.norm(windows - median[..., None], axis=2), axis=-1)
        return np.asarray((distance > SPIKE_M) & (distance > SPIKE_MADS * usual))


def scales(motion: Motion) -> Floats:
    """(n,) pixels per metre of the person in each sample, smoothed over time.

    The scale is the factor that fits the world landmarks to the picture (weak perspective, least squares).
    """
    image = motion.image[..., :2] - motion.image[..., :2].mean(axis=1, keepdims=True)
    world = motion.world[..., :2] - motion.world[..., :2].mean(axis=1, keepdims=True)
    scale = np.sum(image * world, axis=(1, 2)) / np.sum(world**2, axis=(1, 2))
    if np.all(np.isnan(scale)):
        return np.asarray(scale)
    steady = smooth(motion.times, bridge(motion.times, scale[:, None])[:, 0], SCALE_SMOOTHING_S)
    return np.where(np.isnan(scale), np.nan, steady)


class Body:
    """A cleaned motion in metres of the person, and values computed from it. All arrays are (n,) or (n, k)."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self.picture: Floats = motion.image[..., :2] / scales(motion)[:, None, None]

    def seen(self, *names: str) -> Floats:
        """The lowest visibility of these landmarks, 0.01 to 1."""
        least = self.motion.visibility[:, [INDEX[name] for name in names]].min(axis=1)
        return np.asarray(np.clip(least, 0.01, 1))

    def both(self, left: Floats, right: Floats, *parts: str) -> Floats:
        """The average of the values of the left and right side, weighted by the visibility of their parts."""
        weights = [self.seen(*(f"{side}_{part}" for part in parts)) ** 2 for side in ("left", "right")]
        a, b = (weight.reshape(-1, *[1] * (left.ndim - 1)) for weight in weights)
        return np.asarray((a * left + b * right) / (a + b))

    def at(self, part: str, *, world: bool = False) -> Floats:
        """A landmark by its full name, or the average of both sides: (n, 2) metres in the picture, or (n, 3) in the world."""
        points = self.motion.world if world else self.picture
        if part in INDEX:
            return points[:, INDEX[part]]
        return self.both(points[:, INDEX[f"left_{part}"]], points[:, INDEX[f"right_{part}"]], part)

    def angle(self, joint: str, side: str) -> Floats:
        """The angle of a joint by the world landmarks, in degrees."""
        a, vertex, b = (self.motion.world[:, INDEX[f"{side}_{part}"]] for part in TRIPLES[joint])
        return angle_at(a, vertex, b)

    def flat_angle(self, joint: str, side: str) -> Floats:
        """The angle of a joint in the picture, in degrees."""
        a, vertex, b = (self.picture[:, INDEX[f"{side}_{part}"]] for part in TRIPLES[joint])
        return angle_at(a, vertex, b)

    def across(self) -> Floats:
        """(n, 3) vector from the person's right to the left: the sum of shoulder line and hip line."""
        world = self.motion.world
        lines = [world[:, INDEX[f"left_{part}"]] - world[:, INDEX[f"right_{part}"]] for part in ("shoulder", "hip")]
        return np.asarray(lines[0] + lines[1])

    def height(self, part: str, over: str) -> Floats:
        """The height of a part above another one in the picture, in metres."""
        return self.at(over)[:, 1] - self.at(part)[:, 1]


def _joint(joint: str) -> Callable[[Body], Floats]:
    return lambda body: body.both(body.angle(joint, "left"), body.angle(joint, "right"), *TRIPLES[joint])


def _flat_joint(joint: str) -> Callable[[Body], Floats]:
    return lambda body: body.both(body.flat_angle(joint, "left"), body.flat_angle(joint, "right"), *TRIPLES[joint])


def _side(joint: str, side: str) -> Callable[[Body], Floats]:
    return lambda body: body.angle(joint, side)


def _height(part: str, over: str) -> Callable[[Body], Floats]:
    return lambda body: body.height(part, over)


def _rise(part: str) -> Callable[[Body], Floats]:
    return lambda body: -body.at(part)[:, 1]


def _apart(part: str) -> Callable[[Body], Floats]:
    return lambda body: np.asarray(
        np.linalg.norm(body.at(f"left_{part}", world=True) - body.at(f"right_{part}", world=True), axis=1)
    )


def _trunk(body: Body) -> Floats:
    return inclination(body.at("hip", world=True), body.at("shoulder", world=True))


def _facing_down(body: Body) -> Floats:
    trunk = body.at("shoulder", world=True) - body.at("hip", world=True)
    chest = np.cross(body.across(), trunk)
    return np.asarray(np.degrees(np.arcsin(np.clip(chest[:, 1] / np.linalg.norm(chest, axis=1), -1, 1))))


def _left_ahead(body: Body) -> Floats:
    across = body.across()
    ahead = np.stack([across[:, 2], -across[:, 0]], axis=1)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    step = body.at("left_ankle", world=True) - body.at("right_ankle", world=True)
    return np.asarray(np.sum(step[:, [0, 2]] * ahead, axis=1))


def _stride(body: Body) -> Floats:
    ahead = _left_ahead(body)[:, None]
    steady = smooth(body.motion.times, bridge(body.motion.times, ahead), STEP_S)
    return np.where(np.isnan(ahead), np.nan, np.abs(steady))[:, 0]


def _lead(part: str) -> Callable[[Body], Floats]:
    return lambda body: body.height(f"left_{part}", f"right_{part}")


def _hip_lead(body: Body) -> Floats:
    return body.angle("hip", "right") - body.angle("hip", "left")


def _trunk_axes(body: Body) -> Floats:
    """(n, 3, 3) unit vectors of the trunk: to the person's left, from hips to shoulders, forward from the chest."""
    up = body.at("shoulder", world=True) - body.at("hip", world=True)
    left = body.across()
    left = left - up * (np.sum(left * up, axis=1) / np.sum(up * up, axis=1))[:, None]
    axes = np.stack([left, up, np.cross(left, up)], axis=1)
    return np.asarray(axes / np.linalg.norm(axes, axis=2, keepdims=True))


def _hands(axis: int) -> Callable[[Body], Floats]:
    def along(body: Body) -> Floats:
        reach = body.at("wrist", world=True) - body.at("shoulder", world=True)
        return np.asarray(np.sum(reach * _trunk_axes(body)[:, axis], axis=1))

    return along


_PARTS = ("nose", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "foot_index")

ANGLES: dict[str, Callable[[Body], Floats]] = {
    **{joint: _joint(joint) for joint in TRIPLES},
    **{f"{joint}_in_picture": _flat_joint(joint) for joint in TRIPLES},
    **{f"{side}_{joint}": _side(joint, side) for joint in TRIPLES for side in SIDES},
    "trunk": _trunk,
    "facing_down": _facing_down,
    "left_hip_more_bent": _hip_lead,
}
"""Signals in degrees. A joint without a side is the average of both sides, weighted by their visibility.

`trunk` is the angle between trunk and vertical (0 upright, 90 level), `facing_down` the angle by which the chest faces down (90
prone, -90 supine).
"""

LENGTHS: dict[str, Callable[[Body], Floats]] = {
    **{f"{part}_over_{over}": _height(part, over) for part, over in permutations(_PARTS, 2)},
    **{f"{part}_rise": _rise(part) for part in _PARTS},
    **{f"{part}s_apart": _apart(part) for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
    **{f"left_{part}_higher": _lead(part) for part in ("wrist", "knee", "ankle")},
    "hands_left": _hands(0),
    "hands_up": _hands(1),
    "hands_ahead": _hands(2),
    "left_ahead": _left_ahead,
    "stride": _stride,
}
"""Signals in metres of the person. `x_rise` is the height in the picture; only its change has a meaning, not its zero.

`left_ahead` is the distance of the left foot ahead of the right one, in the direction that the person faces. `stride` is the
absolute value of its smoothed course: steps of walking or running cancel each other.
"""


class Signals(Mapping[str, Floats]):
    """The named signals of a cleaned motion. Each one is computed at its first use."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self._body = Body(motion)
        self._known: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        if name not in self._known:
            self._known[name] = (ANGLES.get(name) or LENGTHS[name])(self._body)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**ANGLES, **LENGTHS})

    def __len__(self) -> int:
        return len(ANGLES) + len(LENGTHS)
