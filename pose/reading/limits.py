"""Limits of a video, and the sentence for each limit that a video exceeds."""

import math
import stat
from dataclasses import dataclass
from pathlib import Path

from pose.errors import VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable


@dataclass(frozen=True)
class Limits:
    """What a video may have at most. Checked against the header before decoding, and again while decoding."""

    max_bytes: int = 500_000_000
    max_pixels: int = 4096 * 2160
    max_duration_s: float = 900.0
    max_frames: int = 54_000
    max_fps: float = 240.0


def check_file(path: Path, limits: Limits) -> None:
    """Check that the path is a regular file that is not empty and not too large.

    Raises:
        VideoMissing, VideoUnreadable, VideoTooLarge.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise VideoMissing("There is no such video file.") from error
    if not stat.S_ISREG(status.st_mode):
        raise VideoUnreadable("That is not a video file but a directory or a device. Please choose a video.")
    if status.st_size == 0:
        raise VideoUnreadable("The video file is empty: its upload was cut off before it began. Please upload it again.")
    check_bytes(status.st_size, limits)


def check_bytes(size: int, limits: Limits) -> None:
    """Check the size of a file in bytes.

    Raises:
        VideoTooLarge: the size is above the limit.
    """
    if size > limits.max_bytes:
        raise VideoTooLarge(
            "The video has {size} MB; at most {limit} MB are accepted. Please send a shorter one or a lower quality.",
            size=_rounded_up(size / 1e6),
            limit=f"{limits.max_bytes / 1e6:g}",
        )


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Check the size of the picture in pixels.

    Raises:
        VideoTooLarge: the picture has more pixels than the limit.
    """
    if width * height > limits.max_pixels:
        raise VideoTooLarge(
            "The picture is {width} x {height} pixels, {size} million; at most {limit} million are accepted. "
            "Please film at a lower resolution; 1080p is plenty.",
            width=str(width),
            height=str(height),
            size=_rounded_up(width * height / 1e6),
            limit=f"{limits.max_pixels / 1e6:.3g}",
        )


def check_duration(seconds: float, limits: Limits) -> None:
    """Check the duration, of the whole video or of what has been decoded so far.

    Raises:
        VideoTooLong: the duration is above the limit.
    """
    if seconds > limits.max_duration_s:
        raise VideoTooLong(
            "The video lasts at least {duration} s; at most {limit} s are accepted. Please cut it to the exercise.",
            duration=_rounded_up(seconds),
            limit=f"{limits.max_duration_s:g}",
        )


def check_frames(frames: int, limits: Limits) -> None:
    """Check the number of frames, of the whole video or of what has been decoded so far.

    Raises:
        VideoTooLong: the number is above the limit.
    """
    if frames > limits.max_frames:
        raise VideoTooLong(
            "The video has at least {frames} frames; at most {limit} are accepted. "
            "Please cut it, or film at 30 frames per second.",
            frames=str(frames),
            limit=str(limits.max_frames),
        )


def check_rate(fps: float, limits: Limits) -> None:
    """Check the frame rate in frames per second.

    Raises:
        VideoTooLong: the rate is above the limit.
    """
    if fps > limits.max_fps:
        raise VideoTooLong(
            "The video has {rate} frames per second; at most {limit} are accepted. Please film at 30 or 60.",
            rate=_rounded_up(fps),
            limit=f"{limits.max_fps:g}",
        )


def _rounded_up(value: float) -> str:
    """The value with one decimal place at most. Rounded up, a value above a limit never reads like the limit itself."""
    return f"{math.ceil(value * 10) / 10:.1f}".removesuffix(".0")
