"""Slow motion: the camera recorded more frames per second than the file plays."""

import math
from collections.abc import Mapping
from fractions import Fraction

CAPTURE_RATE = "com.android.capture.fps"
"""The metadata key in which Android's MediaRecorder stores the frame rate of the camera (`MediaRecorder.setCaptureRate`).
Videos of Apple's phones need no such key: the original has true times, and a slowed-down export of Photos does not store the
rate. Their key `com.apple.quicktime.full-frame-rate-playback-intent` is 0 in ordinary videos, too."""

HIGH_SPEED, SLOWED = 100, 1.5
"""Frames per second, and a factor. High-speed modes of cameras begin at 120 frames per second. A camera that is set to 60 and
takes 30 in the dark makes no slow motion. Neither does a capture rate below 1.5 times the playing rate."""


def slow_down(metadata: Mapping[str, str], fps: float) -> Fraction:
    """Compute the slow-motion factor of a file: how many times slower than the movement it plays.

    Args:
        metadata: the container's metadata.
        fps: frames per second at which the file plays.

    Returns:
        The factor; 1 if the file plays in real time or has no capture rate.
    """
    try:
        captured = float(metadata.get(CAPTURE_RATE, ""))
    except ValueError:
        return Fraction(1)
    if not math.isfinite(captured) or captured < HIGH_SPEED or captured / fps < SLOWED:
        return Fraction(1)
    return Fraction(captured / fps).limit_denominator(1000)
