"""Recognition with movements of its own: pose names no exercise."""

from dataclasses import replace

import pytest

from pose.movement import Band, Drive, Movement
from pose.recognition import recognise, weigh
from pose.repetitions import find_hold, find_repetitions
from pose.signals import clean
from tests.figures import EXERCISES, STAND, figure, film, script, then

BEND = Movement("bend", "knee", drives=(Drive("knee", 170, 80),), posture=(Band("trunk", high=60),))
DEEP = replace(BEND, id="deep", signature=(Band("knee", high=80, when="peak", margin=10),))
SHALLOW = replace(BEND, id="shallow", signature=(Band("knee", low=110, when="peak", margin=10),))
LIE = Movement("lie", "hip", drives=(Drive("shoulder_over_wrist", 0, 0.08),), posture=(Band("facing_down", low=45),), held=True)


@pytest.mark.parametrize(("knee", "expected"), [(70, "deep"), (120, "shallow")])
def test_the_signature_decides(knee: float, expected: str) -> None:
    motion = clean(figure("squat", 3, peaks=[{"knee": knee}] * 3))
    found = recognise(motion, [DEEP, SHALLOW, LIE])
    assert found.movement is not None
    assert (found.movement.id, found.confidence) == (expected, 1)


def test_nothing_fits() -> None:
    found = recognise(clean(figure("squat", 3)), [SHALLOW, LIE])
    assert found.movement is None
    assert found.confidence == 1


def test_no_movements_to_look_for() -> None:
    assert recognise(clean(figure("squat", 1)), []).movement is None


def test_two_that_fit_alike_leave_doubt() -> None:
    found = recognise(clean(figure("squat", 3)), [DEEP, replace(DEEP, id="same")])
    assert found.confidence == pytest.approx(0.5, abs=0.01)


def test_a_held_position_is_recognised_by_itself_but_not_as_a_pause() -> None:
    still = clean(figure("plank", 0, lead=4))
    push = Movement("push", "elbow", drives=(Drive("elbow", 165, 80),), posture=(Band("facing_down", low=45),))
    assert recognise(still, [LIE, push]).movement == LIE
    assert recognise(clean(figure("push_up", 3, pause=3)), [LIE, push]).movement == push


def test_evidence_names_the_time_that_is_explained() -> None:
    evidence = weigh(clean(figure("squat", 2, lead=2, period=2, pause=0, tail=2)), DEEP)
    assert evidence.fit == pytest.approx(1)
    assert evidence.span == pytest.approx((2, 6), abs=0.5)
    assert evidence.explained_s == pytest.approx(3.3, abs=0.5)


def test_a_hold_needs_its_time_and_the_longest_one_counts() -> None:
    pose, _ = EXERCISES["plank"]
    keys = then([(0.0, pose), (3.0, pose)], [(0.0, STAND), (1.0, STAND)], [(0.0, pose), (6.0, pose)])
    hold = find_hold(clean(film(keys)), LIE)
    assert hold is not None
    assert hold.duration_s == pytest.approx(6, abs=1)
    assert find_hold(clean(film([(0.0, pose), (1.0, pose)])), LIE) is None


def test_repetitions_are_numbered_and_timed() -> None:
    found = find_repetitions(clean(film(script("squat", 3, lead=1, period=2, pause=0.5), fps=30)), BEND)
    assert [each.index for each in found] == [1, 2, 3]
    assert [each.peak_s for each in found] == pytest.approx([2, 4.5, 7], abs=0.15)
    assert all(each.start < each.peak < each.end for each in found)
    assert {each.side for each in found} == {None}
