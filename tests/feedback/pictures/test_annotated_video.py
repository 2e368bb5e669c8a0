import cv2
import numpy as np
import pytest

from feedback.pictures.annotated_video import (
    MAX_FPS,
    PART_S,
    Flag,
    Overlay,
    Painter,
    annotate,
    calm_side,
    part_starts,
    video_size,
)
from feedback.pictures.drawing import WRONG, YELLOW
from feedback.pictures.planes import Planes
from pose.reading.video import Video
from tests.footage import frames_of, look_into, record


def overlay(size, **fields):
    times = np.arange(0, 4, 0.2)
    points = np.zeros((len(times), 33, 2))
    points[..., 0] = size[0] * (0.5 + np.linspace(-0.1, 0.1, 33))
    points[..., 1] = size[1] * np.linspace(0.2, 0.8, 33)
    return Overlay(times, points, [(0.0, (23, 25, 27))], np.linspace(60, 180, len(times)), [(0.0, "0"), (1.0, "1")], **fields)


def annotated(source, target, *, workers=1, **fields):
    with Video(source) as video:
        list(video.frames())
        annotate(source, target, overlay(video.size, **fields), workers=workers)
        return video.end_s


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (161, 121), pytest.param((1280, 722), marks=pytest.mark.slow)])
def test_it_plays_in_a_browser_and_lasts_as_long_as_the_video(tmp_path, size):
    end_s = annotated(record(tmp_path / "in.mp4", size, seconds=1), tmp_path / "out.mp4")
    seen = look_into(tmp_path / "out.mp4")
    assert (seen.codec, seen.pixels) == ("h264", "yuv420p")
    assert seen.duration_s == pytest.approx(end_s, abs=0.01)
    assert seen.size == video_size(size)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "a player must not have to load all of it before it starts"


@pytest.mark.parametrize("fps", [10, 24, 25, 30, 60])
def test_its_duration_is_right_at_any_rate_and_high_rates_are_thinned_out(tmp_path, fps):
    annotated(record(tmp_path / "in.mp4", (64, 48), seconds=2, fps=fps), tmp_path / "out.mp4")
    seen = look_into(tmp_path / "out.mp4")
    assert seen.duration_s == pytest.approx(2, abs=1 / fps)
    assert len(seen.times) == 2 * min(fps, MAX_FPS)


def test_frames_keep_their_times_when_the_rate_varies(tmp_path):
    times = [0, 0.04, 0.1, 0.3, 0.35, 0.8, 0.9, 1.3]
    annotated(record(tmp_path / "in.mp4", (64, 48), times=times), tmp_path / "out.mp4")
    assert look_into(tmp_path / "out.mp4").times == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_it_is_upright_as_a_viewer_saw_the_video(tmp_path, turn):
    annotated(record(tmp_path / "in.mp4", (96, 64), seconds=0.3, turn=turn), tmp_path / "out.mp4")
    assert look_into(tmp_path / "out.mp4").size == ((96, 64) if turn == 180 else (64, 96))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (960, 540)),
        ((1080, 1920), (404, 720)),
        ((640, 360), (640, 360)),
        ((321, 241), (320, 240)),
        ((3, 1), (4, 2)),
    ],
)
def test_it_has_at_most_720_lines_half_a_million_pixels_and_even_sides(size, expected):
    assert video_size(size) == expected


def test_nothing_is_left_behind_when_it_was_not_finished(tmp_path):
    record(tmp_path / "in.mp4", (64, 48), seconds=0.5)

    def give_up(_share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(tmp_path / "in.mp4", tmp_path / "out.mp4", overlay((64, 48)), progress=give_up)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.slow
def test_parts_side_by_side_make_the_same_file_as_one_after_the_other(tmp_path):
    source = record(tmp_path / "in.mp4", (64, 48), seconds=3 * PART_S)
    for workers in (1, 3):
        annotated(source, tmp_path / f"{workers}.mp4", workers=workers)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "3.mp4").read_bytes()


def test_no_frame_is_lost_or_doubled_where_parts_meet(tmp_path):
    source = record(tmp_path / "in.mp4", (64, 48), seconds=3 * PART_S + 1)
    annotated(source, tmp_path / "out.mp4", workers=2)
    assert look_into(tmp_path / "out.mp4").times == pytest.approx(look_into(source).times, abs=1e-3)


def test_the_picture_of_a_part_is_as_bright_as_the_one_before(tmp_path):
    # The ground gets brighter by the same step from frame to frame, over the seam too.
    source = record(tmp_path / "in.mp4", (64, 48), seconds=3 * PART_S)
    annotated(source, tmp_path / "out.mp4")
    corner = [float(frame[40:, :8].mean()) for frame in frames_of(tmp_path / "out.mp4")]
    assert np.abs(np.diff(corner)).max() < 4


@pytest.mark.parametrize("colour", ["bt709", "bt601"])
def test_colours_are_those_of_the_source(tmp_path, colour):
    source = record(tmp_path / "in.mp4", (64, 48), seconds=0.2, paint=(200, 60, 40), matrix=colour)
    annotated(source, tmp_path / "out.mp4")
    before, after = (next(frames_of(path))[40:, :8].reshape(-1, 3).mean(axis=0) for path in (source, tmp_path / "out.mp4"))
    assert after == pytest.approx(before, abs=6)


@pytest.mark.parametrize(
    ("key_times", "duration_s", "starts"),
    [
        ([0], 3, [0]),
        ([0, 2, 4, 6, 8, 10, 12], 13, [0, 4, 8]),
        ([0, 8.3, 16.7, 25], 30, [0, 8.3, 16.7, 25]),
        ([0], 20, [0, 4, 8]),
        ([0], None, [0]),
        ([], 13, [0, 4]),
        ([0, 3.04, 6.08, 9.12], 13, [0, 3.04, 6.08, 9.12]),
    ],
)
def test_parts_begin_at_keyframes_and_are_never_long(key_times, duration_s, starts):
    assert part_starts(key_times, duration_s) == pytest.approx(starts, abs=0.01)


@pytest.fixture
def draw():
    def drawn(time, **fields):
        size = (320, 240)
        picture = Planes(np.full((240, 320), 100, np.uint8), *np.full((2, 120, 160), 128, np.uint8))
        Painter(overlay(size, **fields), size, size).draw(picture, time)
        return rgb(picture)

    return drawn


def rgb(picture):
    planes = np.concatenate([plane.ravel() for plane in (picture.y, picture.u, picture.v)])
    return cv2.cvtColor(planes.reshape(360, 320), cv2.COLOR_YUV2RGB_I420)


def near(picture, colour):
    return (np.abs(picture.astype(int) - colour) < 40).all(axis=2)


def test_a_fault_is_flagged_while_it_happens(draw):
    flags = [Flag("엉덩이가 처져요", 1, 2, (11, 23, 27))]
    before, during, after = (draw(time, flags=flags) for time in (0.99, 1.5, 2.0))
    yellow = [near(picture, YELLOW).sum() for picture in (before, during, after)]
    assert yellow[0] == yellow[2] == 0 < yellow[1]
    assert near(during, WRONG).any()
    assert not near(before, WRONG).any()


def test_two_faults_at_once_are_both_readable(draw):
    def plates(*texts):
        picture = draw(1.5, flags=[Flag(text, 1, 2) for text in texts])
        return near(picture, YELLOW).sum()

    both = plates("Hips sagging", "Not deep enough")
    assert both == pytest.approx(plates("Hips sagging") + plates("Not deep enough"), rel=0.02)
    assert plates("Hips sagging", "Hips sagging") == plates("Hips sagging")


def test_a_fault_brings_its_value_in_place_of_the_angle(draw):
    def numbers(value):
        return draw(1.5, flags=[Flag("Hips sagging", 1, 2, (11, 23, 27), value)])

    assert (numbers("36°") != numbers("")).any()
    assert (numbers("36°") != numbers("37°")).any()


def test_the_counter_counts(draw):
    counter = (slice(0, 40), slice(0, 60))
    assert (draw(0.5)[counter] == draw(0.9)[counter]).all()
    assert (draw(0.9)[counter] != draw(1.0)[counter]).any()


def test_between_samples_it_is_interpolated():
    drawn = overlay((320, 240))
    points, value = drawn.at(0.3)
    assert value == pytest.approx((drawn.values[1] + drawn.values[2]) / 2)
    assert points == pytest.approx(drawn.points[1])


@pytest.mark.parametrize(
    ("time", "seen"), [(-0.4, True), (-0.6, False), (1.0, True), (1.35, True), (1.9, False), (4.2, True), (6.0, False)]
)
def test_nobody_is_drawn_where_nobody_was_seen(time, seen):
    drawn = overlay((320, 240))
    drawn.points[7:14] = np.nan
    assert np.isfinite(drawn.at(time)[0]).all() == seen


def test_one_sample_is_enough():
    drawn = Overlay(np.array([0.0]), np.ones((1, 33, 2)), [(0.0, (23, 25, 27))], np.array([90.0]))
    assert drawn.at(0.1)[1] == 90


def test_the_value_stands_where_the_person_is_not():
    points = np.random.default_rng(0).uniform((110, 0), (300, 300), (5, 33, 2))
    points[:, 25] = 100, 150
    assert tuple(calm_side(points, 25)) == (-1, 0)
    assert calm_side(np.full((5, 33, 2), np.nan), 25).shape == (2,)
