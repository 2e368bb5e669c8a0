import numpy as np
import pytest

from pose.movements.comparison import ANGLES, JOINTS, compare, in_torsos, warp
from pose.movements.signals import clean
from tests.figures import figure


def spans(motion, reps=3, period=2.0, pause=0.3, lead=1.0):
    starts = [lead + number * (period + pause) for number in range(reps)]
    return [tuple(int(at) for at in np.searchsorted(motion.times, (start, start + period))) for start in starts]


def take(exercise="squat", reps=3, period=2.0, **fields):
    motion = clean(figure(exercise, reps, period=period, **fields))
    return motion, spans(motion, reps, period)


def test_a_motion_against_itself_is_the_same():
    found = compare(*take(), *take())
    assert found.overall == pytest.approx(1)
    assert set(found.per_joint) == set(JOINTS)
    assert min(found.per_joint.values()) == pytest.approx(1)
    assert len(found.spans) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"scale": 80},
        {"size": (1280, 720), "scale": 260},
        {"period": 3.1},
        {"fps": 25},
        {"azimuth": -90},
        {"azimuth": 86},
        {"reps": 5},
        {"reps": 1},
        {"noise": 0.01},
    ],
    ids=str,
)
def test_size_pace_rate_side_and_number_of_repetitions_do_not_count(other):
    assert compare(*take(), *take(**other)).overall > 0.97


def test_a_reference_that_faces_the_other_way_is_mirrored():
    assert not any(span.mirrored for span in compare(*take(), *take()).spans)
    assert all(span.mirrored for span in compare(*take(), *take(azimuth=-90)).spans)


def test_the_joint_of_a_mirrored_reference_is_on_its_other_side():
    span = compare(*take(depth=0.5), *take(azimuth=-90)).spans[0]
    assert {span.joint.split("_")[0], span.reference_joint.split("_")[0]} == {"left", "right"}
    assert span.joint.split("_")[1] == span.reference_joint.split("_")[1]
    span = compare(*take(depth=0.5), *take()).spans[0]
    assert span.joint == span.reference_joint


def test_a_lunge_with_the_other_leg_is_the_same_lunge():
    peak = {"hip": (182, 88), "knee": (92, 90)}
    mine, its = take("lunge"), take("lunge", both={"anchor": "right_ankle"}, rest={"hip": (195, 155)}, peaks=[peak] * 3)
    assert compare(*mine, *its).overall > 0.9


@pytest.mark.parametrize("azimuth", [0, 90])
def test_the_further_off_the_lower(azimuth):
    clean_one = take(azimuth=azimuth)
    found = [compare(*clean_one, *take(azimuth=azimuth, depth=depth)).overall for depth in (1, 0.8, 0.6, 0.4)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0] - 0.1


def test_another_person_who_is_clean_is_more_alike_than_one_with_a_fault():
    mine = take(noise=0.005)
    another = take(scale=110, period=2.6, noise=0.01, seed=3, both={"spread": 8})
    for fault in ({"depth": 0.6}, {"peaks": [{"lean": 70}] * 3}, {"peaks": [{"heel": 0.08}] * 3}):
        assert compare(*mine, *another).overall > compare(*mine, *take(scale=110, noise=0.01, **fault)).overall


def test_from_another_side_it_is_compared_in_space():
    found = compare(*take(), *take(azimuth=30))
    assert not found.in_picture
    assert found.overall > 0.9
    assert found.overall > compare(*take(), *take(azimuth=30, depth=0.4)).overall


def test_it_says_when_and_where_the_difference_is_greatest():
    mine, its = take(depth=[1, 0.5, 1]), take()
    found = compare(*mine, *its)
    similar = [span.similarity for span in found.spans]
    assert similar[1] == min(similar) < 0.9 < min(similar[0], similar[2])
    worst = found.spans[1]
    (start, end), (its_start, its_end) = mine[1][1], its[1][1]
    assert start + (end - start) / 4 < worst.sample < end - (end - start) / 4
    assert its_start < worst.reference_sample < its_end
    assert worst.joint in ANGLES
    assert worst.joint.split("_")[1] in {"knee", "hip"}


def test_a_long_hold_is_compared_too():
    motion = clean(figure("plank", 0, lead=40, tail=40))
    found = compare(motion, [(0, len(motion.times) - 1)], motion, [(0, len(motion.times) - 1)])
    assert found.overall == pytest.approx(1)


def test_samples_without_a_person_are_left_out():
    motion, its = take()
    motion.image[its[0][0] + 3 : its[0][0] + 6] = np.nan
    assert compare(motion, its, *take()).overall > 0.95


@pytest.mark.parametrize("which", [0, 1])
def test_without_repetitions_there_is_nothing_to_compare(which):
    motion, its = take()
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(motion, its if which else [], motion, [] if which else its)


def test_warping_finds_the_cheapest_way():
    costs = np.array([[0, 9, 9, 9], [0, 9, 9, 9], [9, 0, 0, 9], [9, 9, 9, 0]], float)
    assert warp(costs) == [(0, 0), (1, 0), (2, 1), (2, 2), (3, 3)]
    assert warp(np.ones((1, 3))) == [(0, 0), (0, 1), (0, 2)]


def test_torsos_do_not_depend_on_size_or_place():
    motion, _ = take()
    points = motion.image[..., :2]
    assert in_torsos(points) == pytest.approx(in_torsos(points * 3 + [100, -50]))
