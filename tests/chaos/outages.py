"""Outages of the stores while jobs run: unreachable, refusing, slow, cut transfers; on the embedded backend missing files."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.chaos.ground import Ground
from tests.chaos.kills import PATIENCE_S, running
from tests.chaos.report import Report
from tests.consumer_kit import eventually
from tests.faults import Fault, HttpProxy, Mode, TcpProxy

JOBS = 6
"""Jobs that run when the outage begins."""

MORE = 2
"""Jobs that arrive in each phase of the outage."""

PAD = "x" * 60_000
"""Size of videos and results: large enough to be slow, and to be cut in the middle."""

Begin = Callable[[], None]


def everything(ground: Ground, report: Report, *, seconds: float) -> None:
    """Run each outage for some seconds; check that every job is done and was analysed once."""
    if ground.name == "local":
        _objects_away(ground, report, seconds)
        return
    direct = ground.environment
    storage_host = direct["STORAGE_EMULATOR_HOST"].removeprefix("http://")
    with TcpProxy(storage_host) as storage, TcpProxy(direct["FIRESTORE_EMULATOR_HOST"]) as firestore:
        ground.environment = {
            **direct,
            "STORAGE_EMULATOR_HOST": f"http://{storage.host}",
            "FIRESTORE_EMULATOR_HOST": firestore.host,
        }
        for what, proxy in (("storage away", storage), ("documents away", firestore)):
            phases, over = [lambda proxy=proxy: proxy.set(Mode.DROP)], lambda proxy=proxy: proxy.set(Mode.PASS)
            _outage(ground, report, what, seconds, phases=phases, over=over)
    with HttpProxy(storage_host) as moody:
        ground.environment = {**direct, "STORAGE_EMULATOR_HOST": f"http://{moody.host}"}
        phases = [lambda fault=fault: moody.set(fault) for fault in (Fault.REFUSE, Fault.SLOW, Fault.CUT)]
        _outage(ground, report, "storage 503, then slow, then cut", seconds, phases=phases, over=lambda: moody.set(None))
        for fault, told in ((Fault.REFUSE, "answers 503"), (Fault.SLOW, "slow transfers"), (Fault.CUT, "transfers cut")):
            report.figure(f"  {told}", moody.done[fault], at_least=1)
    ground.environment = direct


def _objects_away(ground: Ground, report: Report, seconds: float) -> None:
    objects, hidden = ground.data_dir / "objects", ground.data_dir / "hidden"

    def begin() -> None:
        # A link to itself where the directory was: nothing can be read or written below it.
        objects.rename(hidden)
        objects.symlink_to(objects)

    def over() -> None:
        objects.unlink()
        hidden.rename(objects)

    _outage(ground, report, "storage away", seconds, phases=[begin], over=over, more=0)


def _outage(
    ground: Ground, report: Report, what: str, seconds: float, *, phases: Sequence[Begin], over: Begin, more: int = MORE
) -> None:
    """Jobs that have been downloaded when it begins, are analysed in the middle of it, or arrive in each of its phases."""
    jobs: list[str] = []

    def put(count: int) -> None:
        for _ in range(count):
            jobs.append(f"{what.replace(', ', '-').replace(' ', '-')}-{len(jobs)}")
            ground.put(jobs[-1], reps=len(jobs), sleep=2.0, pad=PAD)

    with running(ground, settings={"workers": 2, "outage_retry_s": 1, "sweep_s": 1, "lease_s": 10}):
        put(JOBS)
        # In the middle of an analysis: its results have to wait.
        assert eventually(lambda: any(ground.walk()["analysing started", job] for job in jobs), PATIENCE_S)
        for begin in phases:
            begin()
            put(more)
            time.sleep(seconds)
        over()
        ended = time.monotonic()
        eventually(lambda: ground.unfinished() == 0, PATIENCE_S)
        report.figure(f"{what}, {seconds:.0f} s each: seconds until all had ended", round(time.monotonic() - ended, 1))
    walk, documents = ground.walk(), ground.documents()
    analysed = Counter(walk["analysing finished", job] for job in jobs)
    report.figure(f"  {what}: done", sum(documents[job]["status"] == "done" for job in jobs), len(jobs))
    report.figure(f"  {what}: analysed exactly once", analysed[1], len(jobs))
    report.figure(f"  {what}: attempts used up by it", sum(documents[job].get("attempt", 0) - 1 for job in jobs), 0)
    report.figure(f"  {what}: leases left", ground.leases(), 0)
