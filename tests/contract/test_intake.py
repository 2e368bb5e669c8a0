"""The intake on both backends, without workers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.backends import Backend
from consumer.intake import Candidates, Claims, Intake, Settler
from consumer.operations.metrics import Metrics
from tests.consumer_kit import EXERCISES, OWNER, VIDEO, change, document, eventually, fields, put_job, put_video, settings


@pytest.fixture
def intake(backend: Backend, tmp_path: Path) -> Iterator[Intake]:
    using, metrics = settings(tmp_path, sweep_s=60), Metrics()
    claims = Claims(backend.documents, using, worker="w", exercises=EXERCISES, metrics=metrics)
    made = Intake(backend.documents, using, Candidates(), metrics, settles=Settler(backend, claims))
    made.start()
    assert eventually(lambda: made.watching)
    # The emulator may miss what is written while a stream begins.
    time.sleep(1.5)
    yield made
    made.stop()


def test_a_cancelled_job_ends_though_nobody_works(backend: Backend, intake: Intake) -> None:
    put_job(backend)
    put_job(backend, "later", status="waiting", notBefore=document(backend).read_time.replace(year=2100))
    for job_id in ("job", "later"):
        change(backend, job_id, {"cancelRequested": True})
        assert eventually(lambda job_id=job_id: fields(backend, job_id)["status"] == "cancelled", 3)


def test_a_deleted_job_goes_with_its_objects(backend: Backend, intake: Intake, tmp_path: Path) -> None:
    kept = f"users/{OWNER}/results/other/1/report.json"
    for path in (VIDEO, kept, f"users/{OWNER}/results/job/1/report.json", f"users/{OWNER}/results/job/2/report.json"):
        put_video(backend, tmp_path, path)
    put_job(backend, status="done")
    change(backend, "job", {"deleteRequested": True})
    assert eventually(lambda: backend.documents.get("job") is None, 5)
    assert list(backend.objects.list("")) == [kept]
