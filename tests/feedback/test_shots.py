import pytest

from feedback.review import examine
from feedback.shots import best_shot, worst_shots
from tests.figures import figure


def push_ups(reps=4, **fields):
    return examine(figure("push_up", reps, **fields), exercise="push_up")


def test_two_different_faults_are_shown():
    examination = push_ups(peaks=[{}, {"hip": 215}, {"elbow": 120, "shoulder": 55}, {"elbow": 120, "shoulder": 55}])
    shots = worst_shots(examination)
    assert [shot.finding.check.id for shot in shots] == [fault.id for fault in examination.report.faults]
    assert {shot.finding.check.id for shot in shots} == {"shallow_depth", "hips_sagging"}


def test_of_one_fault_the_two_worst_repetitions_are_shown_worst_first():
    shots = worst_shots(push_ups(depth=[1, 0.55, 0.4, 0.6]))
    assert [shot.repetition.index for shot in shots] == [3, 2]
    assert shots[0].finding.excess > shots[1].finding.excess > 0


def test_after_a_single_fault_the_next_least_good_repetition_follows():
    shots = worst_shots(push_ups(3, depth=[1, 0.45, 1]))
    assert [shot.finding.fault for shot in shots] == [True, False]
    assert shots[0].repetition.index == 2 != shots[1].repetition.index


def test_without_a_fault_the_two_least_good_repetitions_are_shown():
    examination = push_ups(3)
    assert not examination.report.faults
    shots = worst_shots(examination)
    assert shots[0].repetition.index != shots[1].repetition.index
    closest = max(finding.excess for finding in examination.judged)
    assert shots[0].finding.excess == closest < 0


@pytest.mark.parametrize("exercise", ["squat", "push_up", "plank"])
def test_there_are_always_two_moments(exercise):
    examination = examine(figure(exercise, reps=1, lead=3), exercise=exercise)
    shots = worst_shots(examination)
    assert shots[0].sample != shots[1].sample
    assert all(examination.motion.detected[shot.sample] for shot in shots)


def test_the_best_repetition_shows_what_was_wrong_elsewhere():
    examination = push_ups(depth=[0.5, 0.5, 1, 0.5])
    best = best_shot(examination)
    assert best.repetition.index == 3
    assert best.finding.check.id == examination.report.faults[0].id
    assert not best.finding.fault


def test_there_is_no_best_when_none_was_good():
    examination = push_ups(2, depth=0.5)
    assert examination.report.reps.good == 0
    assert best_shot(examination) is None


def test_a_good_part_of_a_hold_is_shown():
    examination = examine(figure("plank", reps=0, lead=4, tail=4), exercise="plank")
    best = best_shot(examination)
    assert examination.hold.start <= best.sample <= examination.hold.end
    assert best.repetition is None


def test_a_hold_that_was_never_good_has_no_best_moment():
    examination = examine(figure("plank", reps=0, lead=4, tail=4, both={"hip": 215}), exercise="plank")
    assert examination.report.hold.good_s < 1
    assert best_shot(examination) is None


def test_a_fault_that_lasts_through_a_hold_is_shown_twice_at_different_times():
    examination = examine(figure("plank", reps=0, lead=4, tail=4, both={"hip": 215}), exercise="plank")
    shots = worst_shots(examination)
    assert all(shot.finding.fault for shot in shots)
    assert abs(shots[0].finding.time_s - shots[1].finding.time_s) >= 1


def test_two_faults_at_the_same_moment_are_both_shown():
    examination = push_ups(1, period=0.6, peaks=[{"elbow": 125, "shoulder": 55}])
    assert {fault.id for fault in examination.report.faults} == {"shallow_depth", "too_fast"}
    shots = worst_shots(examination)
    assert [shot.finding.check.id for shot in shots] == [fault.id for fault in examination.report.faults]
