from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, Snapshot
from consumer.housekeeping import Housekeeping
from consumer.jobs import Stage
from consumer.keeping import Forgotten, forget
from consumer.metrics import Metrics
from consumer.paths import InvalidPath
from consumer.spool import Spool
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

    def test_of_an_unknown_owner_removes_nothing(self, backend: Backend, spool: Spool) -> None:
        assert forget(backend, spool, "nobody") == Forgotten(0, 0, 0)

    @pytest.mark.parametrize("owner", ["", "..", "a/b", "users", "references", "temp", "a\x00"])
    def test_of_what_is_no_owner_is_refused(self, backend: Backend, spool: Spool, tmp_path: Path, owner: str) -> None:
        put_video(backend, tmp_path)
        with pytest.raises(InvalidPath):
            forget(backend, spool, owner)
        assert list(backend.objects.list(""))


class TestHousekeeping:
    def test_results_that_have_had_their_time_go(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        for job_id, days in (("old", 31), ("young", 29)):
            put_job(backend, job_id, status="done")
            then = document(backend, job_id).read_time - timedelta(days=days)
            change(backend, job_id, {"finishedAt": then})
            put_video(backend, tmp_path, f"users/ann/results/{job_id}/1/report.json")
        put_job(backend, "running", status="processing")
        put_video(backend, tmp_path)
        using = settings(tmp_path, results_days=30)
        Housekeeping(backend, using, spool, Metrics()).clean()
        assert sorted(snapshot.id for snapshot in backend.documents.find({})) == ["running", "young"]
        kept = ["users/ann/results/young/1/report.json", "users/ann/uploads/set.mp4"]
        assert list(backend.objects.list("")) == kept

    def test_results_where_the_older_app_looks_go_with_the_last_run(
        self, backend: Backend, spool: Spool, tmp_path: Path
    ) -> None:
        video, report = "temp/video/user/ann/a.mp4", "ann/a_result/a.json"
        using = settings(tmp_path, results_days=30)

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
        Housekeeping(backend, settings(tmp_path, results_days=30), spool, Metrics()).clean()
        assert list(backend.objects.list("")) == [theirs]

    def test_a_strange_time_does_not_end_the_forgetting(
        self, backend: Backend, spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def find(*arguments: Any, **options: Any) -> list[Snapshot]:
            return sorted(found(*arguments, **options), key=lambda snapshot: snapshot.fields["finishedAt"] != 0)

        found = backend.documents.find
        monkeypatch.setattr(backend.documents, "find", find)  # Firestore puts numbers before times
        put_job(backend, "strange", status="done", finishedAt=0)
        put_job(backend, "old", status="done")
        change(backend, "old", {"finishedAt": document(backend, "old").read_time - timedelta(days=31)})
        Housekeeping(backend, settings(tmp_path, results_days=30), spool, Metrics()).clean()
        assert backend.documents.get("old") is None

    def test_without_a_lifetime_everything_stays(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        put_job(backend, status="done")
        change(backend, "job", {"finishedAt": document(backend).read_time - timedelta(days=10_000)})
        Housekeeping(backend, settings(tmp_path), spool, Metrics()).clean()
        assert backend.documents.get("job") is not None

    def test_remains_of_jobs_that_are_over_go(self, backend: Backend, spool: Spool, tmp_path: Path) -> None:
        for job_id, status in (("done", "done"), ("gone", "uploaded"), ("waiting", "waiting")):
            put_job(backend, job_id, status=status)
            leave_remains(backend, spool, job_id)
        backend.documents.delete("gone")
        metrics = Metrics()
        Housekeeping(backend, settings(tmp_path), spool, metrics).clean()
        assert remains(spool) == ["waiting"]
        assert metrics.spool_bytes._value.get() > 0
