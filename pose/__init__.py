"""From a video to motion.

The names below are loaded at their first use: `import pose` costs nothing, and none of it loads MediaPipe.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose.limits import Limits
    from pose.motion import Motion, VideoInfo
    from pose.reading import read_motion

__all__ = ["Limits", "Motion", "VideoInfo", "read_motion"]

_HOMES = {"Limits": "pose.limits", "Motion": "pose.motion", "VideoInfo": "pose.motion", "read_motion": "pose.reading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pose' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
