"""From a video to motion."""

from pose.motion import Motion, VideoInfo
from pose.reading import read_motion
from pose.video import Limits

__all__ = ["Limits", "Motion", "VideoInfo", "read_motion"]
