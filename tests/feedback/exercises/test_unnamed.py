"""`any` on stick figures: whatever is repeated is counted; what is no exercise is not."""

import pytest

from feedback.errors import NoExercise
from feedback.examination import Examination
from feedback.exercises import CATALOGUE
from feedback.pictures.shots import best_shot, worst_shots
from feedback.review import examine, review
from feedback.write import overlay_of
from pose.motion import Motion
from tests.figures import EXERCISES, STAND, Keys, figure, film, script, then, walk, wave


def count(motion: Motion) -> int:
    try:
        return sum(one.reps for one in review(motion, exercise="any", catalogue={}).sets)
    except NoExercise:
        return 0


HELD = {exercise for exercise in EXERCISES if CATALOGUE[exercise].movement.held}
NOT_COUNTED = {"calf_raise", "side_leg_raise", "russian_twist"}
"""The swing of the first two is hardly larger than the pose error, and the third one mostly turns about the trunk's axis."""


@pytest.mark.parametrize("exercise", sorted(EXERCISES.keys() - HELD - NOT_COUNTED))
@pytest.mark.parametrize("azimuth", [90, *(pytest.param(azimuth, marks=pytest.mark.slow) for azimuth in (0, 45, 180))])
def test_every_movement_is_counted_without_knowing_it(exercise: str, azimuth: float) -> None:
    each_side_or_pairs = {4, 2} if CATALOGUE[exercise].movement.alternating and exercise != "lunge" else {4}
    assert count(figure(exercise, reps=4, azimuth=azimuth)) in each_side_or_pairs


@pytest.mark.parametrize("azimuth", [0, 90])
def test_walking_in_and_out_is_not_counted(azimuth: float) -> None:
    assert count(film(then(walk(4), script("squat", 3), walk(4)), azimuth=azimuth)) == 3


@pytest.mark.parametrize(
    "idle",
    [walk(8), walk(8, step=0.34, stride=38, knees=75, speed=2), wave(8), [(0.0, STAND), (6.0, STAND)]],
    ids=["walking", "running", "waving", "standing"],
)
@pytest.mark.parametrize("azimuth", [90, *(pytest.param(azimuth, marks=pytest.mark.slow) for azimuth in (0, 45))])
def test_what_is_no_exercise_is_not_counted(idle: Keys, azimuth: float) -> None:
    motion = film(idle, azimuth=azimuth, noise=0.004)
    assert count(motion) == 0
    with pytest.raises(NoExercise):
        review(motion)


def test_partial_repetitions_count() -> None:
    assert count(figure("squat", reps=5, depth=[1, 1, 0.5, 1, 0.6])) == 5


def test_two_movements_are_two_sets() -> None:
    report = review(film(then(script("squat", 4), script("lateral_raise", 5)), azimuth=0), exercise="any", catalogue={})
    assert [(one.exercise, one.reps) for one in report.sets] == [("any", 4), ("any", 5)]


def test_nothing_is_judged_and_the_summary_says_why() -> None:
    report = review(figure("squat", reps=4, depth=0.5), exercise="any")
    assert (report.exercise.id, report.exercise.source, report.score, report.faults) == ("any", "requested", None, [])
    assert "your form was not judged" in report.summary
    assert report.statistics.tempo is not None
    assert report.statistics.tempo.value > 1
    assert report.statistics.range_of_motion is not None
    assert report.statistics.range_of_motion.value > 30
    assert "none of the exercises" not in report.summary, "nobody asked which exercise it is"


def test_in_korean() -> None:
    report = review(figure("squat", reps=4), exercise="any", language="ko")
    assert report.exercise.name == "반복 동작"
    assert "평가하지 않았어요" in report.summary


def test_what_nobody_asked_for_and_nothing_recognises_is_counted_too() -> None:
    report = review(figure("squat", reps=4), catalogue={})
    assert (report.exercise.id, report.exercise.source, report.reps.total) == ("any", "recognised", 4)
    assert "none of the exercises that are recognised" in report.summary


@pytest.mark.parametrize("reps", [1, 2])
def test_but_not_when_it_was_repeated_less_than_three_times(reps: int) -> None:
    with pytest.raises(NoExercise):
        review(figure("squat", reps=reps), catalogue={})


def test_the_pictures_show_the_most_and_the_least_usual_repetition() -> None:
    examination: Examination = examine(figure("squat", reps=5, depth=[1, 1, 0.6, 1, 1]), exercise="any", catalogue={})
    (_, worst), _ = worst_shots(examination.sets)
    assert worst.repetition is not None
    assert worst.repetition.index == 3
    best = best_shot(examination.sets)
    assert best is not None
    assert best[1].repetition is not None
    assert best[1].repetition.index != 3
    assert overlay_of(examination).counts[-1][1].endswith("5 repetitions")
