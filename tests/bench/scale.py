"""How the consumers scale, on the emulators of Firestore and Pub/Sub, with a simulated analysis of one second.

    python -m tests.bench.scale [--consumers 1 2 4 8] [--intake watch pubsub] [--jobs 200] [--only backlog trickle ...]

    backlog     all jobs are there at once: jobs per second and occupancy (the share of the time in which a consumer has a job)
                while there are enough for all, claims lost, reads and writes per job
    trickle     jobs come one by one to a fleet that is half idle: time from the document to its claim
    kills       one of the consumers is killed each 5 s, and replaced: nothing lost, nothing published twice
    fairness    one owner's hundred jobs, then ten owners' one each: the ten are done before the hundred

Everything stays on this machine's loopback interface, and ends by itself: each part has a limit of time.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from google.auth.credentials import AnonymousCredentials

from consumer.backends import SERVER_TIME, Conflict, Snapshot, StoreError, Unavailable
from consumer.backends.firestore import FirestoreDocuments
from tests.emulators import start_firestore, start_pubsub
from tests.trigger import Trigger
from tests.work import ROOT, video

ANALYSIS_S = 1.0
KILL_EVERY_S = 5.0
LIMIT_S = 240.0
"""A part that takes longer has failed."""

READY_S = 60.0
SETTLE_S = 2.0
MAX_PER_OWNER = 2
CLAIM = timedelta(seconds=0.25)
"""A claim may stand that long before its consumer sees that it is one too many; no work is done meanwhile."""


Figures = dict[str, Any]


@dataclass
class Site:
    """The emulators with one project, and a directory in place of the bucket."""

    project: str
    firestore: str
    pubsub: str
    scratch: Path
    intake: str
    consumers_at: str = ""
    """Where consumers find Firestore, if not there directly."""
    documents: FirestoreDocuments = field(init=False)
    trigger: Trigger = field(init=False)

    def __post_init__(self) -> None:
        self.documents = FirestoreDocuments(AnonymousCredentials(), self.project, "uploads", emulator=self.firestore)
        self.trigger = Trigger.make(self.pubsub, self.project)

    @property
    def objects(self) -> Path:
        return self.scratch / "objects"

    def submit(self, owner: str, job_id: str) -> None:
        """What the app does, and in the trigger's place the message."""
        path = f"users/{owner}/uploads/video.mp4"
        file = self.objects / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(video(sleep=ANALYSIS_S))
        fields = {"owner": owner, "video": path, "status": "uploaded", "createdAt": SERVER_TIME}
        for pause_s in (0.2, 1.0, 5.0):  # a busy emulator breaks calls off now and then
            try:
                self.documents.create(job_id, fields)
            except Unavailable:
                time.sleep(pause_s)
            except Conflict:
                break  # the call that was broken off had arrived
            else:
                break
        if self.intake == "pubsub":
            self.trigger.announce(job_id)

    def submit_all(self, jobs: Sequence[tuple[str, str]]) -> None:
        """All (owner, id) at once."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda job: self.submit(*job), jobs))

    def ended(self) -> list[Snapshot]:
        """All documents that are over."""
        return [snapshot for status in ("done", "failed", "cancelled") for snapshot in self._all({"status": status})]

    def wait(self, number: int, meanwhile: Callable[[], None] = lambda: None) -> list[Snapshot]:
        """Until so many are over.

        Raises:
            TimeoutError: they are not within the limit.
        """
        ended: list[Snapshot] = []
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            meanwhile()
            ended = self.ended()
            if len(ended) >= number:
                return ended
            time.sleep(1.0)
        raise TimeoutError(f"{len(ended)} of {number} jobs ended within {LIMIT_S:.0f} s.")

    def now(self) -> datetime:
        """The store's time; there is a document."""
        return self.documents.find({}, limit=1)[0].read_time

    def _all(self, equal: Mapping[str, Any]) -> list[Snapshot]:
        found: list[Snapshot] = []
        while page := self.documents.find(equal, after=found[-1] if found else None, limit=300):
            found += page
        return found


@dataclass
class Fleet:
    """Running consumers; `counts` has their figures when it is over."""

    site: Site
    settings: Mapping[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    started: int = 0

    def grow(self, number: int) -> None:
        """Start more, and wait until they are ready."""
        fresh = [self._start() for _ in range(number)]
        for process in fresh:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("A consumer did not start.")
        self.processes += fresh

    def kill(self, rng: random.Random) -> None:
        """SIGKILL one of them."""
        process = self.processes.pop(rng.randrange(len(self.processes)))
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def end(self) -> None:
        """SIGTERM all, and collect their figures."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                output, _ = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
            if output.strip():
                self.counts.update(json.loads(output.splitlines()[-1]))
        self.processes.clear()

    def _start(self) -> subprocess.Popen[str]:
        self.started += 1
        environment = {
            **os.environ,
            "FIRESTORE_EMULATOR_HOST": self.site.consumers_at or self.site.firestore,
            "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",  # nothing is sent there: objects are files
            "PUBSUB_EMULATOR_HOST": self.site.pubsub,
            "DOTHIS_BACKEND": "firebase",
            "DOTHIS_PROJECT": self.site.project,
            "DOTHIS_BUCKET": "bench",
            "DOTHIS_INTAKE": self.site.intake,
            "DOTHIS_SUBSCRIPTION": self.site.trigger.subscription,
            "DOTHIS_DATA_DIR": str(self.site.scratch / f"consumer-{self.started}"),
            "DOTHIS_WORKERS": "1",
            "DOTHIS_WORKER_NAME": f"consumer-{self.started}",
            "DOTHIS_HEALTH_PORT": "0",
            "DOTHIS_MIN_FREE_BYTES": "0",
            **self.settings,
        }
        command = [sys.executable, "-m", "tests.bench.scale_consumer", str(self.site.objects)]
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def backlog(site: Site, consumers: int, jobs: int) -> Figures:
    """All are there when the consumers start; measured from when all of these run until there are not enough for all."""
    site.submit_all([(f"owner{number % 20}", f"job{number:04}") for number in range(jobs)])
    with fleet(site, consumers) as running:
        begin = site.now()
        ended = site.wait(jobs)
    spans = sorted((at(snapshot, "finishedAt"), at(snapshot, "startedAt")) for snapshot in ended)
    end = spans[-consumers - 1][0]
    window_s = (end - begin).total_seconds()
    inside = [(started, finished) for finished, started in spans if finished > begin and started < end]
    worked_s = sum((min(finished, end) - max(started, begin)).total_seconds() for started, finished in inside)
    return {
        **costs(running.counts, jobs),
        "jobsPerSecond": round(sum(begin < finished <= end for finished, _ in spans) / window_s, 2),
        # On a machine with few cores a job takes longer the more of them run; a consumer without one is our own doing.
        "jobMedianS": round(median((finished - started).total_seconds() for finished, started in spans), 2),
        "occupancy": round(worked_s / window_s / consumers, 3),
        "notDone": sum(snapshot.fields["status"] != "done" for snapshot in ended),
    }


def trickle(site: Site, consumers: int) -> Figures:
    """One by one, at half of what the fleet can do."""
    jobs = 8 + 12 * consumers
    with fleet(site, consumers) as running:
        for number in range(jobs):
            site.submit(f"owner{number % 20}", f"job{number:04}")
            time.sleep(2 * 1.3 * ANALYSIS_S / consumers)
        ended = site.wait(jobs)
    waits = [1000 * (at(snapshot, "startedAt") - at(snapshot, "createdAt")).total_seconds() for snapshot in ended]
    return {
        **costs(running.counts, jobs),
        "claimMedianMs": round(median(waits)),
        "claimP99Ms": round(quantiles(waits, n=100, method="inclusive")[98]),
    }


def kills(site: Site, consumers: int, jobs: int) -> Figures:
    """Under load, one killed each 5 s and another started in its place."""
    told: Counter[str] = Counter()
    watch = site.documents.watch("done", lambda job_id, _owner: told.update([job_id]))
    rng = random.Random(1)
    killed, due = 0, time.monotonic() + KILL_EVERY_S
    with fleet(site, consumers, DOTHIS_LEASE_S="10", DOTHIS_SWEEP_S="10") as running:

        def one_less() -> None:
            nonlocal killed, due
            if time.monotonic() >= due:
                due += KILL_EVERY_S
                killed += 1
                running.kill(rng)
                running.grow(1)

        due = time.monotonic() + KILL_EVERY_S
        site.submit_all([(f"owner{number % 20}", f"job{number:04}") for number in range(jobs)])
        ended = site.wait(jobs, one_less)
        time.sleep(SETTLE_S)
    watch.close()
    published = [len(list(path.parent.iterdir())) for path in site.objects.glob("users/*/results/*/*") if path.is_dir()]
    return {
        "killed": killed,
        "takenOver": sum(snapshot.fields["attempt"] > 1 for snapshot in ended),
        "lost": jobs - sum(snapshot.fields["status"] == "done" for snapshot in ended),
        "doneTwice": sum(times > 1 for times in told.values()),
        "publishedTwice": sum(attempts > 1 for attempts in published),
    }


def fairness(site: Site, consumers: int) -> Figures:
    """A hundred of one, then one each of ten."""
    many = [("greedy", f"greedy{number:03}") for number in range(100)]
    few = [(f"modest{number}", f"modest{number}") for number in range(10)]
    with fleet(site, consumers, DOTHIS_MAX_PER_OWNER=str(MAX_PER_OWNER)) as running:
        site.submit_all(many)
        site.submit_all(few)
        ended = {snapshot.id: snapshot for snapshot in site.wait(len(many) + len(few))}
    last = max(at(ended[job_id], "finishedAt") for _, job_id in few)
    spans = [(at(ended[job_id], "startedAt") + CLAIM, at(ended[job_id], "finishedAt")) for _, job_id in many]
    return {
        **costs(running.counts, len(ended)),
        "doneBeforeTheTen": sum(finished < last for _, finished in spans),
        "tenTookS": round((last - min(at(ended[job_id], "createdAt") for _, job_id in few)).total_seconds(), 1),
        "mostOfOneOwner": max(sum(begun <= start < over for begun, over in spans) for start, _ in spans),
        "notDone": sum(snapshot.fields["status"] != "done" for snapshot in ended.values()),
    }


def costs(counts: Counter[str], jobs: int) -> Figures:
    """Per job."""
    return {
        "lostClaims": round(counts["lost"] / jobs, 3),
        "reads": round(counts["reads"] / jobs, 1),
        "readsListened": round(counts["listened"] / jobs, 1),
        "readsSwept": round(counts["found"] / jobs, 1),
        "writes": round(counts["writes"] / jobs, 1),
    }


def at(snapshot: Snapshot, name: str) -> datetime:
    """A time that the store wrote."""
    moment: datetime = snapshot.fields[name]
    return moment


@contextmanager
def fleet(site: Site, consumers: int, **settings: str) -> Iterator[Fleet]:
    """So many consumers, ready."""
    running = Fleet(site, settings)
    try:
        running.grow(consumers)
        time.sleep(SETTLE_S)
        yield running
    finally:
        running.end()


def measure(intake: str, part: str, consumers: int, jobs: int) -> Figures:
    """One part with emulators of its own, so that nothing is left of the part before."""
    with ExitStack() as stack:
        firestore = stack.enter_context(start_firestore())
        pubsub = stack.enter_context(start_pubsub())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = Site(f"demo-{uuid.uuid4().hex[:8]}", firestore.host, pubsub.host, scratch, intake)
        stack.callback(site.documents.close)
        # One consumer would take minutes over all of them; its rate is the same after a few.
        some = min(jobs, 25 * consumers)
        match part:
            case "backlog":
                return backlog(site, consumers, some)
            case "trickle":
                return trickle(site, consumers)
            case "kills":
                return kills(site, consumers, some)
            case _:
                return fairness(site, consumers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print, one line of JSON for each part; 1 when one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consumers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--intake", nargs="+", choices=["watch", "pubsub"], default=["watch", "pubsub"])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=["backlog", "trickle", "kills", "fairness"])
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sizes, failed = sorted(chosen.consumers), False
    for intake in chosen.intake:
        for part in chosen.only or ["backlog", "trickle", "kills", "fairness"]:
            for consumers in sizes if part in {"backlog", "trickle"} else sizes[-1:]:
                try:
                    figures = measure(intake, part, consumers, chosen.jobs)
                except (TimeoutError, StoreError) as error:
                    figures, failed = {"failed": str(error)}, True
                line = {"intake": intake, "part": part, "consumers": consumers, **figures}
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
