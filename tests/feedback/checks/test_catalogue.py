"""The catalogue as data: complete, consistent, and careful in what it claims."""

import re

import pytest

from feedback.checks.catalogue import Check, describe
from feedback.checks.take import LEG_END
from feedback.exercises import CATALOGUE
from pose.motion import INDEX

CHECKS = [pytest.param(check, id=f"{exercise}-{check.id}") for exercise, each in CATALOGUE.items() for check in each.checks]

MEDICAL = re.compile(
    r"injur|pain|hurt|damage|danger|unsafe|safe|protect|disc|spine|lumbar|lower back|rounded|heal", re.IGNORECASE
)


def test_every_exercise_lies_under_its_own_name() -> None:
    assert set(CATALOGUE) == {
        *(
            "squat",
            "push_up",
            "lunge",
            "plank",
            "deadlift",
            "overhead_press",
            "biceps_curl",
            "sit_up",
            "jumping_jack",
            "pull_up",
            "bench_press",
            "row",
            "lat_pulldown",
            "lateral_raise",
            "front_raise",
            "triceps_pushdown",
            "triceps_extension",
            "dip",
            "crunch",
            "leg_raise",
            "glute_bridge",
            "russian_twist",
            "mountain_climber",
            "burpee",
            "high_knees",
            "calf_raise",
            "side_plank",
            "wall_sit",
            "donkey_kick",
            "side_leg_raise",
            "good_morning",
            "kettlebell_swing",
        )
    }
    assert all(exercise.id == name and exercise.name for name, exercise in CATALOGUE.items())


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_says_everything_and_claims_nothing_medical(check: Check) -> None:
    texts = (check.measures, check.title, check.advice, check.praise, check.why, check.source)
    assert all(texts)
    assert not any(MEDICAL.search(text) for text in texts[:5])


@pytest.mark.parametrize("check", CHECKS)
def test_advice_and_praise_are_one_sentence_each(check: Check) -> None:
    for text in (check.advice, check.praise):
        assert text.endswith(".")
        assert text.count(".") == 1


@pytest.mark.parametrize("check", CHECKS)
def test_marks_are_landmarks(check: Check) -> None:
    assert all(mark in INDEX or f"left_{mark}" in INDEX or mark == LEG_END for mark in check.marks)


def test_a_check_whose_target_is_beyond_its_threshold_is_refused() -> None:
    check = CATALOGUE["squat"].checks[0]
    with pytest.raises(ValueError, match="good side"):
        Check(**{**dict(check), "clear": check.threshold + 1})


@pytest.mark.parametrize("beside", ["clear", "threshold"])
def test_a_limit_for_what_is_kept_up_must_lie_between_clear_and_the_threshold(beside: str) -> None:
    check = next(check for check in CATALOGUE["push_up"].checks if check.id == "hips_piked")
    assert check.clear < (check.kept or 0) < check.threshold
    with pytest.raises(ValueError, match="between"):
        Check(**{**dict(check), "kept": getattr(check, beside)})


def test_a_check_that_falls_short_has_no_limit_for_what_is_kept_up() -> None:
    check = CATALOGUE["squat"].checks[0]
    with pytest.raises(ValueError, match="kept"):
        Check(**{**dict(check), "kept": (check.clear + check.threshold) / 2})


def test_the_description_covers_every_check() -> None:
    described = {each["id"]: each for each in describe(CATALOGUE.values())}
    assert set(described) == set(CATALOGUE)
    first = described["squat"]["checks"][0]
    assert first["id"] == "shallow_depth"
    assert first["threshold"] == 33
    assert first["views"] == ["side_left", "side_right", "oblique"]
    assert first["kept"] is None
    piked = next(check for check in described["push_up"]["checks"] if check["id"] == "hips_piked")
    assert piked["kept"] == 11
