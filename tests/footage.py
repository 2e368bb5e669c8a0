"""Makes small videos for tests, and reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.reformatter import Colorspace

TIME_BASE = Fraction(1, 90_000)
_MATRICES = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709}


def record(
    path: Path,
    size: tuple[int, int],
    *,
    times: Sequence[float] | None = None,
    seconds: float = 2.0,
    fps: float = 30,
    turn: int = 0,
    paint: tuple[int, int, int] | None = None,
    matrix: Literal["bt601", "bt709"] = "bt601",
) -> Path:
    """Write an H.264 video of a grey area that gets brighter.

    Args:
        path: of the file; its suffix says the container.
        size: (width, height) as stored.
        times: of the frames, for a variable frame rate; else `fps` for `seconds`.
        seconds, fps: where `times` is not given.
        turn: rotation metadata, degrees, a multiple of 90.
        paint: RGB of the ground, instead of grey.
        matrix: how it is turned into YUV, which the file says.
    """
    at = list(times) if times is not None else [n / fps for n in range(round(seconds * fps))]
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=round(fps), options={"preset": "ultrafast", "crf": "35"})
        # 4:4:4 allows odd sizes.
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p" if width % 2 == height % 2 == 0 else "yuv444p"
        stream.codec_context.time_base = stream.time_base = TIME_BASE
        stream.codec_context.thread_count = 1
        stream.codec_context.colorspace = _MATRICES[matrix]
        if turn:
            stream.set_display_rotation(turn)
        for number, time in enumerate(at):
            level = 60 + round(120 * number / len(at))
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), paint or level, np.uint8), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt, dst_colorspace=_MATRICES[matrix])
            frame.pts, frame.time_base = round(time / TIME_BASE), TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@dataclass(frozen=True)
class Seen:
    """The properties of a video file that a player reads."""

    codec: str
    pixels: str
    size: tuple[int, int]
    duration_s: float
    times: list[float]


def look_into(path: Path) -> Seen:
    """Decode a whole video."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        codec = stream.codec_context
        return Seen(codec.name, codec.pix_fmt, (codec.width, codec.height), container.duration / av.time_base, times)


def frames_of(path: Path) -> Iterator[np.ndarray]:
    """(height, width, 3) RGB of each frame, by the matrix that the file names."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def record_pictures(path: Path, pictures: Sequence[np.ndarray], fps: int = 30) -> Path:
    """Write an H.264 video of given pictures: (height, width, 3), RGB."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "20"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
