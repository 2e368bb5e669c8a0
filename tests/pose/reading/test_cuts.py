"""Cuts are seen in the pictures."""

import numpy as np
import pytest

from pose.reading.cuts import CutDetector

RANDOM = np.random.default_rng(1)
ROOM, OTHER = (RANDOM.integers(0, 256, (9, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1) for _ in range(2))
BLACK = np.zeros_like(ROOM)


def person_at(room: np.ndarray, column: int) -> np.ndarray:
    picture = room.copy()
    picture[40:170, column : column + 50] = 90
    return picture


@pytest.mark.parametrize(
    ("pictures", "cuts"),
    [
        ([ROOM, ROOM, OTHER, OTHER], [False, False, True, False]),
        ([person_at(ROOM, 40), person_at(ROOM, 120), person_at(ROOM, 240)], [False, False, False]),
        ([ROOM, ROOM // 2 + 60, ROOM // 3], [False, False, False]),
        ([ROOM, BLACK, BLACK, ROOM], [False, True, False, True]),
        ([BLACK, BLACK], [False, False]),
    ],
    ids=["cut", "person moves", "light changes", "black between", "black"],
)
def test_a_cut_is_a_change_of_the_whole_picture(pictures: list[np.ndarray], cuts: list[bool]) -> None:
    detector = CutDetector()
    assert [detector.sees(picture) for picture in pictures] == cuts
