"""How many frames are looked at: by how often the joints cross their range, never fewer than the tracker needs."""

from collections.abc import Sequence

import numpy as np
import pytest

from feedback.review import review
from pose.motion import INDEX, Motion
from pose.reading.landmarks import Pose
from pose.reading.sampling import CLEAR, FASTEST, RESTING, STEADY, Sampler
from tests.figures import figure


def standing(lift: float, size: float = 100.0, hidden: Sequence[str] = ()) -> Pose:
    """A person whose arms are lifted by a share of the trunk's length; some joints are not seen."""
    image = np.zeros((33, 3), np.float32)
    for row, joint in enumerate(("shoulder", "hip", "knee", "ankle")):
        image[[INDEX[f"left_{joint}"], INDEX[f"right_{joint}"]], 1] = row * size
    for joint in ("shoulder", "elbow", "wrist"):
        image[[INDEX[f"left_{joint}"], INDEX[f"right_{joint}"]], 1] -= lift * size
    visibility = np.ones(33, np.float32)
    visibility[[INDEX[joint] for joint in hidden]] = 0.2
    return Pose(image, image / size, visibility)


def looks(
    seconds: float, fps: float, period: float | None, *, amplitude: float = 0.5, size: float = 100.0, hidden: Sequence[str] = ()
) -> list[float]:
    sampler, taken = Sampler(fps), []
    for time in np.arange(0, seconds, 1 / fps):
        if sampler.wants(time):
            taken.append(float(time))
            lift = amplitude * np.sin(2 * np.pi * time / period) if period else 0.0
            sampler.saw(time, standing(lift, size, hidden))
    return taken


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 60, 120, 240])
@pytest.mark.parametrize(("hidden", "rate"), [((), CLEAR), (("right_elbow",), STEADY)])
def test_a_normal_movement_is_sampled_steadily_at_any_frame_rate(fps: float, hidden: Sequence[str], rate: float) -> None:
    taken = [time for time in looks(22, fps, period=2.5, hidden=hidden) if time >= 2]
    assert len(taken) / 20 == pytest.approx(rate, rel=0.04)
    assert max(np.diff(taken)) <= 1 / rate + 1 / fps


@pytest.mark.parametrize("period", [0.4, 0.5, 0.6, 0.8])
@pytest.mark.parametrize("size", [30.0, 300.0])
def test_fast_repetitions_get_six_samples_each(period: float, size: float) -> None:
    late = [time for time in looks(10, 30, period, size=size) if time > 2]
    assert len(late) / 8 * period >= 6
    assert len(late) / 8 <= FASTEST * 1.05


def test_who_rests_is_looked_at_less() -> None:
    assert len(looks(20, 30, period=None)) / 20 == pytest.approx(RESTING, rel=0.1)


def test_movement_after_a_rest_is_seen_at_once() -> None:
    sampler = Sampler(30)
    taken = []
    for time in np.arange(0, 8, 1 / 30):
        if sampler.wants(time):
            taken.append(time)
            sampler.saw(time, standing(0.0 if time < 5 else 0.5 * np.sin(np.pi * (time - 5))))
    assert np.diff([time for time in taken if time > 5.4]).max() < 1 / CLEAR + 1 / 30


def test_nobody_is_looked_for_steadily() -> None:
    sampler = Sampler(30)
    taken = 0
    for time in np.arange(0, 5, 1 / 30):
        if sampler.wants(time):
            taken += 1
            sampler.saw(time, None)
    assert taken == pytest.approx(5 * STEADY, abs=2)


def test_hidden_joints_do_not_count() -> None:
    sampler = Sampler(30)
    random = np.random.default_rng(1)
    rates = []
    for time in np.arange(0, 5, 1 / 30):
        if sampler.wants(time):
            pose = standing(0.0)
            hidden = [INDEX["left_wrist"], INDEX["right_wrist"]]
            pose.image[hidden] += random.normal(0, 80, (2, 3))
            pose.visibility[hidden] = 0.2
            sampler.saw(time, pose)
            rates.append(sampler.rate)
    assert rates[-1] == RESTING


def sampled(motion: Motion) -> Motion:
    """The samples that the reading of a film with these frames would take."""
    sampler, taken = Sampler(motion.video.fps), []
    for number, time in enumerate(motion.times):
        if sampler.wants(time):
            taken.append(number)
            sampler.saw(time, Pose(motion.image[number], motion.world[number], motion.visibility[number]))
    return Motion(motion.video, motion.times[taken], motion.image[taken], motion.world[taken], motion.visibility[taken])


@pytest.mark.parametrize(("exercise", "period"), [("squat", 2.0), ("squat", 0.9), ("push_up", 0.8), ("jumping_jack", 0.6)])
@pytest.mark.parametrize("fps", [30, 60, *(pytest.param(fps, marks=pytest.mark.slow) for fps in (120, 240))])
def test_the_frame_rate_does_not_change_the_count(exercise: str, period: float, fps: float) -> None:
    film = sampled(
        figure(exercise, 5, period=period, pause=0.1, fps=fps, noise=0.01, azimuth=0 if exercise == "jumping_jack" else 90)
    )
    assert len(film.times) / film.times[-1] <= FASTEST
    report = review(film)
    assert (report.exercise.id, report.reps.total) == (exercise, 5)
