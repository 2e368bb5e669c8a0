"""What a video may cost, and the sentences that say so."""

import stat
from dataclasses import dataclass
from pathlib import Path

from pose.errors import VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable


@dataclass(frozen=True)
class Limits:
    """What a video may cost. Checked against the header before decoding, and again while decoding."""

    max_bytes: int = 500_000_000
    max_pixels: int = 4096 * 2160
    max_duration_s: float = 900.0
    max_frames: int = 54_000
    max_fps: float = 240.0


def check_file(path: Path, limits: Limits) -> None:
    """A regular file, there and of an accepted size."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise VideoMissing("There is no such video file.") from error
    if not stat.S_ISREG(status.st_mode):
        raise VideoUnreadable("That is not a video file but a directory or a device. Please choose a video.")
    if status.st_size == 0:
        raise VideoUnreadable("The video file is empty: its upload was cut off before it began. Please upload it again.")
    if status.st_size > limits.max_bytes:
        raise VideoTooLarge(
            f"The video has {status.st_size / 1e6:.0f} MB; at most {limits.max_bytes / 1e6:.0f} MB are accepted. "
            "Please send a shorter one or a lower quality."
        )


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """The size of the picture."""
    if width * height > limits.max_pixels:
        raise VideoTooLarge(
            f"The picture is {width} x {height} pixels, more than the {limits.max_pixels / 1e6:.1f} million accepted. "
            "Please film in 4K or less; 1080p is plenty."
        )


def check_duration(seconds: float, limits: Limits) -> None:
    """The length in seconds."""
    if seconds > limits.max_duration_s:
        raise VideoTooLong(
            f"The video lasts {seconds:.0f} s; at most {limits.max_duration_s:.0f} s are accepted. "
            "Please cut it to the exercise."
        )


def check_frames(frames: int, limits: Limits) -> None:
    """The number of frames."""
    if frames > limits.max_frames:
        raise VideoTooLong(
            f"The video has more than the {limits.max_frames} frames accepted. Please cut it, or film at 30 frames per second."
        )


def check_rate(fps: float, limits: Limits) -> None:
    """Frames per second."""
    if fps > limits.max_fps:
        raise VideoTooLong(
            f"The video has {fps:.0f} frames per second; at most {limits.max_fps:.0f} are accepted. Please film at 30 or 60."
        )
