"""`read_motion`: from a video file to the motion of the person who exercises."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pose import model as models
from pose.errors import NoPerson, VideoUnreadable
from pose.landmarks import Pose, Tracker
from pose.motion import LANDMARKS, Motion, VideoInfo
from pose.video import Limits, Video, fit

LONG_SIDE = 640
"""Pixels of the longer side that the model is given; its own input is 256 square around the person."""

RATE = 15.0
"""Samples per second."""


def read_motion(
    path: str | Path,
    *,
    model: str = "full",
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    workers: int = 1,
) -> Motion:
    """Read the motion of the person who exercises in a video.

    Args:
        path: a local video file.
        model: `full`, `lite`, `heavy`, or the path of a `.task` file.
        limits: what the video may cost; None for the defaults.
        progress: called with the share done, 0 to 1, now and then; what it raises ends the reading.
        workers: processes that read parts of the video side by side.

    Returns:
        The motion: at least one sample has a person.

    Raises:
        VideoError: the file is at fault; its subclass says how.
        NoPerson: nobody is seen.
        ModelMissing: the model has not been made yet.
    """
    bundle = models.find(model)
    times: list[float] = []
    poses: list[Pose | None] = []
    with Video(path, limits, threads=workers) as video, Tracker(bundle) as tracker:
        size = fit(video.size, LONG_SIDE)
        expected_s = video.duration_s or math.inf
        due = 0.0
        for frame in video.frames():
            if frame.time < due - 0.5 / video.fps:
                continue
            due = max(due, frame.time - 0.5 / RATE) + 1 / RATE
            times.append(frame.time)
            poses.append(tracker.follow(frame.rgb(size), frame.time))
            if progress:
                progress(min(1.0, frame.time / expected_s))
        info = VideoInfo(
            duration_s=round(video.end_s, 6),
            width=video.size[0],
            height=video.size[1],
            fps=video.fps,
            frames_decoded=video.frames_decoded,
            frames_analysed=len(times),
            complete=video.complete,
        )
    if not times:
        raise VideoUnreadable("Not one picture of the video can be decoded: it is damaged. Please export or upload it again.")
    if not any(poses):
        raise NoPerson("Nobody is seen in the video. Please film the whole body, in good light, from two to four metres away.")
    return _motion(info, times, poses)


def _motion(info: VideoInfo, times: list[float], poses: list[Pose | None]) -> Motion:
    n, points = len(times), len(LANDMARKS)
    image, world = np.full((n, points, 3), np.nan), np.full((n, points, 3), np.nan)
    visibility = np.full((n, points), np.nan)
    scale = np.array([info.width, info.height, info.width], float)
    for i, pose in enumerate(poses):
        if pose is not None:
            image[i], world[i], visibility[i] = pose.image * scale, pose.world, pose.visibility
    return Motion(info, np.array(times), image, world, visibility)
