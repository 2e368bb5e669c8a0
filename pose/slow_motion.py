"""Slow motion: a camera takes more frames a second than the file shows."""

import math
from collections.abc import Mapping
from fractions import Fraction

CAPTURE_RATE = "com.android.capture.fps"
"""Where Android's MediaRecorder writes how many frames a second the camera took (`MediaRecorder.setCaptureRate`). Apple's
phones need none: their originals have true times, and what Photos exports slowed down says nothing of it. Their key
`com.apple.quicktime.full-frame-rate-playback-intent` is 0 in ordinary videos, too."""

HIGH_SPEED, SLOWED = 100, 1.5
"""Cameras' high-speed modes begin at 120 frames a second. One that was set to 60 and takes 30 in the dark is not slowed down;
nor is one by less than the second number."""


def slow_down(metadata: Mapping[str, str], fps: float) -> Fraction:
    """How many times slower than the movement a file plays.

    Args:
        metadata: of the container.
        fps: frames per second that the file plays.

    Returns:
        1 where it plays in real time or says nothing.
    """
    try:
        captured = float(metadata.get(CAPTURE_RATE, ""))
    except ValueError:
        return Fraction(1)
    if not math.isfinite(captured) or captured < HIGH_SPEED or captured / fps < SLOWED:
        return Fraction(1)
    return Fraction(captured / fps).limit_denominator(1000)
