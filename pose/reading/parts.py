"""Read the parts of a video in parallel and join their samples.

The borders of the parts depend on the video alone, not on the number of workers or their speed: the same video gives the same
samples on every machine. A part begins in the middle of a movement, where a person is harder to find. Its tracker may find
nobody at first, another person, or the right person with left and right exchanged. So the tracker of the previous part
continues into the part until both trackers find the same pose.
"""

import ctypes
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pose.reading import person
from pose.reading.cuts import CutDetector
from pose.reading.frame import Frame, Pixels, Region, Size, fit
from pose.reading.landmarks import Detector, Pose, Tracker
from pose.reading.limits import Limits
from pose.reading.model import Model
from pose.reading.person import Samples
from pose.reading.sampling import STEADY, Sampler
from pose.reading.video import Video

LONG_SIDE = 640
"""Longer side, in pixels, of the picture that the model gets. The network's own input is 256 x 256 around the person."""

WARM_UP_S = 0.3
"""Seconds that a part reads and discards before its start, since the tracker's first pose is less accurate than the next."""

SHORTEST_PART_S, LONGEST_PART_S, MOST_PARTS = 2.0, 30.0, 16
"""Seconds, seconds, and a number. Two parts keep two cores busy; a longer video has more parts, for more cores. Each part costs
a warm-up and a tracker."""

LARGEST_GAP_S = 0.09
"""Seconds. If skipping frames makes larger gaps between decoded frames than this, all frames are decoded."""


@dataclass(frozen=True)
class Source:
    """The video to read, and how to read it.

    Attributes:
        path: a local video file.
        limits: limits of the video.
        turn: degrees clockwise of rotation in addition to the file's metadata.
        size: (width, height) of the upright picture, in pixels.
        duration_s: seconds in the header; None if the header has none.
        fps: frames per second.
        region: the part of the picture to analyse; None for the whole picture.
    """

    path: Path
    limits: Limits
    turn: int
    size: Size
    duration_s: float | None
    fps: float
    region: Region | None = None

    @property
    def looked_at(self) -> Size:
        """(width, height) in pixels of the picture that the model gets."""
        return fit(self.region.size if self.region else self.size, LONG_SIDE)


@dataclass
class Seen:
    """The result of reading a video or a part of it.

    Attributes:
        start_s, until_s: the span in seconds. The last part has no end, since the duration in the header may be wrong.
        read_s: time of the last frame read, in seconds.
        samples: the poses of the tracked person.
        cuts: times of the cuts in seconds.
        looks, rivals: times in seconds of the searches for other people, and of those that found a large person.
        frames_decoded: number of decoded frames.
        end_s: the end of the last frame, in seconds.
        complete: whether everything was found that the header promises.
    """

    start_s: float = 0.0
    until_s: float = math.inf
    read_s: float = 0.0
    samples: Samples = field(default_factory=Samples)
    cuts: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    rivals: list[float] = field(default_factory=list)
    frames_decoded: int = 0
    end_s: float = 0.0
    complete: bool = True


def plan_parts(duration_s: float | None, start_s: float = 0.0) -> list[Seen]:
    """Plan the parts of a video, or of a span from `start_s` on. All parts take equally long, warm-up included."""
    duration = duration_s or 0.0
    count = 1
    while count < MOST_PARTS and duration / count >= (2 * SHORTEST_PART_S if count == 1 else LONGEST_PART_S):
        count *= 2
    length = (duration + (count - 1) * WARM_UP_S) / count
    borders = [start_s + i * (length - WARM_UP_S) + WARM_UP_S for i in range(1, count)]
    return [Seen(start, end) for start, end in zip([start_s, *borders], [*borders, math.inf], strict=True)]


class PartsReader:
    """Reads the parts of a video in parallel.

    Args:
        source: the video.
        model: the pose model of the trackers.
        detector: detects other people.
        workers: number of threads that read at the same time.
        progress: called from the calling thread with the share read, 0 to 1, rising.
    """

    def __init__(
        self, source: Source, model: Model, detector: Detector, workers: int, progress: Callable[[float], None] | None
    ) -> None:
        self.source = source
        self._model = model
        self._detector = detector
        self._workers = max(1, workers)
        self._progress = progress
        self._reported = 0.0

    def read(self, hidden: Samples | None = None, span: tuple[float, float] | None = None) -> Seen:
        """Track the most prominent person.

        Args:
            hidden: a person to paint over first.
            span: (start, end) in seconds; None for the whole video.
        """
        planned = plan_parts(span[1] - span[0], span[0]) if span else plan_parts(self.source.duration_s)
        if span:
            planned[-1].until_s = span[1] + 1 / self.source.fps
        stop = threading.Event()
        parts = [_Part(self.source, seen, self._model, self._detector, hidden=hidden, stop=stop) for seen in planned]
        with ThreadPoolExecutor(min(self._workers, len(parts)), thread_name_prefix="read") as pool:
            try:
                self._run(pool, parts)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
                for part in parts:
                    part.close()
        return _joined(planned)

    def _run(self, pool: ThreadPoolExecutor, parts: Sequence["_Part"]) -> None:
        """Read each part to its end, then continue its tracker into the next parts until the poses of both agree.

        The last part is read first: a part can then continue as soon as it has been read, and its tracker, some 75 MB, is freed
        before the next part needs one. No more trackers than workers are in memory.
        """
        unread, read, settled = list(range(len(parts))), set[int](), {len(parts) - 1}
        needed = [1] * len(parts)
        """For each part: how many of the next parts must have been read before its tracker can continue."""
        running: dict[Future[bool], int] = {}
        while unread or running or len(settled) < len(parts):
            halted = [number for number in sorted(read - settled) if number not in running.values()]
            for number in halted:
                following = range(number + 1, min(number + needed[number] + 1, len(parts)))
                if len(running) < self._workers and read.issuperset(following):
                    running[pool.submit(parts[number].read_on, [parts[i] for i in following])] = number
            while unread and (len(read - settled | set(running.values())) < self._workers or not running):
                number = unread.pop()
                running[pool.submit(parts[number].read)] = number
            ended, _ = wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
            self._report(parts)
            for job in ended:
                number = running.pop(job)
                needed[number] += number in read
                read.add(number)
                if job.result():
                    settled.add(number)
                    parts[number].close()

    def _report(self, parts: Sequence["_Part"]) -> None:
        whole_s = self.source.duration_s
        if not whole_s or not self._progress:
            return
        spans = [part.seen for part in parts]
        share = sum(max(0.0, min(seen.read_s, seen.until_s, whole_s) - seen.start_s) for seen in spans) / whole_s
        if self._reported < share:
            self._reported = min(1.0, share)
            self._progress(self._reported)


class _Part:
    """One part of a video with its tracker."""

    def __init__(
        self,
        source: Source,
        seen: Seen,
        model: Model,
        detector: Detector,
        *,
        hidden: Samples | None,
        stop: threading.Event,
    ) -> None:
        self.seen = seen
        self._source = source
        self._model = model
        self._detector = detector
        self._hidden = hidden
        self._stop = stop
        self._open = ExitStack()
        self._steps: Iterator[float] | None = None
        self._pose: Pose | None = None
        self._own = Samples()
        """The samples of the part itself, without those after its end."""

    def close(self) -> None:
        """Close the file and the tracker, and free the last frames."""
        if self._steps is not None:
            self._steps = None
            self._open.close()
            _return_memory()

    def read(self) -> bool:
        """Read the part. Returns True if its tracker need not continue into the next part."""
        self._steps = self._look_at_frames()
        settled = next(self._steps, None) is None or self._pose is None
        self._own = Samples(list(self.seen.samples.times), list(self.seen.samples.poses))
        return settled

    def read_on(self, following: Sequence["_Part"]) -> bool:
        """Continue after the part's end until the pose agrees with that of the next part's tracker.

        Args:
            following: the next parts, all of them read.

        Returns:
            Whether the poses agree; if not, one more of the next parts is needed.
        """
        if self._steps is None:
            raise ValueError("the part itself is read first")
        for time in self._steps:
            other = next((part for part in following if time < part.seen.until_s), None)
            if other is None:
                return False
            there = other._own.at(time)
            if self._pose is None or (there and person.is_same(self._pose, there)):
                return True
        return True

    def _look_at_frames(self) -> Iterator[float]:
        """Analyse the frames that are due. Yields the time of the first frame after the part's end, then of each analysed
        one."""
        source, seen = self._source, self.seen
        video = self._open.enter_context(Video(source.path, source.limits, turn=source.turn))
        tracker = self._open.enter_context(Tracker(self._model))
        looker = _Looker(tracker, self._detector, self._hidden, source, seen)
        last: Frame | None = None
        before, gap = -math.inf, 0.0
        ended = False
        for frame in video.frames(max(0.0, seen.start_s - WARM_UP_S)):
            beyond = frame.time >= seen.until_s
            if beyond and not ended:
                seen.end_s, seen.complete, ended = video.end_s, video.complete, True
                yield frame.time
            if self._stop.is_set():
                return
            gap, before = max(gap, frame.time - before if before >= 0 else 0.0), frame.time
            video.skip_unneeded(looker.rate <= STEADY and gap < LARGEST_GAP_S)
            seen.frames_decoded += frame.time >= seen.start_s and not beyond
            last = None if looker.look(frame) else frame
            self._pose = looker.pose
            seen.read_s = frame.time
            if beyond and last is None:
                yield frame.time
        if last and seen.until_s == math.inf:
            looker.look(last, anyway=True)  # the last repetition of a set may end in the last frame
        if not ended:
            seen.end_s, seen.complete = video.end_s, video.complete


class _Looker:
    """Analyses the frames of one part that are due."""

    def __init__(self, tracker: Tracker, detector: Detector, hidden: Samples | None, source: Source, seen: Seen) -> None:
        self.pose: Pose | None = None
        """The pose of the last analysed frame; None if no person was found."""
        self._seen = seen
        self._tracker = tracker
        self._detector = detector
        self._hidden = hidden
        self._source = source
        self._sampler = Sampler(source.fps, source.duration_s)
        self._interval = self._usual_interval = person.look_interval(source.duration_s)
        self._next_look = seen.start_s + self._interval / 2
        self._cuts = CutDetector()

    @property
    def rate(self) -> float:
        return self._sampler.rate

    def look(self, frame: Frame, *, anyway: bool = False) -> bool:
        """Analyse the frame if it is due, or `anyway`. Returns whether it was analysed."""
        if not anyway and not self._sampler.wants(frame.time):
            return False
        pixels = frame.rgb(self._source.looked_at, self._source.region)
        cut = self._cuts.sees(pixels)
        known = self._hidden.at(frame.time) if self._hidden else None
        if known:
            pixels, where = person.paint_over(pixels, known)
        pose = self._tracker.follow(pixels, frame.time, cut=cut)
        if known and pose and person.is_remainder(pose, where):
            pose = None
        self._sampler.saw(frame.time, pose)
        self.pose = pose
        if frame.time >= self._seen.start_s:
            if cut:
                self._seen.cuts.append(frame.time)
                self._interval = min(person.LOOK_AFTER_CUT_S, self._usual_interval)
                self._next_look = frame.time + self._interval
            self._seen.samples.add(frame.time, pose)
            if pose and self._hidden is None and frame.time >= self._next_look:
                self._look_around(frame.time, pixels, pose)
        return True

    def _look_around(self, time: float, pixels: Pixels, followed: Pose) -> None:
        self._interval = min(2 * self._interval, self._usual_interval)
        self._next_look = time + self._interval
        self._seen.looks.append(time)
        painted, where = person.paint_over(pixels, followed)
        other = self._detector.find(painted)
        if other and not person.is_remainder(other, where) and person.is_rival(followed, other):
            self._seen.rivals.append(time)


def _return_memory() -> None:
    """Return freed memory to the operating system.

    Small blocks that are still in use lie between the large blocks of frames and trackers. So glibc keeps the freed large
    blocks, and a long video would need more memory than a short one. Other C libraries have no such call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _joined(parts: Sequence[Seen]) -> Seen:
    whole = Seen()
    for part in parts:
        whole.samples = whole.samples.then(part.samples)
        whole.cuts += [cut for cut in part.cuts if not whole.cuts or cut > whole.cuts[-1]]
        whole.rivals += part.rivals
        whole.looks += part.looks
        whole.frames_decoded += part.frames_decoded
        whole.end_s = max(whole.end_s, part.end_s)
    whole.complete = parts[-1].complete
    return whole
