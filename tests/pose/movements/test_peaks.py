import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import find_peaks

from pose.movements.peaks import prominent_peaks


@given(
    arrays(np.float64, st.integers(1, 60), elements=st.one_of(st.integers(-4, 4), st.floats(-5, 5))),
    st.floats(0, 3),
)
def test_the_same_as_scipy(values: np.ndarray, floor: float) -> None:
    peaks, found = find_peaks(values, prominence=floor)
    ours, prominences = prominent_peaks(values, floor)
    assert ours == peaks.tolist()
    assert prominences == found["prominences"].tolist()


@pytest.mark.parametrize(
    ("values", "peaks", "prominences"),
    [
        ([0, 0, 0], [], []),
        ([1, 0, 1], [], []),
        ([0, 3, 1, 2, 0], [1, 3], [3, 1]),
        ([0, 2, 2, 2, 0], [2], [2]),
    ],
)
def test_peaks(values: list[float], peaks: list[int], prominences: list[float]) -> None:
    assert prominent_peaks(np.array(values, float), 0.5) == (peaks, prominences)
