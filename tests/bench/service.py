"""What the daemon adds to the analysis, and how many jobs it does: on the embedded backend in a directory of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from consumer import app
from consumer.backends import Backend
from consumer.backends.local import open_local
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.work.analysis import PRELOAD, Analysis
from tests.bench import cold
from tests.consumer_kit import put_job, put_video, settings
from tests.work import ROOT

LIMIT_S = 600.0
LOOK_S = 0.1
LISTEN_S = 0.02


@dataclass(frozen=True)
class Load:
    """Of a daemon with a backlog.

    Attributes:
        per_minute: jobs.
        peak_bytes: of memory, all its processes.
    """

    per_minute: float
    peak_bytes: int


def backlog(clips: Sequence[Path], data_dir: Path, *, workers: int, rounds: int) -> Load:
    """Give a warm daemon all clips, so many times, at once.

    Raises:
        RuntimeError: a job failed, or the limit of time is over.
    """
    data_dir.mkdir()
    backend = open_local(data_dir)
    with cold.daemon(data_dir, workers) as pid:
        # A first job for each worker: the imports are done, the files in the page cache.
        first = [app.submit(backend, app.Request(clips[-1])) for _ in range(workers)]
        peak = _wait(backend, first, pid)
        jobs = [app.submit(backend, app.Request(clip)) for _ in range(rounds) for clip in clips]
        peak = max(peak, _wait(backend, jobs, pid))
        fields = [_fields(backend, job) for job in jobs]
    backend.close()
    start: datetime = min(item["startedAt"] for item in fields)
    end: datetime = max(item["finishedAt"] for item in fields)
    return Load(60 * len(jobs) / (end - start).total_seconds(), peak)


@dataclass(frozen=True)
class Answer:
    """Seconds that a person waits for one job, from the document on, and of the plain loop on the same video just before."""

    plain_s: float
    result_s: float
    done_s: float


def answers(
    clips: Sequence[Path], data_dir: Path, plain: Callable[[Path], float], *, workers: int, rounds: int
) -> dict[str, list[Answer]]:
    """Give a warm daemon one job after the other.

    Raises:
        RuntimeError: a job failed, or the limit of time is over.
    """
    data_dir.mkdir()
    backend = open_local(data_dir)
    found: dict[str, list[Answer]] = {clip.stem: [] for clip in clips}
    with cold.daemon(data_dir, workers) as pid:
        _wait(backend, [app.submit(backend, app.Request(clips[-1])) for _ in range(workers)], pid)
        for clip in [clip for _ in range(rounds) for clip in clips]:
            plain_s = plain(clip)
            job = app.submit(backend, app.Request(clip))
            start = time.monotonic()
            result_s = _until(backend, job, lambda fields: "result" in fields) - start
            done_s = _until(backend, job, lambda fields: fields["status"] == "done") - start
            found[clip.stem].append(Answer(plain_s, result_s, done_s))
    backend.close()
    return found


def _until(backend: Backend, job: str, true: Callable[[Any], bool]) -> float:
    """When the document came to be so; looked at often, since a listener hears of a change at once."""
    until = time.monotonic() + LIMIT_S
    while not true(fields := _fields(backend, job)):
        if fields["status"] in {"failed", "gone"} or time.monotonic() > until:
            raise RuntimeError("A job of the daemon's failed, or never ended.")
        time.sleep(LISTEN_S)
    return time.monotonic()


def _wait(backend: Backend, jobs: Sequence[str], pid: int) -> int:
    """Until all are done; the peak of memory meanwhile."""
    until = time.monotonic() + LIMIT_S
    peak = 0
    while True:
        peak = max(peak, cold.memory_of(pid))
        states = {_fields(backend, job)["status"] for job in jobs}
        if states == {"done"}:
            return peak
        if "failed" in states or time.monotonic() > until:
            raise RuntimeError(f"The daemon's jobs are {', '.join(sorted(states))}.")
        time.sleep(LOOK_S)


def _fields(backend: Backend, job: str) -> Any:
    snapshot = backend.documents.get(job)
    return {"status": "gone"} if snapshot is None else snapshot.fields


def overheads(data_dir: Path, jobs: int) -> list[float]:
    """Seconds from claim to done of jobs whose analysis costs nothing, in children of a fork server with all imports."""
    data_dir.mkdir()
    using = settings(data_dir, workers=1, lease_s=30)
    backend = open_local(data_dir)
    put_video(backend, data_dir)
    points: dict[str, list[float]] = {"claimed": [], "done": []}

    def hook(point: str) -> None:
        if point in points:
            points[point].append(time.monotonic())

    cheap = Analysis("tests.work:analyse", "tests.work:write_feedback", "tests.work:annotate", preload=(*PRELOAD, "tests.work"))
    model = ROOT / "setup.cfg"
    daemon = Daemon(backend, using, model=model, catalogue=Catalogue(), analysis=cheap, python_path=(ROOT,), hook=hook)
    thread = threading.Thread(target=daemon.serve)
    thread.start()
    try:
        for number in range(jobs + 1):
            put_job(backend, f"job-{number}")
            until = time.monotonic() + LIMIT_S
            while len(points["done"]) <= number and time.monotonic() < until:
                time.sleep(0.01)
    finally:
        daemon.stop()
        thread.join()
        backend.close()
    # The first one waits for the imports.
    return [done - claimed for claimed, done in zip(points["claimed"], points["done"], strict=True)][1:]
