import pytest

from feedback.review import examine
from tests.figures import figure


@pytest.mark.parametrize("exercise", ["squat", "push_up", "plank"])
def test_the_same_video_is_the_same(exercise):
    motion = figure(exercise, 3, lead=3)
    similarity = examine(motion, exercise=exercise, reference=motion).report.similarity
    assert similarity.overall >= 0.98
    assert min(similarity.per_joint.values()) >= 0.98


def test_each_repetition_is_told_with_its_greatest_difference():
    examination = examine(figure("push_up", depth=[1, 0.4, 1, 1]), exercise="push_up", reference=figure("push_up", fps=20))
    similarity = examination.report.similarity
    assert [each.index for each in similarity.per_rep] == [1, 2, 3, 4]
    worst = min(similarity.per_rep, key=lambda each: each.similarity)
    assert worst.index == 2
    repetition = examination.report.reps.items[1]
    assert repetition.start_s < worst.moment_s < repetition.end_s
    assert worst.joint.split("_")[1] in {"elbow", "shoulder"}


@pytest.mark.parametrize(("language", "words"), [("en", ("Push-up", "Squat")), ("ko", ())])
def test_a_reference_that_shows_another_exercise_is_said_so(language, words):
    report = examine(figure("squat", 3), exercise="squat", reference=figure("push_up", 3), language=language).report
    assert report.similarity is None
    (warning,) = [each for each in report.warnings if each.code == "reference_other_exercise"]
    assert all(word in warning.message for word in words)


def test_a_reference_without_the_exercise_is_said_so():
    report = examine(figure("squat", 3), exercise="squat", reference=figure("lateral_raise", 3, azimuth=0)).report
    assert report.similarity is None
    assert any(warning.code.startswith("reference_") for warning in report.warnings)


def test_a_reference_from_another_side_is_compared_with_a_warning():
    report = examine(figure("squat", 3), exercise="squat", reference=figure("squat", 3, azimuth=30)).report
    assert report.similarity.overall > 0.8
    assert [warning.code for warning in report.warnings] == ["reference_other_view"]


def test_without_a_reference_there_is_no_similarity():
    examination = examine(figure("squat", 2), exercise="squat")
    assert examination.main.comparison is None
    assert examination.report.similarity is None
