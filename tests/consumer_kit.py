"""What tests of the consumer start from: an embedded backend with jobs, the real parts around it, cheap analyses."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from consumer.backends import SERVER_TIME, Backend, Snapshot
from consumer.intake import Claims
from consumer.jobs.document import Job
from consumer.operations.metrics import Metrics
from consumer.sandbox.supervisor import Sandbox
from consumer.settings import Settings
from consumer.work.lease import Lease
from consumer.work.spool import Spool
from consumer.work.stages import WorkContext
from consumer.work.worker import Worker
from tests.work import ROOT, WORK, video

EXERCISES = frozenset({"squat", "push_up"})
OWNER = "ann"
VIDEO = f"users/{OWNER}/uploads/set.mp4"


def settings(data_dir: Path, **changes: Any) -> Settings:
    """Settings for a test: quick, and deaf to the environment."""
    quick = {
        "health_port": 0,
        "max_per_owner": 0,
        "retry_base_s": 0.2,
        "outage_retry_s": 0.2,
        "sweep_s": 0.5,
        "lease_s": 2.0,
        "min_free_bytes": 0,
    }
    return Settings(_env_file=None, data_dir=data_dir, **{**quick, **changes})  # type: ignore[call-arg, arg-type]


def put_video(backend: Backend, scratch: Path, path: str = VIDEO, **instructions: Any) -> None:
    """Upload a video for `tests.work`."""
    file = scratch / "upload"
    file.write_bytes(video(**instructions))
    backend.objects.upload(file, path, content_type="video/mp4")


def put_job(backend: Backend, job_id: str = "job", **changes: Any) -> None:
    """What the app writes."""
    fields = {"owner": OWNER, "video": VIDEO, "status": "uploaded", "createdAt": SERVER_TIME, **changes}
    backend.documents.create(job_id, {name: value for name, value in fields.items() if value is not None})


def change(backend: Backend, job_id: str, changes: Mapping[str, Any]) -> None:
    """Write past all rules."""
    backend.documents.update(document(backend, job_id), changes)


def document(backend: Backend, job_id: str = "job") -> Snapshot:
    """The document, which is there."""
    snapshot = backend.documents.get(job_id)
    assert snapshot is not None
    return snapshot


def fields(backend: Backend, job_id: str = "job") -> Mapping[str, Any]:
    """Its fields."""
    return document(backend, job_id).fields


def claims(backend: Backend, using: Settings, worker: str = "w1") -> Claims:
    """What claims for one process."""
    return Claims(backend.documents, using, worker=worker, exercises=EXERCISES, metrics=Metrics())


def claim(backend: Backend, using: Settings, job_id: str = "job") -> Lease:
    """A lease of a job that is due."""
    lease = claims(backend, using).claim(job_id)
    assert isinstance(lease, Lease)
    return lease


def job_of(backend: Backend, job_id: str = "job") -> Job:
    """The document as a job."""
    return Job.parse(document(backend, job_id), EXERCISES)


def worker(backend: Backend, using: Settings, sandbox: Sandbox, hook: Callable[[str], None] = lambda _: None) -> Worker:
    """A worker with cheap analyses."""
    spool = Spool(using.data_dir / "spool", min_free_bytes=using.min_free_bytes)
    context = WorkContext(backend, spool, sandbox, using, model=ROOT / "setup.cfg", analysis=WORK, hook=hook)
    return Worker(context, Metrics())


def eventually(true: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Whether it becomes true within the time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return False


def in_background(work: Callable[[], object]) -> threading.Thread:
    """A started thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
