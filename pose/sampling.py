"""Which frames are worth a look: few while nothing moves, many while something moves to and fro quickly.

A repetition wants at least six to eight samples. A squat takes two to four seconds, the fastest jumping jacks and push-ups
0.4. Speed alone does not tell them apart, a deep squat is as fast as a shallow quick push-up; what does is how often the joints
cross their own range: two crossings are a repetition.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from pose.landmarks import Pose
from pose.motion import INDEX

RESTING, CLEAR, STEADY, FASTEST = 5.0, 6.0, 8.0, 20.0
"""Samples per second: in stillness, in a normal movement of which every joint is seen, in any other, at most.

Between two samples the tracker has to find the person again where it saw them last. It holds on to somebody in full view at six
a second; of somebody seen from the side or cut off by the picture's edge, whose hidden joints are guesses, it needs more.
"""

SHORT_S, SHORT = 4.0, 16.0
"""A video this short is over before its rhythm is known, costs little, and may hold one quick repetition: samples per second,
at least."""

SAMPLES_PER_CROSSING = 4.0

WINDOW_S = 1.0
"""How far back the movement is looked at: half of a slow repetition, two of the fastest."""

STILL = 0.1
"""Mean range of the joints within the window, in lengths of the person, below which they rest; at rest landmarks tremble over a
third of that."""

JOINTS = [
    INDEX[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
]


class Sampler:
    """Says for each frame, in order of time, whether to look at it; learns from what was seen.

    Example:
        if sampler.wants(frame.time):
            sampler.saw(frame.time, tracker.follow(frame.rgb(size), frame.time))
    """

    def __init__(self, fps: float, duration_s: float | None = None) -> None:
        self._least = SHORT if duration_s and duration_s <= SHORT_S else 0.0
        self._tolerance = 0.5 / fps
        self._due = 0.0
        self._window: deque[tuple[float, NDArray[np.float32]]] = deque()
        self.rate = max(STEADY, self._least)
        """Samples per second, at present."""

    def wants(self, time: float) -> bool:
        """Whether the frame at that time is due."""
        return time >= self._due - self._tolerance

    def saw(self, time: float, pose: Pose | None) -> None:
        """Take note of what the frame at that time shows."""
        if pose is None:
            self._window.clear()
            self.rate = max(STEADY, self._least)
        else:
            points = pose.image[JOINTS, :2] / max(pose.length, 1.0)
            points[pose.visibility[JOINTS] < 0.5] = np.nan
            self._window.append((time, points))
            while time - self._window[0][0] > WINDOW_S:
                self._window.popleft()
            rate = _rate(np.stack([points for _, points in self._window]), time - self._window[0][0])
            self.rate = max(rate, self._least)
        # The grid goes on from when the frame was due, not from when it came: else 25 frames per second give 6 for 8.
        self._due = max(self._due, time - 0.5 / self.rate) + 1 / self.rate


def _rate(points: NDArray[np.float32], seconds: float) -> float:
    """Samples per second for joints (n, 12, 2) that were seen over so many seconds."""
    points = points[:, ~np.isnan(points).any(axis=(0, 2))]
    least = CLEAR if points.shape[1] == len(JOINTS) else STEADY
    if len(points) < 3 or points.shape[1] < 4 or seconds < WINDOW_S / 2:
        return STEADY
    ranges = np.ptp(points, axis=0)
    if np.linalg.norm(ranges, axis=1).mean() < STILL:
        return RESTING
    crossings = np.abs(np.diff(points, axis=0)).sum() / ranges.sum() / WINDOW_S
    return float(np.clip(SAMPLES_PER_CROSSING * crossings, least, FASTEST))
