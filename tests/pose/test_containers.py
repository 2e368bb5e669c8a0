"""Containers and codecs that phones, browsers and messengers write are read."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from consumer.commands.demo import SAMPLE
from pose.video import Video

SECONDS, RATE = 2, 15

KINDS = {
    "avi-mjpeg": ("a.avi", "mjpeg", "yuvj420p", {}),
    "avi-mpeg4": ("a.avi", "mpeg4", "yuv420p", {}),
    "avi-h264": ("a.avi", "libx264", "yuv420p", {}),
    "ts-h264": ("a.ts", "libx264", "yuv420p", {}),
    "ts-hevc": ("a.ts", "libx265", "yuv420p", {}),
    "3gp-h263": ("a.3gp", "h263", "yuv420p", {}),
    "mp4-mpeg4": ("a.mp4", "mpeg4", "yuv420p", {}),
    "mp4-fragmented": ("a.mp4", "libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
    "mp4-hevc-10-bit": ("a.mp4", "libx265", "yuv420p10le", {}),
    "webm-vp8": ("a.webm", "libvpx", "yuv420p", {}),
    "webm-vp9": ("a.webm", "libvpx-vp9", "yuv420p", {}),
    "mkv-av1": ("a.mkv", "libsvtav1", "yuv420p", {}),
    "mov-h264": ("a.mov", "libx264", "yuv420p", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_people_send_is_read(tmp_path: Path, kind: str) -> None:
    name, codec, pixels, options = KINDS[kind]
    size = (176, 144) if codec == "h263" else (180, 320)
    path = tmp_path / name
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream(codec, rate=RATE, options={"g": str(RATE), "x265-params": f"log-level=none:keyint={RATE}"})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        pictures = (frame for number, frame in enumerate(source.decode(video=0)) if number % 2 == 0)
        for number in range(SECONDS * RATE):
            frame = next(pictures).reformat(*size, pixels)
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, RATE), 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    with Video(path) as video:
        frames = [(frame.time, frame.rgb().shape) for frame in video.frames()]
        assert video.complete
        assert len(video.keyframes()) >= 2
        later = [frame.time for frame in video.frames(SECONDS / 2 + 0.1)]
    assert len(frames) == SECONDS * RATE
    assert [time for time, _ in frames] == pytest.approx([number / RATE for number in range(SECONDS * RATE)], abs=2e-3)
    assert later == [time for time, _ in frames if time >= SECONDS / 2 + 0.1]
    assert {shape for _, shape in frames} == {(size[1], size[0], 3)}
