"""Find prominent peaks, as `scipy.signal.find_peaks` does. Importing SciPy takes longer than counting a whole video."""

from collections.abc import Iterable, Sequence

import numpy as np

from pose.motion import Floats


def prominent_peaks(values: Floats, floor: float) -> tuple[list[int], list[float]]:
    """Find the peaks with at least a given prominence.

    A peak is higher than its neighbours on both sides, so the first and the last value are no peaks. The index of a flat peak
    is its middle. The prominence of a peak is its height above the higher of two minima: on each side, the lowest value before
    a higher peak or the end.

    Args:
        values: (n,) without NaN.
        floor: the lowest prominence.

    Returns:
        The indices of the peaks, ascending, and their prominences.
    """
    tops = _tops(values)
    if not len(tops):
        return [], []
    heights = [float(height) for height in values[tops]]
    lows = [float(low) for low in np.minimum.reduceat(values, [0, *tops])]  # before, between and after the tops
    left = _bases(heights, lows[:-1])
    right = reversed(_bases(heights[::-1], lows[:0:-1]))
    prominences = [height - max(bases) for height, *bases in zip(heights, left, right, strict=True)]
    kept = [place for place, prominence in enumerate(prominences) if prominence >= floor]
    return [int(tops[place]) for place in kept], [prominences[place] for place in kept]


def _tops(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Indices at which the values turn from rising to falling."""
    changes = np.flatnonzero(np.diff(values))
    rises = values[changes + 1] > values[changes]
    turns = np.flatnonzero(rises[:-1] & ~rises[1:])
    # From the first value of a flat top to its last one.
    tops: np.ndarray[tuple[int], np.dtype[np.intp]] = (changes[turns] + 1 + changes[turns + 1]) // 2
    return tops


def _bases(heights: Iterable[float], lows: Sequence[float]) -> list[float]:
    """For each top, the lowest value since the last higher top; `lows` has the lowest value since the previous top."""
    higher: list[tuple[float, float]] = []
    bases = []
    for height, since in zip(heights, lows, strict=True):
        low = since
        while higher and higher[-1][0] <= height:
            low = min(low, higher.pop()[1])
        higher.append((height, low))
        bases.append(low)
    return bases
