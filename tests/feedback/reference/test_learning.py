"""An exercise from a reference: the written file, and `reference` with its `deviates` faults, on stick figures."""

import pytest

from feedback.errors import NoExercise, UnknownExercise
from feedback.exercises.files import ExerciseFileError, parse_exercise
from feedback.reference.learning import learn, write_exercise
from feedback.review import review
from tests.figures import STAND, figure, film, walk

COACH = figure("biceps_curl", reps=4, azimuth=90)


def test_a_written_file_counts_its_own_reference_and_nothing_else() -> None:
    text = write_exercise(learn(COACH, "my_curl"), names={"en": "My curl", "ko": "내 컬"}, origin="coach.mp4")
    exercise = parse_exercise("my_curl.yaml", text.encode())
    catalogue = {"my_curl": exercise}
    assert review(COACH, catalogue=catalogue).reps.total == 4
    assert review(figure("biceps_curl", reps=3, azimuth=90), catalogue=catalogue, language="ko").exercise.name == "내 컬"
    for other in ("squat", "overhead_press", "lateral_raise"):
        assert review(figure(other, reps=4, azimuth=90), catalogue=catalogue).exercise.id == "any", other


def test_its_checks_follow_from_the_range_of_the_reference() -> None:
    text = write_exercise(learn(COACH, "my_curl"), names={"en": "My curl"}, origin="coach.mp4")
    exercise = parse_exercise("my_curl.yaml", text.encode())
    report = review(figure("biceps_curl", reps=4, depth=[1, 0.5, 1, 1]), exercise="my_curl", catalogue={"my_curl": exercise})
    assert [(fault.id, fault.reps) for fault in report.faults] == [("short_elbow_peak", [2])]


@pytest.mark.parametrize("id_", ["any", "reference", "My curl"])
def test_an_id_that_no_file_may_have_is_refused(id_: str) -> None:
    with pytest.raises(ExerciseFileError):
        write_exercise(learn(COACH, id_), names={"en": "My curl"}, origin="coach.mp4")


@pytest.mark.parametrize("exercise", ["squat", "biceps_curl", "push_up"])
def test_what_falls_short_of_the_reference_deviates(exercise: str) -> None:
    report = review(
        figure(exercise, reps=5, depth=[1, 1, 0.5, 1, 0.5], period=2.6),
        exercise="reference",
        reference=figure(exercise, reps=3),
    )
    assert (report.exercise.id, report.exercise.source, report.reps.total) == ("reference", "requested", 5)
    assert [item.index for item in report.reps.items if "deviates" in item.faults] == [3, 5]
    assert {fault.id for fault in report.faults} == {"deviates"}
    assert report.similarity is not None


@pytest.mark.parametrize("exercise", ["squat", "biceps_curl", "push_up", "lateral_raise"])
def test_what_is_like_the_reference_is_good(exercise: str) -> None:
    azimuth = 0 if exercise == "lateral_raise" else 90
    user = figure(exercise, reps=4, azimuth=-azimuth, noise=0.005, scale=90)
    report = review(user, exercise="reference", reference=figure(exercise, reps=3, azimuth=azimuth))
    assert (report.reps.total, report.reps.good, report.faults) == (4, 4, [])


def test_what_all_repetitions_lack_a_little_may_be_the_body() -> None:
    alike = review(figure("biceps_curl", reps=4, depth=[0.84] * 4), exercise="reference", reference=COACH)
    assert (alike.reps.total, alike.reps.good) == (4, 4)
    mixed = review(figure("biceps_curl", reps=4, depth=[1, 0.8, 1, 1]), exercise="reference", reference=COACH)
    assert [item.index for item in mixed.reps.items if "deviates" in item.faults] == [2]
    short = review(figure("biceps_curl", reps=4, depth=[0.5] * 4), exercise="reference", reference=COACH)
    assert (short.reps.total, short.reps.good) == (4, 0)


def test_what_goes_beyond_the_reference_makes_no_other_repetition_fall_short() -> None:
    coach = figure("squat", reps=3, depth=[0.7] * 3)
    report = review(figure("squat", reps=4, depth=[1, 0.7, 1, 0.7]), exercise="reference", reference=coach)
    assert (report.reps.total, report.reps.good) == (4, 4)


def test_what_falls_far_short_is_counted() -> None:
    report = review(figure("push_up", reps=4, depth=[1, 0.2, 0.2, 1]), exercise="reference", reference=figure("push_up"))
    assert [item.index for item in report.reps.items if "deviates" in item.faults] == [2, 3]
    assert report.reps.total == 4


def test_the_advice_says_how_much_was_missing_and_where() -> None:
    shallow = figure("biceps_curl", reps=3, depth=[1, 0.5, 1])
    english = review(shallow, exercise="reference", reference=COACH)
    assert "Repetition 2" in english.faults[0].advice
    assert "short of the reference" in english.faults[0].advice
    assert english.faults[0].title == "Elbows bent less than the reference's"
    korean = review(shallow, exercise="reference", reference=COACH, language="ko")
    assert "2회차" in korean.faults[0].advice


def test_another_view_is_said_and_not_judged() -> None:
    report = review(figure("biceps_curl", reps=3, azimuth=0), exercise="reference", reference=COACH)
    assert report.reps.total == 3
    assert report.score is None
    assert {item.id for item in report.not_assessed} == {"deviates"}


def test_without_a_reference_or_a_repetition_in_it_the_sentence_says_so() -> None:
    with pytest.raises(UnknownExercise, match="reference video is missing"):
        review(COACH, exercise="reference")
    with pytest.raises(NoExercise, match="reference video"):
        review(COACH, exercise="reference", reference=film([(0.0, STAND), (5.0, STAND)]))
    with pytest.raises(NoExercise, match="reference video"):
        learn(film(walk(6)), "my_walk")
