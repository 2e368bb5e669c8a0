"""Checked header, frames at the container's times, upright; and a clear sentence for what is no video."""

import resource
import shutil
import struct
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from pose.errors import VideoError, VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable
from pose.reading.frame import Frame, Orientation, fit, planes
from pose.reading.video import APPROACH_S, Limits, Video, probe
from tests.footage import record

DATA = Path(__file__).parents[2] / "data"
CLIP = DATA / "bystander.mp4"


def times_of(path: Path, **span: float) -> list[float]:
    with Video(path) as video:
        return [frame.time for frame in video.frames(**span)]


@pytest.fixture
def arrow(tmp_path: Path) -> Path:
    """Stored 64 x 32: dark, but the upper left quarter bright."""
    path = tmp_path / "arrow.mp4"
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:16, :32] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def with_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write (a b / c d) into the track header, as a phone does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    struct.pack_into(">9i", data, at, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    turned = path.with_name("turned.mp4")
    turned.write_bytes(data)
    return turned


@pytest.mark.parametrize(
    ("matrix", "size", "bright"),
    [
        ((1, 0, 0, 1), (64, 32), "upper left"),
        ((0, 1, -1, 0), (32, 64), "upper right"),
        ((-1, 0, 0, -1), (64, 32), "lower right"),
        ((0, -1, 1, 0), (32, 64), "lower left"),
        ((-1, 0, 0, 1), (64, 32), "upper right"),
        ((0, 1, 1, 0), (32, 64), "upper left"),
    ],
    ids=["upright", "90", "180", "270", "mirrored", "transposed"],
)
def test_frames_are_upright(arrow: Path, matrix: tuple[int, int, int, int], size: tuple[int, int], bright: str) -> None:
    with Video(with_display_matrix(arrow, *matrix)) as video:
        picture = next(video.frames()).rgb()
    height, width = picture.shape[:2]
    quarters = {
        "upper left": picture[: height // 2, : width // 2],
        "upper right": picture[: height // 2, width // 2 :],
        "lower left": picture[height // 2 :, : width // 2],
        "lower right": picture[height // 2 :, width // 2 :],
    }
    assert (width, height) == video.size == size
    assert max(quarters, key=lambda name: quarters[name].mean()) == bright
    assert picture.flags.c_contiguous


def test_the_size_asked_for_is_that_of_the_upright_picture(arrow: Path) -> None:
    with Video(with_display_matrix(arrow, 0, 1, -1, 0)) as video:
        assert next(video.frames()).rgb((16, 30)).shape == (30, 16, 3)


def test_times_are_the_containers_and_start_at_zero(tmp_path: Path) -> None:
    shot = [2.0, 2.04, 2.2, 2.24, 2.9, 3.0]
    times = times_of(record(tmp_path / "varying.mp4", (64, 64), times=shot))
    assert times == pytest.approx([0.0, 0.04, 0.2, 0.24, 0.9, 1.0], abs=2e-3)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_can_be_read_again_and_from_the_middle(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"clip{suffix}", (64, 64), seconds=3, fps=20)
    with Video(path) as video:
        whole = [frame.time for frame in video.frames()]
        again = [frame.time for frame in video.frames()]
        middle = [frame.time for frame in video.frames(1.0, 2.0)]
    assert len(whole) == 60
    assert again == whole
    assert middle == [time for time in whole if 1.0 <= time < 2.0]


def test_unneeded_frames_can_be_left_undecoded() -> None:
    with Video(CLIP) as video:
        video.skip_unneeded(True)
        fewer = [frame.time for frame in video.frames()]
        video.skip_unneeded(False)
        every = [frame.time for frame in video.frames()]
    assert set(fewer) < set(every)


@pytest.mark.parametrize("start", [0.2, 0.5, 1.0, 2.0])
def test_what_is_left_out_on_the_way_to_the_beginning_is_not_missing_after_it(start: float) -> None:
    with Video(CLIP) as video:
        whole = [frame.time for frame in video.frames()]
        part = [frame.time for frame in video.frames(start)]
        decoded = video.frames_decoded
    assert part == [time for time in whole if time >= start]
    assert decoded < len(whole) or start <= APPROACH_S


def test_a_whole_file_is_complete_and_a_cut_one_is_not(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", (64, 64), seconds=10)
    with Video(path) as video:
        assert len(list(video.frames())) == 300
        assert video.complete
        assert video.end_s == pytest.approx(10.0)
    cut = tmp_path / "cut.mp4"
    _remux(path, cut, "faststart")
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.6)])
    with Video(cut) as video:
        assert 0 < len(list(video.frames())) < 300
        assert not video.complete
        assert video.end_s < 9


def _remux(source: Path, target: Path, flags: str, **metadata: str) -> None:
    with av.open(str(source)) as old, av.open(str(target), "w", options={"movflags": flags}) as new:
        new.metadata.update(metadata)
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _without_moov(path: Path) -> None:
    path.write_bytes(CLIP.read_bytes().replace(b"moov", b"none"))


def _playlist(path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXTINF:5,\n{CLIP}\n", encoding="ascii")


def _concat_script(path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{CLIP}'\n", encoding="ascii")


def _old_codec(path: Path) -> None:
    with av.open(str(path), "w", format="mov") as container:
        stream = container.add_stream("prores_ks", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv422p10le"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv422p10le")))
        container.mux(stream.encode(None))


def _other_container(path: Path, name: str, codec: str, pixels: str = "yuv420p") -> None:
    with av.open(str(path), "w", format=name) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        container.mux(stream.encode(av.VideoFrame(64, 64, pixels)))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("squats\n" * 100, encoding="ascii"), "cannot be read as a video"),
        (lambda path: path.mkdir(), "directory"),
        (_sound_only, "no picture"),
        (_without_moov, "cannot be read as a video"),
        (_playlist, "cannot be read as a video"),
        (_concat_script, "cannot be read as a video"),
        (_old_codec, "coded as Apple ProRes"),
        (lambda path: _other_container(path, "asf", "wmv2"), "Windows Media"),
        (lambda path: _other_container(path, "flv", "flv1"), "Flash"),
        (lambda path: _other_container(path, "gif", "gif", "rgb8"), "GIF"),
        (lambda path: _other_container(path, "mpeg", "mpeg1video"), "MPEG"),
    ],
    ids=["empty", "text", "directory", "sound", "no-moov", "playlist", "concat", "codec", "wmv", "flv", "gif", "mpeg-ps"],
)
def test_what_is_no_video_is_refused_with_a_sentence(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "private_name.mp4"
    make(path)  # type: ignore[operator]
    with pytest.raises(VideoUnreadable, match=says) as caught:
        probe(path)
    assert "private_name" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing.mp4", "http://127.0.0.1/a.mp4", "concat:a.mp4|b.mp4", "nul\0.mp4"])
def test_only_local_files_exist(tmp_path: Path, name: str) -> None:
    with pytest.raises(VideoMissing):
        probe(tmp_path / name)


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "concat:a.mp4"
    shutil.copy(CLIP, path)
    assert probe(path) == probe(CLIP)


@pytest.mark.parametrize(
    ("limits", "error", "says"),
    [
        (Limits(max_bytes=1000), VideoTooLarge, r"has 0\.1 MB; at most 0\.001 MB"),
        (Limits(max_pixels=100 * 100), VideoTooLarge, r"640 x 360 pixels, 0\.3 million; at most 0\.01 million"),
        (Limits(max_duration_s=3.0), VideoTooLong, r"lasts at least 7 s; at most 3 s"),
        (Limits(max_frames=100), VideoTooLong, r"at least 210 frames; at most 100 are"),
        (Limits(max_fps=24.0), VideoTooLong, r"has 30 frames per second; at most 24 are"),
    ],
)
def test_limits_are_checked_in_the_header(limits: Limits, error: type[VideoError], says: str) -> None:
    with pytest.raises(error, match=says):
        probe(CLIP, limits)


def test_limits_hold_against_a_header_that_lies(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mkv", (64, 64), seconds=6)  # Matroska does not count its frames
    with Video(path, Limits(max_frames=50)) as video, pytest.raises(VideoTooLong, match="at least 51 frames; at most 50 are"):
        list(video.frames())
    data = bytearray(record(tmp_path / "clip.mp4", (64, 64), seconds=6).read_bytes())
    for box in (b"mvhd", b"mdhd"):
        at = data.index(box) + 4 + 16
        struct.pack_into(">I", data, at, 1)  # a duration of one tick
    lying = tmp_path / "lying.mp4"
    lying.write_bytes(data)
    with Video(lying, Limits(max_duration_s=3.0)) as video, pytest.raises(VideoTooLong, match=r"at least 3\.1 s; at most 3 s"):
        list(video.frames())


def claim_size(path: Path, width: int, height: int) -> None:
    """Change the size that the header gives, not the stream's own."""
    data = bytearray(path.read_bytes())
    struct.pack_into(">HH", data, data.index(b"avc1", data.index(b"stsd")) + 4 + 24, width, height)
    path.write_bytes(data)


def test_a_huge_picture_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", (64, 64), seconds=1)
    claim_size(path, 30_000, 30_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(VideoTooLarge, match="30000 x 30000"):
        probe(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_picture_larger_than_its_header_says_is_not_decoded(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", (640, 480), seconds=1)
    claim_size(path, 64, 64)
    with pytest.raises(VideoUnreadable, match="Not one picture"):
        probe(path, Limits(max_pixels=100 * 100))


@pytest.mark.parametrize(
    ("size", "long_side", "even", "expected"),
    [
        ((1920, 1080), 640, False, (640, 360)),
        ((1080, 1918), 640, False, (360, 640)),
        ((320, 240), 640, False, (320, 240)),
        ((1080, 1919), 720, True, (406, 720)),
        ((1, 4000), 640, False, (1, 640)),
    ],
)
def test_fit(size: tuple[int, int], long_side: int, even: bool, expected: tuple[int, int]) -> None:
    assert fit(size, long_side, even=even) == expected


def test_one_wild_time_stamp_is_not_believed() -> None:
    """The last frame's time is 5000 s late, and with it the stream's duration; container and frame rate know better."""
    with Video(DATA / "wild_last_time.mp4") as video:
        assert video.duration_s == pytest.approx(12, abs=0.5)
        times = [frame.time for frame in video.frames()]
        assert video.complete
    assert times[-1] == pytest.approx(12, abs=0.5)
    assert all(later > earlier for earlier, later in pairwise(times))


def test_a_pause_of_the_recording_does_not_change_the_rate(tmp_path: Path) -> None:
    times = [n / 30 + (120 if n >= 70 else 0) for n in range(120)]
    with Video(record(tmp_path / "paused.mp4", (64, 48), times=times)) as video:
        assert video.fps == pytest.approx(30, rel=0.02)
        assert sum(1 for _ in video.frames()) == 120


@pytest.mark.parametrize(("width", "height"), [(90, 160), (200, 50)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_picture_of_another_shape_is_framed_in_black_not_squeezed(width: int, height: int, *, turned: bool) -> None:
    """A phone that is turned, or a browser that adapts, changes the size in the middle of a stream."""
    orientation = Orientation(transposed=True, flipped_x=True) if turned else Orientation()
    stored = (height, width) if turned else (width, height)
    decoded = av.VideoFrame.from_ndarray(np.full((stored[1], stored[0], 3), 200, np.uint8), format="rgb24").reformat(
        format="yuv420p"
    )
    frame = Frame(decoded, 0, 0.0, orientation, size=(160, 90), first_size=(160, 90))
    bright = frame.rgb() > 100
    rows, columns = np.flatnonzero(bright.any(axis=(1, 2))), np.flatnonzero(bright.any(axis=(0, 2)))
    assert len(columns) / len(rows) == pytest.approx(width / height, rel=0.06)
    assert abs((columns[0] + columns[-1]) / 2 - 80) <= 2
    assert abs((rows[0] + rows[-1]) / 2 - 45) <= 2
    luminance, *colours = planes(frame.yuv((160, 90)))
    assert (np.abs((luminance > 100).astype(int) - bright.any(axis=2)) == 0).mean() > 0.97
    assert all((np.abs(plane.astype(int) - 128) <= 2).all() for plane in colours)


@pytest.mark.parametrize(
    ("fps", "captured", "slowed"),
    [(30, "240.000000", 8), (25, "120", 4.8), (120, "120", 1), (30, "60", 1), (30, "1", 1), (30, "nan", 1), (30, "fast", 1)],
)
def test_slow_motion_has_the_times_of_the_movement(tmp_path: Path, fps: int, captured: str, slowed: float) -> None:
    plain = record(tmp_path / "plain.mp4", (64, 48), seconds=4, fps=fps)
    path = tmp_path / "slow.mp4"
    _remux(plain, path, "use_metadata_tags", **{"com.android.capture.fps": captured})
    with Video(path) as video:
        times = [frame.time for frame in video.frames()]
        assert video.complete
        assert video.slowed == pytest.approx(slowed, abs=0.01)
        assert video.fps == pytest.approx(fps * slowed, rel=0.01)
        assert video.duration_s == pytest.approx(4 / slowed, abs=0.05)
        middle = [frame.time for frame in video.frames(times[fps])]
    assert times == pytest.approx([n / fps / slowed for n in range(4 * fps)], abs=2e-3)
    assert middle == times[fps:]
