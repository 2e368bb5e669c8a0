"""From a video to motion, and from motion to sets.

    motion.py    what both share: landmarks of one person over time
    reading/     from a file to a motion: frames, sampling, the person, landmarks
    movements/   from a motion to sets: signals, cycles, repetitions, holds, which movement it is

The names below are loaded at their first use: `import pose` costs nothing, and none of it loads MediaPipe.
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
