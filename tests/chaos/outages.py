"""The stores go away while jobs run; on the embedded backend its files do."""

import time
from collections.abc import Callable

from tests.chaos.ground import Ground
from tests.chaos.kills import PATIENCE_S, running
from tests.chaos.report import Report
from tests.consumer_kit import eventually
from tests.faults import Mode, TcpProxy

JOBS = 6


def everything(ground: Ground, report: Report, *, seconds: float) -> None:
    """Each store away for so many seconds, then each transfer cut; every job is analysed once and done."""
    if ground.name == "local":
        _objects_away(ground, report, seconds)
        return
    storage_url = ground.environment["STORAGE_EMULATOR_HOST"]
    firestore_host = ground.environment["FIRESTORE_EMULATOR_HOST"]
    with TcpProxy(storage_url.removeprefix("http://")) as storage, TcpProxy(firestore_host) as firestore:
        ground.environment = {
            **ground.environment,
            "STORAGE_EMULATOR_HOST": f"http://{storage.host}",
            "FIRESTORE_EMULATOR_HOST": firestore.host,
        }
        _outage(ground, report, "storage away", seconds, switch=storage.set)
        _outage(ground, report, "documents away", seconds, switch=firestore.set)


def _objects_away(ground: Ground, report: Report, seconds: float) -> None:
    objects, hidden = ground.data_dir / "objects", ground.data_dir / "hidden"

    def switch(mode: Mode) -> None:
        if mode is Mode.PASS:
            objects.unlink()
            hidden.rename(objects)
        else:
            # A link to itself where the directory was: nothing can be read or written below it.
            objects.rename(hidden)
            objects.symlink_to(objects)

    _outage(ground, report, "storage away", seconds, switch=switch)


def _outage(ground: Ground, report: Report, what: str, seconds: float, *, switch: Callable[[Mode], None]) -> None:
    """Jobs that have been downloaded when it begins, and are analysed when it ends."""
    jobs = [f"{what.replace(' ', '-')}-{number}" for number in range(JOBS)]
    with running(ground, settings={"workers": 2, "outage_retry_s": 1, "sweep_s": 1, "lease_s": 10}):
        for number, job in enumerate(jobs):
            ground.put(job, reps=number, sleep=2.0)
        # In the middle of an analysis: its results have to wait.
        assert eventually(lambda: any(ground.walk()["analysing started", job] for job in jobs), PATIENCE_S)
        switch(Mode.DROP)
        time.sleep(seconds)
        switch(Mode.PASS)
        report.figure(f"{ground.name}, {what} for {seconds:.0f} s, all done", _settled(ground), True)
    walk = ground.walk()
    done = ground.documents()
    report.figure("  done", sum(done[job]["status"] == "done" for job in jobs), JOBS)
    report.figure("  analysed more than once", sum(walk["analysing finished", job] > 1 for job in jobs), 0)
    report.figure("  attempts used up by it", sum(done[job]["attempt"] - 1 for job in jobs), 0)
    report.figure("  leases left", ground.leases(), 0)


def _settled(ground: Ground) -> bool:
    return eventually(lambda: ground.unfinished() == 0, PATIENCE_S)
