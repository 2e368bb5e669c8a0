"""Broken lines to Firestore: what is written meanwhile must be processed, soon. Each is a way in which a watch goes deaf."""

import time

import grpc

from consumer.jobs.document import Status
from tests.chaos.ground import Ground
from tests.chaos.report import Report
from tests.consumer_kit import eventually
from tests.daemons import Process
from tests.faults import GrpcProxy, Mode, TcpProxy

SOON_S = 60.0
"""After a fault's end, or after the beginning of one that does not end: a connection that is half-open."""

PATIENCE_S = 180.0

AS_SHIPPED = {"sweep_s": 15, "lease_s": 30, "max_attempts": 3}


def everything(ground: Ground, report: Report, *, seconds: float) -> None:
    """Each fault on its own."""
    direct = ground.environment
    host = direct["FIRESTORE_EMULATOR_HOST"]
    for fault in (_cut, _half_open, _silent):
        with TcpProxy(host) as proxy:
            ground.environment = {**direct, "FIRESTORE_EMULATOR_HOST": proxy.host}
            daemon = _hearing(ground)
            fault(ground, report, proxy, seconds)
            daemon.end()
    with GrpcProxy(host) as refusing:
        ground.environment = {**direct, "FIRESTORE_EMULATOR_HOST": refusing.host}
        refusing.fail_next("Listen", grpc.StatusCode.PERMISSION_DENIED)
        daemon = _hearing(ground)
        again = eventually(lambda: refusing.calls["Listen"] >= 2, SOON_S)
        report.figure("the watch refused once, opened again", again, True)
        daemon.end()
    ground.environment = direct


def _hearing(ground: Ground) -> Process:
    """A daemon that hears: it has done a job."""
    daemon = ground.daemon(settings=AS_SHIPPED)
    assert eventually(lambda: daemon.says("Ready"), PATIENCE_S), daemon.log.read_text()
    _wait(ground, [_put(ground)], time.monotonic())
    return daemon


def _cut(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """Nothing is reached for a while."""
    proxy.set(Mode.DROP)
    jobs = _put_for(ground, seconds)
    proxy.set(Mode.PASS)
    _tell(report, f"the line cut for {seconds:.0f} s", _wait(ground, jobs, time.monotonic()))


def _half_open(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """The connections of the moment are dead, and nobody says so; new ones work."""
    started = time.monotonic()
    proxy.set(Mode.SWALLOW)
    proxy.set(Mode.PASS)
    jobs = _put_for(ground, min(seconds, 5.0))
    _tell(report, "half-open, from the beginning", _wait(ground, jobs, started))


def _silent(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """Connections are taken, and no byte comes back, for a while."""
    proxy.set(Mode.SWALLOW)
    jobs = _put_for(ground, seconds)
    proxy.set(Mode.PASS)
    _tell(report, f"silent for {seconds:.0f} s", _wait(ground, jobs, time.monotonic()))


def _put_for(ground: Ground, seconds: float) -> list[str]:
    until = time.monotonic() + seconds
    jobs = [_put(ground)]
    while time.monotonic() < until:
        time.sleep(min(seconds / 5, 5.0))
        jobs.append(_put(ground))
    return jobs


def _put(ground: Ground) -> str:
    job = f"job-{time.monotonic_ns()}"
    ground.put(job)
    return job


def _wait(ground: Ground, jobs: list[str], since: float) -> float | None:
    """Seconds until all are done; None when they are not."""

    def done() -> bool:
        documents = ground.documents()
        return all(documents[job]["status"] == Status.DONE for job in jobs)

    return time.monotonic() - since if eventually(done, PATIENCE_S) else None


def _tell(report: Report, what: str, seconds: float | None) -> None:
    report.figure(f"{what}: all done after", "never" if seconds is None else f"{seconds:.1f} s")
    report.figure(f"  within {SOON_S:.0f} s", seconds is not None and seconds <= SOON_S, True)
