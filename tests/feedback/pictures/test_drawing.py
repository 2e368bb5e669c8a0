from itertools import combinations

import numpy as np
import pytest

from feedback.pictures import drawing
from feedback.pictures.drawing import (
    INK,
    NEUTRAL,
    RIGHT,
    WANTED,
    WHITE,
    WRONG,
    YELLOW,
    draw_dashes,
    draw_marks,
    draw_skeleton,
    find_place,
    turned,
)
from pose.movements.angles import angle_at

# Machado, Oliveira and Fernandes 2009: what the three kinds of colour-blind see, complete, linear RGB.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    share = np.array(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", [WRONG, WANTED, RIGHT, NEUTRAL, YELLOW])
def test_every_line_stands_out_from_its_dark_edge(colour):
    assert contrast(colour, INK) >= 3


def test_text_has_the_contrast_that_the_guidelines_ask_of_small_text():
    assert contrast(WHITE, INK) >= 4.5
    assert contrast(INK, YELLOW) >= 4.5


@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize(("one", "other"), list(combinations([WRONG, WANTED, NEUTRAL], 2)))
def test_wrong_wanted_and_neutral_differ_to_the_colour_blind(kind, one, other):
    seen = [lab(np.array(BLIND[kind]) @ linear(colour)) for colour in (one, other)]
    assert np.linalg.norm(seen[0] - seen[1]) > 20


@pytest.fixture
def canvas():
    return np.full((240, 320, 3), 128, np.uint8)


def person(size=(320, 240)):
    points = np.zeros((33, 2))
    points[:, 0] = size[0] / 2 + np.linspace(-30, 30, 33)
    points[:, 1] = np.linspace(0.2, 0.9, 33) * size[1]
    return points


def test_a_skeleton_is_drawn_in_its_colour(canvas):
    draw_skeleton(canvas, person(), colour=WRONG)
    assert (canvas == WRONG).all(axis=2).sum() > 200


def test_nothing_is_drawn_of_a_person_who_is_not_seen(canvas):
    draw_skeleton(canvas, np.full((33, 2), np.nan))
    draw_marks(canvas, np.full((3, 2), np.nan), colour=WRONG)
    draw_marks(canvas, np.zeros((0, 2)), colour=WRONG)
    assert (canvas == 128).all()


def test_landmarks_far_outside_the_picture_do_no_harm(canvas):
    draw_skeleton(canvas, person() + np.array([1e7, -1e7]))
    draw_dashes(canvas, np.array([-1e6, 0.0]), np.array([1e6, 50.0]), WANTED, 3)


@pytest.mark.parametrize("points", [[[60, 60]], [[60, 60], [200, 180]], [[60, 60], [150, 120], [250, 60]]])
def test_one_two_and_three_marks_are_shown(canvas, points):
    draw_marks(canvas, np.array(points, float), colour=WRONG)
    assert (canvas == WRONG).all(axis=2).any()


@pytest.mark.parametrize("degrees", [20, 90, 160])
@pytest.mark.parametrize("other", [(80.0, 30.0), (-40.0, 90.0)])
def test_a_turned_limb_has_the_wanted_angle_the_same_length_and_side(degrees, other):
    arm, vertex, other = np.array([100.0, 0.0]), np.zeros(2), np.array(other)
    found = turned(arm, vertex, other, degrees)
    assert angle_at(arm, vertex, found) == pytest.approx(degrees)
    assert np.hypot(*found) == pytest.approx(np.hypot(*other))
    assert np.sign(found[1]) == np.sign(other[1])


@pytest.mark.parametrize("anchor", [(0, 0), (160, 120), (319, 239), (-500, 900)])
def test_a_label_lies_inside_the_picture_and_off_the_others(anchor):
    taken = [(100, 80, 220, 160)]
    left, top, right, bottom = find_place((80, 40), np.array(anchor, float), (320, 240), drawing.along_bones(person()), taken)
    assert 0 <= left < right <= 320
    assert 0 <= top < bottom <= 240
    assert (right - left, bottom - top) == (80, 40)
    assert right <= 100 or left >= 220 or bottom <= 80 or top >= 160


def test_a_label_hides_as_little_of_the_person_as_it_can():
    wall = np.stack([np.full(50, 200.0), np.linspace(0, 240, 50)], axis=1)
    left, _, right, _ = find_place((60, 30), np.array([180.0, 120.0]), (320, 240), wall)
    assert right <= 200 or left >= 200
