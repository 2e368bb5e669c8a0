"""Sets, with movements of the test's own: pose names no exercise."""

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from pose.motion import Motion
from pose.movements.movement import Band, Drive, Movement
from pose.movements.repetitions import find_hold, find_repetitions
from pose.movements.sets import find_sets
from pose.movements.signals import clean
from tests.figures import EXERCISES, STAND, figure, film, script, then, walk

BEND = Movement("bend", "knee", drives=(Drive("knee", 170, 80),), posture=(Band("trunk", high=60),))
DEEP = replace(BEND, id="deep", signature=(Band("knee", high=80, when="peak", margin=10),))
SHALLOW = replace(BEND, id="shallow", signature=(Band("knee", low=110, when="peak", margin=10),))
LIE = Movement("lie", "hip", drives=(Drive("shoulder_over_wrist", 0, 0.08),), posture=(Band("facing_down", low=45),), held=True)


def names(motion: Motion, movements: Iterable[Movement]) -> list[str]:
    return [one.movement.id for one in find_sets(clean(motion), movements)]


@pytest.mark.parametrize(("knee", "expected"), [(70, "deep"), (120, "shallow")])
def test_the_signature_decides(knee: float, expected: str) -> None:
    (found,) = find_sets(clean(figure("squat", 3, peaks=[{"knee": knee}] * 3)), [DEEP, SHALLOW, LIE])
    assert (found.movement.id, len(found.repetitions), found.confidence) == (expected, 3, 1)


def test_nothing_fits() -> None:
    assert find_sets(clean(figure("squat", 3)), [SHALLOW, LIE]) == []


def test_no_movements_to_look_for() -> None:
    assert find_sets(clean(figure("squat", 1)), []) == []


def test_nobody_in_the_film() -> None:
    motion = figure("squat", 2)
    nobody = replace(motion, image=motion.image * np.nan, world=motion.world * np.nan)
    assert find_sets(nobody, [DEEP, LIE]) == []


def test_two_that_fit_alike_leave_doubt() -> None:
    (found,) = find_sets(clean(figure("squat", 3)), [DEEP, replace(DEEP, id="same")])
    assert found.confidence == pytest.approx(0.5, abs=0.01)


PUSH = Movement("push", "elbow", drives=(Drive("elbow", 165, 80),), posture=(Band("facing_down", low=45),))


def test_a_held_position_is_a_set_but_not_as_a_pause() -> None:
    assert names(figure("plank", 0, lead=4), [LIE, PUSH]) == ["lie"]
    assert names(figure("push_up", 3, pause=3), [LIE, PUSH]) == ["push"]


@pytest.mark.parametrize("wait", [5, 40, 120])
def test_waiting_in_position_is_no_set_however_long(wait: float) -> None:
    (found,) = find_sets(clean(figure("push_up", 4, lead=wait, tail=wait / 2)), [LIE, PUSH])
    assert (found.movement.id, len(found.repetitions)) == ("push", 4)


def test_what_lies_around_a_set_has_no_vote() -> None:
    film_ = clean(film(then(walk(60), script("squat", 1), walk(30))))
    (found,) = find_sets(film_, [DEEP, LIE])
    assert len(found.repetitions) == 1
    assert 59 < found.start_s < found.end_s < 66


@pytest.mark.parametrize(("pause", "sets"), [(4.0, [6]), (30.0, [3, 3]), (200.0, [3, 3])])
def test_a_long_pause_ends_a_set_and_a_breather_does_not(pause: float, sets: list[int]) -> None:
    keys = then(script("squat", 3, tail=pause), script("squat", 3))
    assert [len(one.repetitions) for one in find_sets(clean(film(keys)), [DEEP, LIE])] == sets


def test_a_change_of_exercise_ends_a_set() -> None:
    keys = then(script("squat", 3), script("push_up", 4), script("plank", 0, lead=6), script("squat", 2), change=1.0)
    found = find_sets(clean(film(keys)), [DEEP, PUSH, LIE])
    assert [(one.movement.id, len(one.repetitions)) for one in found] == [("deep", 3), ("push", 4), ("lie", 0), ("deep", 2)]


def test_sample_numbers_count_from_the_start_of_the_sets_window() -> None:
    motion = clean(film(then(walk(20), script("squat", 3, lead=1, period=2, pause=0.5))))
    (found,) = find_sets(motion, [DEEP])
    window = motion.part(found.start, found.end)
    assert [window.times[each.peak] for each in found.repetitions] == [each.peak_s for each in found.repetitions]


def test_a_paused_recording_is_no_pause_of_the_person() -> None:
    motion = figure("squat", 4)
    late = np.where(motion.times > motion.times[len(motion.times) // 2], 120.0, 0.0)
    (found,) = find_sets(clean(replace(motion, times=motion.times + late)), [DEEP])
    assert len(found.repetitions) == 4


def test_a_cut_ends_what_swings() -> None:
    """Two films joined at the lowest point, in other places: nothing goes on over the cut."""
    first, second = figure("squat", 2), figure("push_up", 3, azimuth=-90)
    joined = joined_films(first, second)
    found = find_sets(clean(joined), [DEEP, PUSH, LIE])
    assert [(one.movement.id, len(one.repetitions)) for one in found] == [("deep", 2), ("push", 3)]


def test_one_quick_repetition_that_fills_its_shot_is_a_set() -> None:
    squat = film(script("squat", 1, lead=0.1, period=0.9, tail=0.1))
    joined = joined_films(film(walk(15)), squat, film(walk(15)))
    (found,) = find_sets(clean(joined), [DEEP, LIE])
    assert len(found.repetitions) == 1


def test_bending_for_the_weight_is_no_set() -> None:
    bend = Movement("bend", "hip", drives=(Drive("hip", 170, 80),), signature=(Band("knee", low=125, when="peak"),))
    keys = then(script("deadlift", 1, lead=0.5, tail=0.2), script("squat", 4), script("deadlift", 1, lead=0.2), change=0.5)
    assert names(film(keys), [DEEP, bend]) == ["deep"]


@pytest.mark.slow
def test_the_time_is_linear_in_the_length() -> None:
    def seconds(rounds: int) -> float:
        keys = then(*(part for _ in range(rounds) for part in (script("squat", 5), walk(20))))
        motion = clean(film(keys))
        start = time.process_time()
        assert len(find_sets(motion, [DEEP, PUSH, LIE])) == rounds
        return time.process_time() - start

    assert seconds(16) < 8 * seconds(4)


def joined_films(*motions: Motion) -> Motion:
    """One film after the other, with a cut between them."""
    starts = np.cumsum([0.0, *(motion.times[-1] + 1 / 15 for motion in motions[:-1])])
    return Motion(
        motions[0].video,
        np.concatenate([motion.times + start for motion, start in zip(motions, starts, strict=True)]),
        *(np.concatenate([getattr(motion, name) for motion in motions]) for name in ("image", "world", "visibility")),
        tuple(starts[1:].tolist()),
    )


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
