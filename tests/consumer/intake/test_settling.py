"""What needs no work is ended by the intake, while every worker is busy."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from tests.consumer_kit import OWNER, VIDEO, change, eventually, fields, in_background, put_job, put_video, settings
from tests.work import ROOT, WORK

pytestmark = pytest.mark.slow

LEASE = {"token": "t", "worker": "w", "seconds": 30}


@contextmanager
def busy_daemon(backend: Backend, tmp_path: Path, *, sweep_s: float) -> Iterator[Backend]:
    """A daemon whose only worker is busy for longer than the test takes."""
    put_video(backend, tmp_path, hang=True)
    put_job(backend, "running")
    using = settings(tmp_path, workers=1, sweep_s=sweep_s, grace_s=0, lease_s=30)
    daemon = Daemon(backend, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    serving = in_background(daemon.serve)
    assert eventually(lambda: fields(backend, "running")["status"] == "processing")
    yield backend
    daemon.stop()
    serving.join(20)


@pytest.fixture
def busy(backend: Backend, tmp_path: Path) -> Iterator[Backend]:
    with busy_daemon(backend, tmp_path, sweep_s=30) as made:
        yield made


def test_a_malformed_job_ends_with_the_next_sweep_though_all_workers_are_busy(backend: Backend, tmp_path: Path) -> None:
    with busy_daemon(backend, tmp_path, sweep_s=0.5):
        put_job(backend, video=7)
        assert eventually(lambda: fields(backend)["status"] == "failed", 5)
        assert fields(backend)["error"]["code"] == "invalid_request"


def test_an_exercise_that_nobody_knows_fails_after_a_while(
    busy: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.intake.claims.LEFT_S", 1.0)
    monkeypatch.setattr("consumer.daemon.LEFT_S", 1.0)
    using = settings(tmp_path / "idle", sweep_s=60)
    idle = Daemon(busy, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    serving = in_background(idle.serve)
    put_job(busy, exercise="zumba")
    time.sleep(0.5)
    assert fields(busy)["status"] == "uploaded"
    assert eventually(lambda: fields(busy)["status"] == "failed", 10)
    assert fields(busy)["error"]["code"] == "invalid_request"
    idle.stop()
    serving.join(20)


@pytest.mark.parametrize("state", [{}, {"status": "waiting"}], ids=["uploaded", "waiting"])
def test_a_cancelled_job_ends_at_once_though_all_workers_are_busy(busy: Backend, state: dict[str, Any]) -> None:
    put_job(busy, **state)
    change(busy, "job", {"cancelRequested": True})
    assert eventually(lambda: fields(busy)["status"] == "cancelled", 3)
    assert fields(busy, "running")["status"] == "processing"


@pytest.mark.parametrize("state", [{}, {"status": "done"}, {"video": 5}, {"status": "failed", "owner": None}])
def test_a_deleted_job_goes_with_all_that_belongs_to_it(busy: Backend, tmp_path: Path, state: dict[str, Any]) -> None:
    video, other = f"users/{OWNER}/uploads/other.mp4", f"users/{OWNER}/results/job-2/1/report.json"
    for path in (video, other, f"users/{OWNER}/results/job/1/report.json"):
        put_video(busy, tmp_path, path)
    put_job(busy, **{"video": video, **state})
    change(busy, "job", {"deleteRequested": True})
    assert eventually(lambda: busy.documents.get("job") is None, 3)
    left = set(busy.objects.list(""))
    assert {VIDEO, other} <= left
    if not {"video", "owner"} & state.keys():
        assert left == {VIDEO, other}


def test_a_video_of_another_owner_is_not_removed(busy: Backend, tmp_path: Path) -> None:
    theirs = "users/bob/uploads/theirs.mp4"
    put_video(busy, tmp_path, theirs)
    put_job(busy, video=theirs, deleteRequested=True)
    assert eventually(lambda: busy.documents.get("job") is None, 3)
    assert theirs in busy.objects.list("")


def test_a_running_job_that_is_deleted_stops_and_goes(busy: Backend, tmp_path: Path) -> None:
    change(busy, "running", {"deleteRequested": True})
    assert eventually(lambda: busy.documents.get("running") is None, 10)
    assert list(busy.objects.list("")) == []
    assert list((tmp_path / "spool").iterdir()) == []
    put_video(busy, tmp_path)
    put_job(busy)
    assert eventually(lambda: fields(busy)["status"] == "done")


def test_a_deleted_job_of_another_worker_is_removed_after_its_lease(busy: Backend) -> None:
    now = fields(busy, "running")["createdAt"]
    put_job(busy, status="processing", deleteRequested=True, lease={**LEASE, "seconds": 3.0, "renewedAt": now})
    assert eventually(lambda: busy.documents.get("job") is None, 10)
