"""`read_motion`: from a video file to the motion of the person who exercises."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from pose.errors import NoPerson
from pose.motion import LANDMARKS, Motion, VideoInfo
from pose.reading import model as models
from pose.reading import person
from pose.reading.far import find_far_person, is_hardly_seen
from pose.reading.frame import Region
from pose.reading.landmarks import Detector
from pose.reading.parts import PartsReader, Seen, Source
from pose.reading.person import Samples
from pose.reading.video import Limits, Video

RIVALS = 0.25
"""If at least this share of the searches in a shot finds another person, the shot is read a second time for that person."""


def read_motion(
    path: str | Path,
    *,
    model: str = "full",
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
    workers: int = 1,
    turn: int = 0,
) -> Motion:
    """Read the motion of the person who exercises in a video.

    Args:
        path: a local video file.
        model: `full`, `lite`, `heavy`, or the path of a `.task` file.
        limits: limits of the video; None for the defaults.
        progress: called from this thread with the share done, 0 to 1, rising. An exception of this function ends the reading.
        workers: number of threads that read parts of the video in parallel. The motion is the same for any number.
        turn: degrees clockwise by which the picture is rotated in addition to the file's metadata; a multiple of 90.

    Returns:
        The motion; at least one sample has a person.

    Raises:
        VideoError: the file is wrong; the subclass says how.
        NoPerson: no person was found.
        ModelMissing: the model has not been made yet.
    """
    bundle = models.find(model)
    with Video(path, limits, turn=turn) as video:
        source = Source(Path(path), limits or Limits(), turn, video.size, video.duration_s, video.fps)
        slowed = float(video.slowed)
    with Detector(bundle) as detector:
        reader = PartsReader(source, bundle, detector, workers, progress)
        seen = reader.read()
        if is_hardly_seen(seen.samples, source) and (region := find_far_person(source, detector)):
            nearer = PartsReader(replace(source, region=region), bundle, detector, workers, None)
            seen_nearer = nearer.read()
            if seen_nearer.samples.found > seen.samples.found:
                reader, seen = nearer, seen_nearer
        chosen = _exerciser(reader, seen)
    if not any(chosen.poses):
        raise NoPerson("Nobody is seen in the video. Please film the whole body, in good light, from two to four metres away.")
    if progress:
        progress(1.0)
    info = VideoInfo(
        duration_s=source.duration_s if source.duration_s and seen.complete else round(seen.end_s, 6),
        width=source.size[0],
        height=source.size[1],
        fps=source.fps,
        frames_decoded=seen.frames_decoded,
        frames_analysed=len(chosen.times),
        complete=seen.complete,
        turned=turn,
        slowed=slowed,
    )
    return _motion(info, chosen, reader.source, seen.cuts)


def _exerciser(reader: PartsReader, seen: Seen) -> Samples:
    """The samples of the person who exercises. Reads a shot a second time if another large person is in it."""
    samples = seen.samples
    for start, end in _shots(seen):
        rivals, looks = (sum(start <= time <= end for time in times) for times in (seen.rivals, seen.looks))
        if rivals >= max(2, RIVALS * looks):
            followed = samples.between(start, end)
            span = (start, end) if seen.cuts else None
            other = reader.read(hidden=person.stretches(followed)[0], span=span).samples
            candidates = [followed, other.between(start, end)]
            samples = samples.spliced(candidates[person.choose(candidates)], start, end)

    def look_again(hidden: Samples, span: tuple[float, float]) -> Samples:
        return reader.read(hidden=hidden, span=span).samples

    return person.without_strangers(samples, seen.cuts, look_again)


def _shots(seen: Seen) -> list[tuple[float, float]]:
    """Start and end of each shot in seconds: the times of its first and last sample."""
    times = seen.samples.times
    borders = [0, *(bisect_left(times, cut) for cut in seen.cuts), len(times)]
    return [(times[first], times[stop - 1]) for first, stop in pairwise(borders) if first < stop]


def _motion(info: VideoInfo, samples: Samples, source: Source, cuts: Sequence[float]) -> Motion:
    n, points = len(samples.times), len(LANDMARKS)
    image, world = np.full((n, points, 3), np.nan), np.full((n, points, 3), np.nan)
    visibility = np.full((n, points), np.nan)
    region = source.region or Region(0, 0, info.width, info.height)
    width, height = source.looked_at
    scale = np.array([region.width / width, region.height / height, region.width / width])
    corner = np.array([region.left, region.top, 0])
    for i, pose in enumerate(samples.poses):
        if pose is not None:
            image[i], world[i], visibility[i] = pose.image * scale + corner, pose.world, pose.visibility
    return Motion(info, np.array(samples.times), image, world, visibility, tuple(cuts))
