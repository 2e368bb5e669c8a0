"""`read_motion`: from a video file to the motion of the person who exercises."""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pose import model as models
from pose import person
from pose.cuts import CutDetector
from pose.errors import NoPerson
from pose.frame import Frame, Pixels, Size, fit
from pose.landmarks import Detector, Pose, Tracker
from pose.motion import LANDMARKS, Motion, VideoInfo
from pose.person import Samples
from pose.sampling import STEADY, Sampler
from pose.video import Limits, Video

LONG_SIDE = 640
"""Pixels of the longer side that the model is given; its own input is 256 square around the person."""

WARM_UP_S = 0.3
"""What a part reads, and throws away, before its beginning: the tracker's first look is less exact than its next."""

SHORTEST_PART_S = 2.0

SEAM_S = 0.3
"""How far the next part must have come for its pose at a time to be known: a sample on either side of it."""

RIVALS = 0.25
"""Share of the looks around that must show somebody else before the video is read once more for them."""

LARGEST_GAP_S = 0.09
"""Between two frames that are decoded; where leaving out unneeded ones opens larger gaps, all are decoded."""


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
        limits: what the video may cost; None for the defaults.
        progress: called from this thread with the share done, 0 to 1, rising; what it raises ends the reading.
        workers: cores to use. With more than one the video is cut into parts that are read side by side, by threads.
        turn: degrees clockwise by which the picture is turned beyond what the file says; a multiple of 90.

    Returns:
        The motion: at least one sample has a person.

    Raises:
        VideoError: the file is at fault; its subclass says how.
        NoPerson: nobody is seen.
        ModelMissing: the model has not been made yet.
    """
    bundle = models.find(model)
    with Video(path, limits, turn=turn) as video:
        header = _Header(Path(path), limits or Limits(), turn, video.size, video.duration_s, video.fps)
    with Detector(bundle) as detector:
        reader = _Reader(header, bundle, detector, workers, progress)
        seen = reader.read()
        chosen = _exerciser(reader, seen)
    if not any(chosen.poses):
        raise NoPerson("Nobody is seen in the video. Please film the whole body, in good light, from two to four metres away.")
    if progress:
        progress(1.0)
    info = VideoInfo(
        duration_s=header.duration_s if header.duration_s and seen.complete else round(seen.end_s, 6),
        width=header.size[0],
        height=header.size[1],
        fps=header.fps,
        frames_decoded=seen.frames_decoded,
        frames_analysed=len(chosen.times),
        complete=seen.complete,
        turned=turn,
    )
    return _motion(info, chosen, fit(header.size, LONG_SIDE), seen.cuts)


@dataclass(frozen=True)
class _Header:
    path: Path
    limits: Limits
    turn: int
    size: Size
    duration_s: float | None
    fps: float


@dataclass
class _Seen:
    """What one pass over a video, or a part of it, saw; and, to whoever reads the part before, how far it is."""

    start_s: float = 0.0
    until_s: float = math.inf
    """Where the next part begins."""
    read_s: float = 0.0
    """Up to here everything was looked at that is to be."""
    samples: Samples = field(default_factory=Samples)
    cuts: list[float] = field(default_factory=list)
    rivals: int = 0
    """How often somebody else of some size was in the picture."""
    looks: int = 0
    frames_decoded: int = 0
    end_s: float = 0.0
    complete: bool = True


class _Reader:
    """Reads a video, as often as it takes."""

    def __init__(
        self,
        header: _Header,
        model: models.Model,
        detector: Detector,
        workers: int,
        progress: Callable[[float], None] | None,
    ) -> None:
        self._header = header
        self._model = model
        self._detector = detector
        self._workers = max(1, workers)
        self._progress = progress
        self._reported = 0.0
        self._stop = threading.Event()

    def read(self, hidden: Samples | None = None, span: tuple[float, float] | None = None) -> _Seen:
        """Follow the person who stands out most.

        Args:
            hidden: somebody to be painted over first.
            span: from when to when, seconds; None for the whole video.
        """
        parts = [_Seen(span[0], span[1] + 1 / self._header.fps)] if span else self._parts()
        with ThreadPoolExecutor(len(parts), thread_name_prefix="read") as pool:
            jobs = [
                pool.submit(self._read_part, part, following, hidden)
                for part, following in zip(parts, [*parts[1:], None], strict=True)
            ]
            try:
                while wait(jobs, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
                    if any(job.done() and job.exception() for job in jobs):
                        break
                    self._report(parts)
            finally:
                self._stop.set()
            for job in jobs:
                job.result()
        self._stop.clear()
        return _joined(parts)

    def _report(self, parts: list[_Seen]) -> None:
        if not self._header.duration_s:
            return
        whole_s = self._header.duration_s
        read_s = sum(max(0.0, min(part.read_s, part.until_s, whole_s) - part.start_s) for part in parts)
        share = min(1.0, read_s / whole_s)
        if self._progress and share > self._reported:
            self._reported = share
            self._progress(share)

    def _parts(self) -> list[_Seen]:
        """All as long with what they read before their beginning; the last is open, since headers err."""
        duration = self._header.duration_s or 0.0
        count = max(1, min(self._workers, int(duration / SHORTEST_PART_S)))
        length = (duration + (count - 1) * WARM_UP_S) / count
        cuts = [i * (length - WARM_UP_S) + WARM_UP_S for i in range(1, count)]
        return [_Seen(start, end) for start, end in zip([0.0, *cuts], [*cuts, math.inf], strict=True)]

    def _read_part(self, seen: _Seen, following: _Seen | None, hidden: Samples | None) -> None:
        """Read one part, and go on into the next one until its tracker agrees.

        That one begins in the midst of a movement, where people are harder to find: it may find nobody for a while, somebody
        else, or the right one the wrong way round. Whoever was followed up to here is followed on until both say the same.
        """
        header = self._header
        with Video(header.path, header.limits, turn=header.turn) as video, Tracker(self._model) as tracker:
            looker = _Looker(tracker, self._detector, hidden, self._header, seen)
            last: Frame | None = None
            before = -math.inf
            gap = 0.0
            for frame in video.frames(max(0.0, seen.start_s - WARM_UP_S)):
                beyond = frame.time >= seen.until_s
                if self._stop.is_set() or (beyond and (following is None or looker.pose is None)):
                    break
                gap, before = max(gap, frame.time - before if before >= 0 else 0.0), frame.time
                video.skip_unneeded(looker.rate <= STEADY and gap < LARGEST_GAP_S)
                seen.frames_decoded += frame.time >= seen.start_s and not beyond
                last = None if looker.look(frame) else frame
                seen.read_s = max(seen.read_s, frame.time)
                if beyond and following and last is None and self._agree(looker.pose, frame.time, following):
                    break
            if last and seen.until_s == math.inf:
                looker.look(last, anyway=True)  # a set that ends with the film: its last return may be in the last frame
            seen.end_s, seen.complete = video.end_s, video.complete
            seen.read_s = math.inf

    def _agree(self, pose: Pose | None, time: float, following: _Seen) -> bool:
        """Whether the next part's tracker sees the same at that time; also when the reading is ended meanwhile.

        It is waited for: what is kept of either must not depend on which one is faster.
        """
        while following.read_s < time + SEAM_S:
            if self._stop.wait(0.005):
                return True
        other = following.samples.at(time)
        return pose is not None and other is not None and person.is_same(pose, other)


class _Looker:
    """Looks at the frames of one part that are due."""

    def __init__(self, tracker: Tracker, detector: Detector, hidden: Samples | None, header: _Header, seen: _Seen) -> None:
        self.pose: Pose | None = None
        """What the last look found."""
        self._seen = seen
        self._tracker = tracker
        self._detector = detector
        self._hidden = hidden
        self._size = fit(header.size, LONG_SIDE)
        self._sampler = Sampler(header.fps, header.duration_s)
        self._interval = person.look_interval(header.duration_s)
        self._next_look = seen.start_s + self._interval / 2
        self._cuts = CutDetector()

    @property
    def rate(self) -> float:
        return self._sampler.rate

    def look(self, frame: Frame, *, anyway: bool = False) -> bool:
        """Whether the frame was looked at."""
        if not anyway and not self._sampler.wants(frame.time):
            return False
        pixels = frame.rgb(self._size)
        cut = self._cuts.sees(pixels)
        known = self._hidden.at(frame.time) if self._hidden else None
        if known:
            pixels, where = person.paint_over(pixels, known)
        pose = self._tracker.follow(pixels, frame.time)
        if known and pose and person.is_remainder(pose, where):
            pose = None
        self._sampler.saw(frame.time, pose)
        self.pose = pose
        if frame.time >= self._seen.start_s:
            if cut:
                self._seen.cuts.append(frame.time)
            self._seen.samples.add(frame.time, pose)
            if pose and self._hidden is None and frame.time >= self._next_look:
                self._look_around(frame.time, pixels, pose)
        return True

    def _look_around(self, time: float, pixels: Pixels, followed: Pose) -> None:
        self._next_look = time + self._interval
        self._seen.looks += 1
        painted, where = person.paint_over(pixels, followed)
        other = self._detector.find(painted)
        if other and not person.is_remainder(other, where) and person.is_rival(followed, other):
            self._seen.rivals += 1


def _joined(parts: list[_Seen]) -> _Seen:
    whole = _Seen()
    for part in parts:
        whole.samples = whole.samples.then(part.samples)
        whole.cuts += [cut for cut in part.cuts if not whole.cuts or cut > whole.cuts[-1]]
        whole.rivals += part.rivals
        whole.looks += part.looks
        whole.frames_decoded += part.frames_decoded
        whole.end_s = max(whole.end_s, part.end_s)
    whole.complete = parts[-1].complete
    return whole


def _exerciser(reader: _Reader, seen: _Seen) -> Samples:
    """The motion of the one who exercises; reads again where there is somebody else."""
    if seen.rivals >= max(2, RIVALS * seen.looks):
        first = person.stretches(seen.samples)[0]
        other = reader.read(hidden=first).samples
        candidates = [seen.samples, other]
        samples = candidates[person.choose(candidates)]
    else:
        samples = seen.samples
    for away in person.excursions(samples):
        start, end = samples.times[away.start], samples.times[away.stop - 1]
        stranger = samples.only(away)
        again = reader.read(hidden=stranger, span=(start, end)).samples
        samples = samples.without(away).spliced(again, start, end)
    return samples.without(i for away in person.excursions(samples) for i in away)


def _motion(info: VideoInfo, samples: Samples, size: Size, cuts: Sequence[float]) -> Motion:
    n, points = len(samples.times), len(LANDMARKS)
    image, world = np.full((n, points, 3), np.nan), np.full((n, points, 3), np.nan)
    visibility = np.full((n, points), np.nan)
    to_full = np.array([info.width / size[0], info.height / size[1], info.width / size[0]])
    for i, pose in enumerate(samples.poses):
        if pose is not None:
            image[i], world[i], visibility[i] = pose.image * to_full, pose.world, pose.visibility
    return Motion(info, np.array(samples.times), image, world, visibility, tuple(cuts))
