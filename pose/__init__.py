"""Reads the motion of a person from a video, and finds sets of exercises in a motion.

    motion.py    `Motion`: the landmarks of one person over time
    reading/     from a file to a motion: frames, sampling, the person, landmarks
    movements/   from a motion to sets: signals, cycles, repetitions, holds, recognition

The names below are loaded when they are first used, so `import pose` takes no time. MediaPipe is not loaded before a video is
read.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose.motion import Motion, VideoInfo
    from pose.reading.limits import Limits
    from pose.reading.reader import read_motion

__all__ = ["Limits", "Motion", "VideoInfo", "read_motion"]

_HOMES = {
    "Limits": "pose.reading.limits",
    "Motion": "pose.motion",
    "VideoInfo": "pose.motion",
    "read_motion": "pose.reading.reader",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pose' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
