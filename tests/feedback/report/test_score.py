"""The score's formula, as documented."""

from dataclasses import replace

import pytest

from feedback.checks.judgement import Finding
from feedback.exercises import CATALOGUE
from feedback.report.score import hold_score, rep_score, set_score

DEPTH = CATALOGUE["squat"].checks[0]
PACE = CATALOGUE["squat"].checks[-1]


def finding(excess: float, check=DEPTH) -> Finding:
    """A verdict so many steps from `clear` to `threshold` beyond the threshold."""
    value = check.threshold + excess * (check.threshold - check.clear)
    return Finding(check, 1, "left", excess > 0, value, check.threshold, 0, 0.0, (), ())


@pytest.mark.parametrize(("excess", "score"), [(-1, 100), (-0.1, 100), (0.001, 75), (1, 68), (2, 60), (9, 60)], ids=str)
def test_a_major_fault_takes_25_to_40(excess: float, score: int) -> None:
    assert rep_score([finding(excess)]) == score


def test_a_minor_fault_takes_5_to_10() -> None:
    clean = finding(-1)
    assert rep_score([clean, finding(0.001, PACE)]) == 95
    assert rep_score([clean, finding(5, PACE)]) == 90


def test_faults_add_up_and_the_score_stays_above_zero() -> None:
    assert rep_score([finding(5), replace(finding(5), side="right")]) == 20
    assert rep_score([finding(5)] * 4) == 0


def test_without_a_check_of_form_there_is_no_score() -> None:
    assert rep_score([]) is None
    assert rep_score([finding(-1, PACE)]) is None
    assert hold_score(10, 10, [], main_checks_made=True) is None


def test_a_set_is_the_mean_of_what_was_scored() -> None:
    assert set_score([100, None, 61], main_checks_made=True) == 80
    assert set_score([None], main_checks_made=True) is None


def test_a_hold_is_scored_by_its_good_time() -> None:
    sagging = CATALOGUE["plank"].checks[0]
    assert hold_score(10, 7, [finding(1, sagging)], main_checks_made=True) == 70


def test_full_marks_are_earned_by_the_main_checks() -> None:
    assert set_score([100, 100], main_checks_made=False) == 95
    assert set_score([60], main_checks_made=False) == 60
    assert hold_score(10, 10, [finding(-1)], main_checks_made=False) == 95
