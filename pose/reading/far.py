"""Find a person who is too small in the picture for the model's detector.

The detector gets the whole picture scaled to 224 pixels and misses a person of less than about a third of its height. It finds
the same person in a part of the picture. So a few frames are searched tile by tile, and the video is then read a second time in
the region of the person.
"""

import numpy as np
from numpy.typing import NDArray

from pose.reading import person
from pose.reading.frame import Region, Size
from pose.reading.landmarks import HIPS, SHOULDERS, Detector, Pose
from pose.reading.parts import Source
from pose.reading.person import Samples
from pose.reading.video import Video

STEADILY = 0.9
"""If at least this share of the samples has a person, even a small person is tracked well enough."""

FRAMES = 10
"""Number of frames that are searched, evenly spread over the video."""

TILE = 0.6
"""Side of a tile, as a share of the picture's shorter side. Tiles overlap by half, so that at least one contains the whole
person."""

LARGEST = 0.2
"""A person whose trunk or thigh is longer than this share of the picture's shorter side needs no region."""

NEAR = 4.0
"""Detections in different frames are of one person if they lie within this distance, in lengths of the person."""

FINDS = 3
"""At least this many frames must show the person in one place, since the detector sometimes takes furniture for a person."""

MARGIN = 2.0
"""Margin of the region around all detections, in lengths of the person: room for raised arms, jumps and lying down."""


def is_hardly_seen(samples: Samples, source: Source) -> bool:
    """Whether the whole picture gave no person, or a small person in too few samples."""
    steady = samples.found >= STEADILY * len(samples.poses)
    return not steady and person.size(samples) < LARGEST * min(source.looked_at)


def find_far_person(source: Source, detector: Detector) -> Region | None:
    """Find the region of the picture in which a small person stays; None if there is no such person.

    Args:
        source: the video.
        detector: detects people in single pictures.
    """
    finds = _search_frames(source, detector)
    if len(finds) < FINDS:
        return None
    boxes = np.array([_box(pose) for pose in finds])
    centres = np.array([pose.image[SHOULDERS + HIPS, :2].mean(axis=0) for pose in finds])
    length = float(np.median([pose.length for pose in finds]))
    together = np.linalg.norm(centres - np.median(centres, axis=0), axis=1) < NEAR * length
    if together.sum() < FINDS:
        return None
    return _region(boxes[together], MARGIN * length, source.size)


def _search_frames(source: Source, detector: Detector) -> list[Pose]:
    """Find the most visible small person in each searched frame; coordinates in pixels of the full picture."""
    found: list[Pose] = []
    every_s = (source.duration_s or FRAMES) / FRAMES
    tile = max(16, round(TILE * min(source.size)))
    with Video(source.path, source.limits, turn=source.turn) as video:
        for number in range(FRAMES):
            frame = next(video.frames((number + 0.5) * every_s), None)
            if frame is None:
                break
            pixels = frame.rgb()
            poses = []
            for left in _corners(source.size[0], tile):
                for top in _corners(source.size[1], tile):
                    pose = detector.find(np.ascontiguousarray(pixels[top : top + tile, left : left + tile]))
                    if pose and pose.length < LARGEST * min(source.size):
                        corner = np.array([left, top, 0], np.float32)
                        poses.append(Pose(pose.image + corner, pose.world, pose.visibility))
            if poses:
                found.append(max(poses, key=lambda pose: float(pose.visibility.mean())))
    return found


def _corners(side: int, tile: int) -> list[int]:
    count = max(1, int(np.ceil(2 * (side - tile) / tile)) + 1)
    return sorted({round(corner) for corner in np.linspace(0, side - tile, count)})


def _box(pose: Pose) -> NDArray[np.floating]:
    points = pose.image[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _region(boxes: NDArray[np.floating], margin: float, size: Size) -> Region:
    low, high = boxes[:, :2].min(axis=0) - margin, boxes[:, 2:].max(axis=0) + margin
    left, top = (max(0, int(value)) for value in low)
    right, bottom = (min(side, int(np.ceil(value))) for value, side in zip(high, size, strict=True))
    return Region(left, top, right - left, bottom - top)
