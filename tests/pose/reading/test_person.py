"""Who is followed: the one who exercises."""

from collections.abc import Callable

import numpy as np
import pytest

from pose.motion import INDEX
from pose.reading import person
from pose.reading.landmarks import Pose
from pose.reading.person import Samples

STEP = 0.125


def figure(x: float, y: float = 0.0, *, size: float = 50.0, bend: float = 0.0, lying: bool = False) -> Pose:
    """A person around (x, y); `bend` from 0, upright, to 1, a deep squat."""
    points = np.zeros((33, 3), np.float32)
    rows = {"shoulder": -1.0, "elbow": -0.5, "wrist": 0.0, "hip": 0.0, "knee": 1.0, "ankle": 2.0}
    for joint, height in rows.items():
        for side, sign in (("left", 1), ("right", -1)):
            points[INDEX[f"{side}_{joint}"]] = (sign * 0.25, height, 0)
    upper = [INDEX[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist", "hip") for side in ("left", "right")]
    points[upper, 1] += bend
    points[[INDEX["left_knee"], INDEX["right_knee"]], 0] += bend
    points[:11] = (0, -1.4 + bend, 0)
    if lying:
        points = points[:, [1, 0, 2]]
    return Pose((points * size + np.array([x, y, 0])).astype(np.float32), points.astype(np.float32), np.ones(33, np.float32))


def samples(poses: list[Pose | None]) -> Samples:
    return Samples([i * STEP for i in range(len(poses))], list(poses))


def squats(x: float, count: int = 80, **more: float) -> list[Pose | None]:
    return [figure(x, bend=0.5 - 0.5 * np.cos(2 * np.pi * i / 20), **more) for i in range(count)]


def stands(x: float, count: int = 80, **more: float) -> list[Pose | None]:
    return [figure(x + 0.3 * (i % 2), **more) for i in range(count)]


def walks(start: float, speed: float, count: int = 80, **more: float) -> list[Pose | None]:
    return [figure(start + speed * i * STEP, bend=0.1 * (i % 4), **more) for i in range(count)]


@pytest.mark.parametrize(
    ("followed", "other", "expected"),
    [
        (stands(100), squats(300), 1),
        (stands(100, size=70.0), squats(300), 1),
        (squats(300), stands(100, size=90.0), 0),
        (squats(300), squats(100, size=40.0), 0),  # a reflection does the same
        (squats(300), walks(0, 60), 0),
        (walks(0, 60), squats(300), 1),
        (squats(300), [*walks(0, 60, 20), *[None] * 60], 0),
        ([figure(300, lying=True)] * 80, stands(100), 0),  # a plank beside a spectator
        (stands(100), [figure(300, lying=True)] * 80, 1),
        (squats(300), [None] * 80, 0),
    ],
)
def test_the_one_who_exercises_is_chosen(followed: list[Pose | None], other: list[Pose | None], expected: int) -> None:
    assert person.choose([samples(followed), samples(other)]) == expected


def test_a_tracker_that_slides_to_somebody_and_comes_back_was_away() -> None:
    slid = [*squats(300, 40), *walks(320, 200, 16, size=60.0), *squats(300, 40)]
    away = person.excursions(samples(slid), [])
    assert len(away) == 1
    assert away[0].stop == 56
    assert 40 <= away[0].start <= 44


def test_a_jump_to_somebody_and_back_was_away() -> None:
    assert person.excursions(samples([*squats(300, 40), *stands(600, 10), *squats(300, 40)]), []) == [range(40, 50)]


def test_what_lies_between_two_cuts_is_no_excursion() -> None:
    three_takes = samples([*squats(300, 40), *stands(600, 10), *squats(300, 40)])
    cuts = [three_takes.times[40], three_takes.times[50]]
    assert person.excursions(three_takes, cuts) == []


def test_excursions_after_losing_the_person() -> None:
    lost = [*squats(300, 40), None, None, *stands(600, 10), None, *squats(300, 40)]
    (away,) = person.excursions(samples(lost), [])
    assert set(range(42, 52)) <= set(away) <= set(range(40, 53))


@pytest.mark.parametrize(
    "steady",
    [
        squats(300),
        [*squats(300, 40), *squats(600, 40)],  # a cut in the film
        [*squats(300, 40), *[None] * 8, *squats(300, 40)],
        [figure(300, y=-40 * abs(np.sin(i))) for i in range(80)],  # jumping
        walks(0, 150),
    ],
    ids=["squats", "cut", "gap", "jumps", "walks"],
)
def test_nobody_else_is_suspected_without_proof(steady: list[Pose | None]) -> None:
    assert person.excursions(samples(steady), []) == []


def test_stretches_come_longest_first() -> None:
    first, second = person.stretches(samples([*stands(100, 10), *squats(600, 30)]))
    assert [sum(pose is not None for pose in part.poses) for part in (first, second)] == [30, 10]


def test_painting_over_covers_the_person_and_no_more() -> None:
    pixels = np.full((300, 400, 3), 200, np.uint8)
    pose = figure(100, 120)
    painted, where = person.paint_over(pixels, pose)
    joints = pose.image[11:29, :2].astype(int)
    assert (painted[joints[:, 1], joints[:, 0]] == 127).all()
    assert not where[:, 200:].any()
    assert (pixels == 200).all()
    assert person.is_remainder(pose, where)
    assert not person.is_remainder(figure(300, 120), where)


def test_painting_over_somebody_outside_the_picture() -> None:
    painted, where = person.paint_over(np.zeros((30, 40, 3), np.uint8), figure(1e6, -1e6))
    assert painted.shape == (30, 40, 3)
    assert not where.any()


def test_samples_between_two_are_their_mean_and_far_from_any_none() -> None:
    track = samples([figure(100), figure(120), None, None, None, None, None, None])
    middle = track.at(0.25 * STEP)
    assert middle is not None
    assert middle.centre[0] == pytest.approx(105)
    assert track.at(1.0) is None


def test_splicing_keeps_times_rising() -> None:
    spliced = samples(squats(300, 20)).spliced(Samples([0.9, 1.05, 1.2, 1.4], [None] * 4), 1.0, 1.25)
    assert spliced.times == sorted(set(spliced.times))
    assert [time for time in spliced.times if 0.95 < time < 1.3] == [1.05, 1.2]


@pytest.mark.parametrize(
    ("other", "same"),
    [(figure(103.0), True), (figure(160.0), False), (figure(100.0, 40.0), False), (figure(100.0, bend=0.05), True)],
)
def test_two_views_of_one_moment_are_of_one_person_or_not(other: Pose, *, same: bool) -> None:
    assert person.is_same(figure(100.0), other) is same


def test_left_taken_for_right_is_not_the_same() -> None:
    seen = figure(100.0)
    image = seen.image.copy()
    for joint in ("shoulder", "hip"):
        left, right = INDEX[f"left_{joint}"], INDEX[f"right_{joint}"]
        image[left, 0] += 20
        image[right, 0] -= 20
    front = Pose(image, seen.world, seen.visibility)
    swapped = image.copy()
    for joint in ("shoulder", "hip"):
        left, right = INDEX[f"left_{joint}"], INDEX[f"right_{joint}"]
        swapped[[left, right]] = image[[right, left]]
    assert person.is_same(front, front)
    assert not person.is_same(front, Pose(swapped, seen.world, seen.visibility))


def reading_of(others: list[tuple[float, list[Pose | None]]]) -> Callable[[Samples, tuple[float, float]], Samples]:
    """What is seen when somebody is painted over: poses from a start in seconds on, twice as many a second."""

    def look_again(hidden: Samples, span: tuple[float, float]) -> Samples:
        assert hidden.found
        assert (hidden.times[0], hidden.times[-1]) == span
        found = {start + i * STEP / 2: pose for start, poses in others for i, pose in enumerate(poses)}
        times = [span[0] + i * STEP / 2 for i in range(round((span[1] - span[0]) / STEP * 2) + 1)]
        return Samples(times, [found.get(time) for time in times])

    return look_again


def test_an_exerciser_in_another_place_is_not_given_up_for_a_bystander() -> None:
    """She waits on the left, squats on the right beside somebody who stands, and waits on the left again; no cut is seen."""
    followed = samples([*stands(100, 40), *squats(500, 80), *stands(100, 40)])
    looked = reading_of([(40 * STEP, stands(700, 160))])
    assert person.without_strangers(followed, [], looked) == followed


def test_each_excursion_is_replaced_at_its_own_time() -> None:
    """Two passers-by: she is seen behind the first one, who is read at another sample rate, and not behind the second one."""
    followed = samples([*squats(300, 40), *stands(600, 10), *squats(300, 40), *stands(700, 10), *squats(300, 40)])
    seen = person.without_strangers(followed, [], reading_of([(40 * STEP, squats(300, 20))]))
    missing = [time for time, pose in zip(seen.times, seen.poses, strict=True) if pose is None]
    assert (missing[0], missing[-1]) == (90 * STEP, 99 * STEP)
    assert all(abs(pose.centre[0] - 300) < 60 for pose in seen.poses if pose)
