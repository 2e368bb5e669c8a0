import numpy as np
import pytest

from pose.movements.cycles import find_cycles, usual_swing

TIMES = np.arange(0, 12, 1 / 20)


def phase(*points: tuple[float, float]) -> np.ndarray:
    """A line through (seconds, phase)."""
    return np.interp(TIMES, *zip(*points, strict=True))


def peaks(values: np.ndarray, floor: float = 0.25) -> list[float]:
    return [round(float(TIMES[cycle.peak]), 1) for cycle in find_cycles(TIMES, values, floor)]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0, 0), (12, 0)], []),
        ([(1, 0), (2, 1), (3, 0), (5, 0), (6, 1), (7, 0)], [2, 6]),
        ([(1, 0), (2, 0.2), (3, 0)], []),
        ([(1, 0), (2, 1), (3, 0), (4, 0.14), (5, 0), (6, 1), (7, 0)], [2, 6]),
        ([(1, 0), (2, 1), (3, 0), (4, 0.4), (5, 0), (6, 1), (7, 0)], [2, 4, 6]),
        ([(1, 0), (2, 1), (3, 0.7), (4, 0.9), (5, 0)], [2]),
        ([(1, 0), (2, 1), (3, 0.5), (4, 1), (5, 0.5)], [2, 4]),
        ([(0, 1), (2, 0), (3, 1), (4, 0)], [0, 3]),
        ([(0, 0.5), (2, 0), (3, 1), (4, 0)], [3]),
        ([(1, 0), (2, 1), (3, 0), (11, 0), (12, 1)], [2]),
        ([(1, 0), (2, 1), (3, 0), (10, 0), (11, 1), (12, 0.6)], [2, 11]),
        ([(0, 1), (12, 0)], [0]),
        ([(0, 0), (12, 1)], []),
        ([(1, -1), (2, 0), (3, 1), (4, 0), (5, 1), (6, 0), (7, -1)], [3, 5]),
    ],
    ids=[
        "stillness",
        "two",
        "below the floor",
        "a bounce",
        "a partial one",
        "pulsing at the extreme",
        "going back only halfway",
        "begins at the extreme",
        "begins after the extreme",
        "ends at the extreme",
        "ends on the way back",
        "only the way back",
        "only the way there",
        "from and to another position",
    ],
)
def test_what_is_a_cycle(points: list[tuple[float, float]], expected: list[float]) -> None:
    assert peaks(phase(*points)) == expected


def test_the_floor_is_absolute() -> None:
    small = phase((1, 0), (2, 0.2), (3, 0), (4, 0.2), (5, 0))
    assert peaks(small, floor=0.25) == []
    assert peaks(small, floor=0.1) == [2, 4]


def test_quicker_than_a_body_is_an_error_of_tracking() -> None:
    assert peaks(phase((2, 0), (2.1, 1), (2.2, 0))) == []
    assert peaks(phase((2, 0), (2.2, 1), (2.4, 0))) == [2.2]


def test_start_and_end_leave_the_pauses_out() -> None:
    (cycle,) = find_cycles(TIMES, phase((4, 0), (5, 1), (6, 1), (7, 0)), 0.25)
    assert TIMES[[cycle.start, cycle.end]] == pytest.approx([4.1, 6.9], abs=0.06)
    assert cycle.swing == pytest.approx(1)


def test_hanging_arms_before_the_first_press_are_not_its_start() -> None:
    first, _ = find_cycles(TIMES, phase((1, -1.5), (2, 0), (4, 0), (5, 1), (6, 0), (7, 1), (8, 0)), 0.25)
    assert TIMES[first.start] == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize(("swings", "usual"), [([], 0), ([1], 1), ([1, 0.2, 0.3, 0.9], 0.95)])
def test_the_usual_swing_is_not_lowered_by_partial_ones(swings: list[float], usual: float) -> None:
    assert usual_swing(swings) == pytest.approx(usual)
