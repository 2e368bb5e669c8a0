"""From a file to a motion, with the real model."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import pose
from pose import reading
from pose.errors import ModelMissing, NoPerson, VideoError
from pose.frame import Pixels
from pose.landmarks import Pose, Tracker
from pose.model import Model
from pose.motion import INDEX, Motion
from pose.video import Limits
from tests.footage import record

DATA = Path(__file__).parents[1] / "data"
BYSTANDER = DATA / "bystander.mp4"
"""7 s: on the right a woman squats three times, on the left stands a larger man. She is at x = 520, he at 190."""
PASSER_BY = DATA / "passer_by.mp4"
"""15 s: a woman squats four times, in the middle from 3 s on; during the second a larger man passes in front of her."""

TRUNK = [INDEX[f"{side}_{joint}"] for joint in ("shoulder", "hip") for side in ("left", "right")]


def trunk(motion: Motion) -> np.ndarray:
    """(n, 2) pixels."""
    return motion.image[:, TRUNK, :2].mean(axis=1)


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def squatting(request: pytest.FixtureRequest) -> Motion:
    return pose.read_motion(BYSTANDER, workers=request.param)


def test_the_one_who_exercises_is_followed_not_the_larger_bystander(squatting: Motion) -> None:
    assert squatting.detected.mean() > 0.95
    assert np.abs(trunk(squatting)[squatting.detected, 0] - 520).max() < 60


def test_what_the_video_was(squatting: Motion) -> None:
    video = squatting.video
    assert (video.width, video.height, video.fps, video.complete) == (640, 360, 30.0, True)
    assert video.duration_s == pytest.approx(7.0, abs=0.05)
    assert video.frames_analysed == len(squatting.times) < video.frames_decoded <= 210


def test_times_rise_from_the_first_frame_to_the_last(squatting: Motion) -> None:
    assert squatting.times[0] == 0
    assert squatting.times[-1] > 6.9
    assert np.diff(squatting.times).max() < 0.25


def test_parts_are_joined_without_a_seam() -> None:
    whole, parts = (pose.read_motion(BYSTANDER, workers=workers) for workers in (1, 2))
    moved = [np.interp(parts.times, whole.times, trunk(whole)[:, axis]) - trunk(parts)[:, axis] for axis in (0, 1)]
    assert np.abs(moved).max() < 12


class Slow(Tracker):
    """Begins in the midst of a video, and then sees nobody, or everybody at the wrong place, until so late."""

    UNTIL_S = 5.5

    def __init__(self, model: Model, *, lost: bool) -> None:
        super().__init__(model)
        self._lost = lost
        self._late = False
        self._first = True

    def follow(self, pixels: Pixels, time: float) -> Pose | None:
        self._late |= self._first and time > 1
        self._first = False
        found = super().follow(pixels, time)
        if not found or not self._late or time > self.UNTIL_S:
            return found
        return None if self._lost else replace(found, image=found.image + np.float32([0, 100, 0]))


@pytest.mark.parametrize("lost", [True, False])
def test_whoever_was_followed_is_followed_on_until_the_next_part_has_them(
    monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    whole = pose.read_motion(BYSTANDER)
    monkeypatch.setattr(reading, "Tracker", partial(Slow, lost=lost))
    parts = pose.read_motion(BYSTANDER, workers=2)
    assert parts.detected.mean() > 0.95
    assert np.diff(parts.times).max() < 0.25
    moved = [np.interp(parts.times, whole.times, trunk(whole)[:, axis]) - trunk(parts)[:, axis] for axis in (0, 1)]
    assert np.abs(moved).max() < 12


def test_a_passer_by_does_not_take_over() -> None:
    motion = pose.read_motion(PASSER_BY)
    late = motion.detected & (motion.times > 3)
    assert late.sum() / (motion.times > 3).sum() > 0.9
    assert np.abs(trunk(motion)[late, 0] - 345).max() < 60
    deep = trunk(motion)[:, 1] > 185
    assert [bool(deep[np.abs(motion.times - time) < 0.4].any()) for time in (3.9, 6.3, 10.3, 12.8)] == [True] * 4


def test_progress_rises_to_one_and_what_it_raises_ends_the_reading() -> None:
    reported: list[float] = []
    pose.read_motion(BYSTANDER, progress=reported.append)
    assert reported == sorted(reported)
    assert reported[-1] == 1.0
    assert len(reported) > 2

    def stop(_share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pose.read_motion(BYSTANDER, progress=stop, workers=2)


def test_a_video_without_a_person(tmp_path: Path) -> None:
    with pytest.raises(NoPerson, match="whole body"):
        pose.read_motion(record(tmp_path / "empty_room.mp4", (320, 180), seconds=1))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_readable_part_of_a_cut_file(tmp_path: Path, workers: int) -> None:
    cut = tmp_path / "cut.mp4"
    data = BYSTANDER.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    cut.write_bytes(data[: int(len(data) * 0.45)])
    motion = pose.read_motion(cut, workers=workers)
    assert not motion.video.complete
    assert 1 < motion.video.duration_s < 5
    assert motion.times[-1] < motion.video.duration_s


@pytest.mark.parametrize("workers", [1, 2])
def test_limits_reach_the_reader(workers: int) -> None:
    with pytest.raises(VideoError):
        pose.read_motion(BYSTANDER, limits=Limits(max_duration_s=2), workers=workers)


def test_a_missing_model_says_how_to_get_it() -> None:
    with pytest.raises(ModelMissing, match=r"DOTHIS_MODEL|make"):
        pose.read_motion(BYSTANDER, model="nothing.task")
