"""Containers and codecs that phones, browsers and messengers write are read: those of the table in docs/app.md."""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

import pose
from consumer.commands.demo import SAMPLE
from feedback.review import review
from pose.reading.video import CODECS, CONTAINERS, Video

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "app.md"
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


def encode(
    path: Path,
    codec: str,
    pixels: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    seconds: float = SECONDS,
    rate: int = RATE,
    hidden_s: float = 0.0,
    cover: bool = False,
    **container_options: str,
) -> tuple[int, int]:
    """Encode the sample's first seconds at a smaller size, with a keyframe every second.

    Args:
        path: of the file; its suffix says the container.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the pixel format.
        size: (width, height) as stored; the pixels get the shape that keeps the picture's shape.
        seconds: of the sample, from its start.
        rate: frames per second; frames are repeated or left out.
        hidden_s: so many of the seconds lie before the start of the edit list; a player does not show them.
        cover: put an attached picture into the file, as music apps do, ahead of the video.
        container_options: of the muxer.

    Returns:
        (width, height) in square pixels.
    """
    size = size or ((176, 144) if codec == "h263" else (90, 160))
    pixels = pixels or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
    options = {"g": str(rate), "x265-params": f"log-level=none:keyint={rate}", "cpu-used": "8", "preset": "ultrafast"}
    options["svtav1-params"] = f"keyint={rate}"
    if codec == "libsvtav1":
        options["preset"] = "12"
    if codec == "libx264":
        options["preset"] = "veryfast"  # unlike ultrafast, it makes B frames
    with _scheduled_as_before(), av.open(str(SAMPLE)) as source, av.open(str(path), "w", options=container_options) as target:
        picture = target.add_stream("mjpeg") if cover else None
        stream = target.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.sample_aspect_ratio = Fraction(9 * size[1], 16 * size[0]).limit_denominator(100)
        if picture is not None:
            _write_cover(target, picture)
        decoded = ((frame.time, frame.reformat(*size, pixels)) for frame in source.decode(video=0))
        shown, (next_s, following) = None, next(decoded)
        for number in range(round(seconds * rate)):
            while next_s <= number / rate + 1e-3:
                shown, (next_s, following) = following, next(decoded)
            shown.pts, shown.time_base, shown.pict_type = number - round(hidden_s * rate), Fraction(1, rate), 0
            target.mux(stream.encode(shown))
        target.mux(stream.encode(None))
    return round(9 * size[1] / 16), size[1]


@contextlib.contextmanager
def _scheduled_as_before() -> Iterator[None]:
    """Undo what SVT-AV1 does to its caller: as root it makes the calling thread SCHED_FIFO of priority 99, which all later
    threads and processes inherit. A browser among them then takes the processor from everything else.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _write_cover(target: av.container.OutputContainer, stream: av.VideoStream) -> None:
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    frame = av.VideoFrame(64, 64, "yuvj420p")
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    target.mux([*stream.encode(frame), *stream.encode(None)])


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


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
EDIT_LIST = {"hidden_s": 1.0, "seconds": SECONDS + 1, "use_editlist": "1", "avoid_negative_ts": "disabled"}


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("fragmented.mp4", "libx264", FRAGMENTED),
        ("ten_bits.mp4", "libx265", {"pixels": "yuv420p10le"}),
        ("edit_list.mp4", "libx264", EDIT_LIST),
        ("edit_list.mov", "libx264", EDIT_LIST),
        ("cover.mp4", "libx264", {"cover": True}),
        ("cover.mkv", "libx264", {"cover": True}),
        ("odd.webm", "libvpx-vp9", {"size": (91, 161)}),
        ("odd.mp4", "mpeg4", {"size": (91, 161)}),
    ],
)
def test_a_variation_of_the_table_is_read(tmp_path: Path, name: str, codec: str, options: dict[str, Any]) -> None:
    check(tmp_path / name, encode(tmp_path / name, codec, **options))


COUNTED = {"size": (180, 320), "seconds": 6.6}
"""The sample's first two squats."""


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.avi", "mpeg4", {}),
        ("a.ts", "libx264", {}),
        ("a.3gp", "h263", {"size": (176, 144)}),
        ("ten_bits.mp4", "libx265", {"pixels": "yuv420p10le"}),
        ("vp8.webm", "libvpx", {}),
        ("vp9.webm", "libvpx-vp9", {}),
        ("av1.mp4", "libsvtav1", {}),
        ("mjpeg.avi", "mjpeg", {}),
        ("fragmented.mp4", "libx264", FRAGMENTED),
        ("edit_list.mp4", "libx264", EDIT_LIST | {"seconds": 8.9, "hidden_s": 3.6}),
        ("cover.mp4", "libx264", {"cover": True}),
        ("odd.webm", "libvpx-vp9", {"size": (181, 321)}),
        ("240_frames_a_second.mp4", "libx264", {"rate": 240}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_re_encoding_of_two_squats_counts_two(tmp_path: Path, name: str, codec: str, options: dict[str, Any]) -> None:
    """The edit list hides the first of three squats."""
    path = tmp_path / name
    encode(path, codec, **COUNTED | options)
    report = review(pose.read_motion(path))
    assert (report.exercise.id, report.reps.total) == ("squat", 2)


def test_the_table_names_all_that_is_accepted() -> None:
    assert {ENCODERS[codec][0] for _, codecs in rows() for codec in codecs} == CODECS
    assert {READERS[container][1] for containers, _ in rows() for container in containers} == set(CONTAINERS)
