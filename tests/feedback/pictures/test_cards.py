import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from feedback.pictures.cards import MAX_HEIGHT, WIDTH, Measure, card, cut_out, enlarge, save
from feedback.pictures.drawing import WANTED, WRONG
from feedback.pictures.lettering import Line

SIZES = [(1280, 720), (720, 1280), (320, 240), (64, 48)]


def standing(size):
    points = np.full((33, 2), np.nan)
    points[:, 0] = size[0] * (0.5 + np.linspace(-0.05, 0.05, 33))
    points[:, 1] = size[1] * np.linspace(0.2, 0.85, 33)
    return points


@given(hnp.arrays(float, (33, 2), elements=st.floats(-500, 2500)), st.sampled_from(SIZES))
def test_a_cut_out_lies_in_the_frame_and_keeps_everyone_who_is_in_it(points, size):
    left, top, right, bottom = cut_out(size, points)
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]
    inside = ((points >= 0) & (points <= size)).all(axis=1)
    assert (points[inside] >= (left, top)).all()
    assert (points[inside] <= (right, bottom)).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_cut_out_has_a_margin_and_a_shape_for_a_phone(size):
    left, top, right, bottom = cut_out(size, standing(size))
    assert top < 0.2 * size[1]
    assert bottom > 0.85 * size[1]
    assert 0.5 <= (right - left) / (bottom - top) <= 1.7


def test_without_a_person_the_whole_frame_is_shown():
    assert cut_out((320, 240), np.full((33, 2), np.nan)) == (0, 0, 320, 240)


@pytest.mark.parametrize("box", [(0, 0, 64, 48), (0, 0, 100, 1000), (10, 10, 900, 200)])
def test_an_enlarged_cut_out_is_as_wide_as_the_card_and_points_move_along(box):
    frame = np.zeros((1000, 1000, 3), np.uint8)
    frame[box[1] : box[1] + 12, box[0] : box[0] + 12] = 255
    cut = enlarge(frame, box)
    assert cut.picture.shape[1] == WIDTH
    assert cut.picture.shape[0] <= MAX_HEIGHT
    x, y = cut.place(np.array([box[0] + 6.0, box[1] + 6.0]))
    assert cut.picture[round(y), round(x)].min() > 200


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "text",
    [
        "Lift your hips into one line with shoulders and heels, as if pulling your belt buckle up.",
        "엉덩이를 들어 올리세요. " * 8,
    ],
)
def test_a_card_is_readable_at_any_size_of_the_video(size, text):
    frame = np.full((size[1], size[0], 3), 90, np.uint8)
    points = standing(size)
    measure = Measure(points[[0, 16, 32]], "132°", WRONG, wanted=points[32] + 20)
    plain = card(frame, points, measure, title=text, subtitle="1", notes=[])
    full = card(frame, points, measure, title=text, subtitle="1", notes=[Line(text, 28, (255, 255, 255))])
    assert plain.shape[1] == full.shape[1] == WIDTH
    assert full.shape[0] > plain.shape[0]
    assert (full == WRONG).all(axis=2).any()
    assert (full == WANTED).all(axis=2).any()


def test_an_unknown_point_leaves_the_picture_whole():
    frame = np.full((240, 320, 3), 90, np.uint8)
    measure = Measure(np.full((3, 2), np.nan), "132°", WRONG)
    assert card(frame, standing((320, 240)), measure, title="a", subtitle="b", notes=[]).shape[1] == WIDTH


def test_a_saved_picture_is_the_same(tmp_path):
    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    save(picture, tmp_path / "a.png")
    assert (np.asarray(Image.open(tmp_path / "a.png")) == picture).all()
