from dataclasses import replace

import numpy as np
import pytest

from pose.motion import INDEX, Motion
from pose.movements.signals import ANGLES, LENGTHS, Body, Signals, bridge, clean, runs, scales, smooth
from tests.figures import figure, film, script, walk

KNEE = INDEX["left_knee"]


@pytest.fixture
def squat() -> Motion:
    return figure("squat", 2, fps=30)


def test_a_slip_of_a_landmark_is_taken_out(squat: Motion) -> None:
    slipped = replace(squat, image=squat.image.copy(), world=squat.world.copy())
    slipped.world[40, KNEE] += 0.7
    slipped.image[40, KNEE] += 90
    assert np.abs(clean(slipped).image[:, KNEE] - clean(squat).image[:, KNEE]).max() < 5


def test_the_fastest_movement_keeps_most_of_its_range() -> None:
    quick = figure("squat", 4, period=0.4, pause=0, fps=30)
    true, kept = (
        np.ptp(motion.world[:, INDEX["nose"], 1] - motion.world[:, INDEX["left_ankle"], 1]) for motion in (quick, clean(quick))
    )
    assert kept > 0.7 * true


@pytest.mark.parametrize(("seconds", "bridged"), [(0.3, True), (1.5, False)])
def test_only_short_gaps_are_bridged(squat: Motion, seconds: float, bridged: bool) -> None:
    lost = (squat.times > 2) & (squat.times < 2 + seconds)
    squat.image[lost] = squat.world[lost] = np.nan
    cleaned = clean(squat)
    assert cleaned.detected[lost].all() == bridged
    assert cleaned.detected[~lost].all()
    assert (cleaned.visibility[lost] > 0).all() == bridged


def test_nobody_seen_is_left_as_it_is(squat: Motion) -> None:
    squat.image[:] = squat.world[:] = np.nan
    assert not clean(squat).detected.any()


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_smoothing_does_not_depend_on_the_frame_rate(fps: float) -> None:
    times = np.arange(0, 4, 1 / fps)
    wave = smooth(times, np.sin(2 * np.pi * times), 0.1)
    assert np.ptp(wave[fps : 3 * fps]) == pytest.approx(2 * np.exp(-2 * np.pi**2 * 0.1**2), rel=0.06)


def test_bridges_are_straight_and_keep_empty_columns() -> None:
    tracks = np.array([[np.nan, np.nan], [1, np.nan], [np.nan, np.nan], [3, np.nan]])
    bridged = bridge(np.arange(4.0), tracks)
    assert bridged[:, 0].tolist() == [1, 1, 2, 3]
    assert np.isnan(bridged[:, 1]).all()


@pytest.mark.parametrize(("flags", "expected"), [([], []), ([0, 0], []), ([1, 1, 0, 1], [(0, 2), (3, 4)])])
def test_runs(flags: list[int], expected: list[tuple[int, int]]) -> None:
    assert [(run.start, run.stop) for run in runs(np.array(flags, dtype=bool))] == expected


@pytest.mark.parametrize("scale", [40, 300])
def test_the_scale_of_the_picture(scale: float) -> None:
    assert scales(figure("push_up", 2, azimuth=30, scale=scale)) == pytest.approx(scale, rel=1e-3)


def test_lengths_are_metres_of_the_person_whatever_the_picture() -> None:
    near, far = (Signals(clean(figure("squat", 1, scale=scale)))["hip_over_ankle"] for scale in (60, 200))
    assert near == pytest.approx(far, abs=1e-6)
    assert near[0] == pytest.approx(0.84, abs=0.02)


def test_the_better_seen_side_counts_more(squat: Motion) -> None:
    body = Body(squat)
    left, right = np.zeros(len(squat.times)), np.ones(len(squat.times))
    assert np.all(body.both(left, right, "knee") < 0.1)


def test_every_signal_can_be_read_of_every_motion(squat: Motion) -> None:
    signals = Signals(clean(squat))
    assert set(signals) == {*ANGLES, *LENGTHS}
    assert len(signals) == len(set(signals))
    for name in signals:
        assert np.isfinite(signals[name]).all(), name


@pytest.mark.parametrize(("exercise", "low", "high"), [("push_up", 55, 90), ("sit_up", -90, -50), ("squat", -15, 15)])
@pytest.mark.parametrize("azimuth", [0, 90, -90, 180])
def test_where_the_chest_looks(exercise: str, low: float, high: float, azimuth: float) -> None:
    assert low < Signals(figure(exercise, 1, azimuth=azimuth))["facing_down"][0] < high


@pytest.mark.parametrize("azimuth", [0, 90, -90, 180])
def test_the_foot_ahead_and_the_stride(azimuth: float) -> None:
    signals = Signals(clean(figure("lunge", 1, azimuth=azimuth)))
    assert (signals["left_ahead"] > 0.3).all()
    assert signals["stride"].min() > 0.3


def test_steps_are_no_stride() -> None:
    assert (
        np.median(Signals(clean(film(walk(6))))["stride"])
        < 0.15
        < np.median(Signals(clean(film(script("lunge", 2))))["stride"])
    )
