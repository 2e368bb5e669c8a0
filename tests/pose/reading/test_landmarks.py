"""The model sees the person where they are; nothing of MediaPipe is loaded before it is used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pose.errors import ModelMissing
from pose.motion import INDEX
from pose.reading import model
from pose.reading.frame import Pixels, fit
from pose.reading.landmarks import Detector, Tracker
from pose.reading.video import Video

CLIP = Path(__file__).parents[2] / "data" / "passer_by.mp4"


@pytest.fixture(scope="module")
def standing() -> Pixels:
    """A woman at x = 343, seen from her left; head at y = 40, feet at y = 310."""
    with Video(CLIP) as video:
        return next(video.frames(2.5)).rgb()


@pytest.fixture(scope="module")
def tracker() -> Tracker:
    with Tracker(model.find()) as opened:
        yield opened


def test_landmarks_are_pixels_of_the_picture(standing: Pixels, tracker: Tracker) -> None:
    pose = tracker.follow(standing, 0.0)
    assert pose is not None
    assert (pose.image.shape, pose.world.shape, pose.visibility.shape) == ((33, 3), (33, 3), (33,))
    assert pose.centre[0] == pytest.approx(343, abs=15)
    nose, ankle = pose.image[INDEX["nose"], 1], pose.image[INDEX["left_ankle"], 1]
    assert nose == pytest.approx(50, abs=20)
    assert ankle == pytest.approx(305, abs=20)
    assert 60 < pose.length < 110
    # Metres: a trunk is about half of one.
    assert np.linalg.norm(pose.world[INDEX["left_shoulder"]] - pose.world[INDEX["left_hip"]]) == pytest.approx(0.5, abs=0.15)


def test_a_smaller_picture_gives_the_same_place(standing: Pixels) -> None:
    with Video(CLIP) as video, Detector(model.find()) as detector:
        small = detector.find(next(video.frames(2.5)).rgb(fit(video.size, 320)))
        large = detector.find(standing)
    assert small is not None
    assert large is not None
    assert np.abs(small.centre * 2 - large.centre).max() < 6


def test_time_may_repeat(standing: Pixels, tracker: Tracker) -> None:
    assert tracker.follow(standing, 1.0) is not None
    assert tracker.follow(standing, 1.0) is not None


def test_nobody_is_none(tracker: Tracker) -> None:
    blank = np.full((360, 640, 3), 90, np.uint8)
    with Detector(model.find()) as detector:
        assert detector.find(blank) is None
    assert tracker.follow(blank, 2.0) is None


def test_a_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.task"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        Tracker(model.find(str(path)))


def test_the_package_does_not_load_mediapipe() -> None:
    code = "import sys, pose; pose.read_motion, pose.Limits; sys.exit('mediapipe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
