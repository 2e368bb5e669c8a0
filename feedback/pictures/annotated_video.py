"""Makes annotated.mp4: the video with the skeleton, the angle, a repetition counter, and the faults while they happen.

Between two analysed samples the skeleton is interpolated, so that it moves smoothly. Frames are scaled and drawn on in YUV,
without a conversion to RGB and back. Parts of the video are made in parallel on the free cores.
"""

import math
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import av
import numpy as np
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from feedback.pictures.drawing import INK, NEUTRAL, WHITE, WRONG, YELLOW, along_bones, draw_marks, draw_skeleton
from feedback.pictures.lettering import Patch, chip
from feedback.pictures.planes import Planes
from pose.motion import Floats
from pose.movements.signals import LONGEST_GAP_S
from pose.reading.frame import Size, planes
from pose.reading.video import Limits, Video

LINES, PIXELS = 720, 960 * 540
"""Largest number of lines and of pixels: a phone shows no more, and the video takes less time than the analysis."""
MAX_FPS = 30.0
"""Highest frame rate. Above it, frames are left out: the encoder would need twice the time for little gain."""
PART_S = 3.0
"""Least length of a part that begins at a keyframe of the source. Each part begins with a keyframe of its own, so a player can
seek there quickly; shorter parts would share the work more evenly among the cores and make larger files."""
LONGEST_PART_S = 12.0
"""Where keyframes are farther apart, parts of a third of this begin between them; each decodes the frames before it."""
PAST_KEYFRAME_S = 1e-4
"""Seconds between a keyframe and the start of its part: a seek to the exact time could, by rounding, end at the keyframe
before."""
HD_LINES = 720
"""Number of lines from which players use BT.709 for a video that names no colour matrix; below it they use BT.601."""
TIME_BASE = Fraction(1, 90_000)
ENCODER = {"preset": "ultrafast", "crf": "27", "x264-params": "cabac=1:deblock=0,0:aq-mode=1:mbtree=1:rc-lookahead=5"}
"""The fastest preset, with the options that help most with a still background: half the time of `veryfast`, files 1.5 times as
large."""
MATRIX_TAGS = {"bt709": 1, "bt601": 5, "bt2020": 9}
"""Matrix coefficients of ITU-T H.273. 6 and 10 are variants of 5 and 9; 0 is RGB, which was converted by BT.601."""
MATRICES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020", 0: "bt601"}


@dataclass(frozen=True)
class Flag:
    """A fault in the video.

    Attributes:
        text: its title.
        start_s, end_s: the span in seconds in which it is shown.
        marks: landmarks that are drawn as wrong in this span; see `feedback.pictures.drawing.draw_marks`.
        value: the measured value, which is shown at the marks instead of the set's angle.
    """

    text: str
    start_s: float
    end_s: float
    marks: tuple[int, ...] = ()
    value: str = ""

    @property
    def vertex(self) -> int:
        """The landmark at which the value is shown; a flag without marks has none."""
        return self.marks[len(self.marks) // 2]


@dataclass(frozen=True)
class Overlay:
    """What is drawn on a video.

    Attributes:
        times: (n,) seconds of the samples, rising.
        points: (n, 33, 2) pixels of the full-size picture; NaN where there is no person.
        angles: landmarks (arm, vertex, other) of the shown angle, each with its start in seconds, in order of time.
        values: (n,) degrees; NaN where no value is shown.
        counts: texts of the counter, each with its start in seconds, in order of time; an empty text shows nothing.
        flags: the faults.
        turn: degrees clockwise by which the video's picture is rotated first.
    """

    times: Floats
    points: Floats
    angles: Sequence[tuple[float, tuple[int, int, int]]]
    values: Floats
    counts: Sequence[tuple[float, str]] = ()
    flags: Sequence[Flag] = ()
    turn: int = 0

    def at(self, time: float) -> tuple[Floats, float]:
        """Points and value at any time, interpolated linearly; NaN if the nearest samples are too far.

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
    """The size of the annotated video: within `LINES` and `PIXELS`, never enlarged, with even sides, which H.264 needs."""
    scale = min(1.0, LINES / size[1], math.sqrt(PIXELS / (size[0] * size[1])))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


class Painter:
    """Draws the overlay on pictures of the annotated video. Several threads may share a painter."""

    def __init__(self, overlay: Overlay, source: Size, size: Size) -> None:
        """Compute the scale and the sizes of what is drawn.

        Args:
            overlay: what to draw, in pixels of the source.
            source: (width, height) of the video that is drawn over.
            size: (width, height) of the pictures.
        """
        self.turn = overlay.turn
        """Degrees clockwise by which the video's picture is rotated before drawing."""
        self._overlay = overlay
        self._size = size
        self._scale = np.array(size) / np.array(source)
        self._type = max(13, round(0.055 * min(size)))
        vertices = {vertex for _, (_, vertex, _) in overlay.angles} | {flag.vertex for flag in overlay.flags if flag.marks}
        self._value_sides = {vertex: calm_side(overlay.points, vertex) for vertex in vertices}

    def draw(self, picture: Planes, time: float) -> None:
        """Draw the overlay at a time, in place."""
        points, value = self._overlay.at(time)
        points = points * self._scale
        draw_skeleton(picture, points, colour=NEUTRAL)
        flags = [flag for flag in self._overlay.flags if flag.start_s <= time < flag.end_s]
        for flag in flags:
            draw_marks(picture, points[list(flag.marks)], colour=WRONG)
        angle = _latest(self._overlay.angles, time)
        marked = {flag.vertex: flag.value for flag in reversed(flags) if flag.marks and flag.value}
        if not marked and angle is not None and np.isfinite(value):
            marked = {angle[1]: f"{value:.0f}°"}
        for vertex, text in marked.items():
            if np.isfinite(points[vertex]).all():
                self._write_value(picture, points[vertex], self._value_sides[vertex], text)
        edge = self._type // 2
        if count := _latest(self._overlay.counts, time):
            picture.blend(self._chip(count, WHITE, INK), edge, edge)
        bottom = self._size[1] - edge
        for text in dict.fromkeys(flag.text for flag in flags):
            patch = self._chip(text, INK, YELLOW)
            bottom -= patch.shape[0]
            picture.blend(patch, edge, bottom)
            bottom -= edge // 2

    def _write_value(self, picture: Planes, vertex: Floats, side: Floats, text: str) -> None:
        patch = self._chip(text, WHITE, INK)
        reach = 1.5 * self._type + np.array([patch.shape[1], patch.shape[0]]) / 2
        left, top = vertex + side * reach - np.array([patch.shape[1], patch.shape[0]]) / 2
        picture.blend(patch, round(left), round(top))

    def _chip(self, text: str, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Patch:
        return chip(text, self._type, ink=ink, paper=paper, max_width=self._size[0] - self._type)


T = TypeVar("T")


def _latest(entries: Sequence[tuple[float, T]], time: float) -> T | None:
    """The last entry that starts at or before a time; entries have their start in seconds and are in order of time."""
    number = bisect_right(entries, time, key=lambda entry: entry[0]) - 1
    return entries[number][1] if number >= 0 else None


def annotate(
    source: Path,
    target: Path,
    overlay: Overlay,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write the annotated video.

    Parts of some seconds are decoded, drawn on and encoded in parallel, and joined in order. Their borders depend on the video
    alone, so the file is the same for any number of workers.

    Args:
        source: the video to draw on.
        target: the MP4 file. It appears when it is complete; after an error no file is left.
        overlay: what to draw, in pixels of the source.
        limits: the limits of the source, as for `pose.read_motion`.
        workers: number of cores to use.
        progress: called in this thread with the share that is done, 0 to 1; an exception from it ends the writing.

    Raises:
        VideoError: the source can no longer be read.
    """
    with Video(source, limits, turn=overlay.turn) as video:
        key_times, size, duration_s = video.keyframes(), video.size, video.duration_s
    encoding = _Encoding(source, limits, Painter(overlay, size, video_size(size)), video_size(size))
    starts = part_starts(key_times, duration_s)
    waiting = deque(zip(starts, [*starts[1:], math.inf], strict=True))
    stop = threading.Event()
    partial = target.with_name(f"{target.name}.part")
    try:
        with _Joined(partial) as joined, ThreadPoolExecutor(workers, thread_name_prefix="annotate") as pool:
            running: deque[Future[_Part]] = deque()
            try:
                while waiting or running:
                    # One part more than there are workers, so that no worker waits. Not more, because finished parts wait in
                    # memory.
                    while waiting and len(running) <= workers:
                        running.append(pool.submit(encoding.encode, *waiting.popleft(), stop))
                    joined.add(running.popleft().result())
                    if progress is not None:
                        progress((len(starts) - len(waiting) - len(running)) / len(starts))
            finally:
                stop.set()
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def part_starts(key_times: Sequence[float], duration_s: float | None) -> list[float]:
    """Divide a video into parts at keyframes, so that no frame is decoded twice.

    Args:
        key_times: times of the keyframes in seconds, rising.
        duration_s: duration of the video in seconds; None if it is not known.

    Returns:
        Start of each part in seconds, rising; the first is 0. A part lasts `PART_S` or until the next keyframe. If that is
        further away than `LONGEST_PART_S`, the part ends between keyframes.
    """
    starts = [0.0]
    for time in [*key_times, duration_s or 0.0]:
        while time - starts[-1] > LONGEST_PART_S:
            starts.append(starts[-1] + LONGEST_PART_S / 3)
        if time - starts[-1] > PART_S - 2 * PAST_KEYFRAME_S and (duration_s is None or duration_s - time >= PART_S / 2):
            starts.append(time + PAST_KEYFRAME_S)
    return starts


@dataclass(frozen=True)
class _Format:
    """The encoding of a video. It is the same for all parts, so that one header describes them."""

    size: Size
    rate: Fraction
    matrix: str
    transfer: int
    primaries: int

    def configure(self, encoder: VideoCodecContext) -> VideoCodecContext:
        """Set up an encoder that has not been opened."""
        encoder.width, encoder.height = self.size
        encoder.pix_fmt, encoder.framerate, encoder.time_base = "yuv420p", self.rate, TIME_BASE
        # The parts already run in parallel.
        encoder.thread_count = 1
        encoder.flags |= Flags.global_header
        encoder.color_range, encoder.colorspace = ColorRange.MPEG, MATRIX_TAGS[self.matrix]
        encoder.color_trc, encoder.color_primaries = self.transfer, self.primaries
        return encoder


@dataclass(frozen=True)
class _Part:
    packets: "list[Packet[VideoStream]]"
    format: _Format | None


class _Encoding:
    """Encodes parts of one video. Several threads may share it."""

    def __init__(self, source: Path, limits: Limits | None, painter: Painter, size: Size) -> None:
        self._source = source
        self._limits = limits
        self._painter = painter
        self._size = size

    def encode(self, start_s: float, end_s: float, stop: threading.Event) -> _Part:
        """The packets of a part, of which the first is a keyframe; fewer packets if the encoding is stopped."""
        packets: list[Packet[VideoStream]] = []
        form: _Format | None = None
        encoder = VideoCodecContext.create("libx264", "w")
        encoder.options = ENCODER
        with Video(self._source, self._limits, turn=self._painter.turn) as video:
            rate = Fraction(min(max(video.fps, 1.0), MAX_FPS)).limit_denominator(1001)
            for frame in video.frames(start_s, end_s):
                if stop.is_set():
                    break
                if not _kept(frame.time, video.fps):
                    continue
                image = frame.yuv(self._size)
                matrix = matrix_of(image, video.size)
                if form is None:
                    form = _Format(self._size, rate, matrix, image.color_trc, image.color_primaries)
                    form.configure(encoder)
                y, u, v = planes(image)
                self._painter.draw(Planes(y, u, v, matrix), frame.time)
                image.pts, image.time_base, image.pict_type = round(frame.time / TIME_BASE), TIME_BASE, PictureType.NONE
                image.duration = round(1 / (rate * TIME_BASE))
                packets += encoder.encode(image)
        if form is not None:
            packets += encoder.encode(None)
        return _Part(packets, form)


class _Joined:
    """The MP4 file into which parts are copied, in order of time."""

    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: VideoStream | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()

    def add(self, part: _Part) -> None:
        """Copy the part's packets."""
        if part.format is None:
            return
        if self._stream is None:
            # The encoder of this stream only writes the header.
            self._stream = self._container.add_stream("libx264", rate=part.format.rate, options=ENCODER)
            part.format.configure(self._stream.codec_context)
            self._stream.time_base = TIME_BASE
        for packet in part.packets:
            packet.stream = self._stream
        self._container.mux(part.packets)


def _kept(time: float, fps: float) -> bool:
    """Whether a frame is shown: of a rate above `MAX_FPS` one for each step of its grid, told by its own time alone."""
    if fps <= 1.1 * MAX_FPS:
        return True
    return math.floor(time * MAX_FPS + 0.25) > math.floor((time - 1 / fps) * MAX_FPS + 0.25)


def matrix_of(image: av.VideoFrame, source: Size) -> str:
    """The matrix with which a player converts the frame to RGB: a key of `planes.MATRICES`; guessed if the frame names none."""
    return MATRICES.get(int(image.colorspace), "bt709" if min(source) >= HD_LINES else "bt601")


def calm_side(points: Floats, vertex: int) -> Floats:
    """The side of a joint on which its value hides least of the person over the whole video, so that the value can stay there.

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
