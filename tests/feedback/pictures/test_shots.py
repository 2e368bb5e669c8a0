from dataclasses import replace

import pytest

from feedback.pictures.shots import best_shot, worst_shots
from feedback.review import examine
from tests.figures import figure, film, script, then, walk


def push_ups(reps=4, **fields):
    return examine(figure("push_up", reps, **fields), exercise="push_up").main


def examine_one(motion, exercise):
    return examine(motion, exercise=exercise).main


def worst_of(examined):
    return [shot for _, shot in worst_shots([examined])]


def best_of(examined):
    best = best_shot([examined])
    return best and best[1]


def test_two_different_faults_are_shown():
    examined = push_ups(peaks=[{}, {"hip": 215}, {"elbow": 120, "shoulder": 55}, {"elbow": 120, "shoulder": 55}])
    shots = worst_of(examined)
    assert [shot.finding.check.id for shot in shots] == [fault.id for fault in examined.report.faults]
    assert {shot.finding.check.id for shot in shots} == {"shallow_depth", "hips_sagging"}


def test_of_one_fault_the_two_worst_repetitions_are_shown_worst_first():
    shots = worst_of(push_ups(depth=[1, 0.55, 0.4, 0.6]))
    assert [shot.repetition.index for shot in shots] == [3, 2]
    assert shots[0].finding.excess > shots[1].finding.excess > 0


def test_after_a_single_fault_the_next_least_good_repetition_follows():
    shots = worst_of(push_ups(3, depth=[1, 0.45, 1]))
    assert [shot.finding.fault for shot in shots] == [True, False]
    assert shots[0].repetition.index == 2 != shots[1].repetition.index


def test_without_a_fault_the_two_least_good_repetitions_are_shown():
    examined = push_ups(3)
    assert not examined.report.faults
    shots = worst_of(examined)
    assert shots[0].repetition.index != shots[1].repetition.index
    closest = max(finding.excess for finding in examined.judged)
    assert shots[0].finding.excess == closest < 0


@pytest.mark.parametrize("exercise", ["squat", "push_up", "plank"])
def test_there_are_always_two_moments(exercise):
    examined = examine_one(figure(exercise, reps=1, lead=3), exercise=exercise)
    shots = worst_of(examined)
    assert shots[0].sample != shots[1].sample
    assert all(examined.motion.detected[shot.sample] for shot in shots)


def test_the_best_repetition_shows_what_was_wrong_elsewhere():
    examined = push_ups(depth=[0.5, 0.5, 1, 0.5])
    best = best_of(examined)
    assert best.repetition.index == 3
    assert best.finding.check.id == examined.report.faults[0].id
    assert not best.finding.fault


def test_there_is_no_best_when_none_was_good():
    examined = push_ups(2, depth=0.5)
    assert examined.report.good_reps == 0
    assert best_of(examined) is None


def test_a_good_part_of_a_hold_is_shown():
    examined = examine_one(figure("plank", reps=0, lead=4, tail=4), exercise="plank")
    best = best_of(examined)
    assert examined.hold.start <= best.sample <= examined.hold.end
    assert best.repetition is None
    assert best.finding.check.id not in {shot.finding.check.id for shot in worst_of(examined) if shot.finding}
    assert best.finding.sample == best.sample
    assert best.finding.clean


def test_a_hold_that_was_never_good_has_no_best_moment():
    examined = examine_one(figure("plank", reps=0, lead=4, tail=4, both={"hip": 215}), exercise="plank")
    assert examined.report.hold.good_s < 1.2, "only its ends, which are not judged"
    assert best_of(examined) is None


def test_a_fault_that_lasts_through_a_hold_is_shown_twice_at_different_times():
    examined = examine_one(figure("plank", reps=0, lead=4, tail=4, both={"hip": 215}), exercise="plank")
    shots = worst_of(examined)
    assert all(shot.finding.fault for shot in shots)
    assert abs(shots[0].finding.time_s - shots[1].finding.time_s) >= 1


def test_two_faults_at_the_same_moment_are_both_shown():
    examined = push_ups(1, period=0.6, peaks=[{"elbow": 125, "shoulder": 55}])
    assert {fault.id for fault in examined.report.faults} == {"shallow_depth", "too_fast"}
    shots = worst_of(examined)
    assert [shot.finding.check.id for shot in shots] == [fault.id for fault in examined.report.faults]


def test_of_two_sets_the_one_with_the_fault_is_shown_first_and_the_flawless_one_as_best():
    keys = then(script("squat", 3), walk(15), script("push_up", 3, depth=[1, 0.45, 1]), change=1.0)
    examination = examine(film(keys))
    assert [one.exercise.id for one in examination.sets] == ["squat", "push_up"]
    (first, shot), (_, other) = worst_shots(examination.sets)
    assert (first.exercise.id, shot.repetition.index, shot.finding.fault) == ("push_up", 2, True)
    assert shot is not other
    best, _ = best_shot(examination.sets)
    assert best.exercise.id == "squat"


def test_the_second_card_compares_the_same_check():
    shots = worst_of(push_ups(3, peaks=[{}, {"hip": 215}, {}]))
    assert [shot.finding.check.id for shot in shots] == ["hips_sagging"] * 2
    assert [shot.finding.fault for shot in shots] == [True, False]


def test_the_cards_of_a_flawless_set_show_different_checks():
    shots = worst_of(push_ups(3))
    assert shots[0].finding.check is not shots[1].finding.check


def test_a_card_of_the_only_repetition_shows_something_that_can_be_seen():
    examined = push_ups(1, peaks=[{"hip": 215}])
    assert all(shot.finding.marks for shot in worst_of(examined))


def test_no_picture_is_from_outside_the_set():
    examined = examine_one(figure("squat", reps=1, lead=6, tail=6), exercise="squat")
    rep = examined.repetitions[0]
    assert all(rep.start <= shot.sample <= rep.end for shot in worst_of(replace(examined, judged=())))


def test_the_best_card_shows_what_reached_its_target():
    examined = push_ups(4)
    short = [replace(finding, value=finding.threshold) for finding in examined.judged if finding.check.id == "shallow_depth"]
    others = [finding for finding in examined.judged if finding.check.id != "shallow_depth"]
    best = best_of(replace(examined, judged=(*short, *others)))
    assert best.finding.clean


def test_the_best_card_of_a_flawless_set_shows_a_check_that_the_others_do_not():
    examined = push_ups(3)
    shots = [*worst_of(examined), best_of(examined)]
    assert len({shot.finding.check.id for shot in shots}) == 3


def test_a_flawless_set_with_too_few_checks_for_three_cards_has_no_best_one():
    examined = push_ups(3)
    of_one_check = [finding for finding in examined.judged if finding.check.id == "shallow_depth"]
    assert best_of(replace(examined, judged=tuple(of_one_check))) is None
