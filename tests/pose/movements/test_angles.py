import numpy as np
import pytest

from pose.motion import Motion
from pose.movements.angles import JOINTS, angle_at, inclination, joint_angle, joint_angle_seen, joint_angles
from tests.figures import figure


@pytest.mark.parametrize(
    ("a", "vertex", "b", "degrees"),
    [
        ((0, 1), (0, 0), (1, 0), 90),
        ((0, 1), (0, 0), (0, -3), 180),
        ((2, 2), (1, 1), (9, 9), 0),
        ((1, 0, 0), (0, 0, 0), (0, 1, 1), 90),
    ],
)
def test_the_angle_between_two_lines(
    a: tuple[float, ...], vertex: tuple[float, ...], b: tuple[float, ...], degrees: float
) -> None:
    assert angle_at(np.array(a, float), np.array(vertex, float), np.array(b, float)) == pytest.approx(degrees, abs=1e-4)


def test_no_angle_without_a_length_or_a_point() -> None:
    corner = np.array([[0.0, 0.0], [0.0, 0.0]])
    ends = np.array([[0.0, 0.0], [np.nan, 1.0]])
    assert np.isnan(angle_at(ends, corner, np.ones((2, 2)))).all()


@pytest.mark.parametrize(("to", "degrees"), [((0, -1), 0), ((1, 0), 90), ((-1, 0), 90), ((0, 1), 180), ((1, -1), 45)])
def test_how_far_a_line_leans(to: tuple[float, float], degrees: float) -> None:
    assert inclination(np.zeros(2), np.array(to, float)) == pytest.approx(degrees, abs=1e-4)


@pytest.mark.parametrize("size", [(640, 360), (360, 640)])
def test_angles_are_taken_in_pixels(size: tuple[int, int]) -> None:
    """In normalised coordinates a picture that is not square bends every angle."""
    knee = joint_angle(figure("squat", 1, azimuth=90, size=size, peaks=[{"knee": 70}]), "left_knee")
    assert [np.nanmin(knee), np.nanmax(knee)] == pytest.approx([70, 172], abs=2)


@pytest.mark.parametrize("azimuth", [0, 45, 90, 180])
def test_world_angles_hold_from_every_side(azimuth: float) -> None:
    knee = joint_angle(
        figure("squat", 1, azimuth=azimuth, fps=30, peaks=[{"knee": 70}]), "left_knee", world=True, min_visibility=0
    )
    assert np.min(knee) == pytest.approx(70, abs=2)


def test_an_angle_of_a_hidden_landmark_is_not_given() -> None:
    angles = joint_angles(figure("squat", 1, azimuth=90))
    assert set(angles) == set(JOINTS)
    assert np.isnan(angles["right_knee"]).all()
    assert not np.isnan(angles["left_knee"]).any()


@pytest.mark.parametrize(
    ("joint", "view", "from_space"),
    [
        ("left_knee", "side_left", False),
        ("left_hip", "side_left", True),
        ("left_elbow", "front", False),
        ("left_shoulder", "front", False),
        ("left_shoulder", "side_left", True),
        ("left_knee", "front", True),
    ],
)
def test_each_view_has_its_best_source(joint: str, view: str, from_space: bool) -> None:
    motion = figure("squat", 1, azimuth=45)
    flat = Motion(motion.video, motion.times, motion.image, motion.world * [1, 1, 0.5], motion.visibility)
    assert np.array_equal(joint_angle_seen(flat, joint, view), joint_angle(flat, joint, world=from_space))  # type: ignore[arg-type]
