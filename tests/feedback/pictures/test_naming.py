import pytest

from feedback.checks.measures import MEASURES, joint
from feedback.exercises import CATALOGUE
from feedback.pictures.naming import JOINT_NAMES, MEASURE_NAMES, measure_name
from feedback.words import words_of
from pose.movements.angles import TRIPLES


def test_every_measure_that_an_exercise_file_may_name_has_a_name_for_the_user():
    assert {*MEASURE_NAMES, joint} == set(MEASURES.values())
    assert set(JOINT_NAMES) == set(TRIPLES)


@pytest.mark.parametrize(
    ("exercise", "check_id", "name"),
    [
        ("squat", "knee_valgus", "knees apart, compared with standing"),
        ("push_up", "incomplete_lockout", "elbow angle"),
        ("squat", "too_fast", "duration of the repetition"),
    ],
)
def test_a_check_is_named_by_what_it_measures(exercise, check_id, name):
    check = next(check for check in CATALOGUE[exercise].checks if check.id == check_id)
    assert measure_name(words_of("en"), check) == name
    assert measure_name(words_of("ko"), check) not in {"", name}
