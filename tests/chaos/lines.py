"""Broken connections to Firestore, which can silence a watch. Jobs that are written meanwhile must be processed soon."""

import time

import grpc

from consumer.jobs.document import Status
from tests.chaos.ground import Ground
from tests.chaos.report import Report
from tests.consumer_kit import eventually
from tests.daemons import Process
from tests.faults import GrpcProxy, Mode, TcpProxy

SOON_S = 60.0
"""Longest time until all jobs are done, from the end of a fault; for a half-open connection from its start."""

PATIENCE_S = 180.0

AS_SHIPPED = {"sweep_s": 15, "lease_s": 30, "max_attempts": 3}


def everything(ground: Ground, report: Report, *, seconds: float) -> None:
    """Run each fault by itself."""
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
    """Start a daemon and wait until it has done a job, so its watch works."""
    daemon = ground.daemon(settings=AS_SHIPPED)
    assert eventually(lambda: daemon.says("Ready"), PATIENCE_S), daemon.log.read_text()
    _wait(ground, [_put(ground)], time.monotonic())
    return daemon


def _cut(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """Cut all connections for a while."""
    proxy.set(Mode.DROP)
    jobs = _put_for(ground, seconds)
    proxy.set(Mode.PASS)
    _tell(report, f"the line cut for {seconds:.0f} s", _wait(ground, jobs, time.monotonic()))


def _half_open(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """Make the current connections half-open; new ones work."""
    started = time.monotonic()
    proxy.set(Mode.SWALLOW)
    proxy.set(Mode.PASS)
    jobs = _put_for(ground, min(seconds, 5.0))
    _tell(report, "half-open, from the beginning", _wait(ground, jobs, started))


def _silent(ground: Ground, report: Report, proxy: TcpProxy, seconds: float) -> None:
    """Accept connections, but send no byte back, for a while."""
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
    """Seconds until all jobs are done; None when they are not."""

    def done() -> bool:
        documents = ground.documents()
        return all(documents[job]["status"] == Status.DONE for job in jobs)

    return time.monotonic() - since if eventually(done, PATIENCE_S) else None


def _tell(report: Report, what: str, seconds: float | None) -> None:
    report.figure(f"{what}: all done after", "never" if seconds is None else f"{seconds:.1f} s")
    report.figure(f"  within {SOON_S:.0f} s", seconds is not None and seconds <= SOON_S, True)
