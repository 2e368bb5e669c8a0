"""Videos whose pixels lie on their side, without a word about it in the file."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from consumer.commands.demo import SAMPLE
from feedback.exercises import CATALOGUE
from pose.motion import Motion
from pose.movements.sets import find_sets
from pose.movements.signals import clean
from pose.reading.frame import Orientation
from pose.reading.upright import TURNS, find_turn, read_upright, turn_motion
from tests.figures import Keys, Pose, figure, film, walk

pytestmark = pytest.mark.slow

MOVEMENTS = [movement for exercise in CATALOGUE.values() for movement in exercise.movements]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("exercise", ["squat", "push_up", "jumping_jack", "biceps_curl", "sit_up"])
def test_a_turned_motion_is_turned_back(exercise: str, turn: int) -> None:
    azimuth = 0 if exercise == "jumping_jack" else 90
    lying = turn_motion(figure(exercise, 4, azimuth=azimuth), 360 - turn)
    assert find_turn(lying, MOVEMENTS) == turn


@pytest.mark.parametrize(
    "motion", [figure("squat", 1), film(walk(12)), figure("plank", 0, lead=8)], ids=["squat", "walk", "plank"]
)
def test_what_is_upright_or_nothing_stays_as_it_is(motion: Motion) -> None:
    assert find_turn(motion, MOVEMENTS) == 0


def swings(rest: Pose, extreme: Pose, count: int) -> Keys:
    return [(float(number), extreme if number % 2 else rest) for number in range(2 * count + 1)]


def test_nobody_hangs_from_hands_and_feet() -> None:
    """Push-ups with the hips up look like pull-ups when the picture is upside down."""
    pike = Pose(lean=148, hip=80, knee=165, shoulder=150, elbow=168, anchor="hands")
    motion = film(swings(pike, replace(pike, lean=140, shoulder=120, elbow=80), 4))
    assert find_turn(motion, MOVEMENTS) == 0


def test_somebody_who_stands_bent_over_is_not_taken_for_a_seated_one() -> None:
    """Legs and trunk at a right angle: rotated by a quarter it is a seated row, and three of them are too few to rotate."""
    bent = Pose(lean=64, hip=93, knee=147, shoulder=45, elbow=165)
    motion = film(swings(bent, replace(bent, shoulder=10, elbow=85), 3))
    _, seated = CATALOGUE["row"].movements
    assert find_sets(clean(turn_motion(motion, 90)), [seated])
    assert find_turn(motion, [seated]) == 0


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
