"""What a consumer costs in Firestore: documents read and written, counted by a proxy outside the consumer.

    python -m tests.bench.costs [--idle-s 330] [--only idle backlog running takeover cancel]

    idle        a consumer with nothing to do, by the day
    backlog     200 jobs at once for a consumer with two workers: per job
    running     20 jobs at once for a consumer with 20 workers: per job
    takeover    from the kill of a worker to the next claim of its job, median of --kills
    cancel      from `cancelRequested` of a queued job behind that backlog to `cancelled`, the slowest of five

The analysis is simulated. It prints one line of JSON for each part and is 1 when one is above its target.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.counting import CountingProxy
from tests.bench.scale import Fleet, Site, fleet
from tests.emulators import start_firestore, start_pubsub
from tests.work import video

DAY_S = 86_400.0

CALM_S = 30.0
"""After so long the start is over: the first sweeps and the opening of the watch."""

LONG_S = 60.0
"""A job that is still running when its worker is killed."""

BACKLOG = 200
RUNNING = 20

TARGETS = {"readsADay": 9000.0, "reads": 14.0, "writes": 6.0, "takeoverMedianS": 35.0, "cancelS": 3.0}

DEFAULTS = {"DOTHIS_LEASE_S": "30", "DOTHIS_SWEEP_S": "20", "DOTHIS_WATCH_SILENCE_S": "3600"}
"""As they are, but for the silence: Google's servers send a listener something every 45 s, the emulator only changes."""

Figures = dict[str, Any]


def idle(site: Site, proxy: CountingProxy, seconds: float) -> Figures:
    """Nothing to do."""
    with fleet(site, 1, **DEFAULTS):
        time.sleep(CALM_S)
        proxy.take()
        time.sleep(seconds)
        counts = proxy.take()
    return {
        name: round(number * DAY_S / seconds)
        for name, number in (("readsADay", counts["reads"]), ("writesADay", counts["writes"]))
    }


def at_once(site: Site, proxy: CountingProxy, jobs: int, workers: int) -> Figures:
    """So many jobs at once, of twenty owners."""
    with fleet(site, 1, **DEFAULTS, DOTHIS_WORKERS=str(workers)):
        proxy.take()
        site.submit_all([(f"owner{number % 20}", f"job{number:04}") for number in range(jobs)])
        ended = site.wait(jobs)
        counts = proxy.take()
    return {**per_job(counts, jobs), "notDone": sum(snapshot.fields["status"] != "done" for snapshot in ended)}


def takeover(site: Site, kills: int) -> Figures:
    """A worker dies at a random moment of its lease; another consumer idles beside it."""
    waits = []
    path = site.objects / "users/owner/uploads/video.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(video(sleep=LONG_S))
    for number in range(kills):
        with fleet(site, 1, **DEFAULTS) as first:
            site.submit("owner", f"job{number}")
            before = claimed(site, f"job{number}", 1)
            time.sleep(0.3 * number)
            with fleet(site, 1, **DEFAULTS):
                killed = time.monotonic()
                kill(first)
                claimed(site, f"job{number}", before + 1)
                waits.append(time.monotonic() - killed)
                site.documents.delete(f"job{number}")
    return {"takeoverMedianS": round(median(waits), 1), "takeoverMaxS": round(max(waits), 1)}


def cancel(site: Site) -> Figures:
    """Queued jobs are cancelled while a backlog lasts."""
    waits = []
    with fleet(site, 1, **DEFAULTS, DOTHIS_WORKERS="2"):
        site.submit_all([(f"owner{number % 20}", f"job{number:04}") for number in range(BACKLOG)])
        time.sleep(5.0)
        for number in range(BACKLOG - 5, BACKLOG):
            snapshot = site.documents.get(f"job{number:04}")
            if snapshot is None or snapshot.fields["status"] != "uploaded":
                raise TimeoutError("The backlog was over too soon.")
            began = time.monotonic()
            site.documents.update(snapshot, {"cancelRequested": True})
            while status_of(site, snapshot.id) != "cancelled":
                time.sleep(0.02)
            waits.append(time.monotonic() - began)
    return {"cancelS": round(max(waits), 2)}


def claimed(site: Site, job_id: str, attempt: int) -> int:
    """Wait for the attempt; which one it is."""
    while True:
        snapshot = site.documents.get(job_id)
        found = 0 if snapshot is None else int(snapshot.fields.get("attempt", 0))
        if found >= attempt:
            return found
        time.sleep(0.05)


def status_of(site: Site, job_id: str) -> str:
    """The document's status."""
    snapshot = site.documents.get(job_id)
    return "" if snapshot is None else str(snapshot.fields["status"])


def kill(running: Fleet) -> None:
    """End its processes at once."""
    for process in running.processes:
        process.kill()
        process.wait()
    running.processes.clear()


def per_job(counts: Counter[str], jobs: int) -> Figures:
    """Each figure by the job."""
    return {name: round(counts[name] / jobs, 1) for name in ("reads", "writes", "swept", "got", "listened")}


def measure(part: str, idle_s: float, kills: int) -> Figures:
    """One part with an emulator of its own."""
    with ExitStack() as stack:
        firestore = stack.enter_context(start_firestore())
        pubsub = stack.enter_context(start_pubsub())
        proxy = stack.enter_context(CountingProxy(firestore.host))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = Site(f"demo-{uuid.uuid4().hex[:8]}", firestore.host, pubsub.host, scratch, "watch", consumers_at=proxy.host)
        stack.callback(site.documents.close)
        match part:
            case "idle":
                return idle(site, proxy, idle_s)
            case "backlog":
                return at_once(site, proxy, BACKLOG, workers=2)
            case "running":
                return at_once(site, proxy, RUNNING, workers=RUNNING)
            case "takeover":
                return takeover(site, kills)
            case _:
                return cancel(site)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a figure is above its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle-s", type=float, default=330.0)
    parser.add_argument("--kills", type=int, default=5)
    parts = ["idle", "backlog", "running", "takeover", "cancel"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    above = False
    for part in chosen.only:
        figures = measure(part, chosen.idle_s, chosen.kills)
        missed = [name for name, target in TARGETS.items() if figures.get(name, 0) > target]
        above = above or bool(missed)
        sys.stdout.write(json.dumps({"part": part, **figures, "aboveTarget": missed}) + "\n")
        sys.stdout.flush()
    return int(above)


if __name__ == "__main__":
    sys.exit(main())
