"""What happens when the storage refuses every job: few claims, a health problem, longer and longer waits."""

import http.client
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from consumer.backends import Backend, Denied
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.jobs.document import Stage
from consumer.jobs.errors import ErrorCode, JobError
from consumer.operations.metrics import Metrics
from consumer.work.breaker import REFUSALS, Breaker
from consumer.work.endings import Endings
from tests.consumer_kit import (
    change,
    claim,
    document,
    eventually,
    fields,
    in_background,
    put_job,
    put_video,
    settings,
)
from tests.emulators import free_port
from tests.work import ROOT, WORK

pytestmark = pytest.mark.slow


def http_status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


class Objects:
    """A bucket that may refuse everything."""

    def __init__(self, backend: Backend) -> None:
        self._objects = backend.objects
        self.refusing = True
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        if self.refusing:
            raise Denied("There is no bucket.")
        return getattr(self._objects, name)


def test_three_refusals_open_the_breaker_which_admits_one_job_at_a_time() -> None:
    breaker = Breaker(Metrics(), first_pause_s=0.2)
    for _ in range(REFUSALS - 1):
        breaker.record_refusal(Stage.DOWNLOADING, "no bucket")
    assert breaker.problem is None
    assert breaker.admit()
    breaker.record_refusal(Stage.DOWNLOADING, "no bucket")
    assert "no bucket" in (breaker.problem or "")
    assert not breaker.admit()
    assert eventually(breaker.admit, 2)
    assert not breaker.admit()


def test_only_success_in_the_refused_stage_closes_the_breaker() -> None:
    breaker = Breaker(Metrics())
    for _ in range(REFUSALS):
        breaker.record_refusal(Stage.UPLOADING, "no right to write")
        breaker.record_success(Stage.DOWNLOADING)
    assert breaker.problem
    breaker.record_success(Stage.UPLOADING)
    assert breaker.problem is None
    assert breaker.wait_s() == 0


def test_refusals_are_reported_cause_few_claims_and_pass(backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    for number in range(8):
        put_job(backend, f"job-{number}")
    objects = Objects(backend)
    broken: Any = Backend("local", backend.documents, objects)  # type: ignore[arg-type]
    using = settings(tmp_path, workers=2, outage_retry_s=0.1, health_port=free_port())
    daemon = Daemon(broken, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    serving = in_background(daemon.serve)
    assert eventually(lambda: "The storage has refused" in " ".join(daemon.health().problems))
    # A restart mends no refusal: the liveness probe must not ask for one.
    assert (http_status(using.health_port, "/healthz"), http_status(using.health_port, "/readyz")) == (200, 503)
    time.sleep(0.5)
    before = objects.asked
    time.sleep(2.5)
    # Eight jobs that come again each 0.1 s: without the breaker these are dozens.
    assert objects.asked - before <= 2
    assert "dothis_storage_refusals 0.0" not in generate_latest(daemon.metrics.registry).decode()
    objects.refusing = False
    assert eventually(lambda: all(fields(backend, f"job-{number}")["status"] == "done" for number in range(8)), 40)
    assert daemon.health().problems == []
    assert http_status(using.health_port, "/readyz") == 200
    text = generate_latest(daemon.metrics.registry).decode()
    assert "dothis_queue_wait_seconds_count 8.0" in text
    assert not any("outages" in fields(backend, f"job-{number}") for number in range(8))
    daemon.stop()
    serving.join(20)


def test_a_job_that_was_put_off_is_tried_on_time_without_a_sweep(backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    objects = Objects(backend)
    broken: Any = Backend("local", backend.documents, objects)  # type: ignore[arg-type]
    using = settings(tmp_path, outage_retry_s=1, sweep_s=600)
    daemon = Daemon(broken, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    serving = in_background(daemon.serve)
    assert eventually(lambda: daemon.health().facts["watching"])
    time.sleep(2)  # The sweeps of the start are over.
    put_job(backend)
    assert eventually(lambda: fields(backend)["status"] == "waiting")
    objects.refusing = False
    assert eventually(lambda: fields(backend)["status"] == "done", 20)
    daemon.stop()
    serving.join(20)


def test_each_further_outage_is_waited_for_longer(backend: Backend, tmp_path: Path) -> None:

    put_job(backend)
    using = settings(tmp_path, outage_retry_s=10, retry_max_s=600)
    waits = []
    for _ in range(6):
        lease = claim(backend, using)
        before = document(backend).read_time
        Endings(using, Metrics()).record_failure(lease, JobError(ErrorCode.UNAVAILABLE))
        waits.append((fields(backend)["notBefore"] - before).total_seconds())
        assert fields(backend)["attempt"] == 0
        change(backend, "job", {"notBefore": before - timedelta(seconds=1)})
    assert waits[0] <= 11
    assert waits[-1] >= 160
