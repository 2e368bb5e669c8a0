"""Helpers for tests of the consumer: jobs on an embedded backend, and the real parts with a fast analysis."""

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
    """Settings for a test: short times, and without the environment's variables."""
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
    """Upload a video with instructions for `tests.work`."""
    file = scratch / "upload"
    file.write_bytes(video(**instructions))
    backend.objects.upload(file, path, content_type="video/mp4")


def put_job(backend: Backend, job_id: str = "job", **changes: Any) -> None:
    """Write a job's document as the app does."""
    fields = {"owner": OWNER, "video": VIDEO, "status": "uploaded", "createdAt": SERVER_TIME, **changes}
    backend.documents.create(job_id, {name: value for name, value in fields.items() if value is not None})


def change(backend: Backend, job_id: str, changes: Mapping[str, Any]) -> None:
    """Change a document without any check."""
    backend.documents.update(document(backend, job_id), changes)


def document(backend: Backend, job_id: str = "job") -> Snapshot:
    """Read a document that must exist."""
    snapshot = backend.documents.get(job_id)
    assert snapshot is not None
    return snapshot


def fields(backend: Backend, job_id: str = "job") -> Mapping[str, Any]:
    """Read the fields of a document that must exist."""
    return document(backend, job_id).fields


def claims(backend: Backend, using: Settings, worker: str = "w1") -> Claims:
    """Make the `Claims` of one consumer."""
    return Claims(backend.documents, using, worker=worker, exercises=EXERCISES, metrics=Metrics())


def claim(backend: Backend, using: Settings, job_id: str = "job") -> Lease:
    """Claim a job that is due."""
    lease = claims(backend, using).claim(job_id)
    assert isinstance(lease, Lease)
    return lease


def job_of(backend: Backend, job_id: str = "job") -> Job:
    """Read a document as a `Job`."""
    return Job.parse(document(backend, job_id), EXERCISES)


def worker(backend: Backend, using: Settings, sandbox: Sandbox, hook: Callable[[str], None] = lambda _: None) -> Worker:
    """Make a worker with the fast analysis of `tests.work`."""
    spool = Spool(using.data_dir / "spool", min_free_bytes=using.min_free_bytes)
    context = WorkContext(backend, spool, sandbox, using, model=ROOT / "setup.cfg", analysis=WORK, hook=hook)
    return Worker(context, Metrics())


def eventually(true: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Whether the condition becomes true within `timeout_s`."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.02)
    return False


def in_background(work: Callable[[], object]) -> threading.Thread:
    """Start a thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
