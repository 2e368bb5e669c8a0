"""Videos whose pixels lie on their side, without a word about it in the file."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from consumer.commands.demo import SAMPLE
from feedback.exercises import CATALOGUE
from pose.motion import Motion
from pose.reading.frame import Orientation
from pose.reading.upright import TURNS, find_turn, read_upright, turn_motion
from tests.figures import figure, film, walk

pytestmark = pytest.mark.slow

MOVEMENTS = [movement for exercise in CATALOGUE.values() for movement in exercise.movements]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("exercise", ["squat", "push_up", "jumping_jack", "biceps_curl"])
def test_a_turned_motion_is_turned_back(exercise: str, turn: int) -> None:
    azimuth = 0 if exercise == "jumping_jack" else 90
    lying = turn_motion(figure(exercise, 4, azimuth=azimuth), 360 - turn)
    assert find_turn(lying, MOVEMENTS) == turn


@pytest.mark.parametrize(
    "motion", [figure("squat", 1), film(walk(12)), figure("plank", 0, lead=8)], ids=["squat", "walk", "plank"]
)
def test_what_is_upright_or_nothing_stays_as_it_is(motion: Motion) -> None:
    assert find_turn(motion, MOVEMENTS) == 0


def test_four_quarters_are_a_whole_turn() -> None:
    motion = figure("squat", 1)
    back = turn_motion(turn_motion(motion, 90), 270)
    assert np.allclose(back.image, motion.image)
    assert np.allclose(back.world, motion.world)


@pytest.mark.parametrize("turn", [0, *TURNS])
@pytest.mark.parametrize("stored", [Orientation(), Orientation(True, True), Orientation(flipped_x=True)], ids=str)
def test_an_orientation_turns_clockwise(stored: Orientation, turn: int) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert (stored.turned(turn).upright(pixels) == np.rot90(stored.upright(pixels), -turn // 90)).all()


def test_a_video_on_its_side_is_read_upright(tmp_path: Path) -> None:
    path = tmp_path / "side.mp4"
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=15, options={"preset": "ultrafast"})
        size = source.streams.video[0]
        upright = (size.width, size.height)
        stream.height, stream.width = upright
        for number, frame in enumerate(source.decode(video=0)):
            if number % 2 or frame.time > 10:
                continue
            pixels = np.rot90(frame.to_ndarray(format="rgb24"), 1)
            turned = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            turned.pts, turned.time_base = number // 2, Fraction(1, 15)
            target.mux(stream.encode(turned))
        target.mux(stream.encode(None))
    motion = read_upright(path, MOVEMENTS)
    assert motion.video.turned == 90
    assert (motion.video.width, motion.video.height) == upright
