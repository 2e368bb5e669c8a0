"""Containers and codecs that phones, browsers and messengers write are read: those of the table in docs/app.md."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from consumer.commands.demo import SAMPLE
from pose.video import CODECS, CONTAINERS, Video

PAGE = Path(__file__).parents[2] / "docs" / "app.md"
SECONDS, RATE = 2, 15

READERS = {
    "MP4": ("mp4", "mov"),
    "M4V": ("m4v", "mov"),
    "MOV": ("mov", "mov"),
    "3GP": ("3gp", "mov"),
    "WebM": ("webm", "matroska"),
    "MKV": ("mkv", "matroska"),
    "AVI": ("avi", "avi"),
    "MPEG-TS": ("ts", "mpegts"),
    "MTS": ("mts", "mpegts"),
}
ENCODERS = {
    "H.264": ("h264", "libx264"),
    "HEVC": ("hevc", "libx265"),
    "AV1": ("av1", "libsvtav1"),
    "VP8": ("vp8", "libvpx"),
    "VP9": ("vp9", "libvpx-vp9"),
    "MPEG-4 Part 2": ("mpeg4", "mpeg4"),
    "Motion JPEG": ("mjpeg", "mjpeg"),
    "H.263": ("h263", "h263"),
}


def rows() -> list[tuple[list[str], list[str]]]:
    """Names of containers and of codecs, as the page has them."""
    section = PAGE.read_text(encoding="utf-8").partition("## Which files are read")[2].partition("\n## ")[0]
    cells = [
        [cell.strip().split(", ") for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"
    ]
    return [(containers, codecs) for containers, codecs in cells[2:]]


KINDS = [(READERS[container][0], codec) for containers, codecs in rows() for container in containers for codec in codecs]


def encode(path: Path, codec: str, pixels: str | None = None, movflags: str = "") -> tuple[int, int]:
    """The sample's first seconds at a smaller size, a keyframe every second; returns the size."""
    size = (176, 144) if codec == "h263" else (90, 160)
    pixels = pixels or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
    options = {"g": str(RATE), "x265-params": f"log-level=none:keyint={RATE}", "cpu-used": "8", "preset": "ultrafast"}
    options["svtav1-params"] = f"keyint={RATE}"
    if codec == "libsvtav1":
        options["preset"] = "12"
    if codec == "libx264":
        del options["preset"]  # the default has B frames
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as target:
        stream = target.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        pictures = (frame for number, frame in enumerate(source.decode(video=0)) if number % 2 == 0)
        for number in range(SECONDS * RATE):
            frame = next(pictures).reformat(*size, pixels)
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, RATE), 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return size


def check(path: Path, size: tuple[int, int]) -> None:
    """Every frame is there, at its time, and again from the middle."""
    with Video(path) as video:
        frames = [(frame.time, frame.rgb().shape) for frame in video.frames()]
        assert video.complete
        keyframes = video.keyframes()
        later = [frame.time for frame in video.frames(SECONDS / 2 + 0.1)]
    times = [time for time, _ in frames]
    assert times == pytest.approx([number / RATE for number in range(SECONDS * RATE)], abs=2e-3)
    assert later == [time for time in times if time >= SECONDS / 2 + 0.1]
    assert keyframes[0] == pytest.approx(0, abs=2e-3)
    assert all(before < after for before, after in pairwise(keyframes))
    assert {shape for _, shape in frames} == {(size[1], size[0], 3)}


@pytest.mark.parametrize(("suffix", "codec"), KINDS)
def test_every_row_of_the_table_is_read(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"a.{suffix}"
    check(path, encode(path, ENCODERS[codec][1]))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("fragmented.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
        ("ten_bits.mp4", "libx265", {"pixels": "yuv420p10le"}),
    ],
)
def test_a_variation_of_the_table_is_read(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    check(tmp_path / name, encode(tmp_path / name, codec, **options))


def test_the_table_names_all_that_is_accepted() -> None:
    assert {ENCODERS[codec][0] for _, codecs in rows() for codec in codecs} == CODECS
    assert {READERS[container][1] for containers, _ in rows() for container in containers} == set(CONTAINERS)
