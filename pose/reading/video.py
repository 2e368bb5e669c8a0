"""Decode a video from an untrusted source: check the header, then give upright frames with the times of the container.

FFmpeg opens the file with a list of allowed containers, for local files only and without a decoder, so that the header is
checked before memory for a picture is allocated. The decoder gets the pixel limit too, since frames can be larger than the
header says. Damaged packets are skipped, and `Video.complete` says whether anything was missing.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

import av

from pose.errors import VideoUnreadable
from pose.reading.frame import Frame, Orientation, Size
from pose.reading.limits import Limits, check_duration, check_file, check_frames, check_pixels, check_rate
from pose.reading.slow_motion import slow_down

__all__ = ["Limits", "Video", "probe"]

UNORDERED, UNINDEXED = "avi", "mpegts"
"""AVI stores only the decoding order: with B frames, FFmpeg guesses wrong presentation times. A frame of an AVI file therefore
gets the time of the packet after which the decoder returned it. MPEG-TS has no index: a seek can end at any packet, chosen by
its decoding time."""

CONTAINERS = ("mov", "matroska", UNORDERED, UNINDEXED)
"""FFmpeg's demuxers: mov reads mp4, m4v, mov and 3gp; matroska also reads webm. None of them opens other files or addresses."""

DECODED_BEFORE_S = 10
"""A frame is decoded less than this many seconds before it is shown."""

CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "h263"})
"""Codecs of phones, browsers and messaging apps."""

OTHER_FORMATS = {
    b"GIF8": "GIF",
    b"FLV\x01": "Flash (FLV)",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "Windows Media (WMV)",
    b"\x00\x00\x01\xba": "MPEG (MPG, VOB)",
    b"OggS": "Ogg",
    b".RMF": "RealMedia",
}
"""The first bytes of known formats that are not read. They identify the format without running another demuxer."""

APPROACH_S = 0.5
"""Seconds. Between a keyframe and the start of reading, frames that no other frame depends on are not decoded, except in the
last 0.5 s: the decoder works some frames ahead of the frame that it returns."""

# A file ends early if its header promises this much more than was read. Half a second allows for rounding, edit lists and an
# audio track that is longer than the video track.
MISSING_S, MISSING_SHARE = 0.5, 0.03


RATE_PACKETS, RATE_DIFFERS = 64, 1.2
"""The frame rate is measured on the first 64 packets. If the header differs from the measurement by this factor (the recording
was paused, or the rate was guessed because the duration is missing), the measurement is used."""

WILD_S = 10.0
"""Seconds. A time stamp this far beyond the duration in the header is an error of the recorder. Such a frame gets the time of
the previous frame plus one frame interval."""


class Video:
    """An open video. Its frames can be read several times.

    Attributes:
        size: (width, height) upright, in square pixels.
        fps: frames per second in the header; 30 if the header has none.
        duration_s: seconds in the header; None if the header has none.
        slowed: the slow-motion factor: how many times slower than the movement the file plays. All seconds and rates of this
            class are those of the movement.
        frame_count: number of frames in the header; None if the header has none.
        frames_decoded: number of frames decoded in the last pass.
        end_s: time of the last frame read plus one frame interval, in seconds; 0 before the first frame.
        damaged: number of packets of the last pass that could not be decoded.

    Example:
        with Video(path) as video:
            for frame in video.frames():
                pixels = frame.rgb(fit(video.size, 640))
    """

    def __init__(self, path: str | Path, limits: Limits | None = None, *, threads: int = 1, turn: int = 0) -> None:
        """Open the file and check its header.

        Args:
            path: a local file.
            limits: largest size, duration, number of frames and frame rate.
            threads: number of decoding threads.
            turn: degrees clockwise by which the picture is rotated in addition to the file's metadata; a multiple of 90.

        Raises:
            VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable: the message says what to do.
        """
        self._limits = limits or Limits()
        self._path = Path(path)
        self._threads = threads
        self._skip = False
        self._start = 0.0
        self._begin: int | None = None
        self.frames_decoded = 0
        self.end_s = 0.0
        self.damaged = 0
        check_file(self._path, self._limits)
        self._container, self._stream = self._open()
        try:
            self._check_header()
            first = self._first_frame()
        except BaseException:
            self._container.close()
            raise
        self._start = self._time_of(first) or 0.0
        self.orientation = Orientation.of(first).turned(turn)
        self.size = self.orientation.upright_size(self._stored_size(first))
        self._first_size = self.orientation.upright_size((first.width, first.height))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and the decoder."""
        self._container.close()

    @property
    def complete(self) -> bool:
        """Whether the last pass, from start to end, found everything that the header promises."""
        if self.duration_s is None:
            return self.damaged == 0
        return self.damaged == 0 and self.duration_s - self.end_s <= max(MISSING_S, MISSING_SHARE * self.duration_s)

    def keyframes(self) -> list[float]:
        """Times of the keyframes in seconds, ascending. Nothing is decoded."""
        return [time for time, _ in self._keyframes]

    @cached_property
    def _keyframes(self) -> list[tuple[float, int]]:
        """For each keyframe: its presentation time in seconds and its decoding time stamp."""
        self._rewind(0.0)
        found: list[tuple[float, int]] = []
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):
                return sorted(found)
            decoded = packet.dts if packet.dts is not None else packet.pts
            if not packet.is_keyframe or decoded is None:
                continue
            shown = packet.pts if packet.pts is not None else decoded
            seconds = float(shown * self._tick) - self._start
            found.append((float(decoded * self._tick) if self._is(UNORDERED) else seconds, decoded))

    def skip_unneeded(self, skip: bool) -> None:
        """While this is on, frames that no other frame depends on are not decoded: every second one with most encoders."""
        self._skip = skip
        self._leave_out(skip)

    def frames(self, start_s: float = 0.0, end_s: float = math.inf) -> Iterator[Frame]:
        """Decode the frames from `start_s` up to, not including, `end_s`, in order of time.

        Raises:
            VideoTooLarge, VideoTooLong: the stream exceeds a limit, although its header does not.
        """
        self._rewind(start_s)
        self.frames_decoded, self.damaged, self.end_s = 0, 0, 0.0
        last = -math.inf
        interval = 1.0 / self.fps
        self._leave_out(self._skip or start_s > APPROACH_S)
        for decoded in self._decode():
            at = self._time_of(decoded)
            time = at - self._start if at is not None else last + interval
            if self.duration_s is not None and time > self.duration_s + WILD_S and last >= 0:
                time = last + interval
            if not last < time:  # a repeated or missing time stamp, or one before the first frame
                continue
            if time >= end_s:
                return
            last = time
            self._check_progress(time)
            self._leave_out(self._skip or time < start_s - APPROACH_S)
            if time < start_s:
                continue
            self.end_s = time + interval
            yield Frame(decoded, self.frames_decoded - 1, time, self.orientation, size=self.size, first_size=self._first_size)

    def _leave_out(self, skip: bool) -> None:
        # If one packet of an AVI stream were skipped, the frames after it would get the times of other packets.
        skip = skip and not self._is(UNORDERED)
        self._stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"

    def _is(self, container: str) -> bool:
        return bool(self._container.format.name == container)

    def _time_of(self, decoded: Any) -> float | None:
        """Time of a frame in seconds by the container's clock; None if the frame has no time stamp."""
        stamp = decoded.dts if self._is(UNORDERED) else decoded.pts
        return None if stamp is None else float(stamp * self._tick)

    def _open(self) -> tuple[Any, Any]:
        # No codec is allowed while the header is read: FFmpeg would decode a first picture of any size to learn its pixel
        # format. The list does not restrict the decoder that PyAV opens afterwards.
        options = {"protocol_whitelist": "file", "format_whitelist": ",".join(CONTAINERS), "codec_whitelist": "none"}
        try:
            container = av.open(f"file:{self._path.resolve()}", mode="r", options=options)
        except (av.error.FFmpegError, UnicodeDecodeError) as error:
            raise self._unknown_format() from error
        stream = container.streams.best("video")
        if stream is None:
            container.close()
            raise VideoUnreadable("The file holds no picture, only sound or data. Please choose the video itself.")
        return container, stream

    def _unknown_format(self) -> VideoUnreadable:
        with self._path.open("rb") as file:
            beginning = file.read(max(map(len, OTHER_FORMATS)))
        name = next((name for start, name in OTHER_FORMATS.items() if beginning.startswith(start)), None)
        if name is None:
            return VideoUnreadable(
                "The file cannot be read as a video: it is not one, or its upload was cut off. "
                "Please upload it again, or save it as MP4 (H.264)."
            )
        return VideoUnreadable(
            "The file is of the format {format}, which is not read here. Please save it as MP4 (H.264) and send that.",
            format=name,
        )

    def _check_header(self) -> None:
        stream, limits = self._stream, self._limits
        codec = stream.codec_context
        if codec is None:
            raise VideoUnreadable("The video is coded in an unknown way. Please save it as MP4 (H.264) and send that.")
        if codec.codec.canonical_name not in CODECS:
            raise VideoUnreadable(
                "The video is coded as {codec}, which is not read here. Please save it as MP4 (H.264) and send that.",
                codec=codec.codec.long_name,
            )
        # The headers of H.263 and MPEG-4 Part 2 may lack the size. The decoder has the limit too, and the first frame is
        # checked.
        check_pixels(codec.width, codec.height, limits)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.fps = rate if math.isfinite(rate) and rate > 0 else 30.0
        measured = self._measured_rate()
        if measured is not None and not 1 / RATE_DIFFERS < measured / self.fps < RATE_DIFFERS:
            self.fps = measured
        check_rate(self.fps, limits)
        self.duration_s = self._header_duration()
        self.slowed = slow_down(self._container.metadata, self.fps)
        self._tick = stream.time_base / self.slowed
        self.fps *= float(self.slowed)
        if self.duration_s is not None:
            self.duration_s /= float(self.slowed)
            check_duration(self.duration_s, limits)
        self.frame_count = stream.frames or None
        if self.frame_count is not None:
            check_frames(self.frame_count, limits)
        codec.thread_count = self._threads
        codec.thread_type = "AUTO"
        codec.options = {"max_pixels": str(limits.max_pixels)}

    def _header_duration(self) -> float | None:
        """The median of up to three durations in the header, in seconds: one wrong time stamp makes only one of them wrong."""
        stream, container = self._stream, self._container
        said = []
        if stream.duration:
            said.append(float(stream.duration * stream.time_base))
        if container.duration:
            said.append(container.duration / av.time_base)
        if stream.frames and stream.average_rate and len(said) > 1:
            said.append(float(stream.frames / stream.average_rate))
        if len(said) < 3:
            return said[0] if said else None
        return sorted(said)[1]

    def _measured_rate(self) -> float | None:
        """Frames per second by the median interval of the first packets, without decoding; None if they have no time stamps."""
        container, stream = self._open()  # a second container, so that the first one stays at its start
        times: list[float] = []
        try:
            for packet in container.demux(stream):
                if packet.pts is not None:
                    times.append(float(packet.pts * stream.time_base))
                if len(times) >= RATE_PACKETS:
                    break
        except av.error.FFmpegError:
            return None
        finally:
            container.close()
        steps = [later - earlier for earlier, later in pairwise(sorted(times)) if later > earlier]
        return 1 / median(steps) if len(steps) >= RATE_PACKETS // 4 else None

    def _first_frame(self) -> Any:
        for decoded in self._decode():
            if self._time_of(decoded) is not None:
                check_pixels(decoded.width, decoded.height, self._limits)
                return decoded
        raise VideoUnreadable("Not one picture of the video can be decoded: it is damaged. Please export or upload it again.")

    def _stored_size(self, decoded: Any) -> Size:
        """Width and height in square pixels, before turning."""
        ratio = float(self._stream.sample_aspect_ratio or 1)
        if not 0.25 <= ratio <= 4.0:
            ratio = 1.0
        return max(1, round(decoded.width * ratio)), decoded.height

    def _rewind(self, start_s: float) -> None:
        """Seek to the last keyframe at or before `start_s`, or to an earlier one."""
        first = 0.0 if self._is(UNORDERED) else self._start
        target = math.floor((start_s + first) / self._tick)
        self._begin = None
        if self._is(UNINDEXED):
            before = [decoded for shown, decoded in self._keyframes if shown <= start_s] if start_s > 0 else []
            self._begin = before[-1] if before else None
            target = before[-1] if before else math.floor(target - DECODED_BEFORE_S / self._stream.time_base)
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except av.error.FFmpegError as error:
            raise VideoUnreadable(
                "The video cannot be read from its start: it is damaged. Please export or upload it again."
            ) from error

    def _decode(self) -> Iterator[Any]:
        """Decode every frame from the container's position on; count damaged packets."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.damaged += 1
                return
            if self._begin is not None and packet.dts is not None and packet.dts < self._begin:
                continue
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged += 1
                if self.damaged > self._limits.max_frames:
                    return
                continue
            for frame in frames:
                self.frames_decoded += 1
                yield frame

    def _check_progress(self, time: float) -> None:
        check_frames(self.frames_decoded, self._limits)
        check_duration(time, self._limits)


def probe(path: str | Path, limits: Limits | None = None) -> tuple[Size, float | None]:
    """Check a video by its header and first frame.

    Returns:
        Its upright (width, height), and its duration in seconds; None if the header has no duration.

    Raises:
        VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable: the message says what to do.
    """
    with Video(path, limits) as video:
        return video.size, video.duration_s
