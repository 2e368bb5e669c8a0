"""Choose the frames to analyse: few while the person rests, many while the person moves fast.

A repetition needs at least six to eight samples. A squat takes 2 to 4 s, the fastest jumping jacks and push-ups 0.4 s. The
speed of the joints does not distinguish them: a deep squat is as fast as a quick shallow push-up. The sample rate therefore
follows from how often per second the joints cross their range of motion: two crossings are one repetition.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from pose.motion import INDEX
from pose.reading.landmarks import Pose

RESTING, CLEAR, STEADY, FASTEST = 5.0, 6.0, 8.0, 20.0
"""Samples per second: at rest, in a normal movement with every joint visible, in any other normal movement, at most.

The tracker looks for the person near the place of the previous sample. With every joint visible, it does not lose the person at
six samples per second. From the side or at the picture's edge, where the model guesses hidden joints, it needs more.
"""

SHORT_S, SHORT = 4.0, 16.0
"""In a video of at most 4 s, the lowest rate is 16 samples per second: the video ends before its rhythm is known, and may show
one fast repetition only."""

SAMPLES_PER_CROSSING = 4.0

WINDOW_S = 1.0
"""Seconds of movement that decide the rate: half of a slow repetition, two of the fastest."""

STILL = 0.1
"""The joints rest if their mean range within the window is below this, in lengths of the person. The noise of landmarks at rest
is a third of it."""

JOINTS = [
    INDEX[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
]


class Sampler:
    """Decides for each frame, in order of time, whether to analyse it, and adapts the sample rate to the poses found.

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
        """The current number of samples per second."""

    def wants(self, time: float) -> bool:
        """Whether the frame at that time, in seconds, is to be analysed."""
        return time >= self._due - self._tolerance

    def saw(self, time: float, pose: Pose | None) -> None:
        """Record the pose at that time, in seconds; None if no person was found."""
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
        # The next frame is due one interval after this one was due, not after it came. Otherwise 8 samples per second would
        # become 6 in a video of 25 frames per second.
        self._due = max(self._due, time - 0.5 / self.rate) + 1 / self.rate


def _rate(points: NDArray[np.float32], seconds: float) -> float:
    """Samples per second for joints (n, 12, 2) within a span of that many seconds."""
    points = points[:, ~np.isnan(points).any(axis=(0, 2))]
    least = CLEAR if points.shape[1] == len(JOINTS) else STEADY
    if len(points) < 3 or points.shape[1] < 4 or seconds < WINDOW_S / 2:
        return STEADY
    ranges = np.ptp(points, axis=0)
    if np.linalg.norm(ranges, axis=1).mean() < STILL:
        return RESTING
    crossings = np.abs(np.diff(points, axis=0)).sum() / ranges.sum() / WINDOW_S
    return float(np.clip(SAMPLES_PER_CROSSING * crossings, least, FASTEST))
