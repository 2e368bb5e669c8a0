import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend
from consumer.jobs.document import Stage
from consumer.jobs.paths import InvalidPath
from consumer.operations.housekeeping import Housekeeping
from consumer.operations.metrics import Metrics
from consumer.operations.removal import Forgotten, forget, remove_job
from consumer.operations.retention import Retention
from consumer.work.spool import Spool
from tests.consumer_kit import change, document, job_of, put_job, put_video, settings

OBJECTS = (
    "users/ann/uploads/a.mp4",
    "users/ann/results/j1/1/report.json",
    "users/anna/uploads/a.mp4",
    "temp/video/user/ann/a.mp4",
    "ann/a_result/a.json",
    "references/best.mp4",
)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def leave_remains(backend: Backend, spool: Spool, job_id: str) -> None:
    with spool.open(job_of(backend, job_id)) as place:
        place.begin(Stage.DOWNLOADING)


def remains(spool: Spool) -> list[str | None]:
    return sorted(str(entry.job) for entry in spool.remains())


class TestRemoveJob:
    def test_removes_its_entry_in_the_history_and_its_message(self, backend: Backend) -> None:
        put_job(backend, "job")
        for job_id in ("job", "other"):
            for path in ("users/ann/history", "pushes"):
                backend.documents.collection(path).create(job_id, {"owner": "ann"})
        remove_job(backend, document(backend, "job"))
        assert backend.documents.get("job") is None
        for path in ("users/ann/history", "pushes"):
            assert [left.id for left in backend.documents.collection(path).find({})] == ["other"]


class TestForget:
    def test_removes_everything_of_one_owner_and_nothing_else(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        for path in OBJECTS:
            put_video(backend, tmp_path, path)
        for number in range(120):
            put_job(backend, f"ann-{number}")
        put_job(backend, "other", owner="anna", video="users/anna/uploads/a.mp4")
        for job_id in ("ann-1", "other"):
            leave_remains(backend, spool, job_id)
        assert forget(backend, spool, "ann") == Forgotten(documents=120, objects=4, spool_entries=1)
        assert list(backend.objects.list("")) == ["references/best.mp4", "users/anna/uploads/a.mp4"]
        assert [snapshot.id for snapshot in backend.documents.find({})] == ["other"]
        assert remains(spool) == ["other"]

    def test_removes_history_devices_and_messages_that_are_due(self, backend: Backend, spool: Spool) -> None:
        for owner in ("ann", "anna"):
            for path in (f"users/{owner}/history", f"users/{owner}/devices", "pushes"):
                backend.documents.collection(path).create(f"of-{owner}", {"owner": owner})
        assert forget(backend, spool, "ann") == Forgotten(documents=3, objects=0, spool_entries=0)
        left = [backend.documents.collection(path).find({}) for path in ("users/ann/history", "users/ann/devices", "pushes")]
        assert [[snapshot.id for snapshot in page] for page in left] == [[], [], ["of-anna"]]
        assert len(backend.documents.collection("users/anna/history").find({})) == 1

    def test_of_an_unknown_owner_removes_nothing(self, backend: Backend, spool: Spool) -> None:
        assert forget(backend, spool, "nobody") == Forgotten(0, 0, 0)

    @pytest.mark.parametrize("owner", ["", "..", "a/b", "users", "references", "temp", "a\x00"])
    def test_an_invalid_owner_is_refused(self, backend: Backend, spool: Spool, tmp_path: Path, owner: str) -> None:
        put_video(backend, tmp_path)
        with pytest.raises(InvalidPath):
            forget(backend, spool, owner)
        assert list(backend.objects.list(""))


def clean(backend: Backend, spool: Spool, data_dir: Path, **changes: Any) -> None:
    """One turn of housekeeping."""
    Housekeeping(backend, settings(data_dir, **changes), spool, Metrics()).clean()


def make_older(backend: Backend, data_dir: Path, days: float) -> None:
    """Give every object an older time."""
    for path in backend.objects.list(""):
        then = time.time() - days * 86_400
        os.utime(data_dir / "objects" / path, (then, then))


class TestRetention:
    @pytest.mark.parametrize("status", ["uploaded", "waiting", "processing", "done", "failed", "cancelled"])
    def test_an_old_job_in_any_status_is_removed_with_video_and_results(
        self, backend: Backend, spool: Spool, tmp_path: Path, status: str
    ) -> None:
        for job_id, days in (("old", 31), ("young", 29)):
            video = f"users/ann/uploads/{job_id}.mp4"
            put_job(backend, job_id, status=status, video=video)
            change(backend, job_id, {"createdAt": document(backend, job_id).read_time - timedelta(days=days)})
            for path in (video, f"users/ann/results/{job_id}/1/report.json"):
                put_video(backend, tmp_path, path)
        clean(backend, spool, tmp_path, retention_days=30)
        assert [snapshot.id for snapshot in backend.documents.find({})] == ["young"]
        assert list(backend.objects.list("")) == ["users/ann/results/young/1/report.json", "users/ann/uploads/young.mp4"]

    def test_an_old_running_job_is_removed_after_its_end(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        now = datetime.now(UTC)
        lease = {"token": "t", "worker": "w", "renewedAt": now, "seconds": 30}
        put_job(backend, status="processing", createdAt=now - timedelta(days=31), lease=lease)
        clean(backend, spool, tmp_path, retention_days=30)
        change(backend, "job", {"lease.renewedAt": now - timedelta(seconds=31)})
        clean(backend, spool, tmp_path, retention_days=30)
        assert backend.documents.get("job") is None

    def test_more_than_a_page_goes_past_jobs_in_hand(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        old = datetime.now(UTC) - timedelta(days=31)
        lease = {"token": "t", "worker": "w", "renewedAt": datetime.now(UTC), "seconds": 300}
        for number in range(250):
            held = {"status": "processing", "lease": lease} if number < 120 else {}
            put_job(backend, f"job{number:03}", createdAt=old, **held)
        clean(backend, spool, tmp_path, retention_days=30)
        assert [snapshot.id for snapshot in backend.documents.find({}, limit=500)] == [f"job{n:03}" for n in range(120)]

    def test_objects_without_a_document_are_removed_by_path(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        kept = ["a_result/b_result/c.json", "references/best.mp4", "users/ann/photo.png", "users/ann/results/notes.txt"]
        gone = ["temp/video/user/ann@b.c/a.mp4", "users/ann/results/job/1/report.json", "users/bob/uploads/2026/a.mp4"]
        for path in (*kept, *gone):
            put_video(backend, tmp_path, path)
        make_older(backend, tmp_path, 31)
        put_video(backend, tmp_path, "users/ann/uploads/young.mp4")
        clean(backend, spool, tmp_path, retention_days=32)
        put_job(backend, "other")
        clean(backend, spool, tmp_path, retention_days=30)
        assert list(backend.objects.list("")) == sorted([*kept, "users/ann/uploads/young.mp4"])

    def test_a_document_of_another_kind_stays(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_job(backend, "theirs", status="published", createdAt=datetime.now(UTC) - timedelta(days=31))
        clean(backend, spool, tmp_path, retention_days=30)
        assert backend.documents.get("theirs") is not None

    def test_a_video_that_the_older_app_wrote_anew_stays(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        video = "temp/video/user/ann/a.mp4"
        put_video(backend, tmp_path, video)
        for job_id, days in (("first", 31), ("second", 29)):
            put_job(backend, job_id, status="done", origin="shim", video=video)
            change(backend, job_id, {"createdAt": document(backend, job_id).read_time - timedelta(days=days)})
        clean(backend, spool, tmp_path, retention_days=30)
        assert backend.documents.get("first") is None
        assert list(backend.objects.list("")) == [video]


class TestOrphans:
    @pytest.fixture(autouse=True)
    def _another_job(self, backend: Backend) -> None:
        put_job(backend, "other")

    def put_results(self, backend: Backend, tmp_path: Path, *, days: float) -> None:
        for job_id in ("other", "gone"):
            for name in ("report.json", "graph.png"):
                put_video(backend, tmp_path, f"users/ann/results/{job_id}/1/{name}")
        make_older(backend, tmp_path, days)

    def test_results_whose_document_is_gone_go(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_video(backend, tmp_path)
        self.put_results(backend, tmp_path, days=1.1)
        clean(backend, spool, tmp_path)
        left = ["users/ann/results/other/1/graph.png", "users/ann/results/other/1/report.json", "users/ann/uploads/set.mp4"]
        assert list(backend.objects.list("")) == left

    def test_new_results_without_a_document_stay(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        self.put_results(backend, tmp_path, days=0.9)
        clean(backend, spool, tmp_path)
        assert len(list(backend.objects.list(""))) == 4

    def test_beside_an_empty_collection_all_results_stay(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        self.put_results(backend, tmp_path, days=10)
        backend.documents.delete("other")
        clean(backend, spool, tmp_path)
        assert len(list(backend.objects.list(""))) == 4

    def test_successive_turns_read_the_whole_bucket(
        self, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("consumer.operations.retention.OBJECTS_PAGE", 4)
        read: list[str] = []
        get = backend.documents.get
        monkeypatch.setattr(backend.documents, "get", lambda job_id: (read.append(job_id), get(job_id))[1])
        for number in range(10):
            put_job(backend, f"job{number}", owner=f"o{number}")
            put_video(backend, tmp_path, f"users/o{number}/results/job{number}/1/report.json")
        make_older(backend, tmp_path, 2)
        turns = Retention(backend, settings(tmp_path))
        for _ in range(3):
            read.clear()
            turns.remove_objects()
            assert len(read) == 4
        backend.documents.delete("job7")
        for _ in range(3):
            turns.remove_objects()
        assert len(list(backend.objects.list(""))) == 9


class TestHousekeeping:
    def test_old_results_are_removed(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        for job_id, days in (("old", 31), ("young", 29)):
            put_job(backend, job_id, status="done", createdAt=None)
            then = document(backend, job_id).read_time - timedelta(days=days)
            change(backend, job_id, {"finishedAt": then})
            put_video(backend, tmp_path, f"users/ann/results/{job_id}/1/report.json")
        put_job(backend, "running", status="processing")
        clean(backend, spool, tmp_path, retention_days=30)
        assert sorted(snapshot.id for snapshot in backend.documents.find({})) == ["running", "young"]
        assert list(backend.objects.list("")) == ["users/ann/results/young/1/report.json"]

    def test_results_where_the_older_app_looks_go_with_the_last_run(
        self, backend: Backend, spool: Spool, tmp_path: Path
    ) -> None:
        video, report = "temp/video/user/ann/a.mp4", "ann/a_result/a.json"
        using = settings(tmp_path, retention_days=30)

        def put_run(job_id: str, *, days: float) -> None:
            put_job(backend, job_id, status="done", origin="shim", video=video)
            change(backend, job_id, {"finishedAt": document(backend, job_id).read_time - timedelta(days=days)})

        put_video(backend, tmp_path, report)
        put_video(backend, tmp_path, "ann/a_result/a.json.of-someone")
        put_run("first", days=31)
        put_run("second", days=29)
        Housekeeping(backend, using, spool, Metrics()).clean()
        assert report in backend.objects.list("")
        change(backend, "second", {"finishedAt": document(backend, "second").read_time - timedelta(days=31)})
        Housekeeping(backend, using, spool, Metrics()).clean()
        assert list(backend.objects.list("")) == ["ann/a_result/a.json.of-someone"]

    def test_an_owner_with_a_slash_reaches_nobody_elses_results(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_job(backend, "x", status="done", owner="ann/results/job/../..")
        put_job(backend, "1", status="done", owner="ann/results/job/1")
        theirs = "users/ann/results/job/1/results/1/report.json"
        put_video(backend, tmp_path, theirs)
        for job_id in ("x", "1"):
            change(backend, job_id, {"finishedAt": document(backend, job_id).read_time - timedelta(days=31)})
        Housekeeping(backend, settings(tmp_path, retention_days=30), spool, Metrics()).clean()
        assert list(backend.objects.list("")) == [theirs]

    def test_an_invalid_time_does_not_stop_retention(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_job(backend, "strange", status="done", finishedAt=0, createdAt="long ago")
        put_job(backend, "old", status="done")
        change(backend, "old", {"createdAt": document(backend, "old").read_time - timedelta(days=31)})
        clean(backend, spool, tmp_path, retention_days=30)
        assert [snapshot.id for snapshot in backend.documents.find({})] == ["strange"]

    def test_without_a_lifetime_everything_stays(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_job(backend, status="done")
        change(backend, "job", {"finishedAt": document(backend).read_time - timedelta(days=10_000)})
        Housekeeping(backend, settings(tmp_path), spool, Metrics()).clean()
        assert backend.documents.get("job") is not None

    def test_directories_of_jobs_that_are_over_are_removed(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        for job_id, status in (("done", "done"), ("gone", "uploaded"), ("waiting", "waiting")):
            put_job(backend, job_id, status=status)
            leave_remains(backend, spool, job_id)
        backend.documents.delete("gone")
        metrics = Metrics()
        Housekeeping(backend, settings(tmp_path), spool, metrics).clean()
        assert remains(spool) == ["waiting"]
        assert metrics.spool_bytes._value.get() > 0
