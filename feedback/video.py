"""annotated.mp4: the video again with the skeleton, the angle, a repetition counter and the faults as they happen.

Between two analysed samples the skeleton is interpolated, so that it does not limp. Frames are scaled down while they are
converted and drawn on at that size; that and a quick preset keep the cost below that of the analysis.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace

from feedback.drawing import INK, NEUTRAL, WHITE, WRONG, YELLOW, along_bones, draw_marks, draw_skeleton
from feedback.lettering import Patch, Picture, blend, chip
from pose.motion import Floats
from pose.signals import LONGEST_GAP_S
from pose.video import Frame, Size

LINES, PIXELS = 720, 960 * 540
"""At most so many lines, and so many pixels: what a phone shows of it, and what keeps the cost below that of the analysis."""
MAX_FPS = 30.0
"""Of a video with more, frames are left out: the eye gains little and the encoder works twice."""
TIME_BASE = Fraction(1, 90_000)
ENCODER = {"preset": "ultrafast", "crf": "27", "x264-params": "cabac=1:deblock=0,0:aq-mode=1:mbtree=1:rc-lookahead=5"}
"""The quickest preset with what pays off most on a still ground: half the time of `veryfast`, files half again as large."""


@dataclass(frozen=True)
class Flag:
    """A fault while it happens.

    Attributes:
        text: its title.
        start_s, end_s: how long it is shown.
        marks: landmarks that are drawn as wrong meanwhile; see `feedback.drawing.draw_marks`.
    """

    text: str
    start_s: float
    end_s: float
    marks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Overlay:
    """What is drawn over a video.

    Attributes:
        times: (n,) seconds of the samples, rising.
        points: (n, 33, 2) pixels of the full-size picture; NaN where there is no person.
        angle: landmarks (arm, vertex, other) of the angle whose value is shown.
        values: (n,) degrees.
        counts: what the counter says and from which second on, in order of time.
        flags: faults.
    """

    times: Floats
    points: Floats
    angle: tuple[int, int, int]
    values: Floats
    counts: Sequence[tuple[float, str]] = ()
    flags: Sequence[Flag] = ()

    def at(self, time: float) -> tuple[Floats, float]:
        """Points and value at any time: between two samples on a straight line, NaN where the nearest samples are too far.

        Returns:
            (33, 2) and degrees.
        """
        after = int(np.clip(np.searchsorted(self.times, time), 1, max(1, len(self.times) - 1)))
        samples = [index for index in (after - 1, after) if index < len(self.times)]
        known = [
            index
            for index in samples
            if np.isfinite(self.points[index]).any() and abs(self.times[index] - time) <= LONGEST_GAP_S
        ]
        if len(known) == 2:
            begin, end = self.times[known]
            share = float(np.clip((time - begin) / (end - begin), 0, 1))
            points = (1 - share) * self.points[known[0]] + share * self.points[known[1]]
            return points, float((1 - share) * self.values[known[0]] + share * self.values[known[1]])
        if known:
            return self.points[known[0]], float(self.values[known[0]])
        return np.full((33, 2), np.nan), float("nan")


def video_size(size: Size) -> Size:
    """The size of the annotated video: within `LINES` and `PIXELS`, never enlarged, both sides even as H.264 wants them."""
    scale = min(1.0, LINES / size[1], math.sqrt(PIXELS / (size[0] * size[1])))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


class AnnotatedVideo:
    """Writes one video, frame by frame. Nothing is left behind unless it was finished.

    Example:
        with AnnotatedVideo(path, video.size, overlay, fps=video.fps) as annotated:
            for frame in video.frames():
                annotated.add(frame)
            annotated.finish()
    """

    def __init__(self, path: Path, size: Size, overlay: Overlay, *, fps: float = MAX_FPS) -> None:
        """Open the file.

        Args:
            path: of the mp4; it appears when the video is finished.
            size: (width, height) of the video that is drawn over.
            overlay: what to draw, in pixels of that size.
            fps: of that video. Every frame keeps its own time; this is what players are told.
        """
        self.size = video_size(size)
        self._overlay = overlay
        self._scale = np.array(self.size) / np.array(size)
        self._type = max(13, round(0.055 * min(self.size)))
        self._value_side = calm_side(overlay.points, overlay.angle[1])
        self._last_s = -math.inf
        self._path, self._part = path, path.with_name(f"{path.name}.part")
        self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        rate = Fraction(min(max(fps, 1.0), MAX_FPS)).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate, options=ENCODER)
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        # More threads would be quicker but take cores from other jobs.
        stream.codec_context.thread_count = 1
        # Which of the two usual conversions `cvtColor` does, so that a player undoes the same one.
        stream.codec_context.colorspace = Colorspace.ITU601
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()
        self._part.unlink(missing_ok=True)

    def add(self, frame: Frame) -> None:
        """Draw over a frame and encode it, unless the one before is too near."""
        if frame.time - self._last_s < 0.9 / MAX_FPS:
            return
        self._last_s = frame.time
        picture = frame.rgb(self.size, quick=True)
        self.draw(picture, frame.time)
        image = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), format="yuv420p")
        image.pts, image.time_base = round(frame.time / TIME_BASE), TIME_BASE
        self._container.mux(self._stream.encode(image))

    def finish(self) -> None:
        """Encode what is left and put the file in its place."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._part.replace(self._path)

    def draw(self, picture: Picture, time: float) -> None:
        """Draw the moment over a picture of the video's size, in place."""
        points, value = self._overlay.at(time)
        points = points * self._scale
        draw_skeleton(picture, points, colour=NEUTRAL)
        flags = [flag for flag in self._overlay.flags if flag.start_s <= time < flag.end_s]
        for flag in flags:
            draw_marks(picture, points[list(flag.marks)], colour=WRONG)
        vertex = points[self._overlay.angle[1]]
        if np.isfinite(value) and np.isfinite(vertex).all():
            self._write_value(picture, vertex, f"{value:.0f}°")
        edge = self._type // 2
        count = bisect_right([start for start, _ in self._overlay.counts], time) - 1
        if count >= 0:
            blend(picture, self._chip(self._overlay.counts[count][1], WHITE, INK), edge, edge)
        bottom = self.size[1] - edge
        for text in dict.fromkeys(flag.text for flag in flags):
            patch = self._chip(text, INK, YELLOW)
            bottom -= patch.shape[0]
            blend(picture, patch, edge, bottom)
            bottom -= edge // 2

    def _write_value(self, picture: Picture, vertex: Floats, text: str) -> None:
        patch = self._chip(text, WHITE, INK)
        reach = 1.5 * self._type + np.array([patch.shape[1], patch.shape[0]]) / 2
        left, top = vertex + self._value_side * reach - np.array([patch.shape[1], patch.shape[0]]) / 2
        blend(picture, patch, round(left), round(top))

    def _chip(self, text: str, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Patch:
        return chip(text, self._type, ink=ink, paper=paper, max_width=self.size[0] - self._type)


def calm_side(points: Floats, vertex: int) -> Floats:
    """On which side of a joint its value hides the least of the person over the whole video, so that it can stay there.

    Args:
        points: (n, 33, 2) pixels.
        vertex: landmark.

    Returns:
        (2,) -1, 0 or 1 to the right and down.
    """
    sides = [np.array(side, float) for side in ((1, 0), (-1, 0), (0, -1), (0, 1))]
    known = points[np.isfinite(points).any(axis=(1, 2))]
    if not len(known):
        return sides[0]
    known = known[:: max(1, len(known) // 60)]
    reach = 0.12 * float(np.median(np.nanmax(np.nanmax(known, axis=1) - np.nanmin(known, axis=1), axis=1)))
    hidden = [
        sum(int((np.abs(along_bones(pose) - pose[vertex] - 1.8 * reach * side) < reach).all(axis=1).sum()) for pose in known)
        for side in sides
    ]
    return sides[int(np.argmin(hidden))]
