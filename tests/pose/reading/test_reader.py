"""From a file to a motion, with the real model."""

from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Self

import av
import cv2
import numpy as np
import pytest

import pose
from pose.errors import ModelMissing, NoPerson, VideoError
from pose.motion import INDEX, Motion
from pose.reading import parts as pose_parts
from pose.reading.frame import Pixels
from pose.reading.landmarks import Pose, Tracker
from pose.reading.model import Model
from pose.reading.video import Limits
from tests.footage import frames_of, record, record_pictures

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "data"
SAMPLE = Path(__file__).parents[3] / "consumer" / "sample.mp4"
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


@pytest.fixture(scope="module")
def read_in_one_part() -> Motion:
    """The motion of `BYSTANDER` without any border between parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pose_parts, "MOST_PARTS", 1)
        return pose.read_motion(BYSTANDER)


def test_the_motion_is_the_same_for_any_number_of_workers(squatting: Motion) -> None:
    three = pose.read_motion(BYSTANDER, workers=3)
    for one, other in ((squatting.times, three.times), (squatting.image, three.image), (squatting.world, three.world)):
        np.testing.assert_array_equal(one, other)
    assert squatting.video == three.video


def test_a_video_is_read_in_parts_that_its_duration_alone_decides() -> None:
    counts = {duration: len(pose_parts.plan_parts(duration)) for duration in (None, 3.9, 4.0, 59.0, 61.0, 600.0, 6000.0)}
    assert counts == {None: 1, 3.9: 1, 4.0: 2, 59.0: 2, 61.0: 4, 600.0: 16, 6000.0: 16}


def test_parts_are_joined_without_a_seam(read_in_one_part: Motion, squatting: Motion) -> None:
    whole, parts = read_in_one_part, squatting
    moved = [np.interp(parts.times, whole.times, trunk(whole)[:, axis]) - trunk(parts)[:, axis] for axis in (0, 1)]
    assert np.abs(moved).max() < 12


class Counted(Tracker):
    """Counts the trackers that are in memory."""

    open, most = 0, 0

    def __enter__(self) -> Self:
        Counted.open += 1
        Counted.most = max(Counted.most, Counted.open)
        return super().__enter__()

    def close(self) -> None:
        Counted.open -= 1
        super().close()


def test_no_more_trackers_than_workers_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_parts, "Tracker", Counted)
    monkeypatch.setattr(pose_parts, "LONGEST_PART_S", pose_parts.SHORTEST_PART_S)
    assert len(pose_parts.plan_parts(pose.read_motion(BYSTANDER, workers=2).video.duration_s)) >= 4
    assert (Counted.open, Counted.most) == (0, 2)


class Slow(Tracker):
    """Begins in the midst of a video, and then sees nobody, or everybody at the wrong place, until so late."""

    UNTIL_S = 5.5

    def __init__(self, model: Model, *, lost: bool) -> None:
        super().__init__(model)
        self._lost = lost
        self._late = False
        self._first = True

    def follow(self, pixels: Pixels, time: float, *, cut: bool = False) -> Pose | None:
        self._late |= self._first and time > 1
        self._first = False
        found = super().follow(pixels, time, cut=cut)
        if not found or not self._late or time > self.UNTIL_S:
            return found
        return None if self._lost else replace(found, image=found.image + np.float32([0, 100, 0]))


@pytest.mark.parametrize("lost", [True, False])
def test_whoever_was_followed_is_followed_on_until_the_next_part_has_them(
    monkeypatch: pytest.MonkeyPatch, read_in_one_part: Motion, *, lost: bool
) -> None:
    whole = read_in_one_part
    monkeypatch.setattr(pose_parts, "Tracker", partial(Slow, lost=lost))
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


def test_a_bystander_in_one_shot_of_many_is_not_followed(tmp_path: Path) -> None:
    """In the film as a whole somebody else is seen too seldom to look again."""
    alone = [picture.copy() for picture in frames_of(PASSER_BY)][90:150]
    for picture in alone:
        picture[:, :130], picture[:, 480:] = 0, 255  # another room, so that there is a cut
    motion = pose.read_motion(record_pictures(tmp_path / "two_shots.mp4", [*(alone * 15), *frames_of(BYSTANDER)]))
    assert len(motion.cuts) == 1
    squatting = motion.detected & (motion.times > 30.5)
    assert squatting.sum() > 30
    assert np.abs(trunk(motion)[squatting, 0] - 520).max() < 60


@pytest.mark.parametrize(("left", "top"), [(480, 160), (150, 0)])
def test_the_first_pose_after_a_cut_is_as_good_as_the_next(left: int, top: int, tmp_path: Path) -> None:
    """In the second shot she is in another place and of another size; the picture is still, so each pose should be the same."""
    standing = next(frames_of(BYSTANDER))[:, 340:]
    far = np.full_like(next(frames_of(BYSTANDER)), 255)
    far[top : top + 180, left : left + 150] = cv2.resize(standing, (150, 180))
    near = cv2.copyMakeBorder(standing, 0, 0, 0, 340, cv2.BORDER_CONSTANT)
    motion = pose.read_motion(record_pictures(tmp_path / "cut.mp4", [*[near] * 45, *[far] * 45]))
    assert len(motion.cuts) == 1
    second = trunk(motion)[motion.times >= motion.cuts[0]]
    assert np.abs(second - second[-1]).max() < 4


def test_somebody_beside_the_exerciser_is_seen_in_a_short_shot(tmp_path: Path) -> None:
    """Between two shots of the man, she squats once beside him."""
    pictures = list(frames_of(BYSTANDER))
    alone = pictures[0].copy()
    alone[:, 340:] = 255  # so that there is a cut
    motion = pose.read_motion(record_pictures(tmp_path / "short.mp4", [*[alone] * 150, *pictures[30:90], *[alone] * 150]))
    assert len(motion.cuts) == 2
    squatting = motion.detected & (motion.times > motion.cuts[0]) & (motion.times < motion.cuts[1])
    assert squatting.sum() > 8
    assert np.abs(trunk(motion)[squatting, 0] - 520).max() < 60


def test_a_person_who_trains_elsewhere_while_the_recording_pauses_is_not_lost(tmp_path: Path) -> None:
    """The same person stands on the left, squats on the right, stands on the left again; no cut is seen."""
    squats = [picture[:, 340:] for picture in frames_of(BYSTANDER)]
    left = [cv2.copyMakeBorder(squats[0], 0, 0, 0, 340, cv2.BORDER_REPLICATE)] * 120
    right = [cv2.copyMakeBorder(picture, 0, 0, 340, 0, cv2.BORDER_REPLICATE) for picture in squats]
    motion = pose.read_motion(record_pictures(tmp_path / "paused.mp4", [*left, *right, *left]))
    assert motion.cuts == ()
    meanwhile = (motion.times > 4.5) & (motion.times < 10.5)
    assert motion.detected[meanwhile].mean() > 0.9
    assert np.abs(trunk(motion)[meanwhile & motion.detected, 0] - 520).max() < 60


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


FAR_S = 7.0


def far_away(source: Path, target: Path) -> Path:
    """The first 7 s of an upright video, shrunk to a height of 130 pixels, in the middle of a grey wall of 640 by 360."""
    with av.open(str(source)) as video, av.open(str(target), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for decoded in takewhile(lambda decoded: decoded.time < FAR_S, video.decode(video=0)):
            picture = np.full((360, 640, 3), 110, np.uint8)
            picture[115:245, 280:354] = decoded.to_ndarray(format="rgb24", width=74, height=130, interpolation="AREA")
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = decoded.pts, decoded.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target


def test_a_person_far_away_is_found(tmp_path: Path) -> None:
    motion, near = (pose.read_motion(path, workers=2) for path in (far_away(SAMPLE, tmp_path / "far.mp4"), SAMPLE))
    assert motion.detected.mean() > 0.9
    scale = 130 / near.video.height
    there = [np.percentile(trunk(one)[one.detected & (one.times < FAR_S)], (10, 90), axis=0) for one in (motion, near)]
    assert there[0] == pytest.approx(there[1] * scale + [280, 115], abs=4)


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
