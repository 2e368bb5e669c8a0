import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from feedback.pictures.lettering import Line, band, blend, chip, font_path, typeface, wrap
from feedback.words import languages, po_file, words_of

KOREAN = "엉덩이를 들어 어깨와 발뒤꿈치를 한 줄로 만드세요."


@pytest.mark.parametrize("weight", ["medium", "bold"])
@pytest.mark.parametrize("language", languages())
def test_the_fonts_have_every_character_of_every_language(weight, language):
    known = set(TTFont(font_path(weight)).getBestCmap())
    missing = {character for character in po_file(language).read_text(encoding="utf-8") if ord(character) not in known} - {"\n"}
    assert not missing


def test_korean_is_drawn_and_not_as_a_box_for_missing_characters():
    face = typeface(40)
    assert face.getmask("한").getbbox() != face.getmask("\u4dff").getbbox()


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=0x24F) | st.sampled_from("스쿼트 푸시업"), max_size=120),
    st.integers(60, 600),
)
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    face = typeface(28)
    lines = wrap(text, face, width)
    assert all(face.getlength(line) <= width or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_stay_whole_where_there_is_room():
    assert wrap("sit lower until your thighs are level", typeface(20), 200) == ["sit lower until your", "thighs are level"]


@pytest.mark.parametrize("text", ["95°", "The hips come off the line from the shoulders to the feet", KOREAN])
def test_a_chip_is_as_wide_as_allowed_and_holds_its_text(text):
    patch = chip(text, 20, ink=(255, 255, 255), paper=(0, 0, 0), max_width=200)
    assert patch.shape[1] <= 200
    written = np.argwhere(patch[..., 0] > 128)
    assert written[:, 0].min() > 0
    assert written[:, 0].max() < patch.shape[0] - 1
    assert written[:, 1].min() > 0
    assert written[:, 1].max() < patch.shape[1] - 1


def test_a_chip_is_made_once():
    assert chip("95°", 20, ink=(255, 255, 255), paper=(0, 0, 0)) is chip("95°", 20, ink=(255, 255, 255), paper=(0, 0, 0))


@pytest.mark.parametrize(("left", "top"), [(0, 0), (-50, -50), (500, 500), (90, 10)])
def test_a_patch_is_laid_wholly_inside_the_picture(left, top):
    picture = np.zeros((60, 100, 3), np.uint8)
    patch = np.full((20, 30, 4), 255, np.uint8)
    blend(picture, patch, left, top)
    assert (picture == 255).all(axis=2).sum() == 20 * 30


def test_half_opacity_lets_half_through():
    picture = np.full((4, 4, 3), 200, np.uint8)
    blend(picture, np.full((4, 4, 4), (0, 0, 0, 128), np.uint8), 0, 0)
    assert picture.min() == picture.max()
    assert abs(int(picture[0, 0, 0]) - 100) <= 1


@pytest.mark.parametrize("width", [360, 720])
@pytest.mark.parametrize("text", ["Sit lower until your thighs are about level with the floor. " * 3, KOREAN * 3])
def test_nothing_of_a_band_is_cut_off(width, text):
    paper = (20, 20, 20)
    strip = band([Line("Title", 38, (255, 255, 255), "bold"), Line(text, 28, (255, 255, 255), mark="dashed")], width, paper)
    assert strip.shape[1] == width
    edge = np.concatenate([strip[0], strip[-1], strip[:, 0], strip[:, -1]])
    assert (edge == paper).all()


def test_the_catalogues_are_not_empty() -> None:
    assert words_of("ko")("Repeated movement") != words_of("en")("Repeated movement")
