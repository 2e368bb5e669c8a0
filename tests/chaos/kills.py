"""SIGKILL at each named point of a job, and at random among several consumers."""

import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.ground import Ground
from tests.chaos.report import Report, say
from tests.consumer_kit import eventually
from tests.daemons import Process

POINTS = (
    "claimed",
    "downloading video",
    "downloading finished",
    "analysing started",
    "analysing finished",
    "writing_feedback started",
    "writing_feedback finished",
    "uploading worst1.png",
    "uploading graph.png",
    "uploading report.json",
    "annotating started",
    "annotating finished",
    "uploading annotated.mp4",
    "uploaded",
    "done",
    "ended",
)

STAGES = ("downloading finished", "analysing finished", "writing_feedback finished", "annotating finished")

PATIENCE_S = 300.0


def at_each_point(ground: Ground, report: Report, *, times: int, points: Sequence[str] = POINTS) -> None:
    """Kill a consumer at a point, for `times` jobs; another consumer on the same volume goes on."""
    ground.put("undisturbed", reps=7)
    with running(ground):
        assert eventually(lambda: ground.unfinished() == 0, PATIENCE_S)
    expected = ground.result("undisturbed")
    total: Counter[str] = Counter()
    for point in points:
        jobs = [f"{point.replace(' ', '-')}-{number}" for number in range(times)]
        for job in jobs:
            ground.put(job, reps=7)
        came = Counter({"kills": _kill_until_done(ground, point)})
        walk, published, documents = ground.walk(), ground.published(), ground.documents()
        done = [job for job in jobs if documents[job]["status"] == "done"]
        came["done"] = len(done)
        came["results as of an undisturbed run"] = sum(ground.result(job) == expected for job in done)
        came["finished stages done twice"] = sum(walk[stage, job] > 1 for stage in STAGES for job in jobs)
        came["published twice"] = sum(len(published[job]) > 1 for job in jobs)
        say(f"    killed at '{point}': {dict(came)}")
        total += came
    everything = len(points) * times
    report.figure("named points", len(points))
    for what in ("kills", "done", "results as of an undisturbed run"):
        report.figure(f"  {what}", total[what], everything)
    for what in ("finished stages done twice", "published twice"):
        report.figure(f"  {what}", total[what], 0)
    report.figure("  leases left", ground.leases(), 0)


def among_several(ground: Ground, report: Report, *, consumers: int, jobs: int, every_s: float) -> None:
    """Several consumers, of which one is killed at random every `every_s` seconds, and started again.

    Only one that is at work is killed: on a busy machine a start takes longer than that, and nobody would ever get to work.
    """
    rng = random.Random(report.seed)
    for number in range(jobs):
        ground.put(f"job-{number:04}", reps=number, sleep=rng.uniform(0.0, 0.4))
    crew = [ground.daemon(volume=f"volume-{number}") for number in range(consumers)]
    killed, until = 0, time.monotonic() + PATIENCE_S + jobs
    try:
        while ground.unfinished() and time.monotonic() < until:
            time.sleep(every_s)
            at_work = [number for number, process in enumerate(crew) if process.says("Ready")]
            if not at_work:
                continue
            number = rng.choice(at_work)
            crew[number].process.kill()
            crew[number].process.wait()
            killed += 1
            crew[number] = ground.daemon(volume=f"volume-{number}")
        documents, published = ground.documents(), ground.published()
        report.figure(f"{consumers} consumers, {jobs} jobs: kills", killed)
        report.figure("  done", ground.outcomes()["done"], jobs)
        report.figure("  lost", jobs - len(documents), 0)
        told = sum(documents[job]["result"]["reps"] == int(job[4:]) for job in documents if "result" in documents[job])
        report.figure("  with their own result", told, jobs)
        report.figure("  published whole and once", sum(_whole(documents[job], published[job]) for job in documents), jobs)
        report.figure("  leases left", ground.leases(), 0)
        report.figure("  most attempts at one job", max(fields["attempt"] for fields in documents.values()))
    finally:
        for process in crew:
            process.process.kill()
            process.process.wait()


def _whole(fields: Mapping[str, Any], published: Mapping[str, int]) -> bool:
    """Whether the document names the files of one attempt, and all of these are there.

    Of an attempt that was killed when it had published, files may be left, which no document names.
    """
    files = [path for path in fields["result"]["files"].values() if path]
    attempts = {path.split("/")[4] for path in files}
    return len(attempts) == 1 and published[attempts.pop()] == len(files)


def _kill_until_done(ground: Ground, point: str) -> int:
    killed, until = 0, time.monotonic() + PATIENCE_S
    while ground.unfinished() and time.monotonic() < until:
        process = ground.daemon(die_at=point, settings={"lease_s": 1})
        try:
            while process.process.poll() is None and ground.unfinished():
                time.sleep(0.05)
            # The last points come after the document is done.
            if process.process.poll() is None:
                eventually(lambda process=process: process.process.poll() is not None, 0.5)
        finally:
            if process.process.poll() is None:
                process.end()
        killed += process.process.returncode == -signal.SIGKILL
    return killed


@contextlib.contextmanager
def running(ground: Ground, **told: Any) -> Iterator[Process]:
    """Run a daemon during the block."""
    process = ground.daemon(**told)
    try:
        yield process
    finally:
        process.end()
