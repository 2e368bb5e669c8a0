import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, Missing, Unavailable
from consumer.jobs.document import Stage
from consumer.jobs.errors import HandedBack
from consumer.sandbox.supervisor import Sandbox
from consumer.settings import Settings
from consumer.work import stages
from tests.consumer_kit import (
    OWNER,
    change,
    claim,
    document,
    eventually,
    fields,
    in_background,
    put_job,
    put_video,
    settings,
    worker,
)

pytestmark = pytest.mark.slow

RESULTS = f"users/{OWNER}/results/job/1/"


class Bench:
    """One worker and its backend."""

    def __init__(self, backend: Backend, sandbox: Sandbox, scratch: Path, using: Settings) -> None:
        self.backend = backend
        self.using = using
        self.scratch = scratch
        self.points: list[str] = []
        self.act: Callable[[str], None] = lambda _: None
        self.worker = worker(backend, using, sandbox, self._hook)

    def _hook(self, point: str) -> None:
        self.points.append(point)
        self.act(point)

    def put(self, job: dict[str, Any] | None = None, **instructions: Any) -> None:
        put_job(self.backend, **(job or {}))
        put_video(self.backend, self.scratch, path=(job or {}).get("video", fields(self.backend)["video"]), **instructions)

    def run(self) -> dict[str, Any]:
        self.worker.run(claim(self.backend, self.using))
        return dict(fields(self.backend))

    def objects(self, prefix: str = "") -> list[str]:
        return list(self.backend.objects.list(prefix))

    def spool(self) -> list[Path]:
        return list((self.using.data_dir / "spool").iterdir())


def history(bench: Bench) -> dict[str, Any]:
    """The entries of the owner's history by job."""
    return {entry.id: entry.fields for entry in bench.backend.documents.collection("users/ann/history").find({})}


@pytest.fixture
def bench(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> Bench:
    return Bench(backend, sandbox, tmp_path, settings(tmp_path))


class TestDone:
    def test_publishes_results_and_writes_the_document(self, bench: Bench) -> None:
        bench.put()
        after = bench.run()
        assert after["status"] == "done"
        assert after["progress"] == {"stage": "annotating", "percent": 100}
        assert "lease" not in after
        assert after["result"] == {
            "exercise": "squat",
            "reps": 5,
            "goodReps": 3,
            "hold": None,
            "score": 80,
            "range": 95.0,
            "summary": "Well done.",
            "faults": [{"id": "shallow_depth", "title": "Not deep enough", "advice": "Deeper.", "reps": [2]}],
            "files": {
                "report": f"{RESULTS}report.json",
                "worst1": f"{RESULTS}worst1.png",
                "worst2": f"{RESULTS}worst2.png",
                "best": f"{RESULTS}best.png",
                "graph": f"{RESULTS}graph.png",
                "video": f"{RESULTS}annotated.mp4",
                "comparison": None,
            },
            "warnings": [],
            "sets": [
                {
                    "index": 1,
                    "exercise": "squat",
                    "startS": 1.0,
                    "endS": 9.0,
                    "reps": 5,
                    "goodReps": 3,
                    "hold": None,
                    "score": 80,
                    "range": 95.0,
                    "faults": [{"id": "shallow_depth", "title": "Not deep enough", "advice": "Deeper.", "reps": [2]}],
                }
            ],
        }
        assert bench.objects(RESULTS) == sorted(path for path in after["result"]["files"].values() if path)

    def test_leaves_nothing_on_the_volume(self, bench: Bench) -> None:
        bench.put()
        bench.run()
        assert bench.spool() == []

    def test_leaves_an_entry_in_the_history(self, bench: Bench) -> None:
        seen = []
        bench.act = lambda point: seen.append(history(bench)) if point == "annotating finished" else None
        bench.put()
        after = bench.run()
        figures = {"exercise": "squat", "reps": 5, "good": 3, "hold": None, "score": 80, "range": 95.0}
        faults = [{"id": "shallow_depth", "reps": [2]}]
        entry = {**figures, "faults": faults, "sets": [{**figures, "faults": faults}], "when": after["createdAt"]}
        assert seen == [{}]
        assert history(bench) == {"job": entry}

    def test_leaves_none_when_it_is_off(self, backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
        off = Bench(backend, sandbox, tmp_path, settings(tmp_path, history=False))
        off.put()
        assert off.run()["status"] == "done"
        assert history(off) == {}

    def test_leaves_none_of_a_job_that_was_lost(self, bench: Bench) -> None:
        def lose(point: str) -> None:
            if point == "annotating finished":
                change(bench.backend, "job", {"lease.token": "rival"})

        bench.act = lose
        bench.put()
        assert bench.run()["status"] == "processing"
        assert history(bench) == {}

    def test_keeps_the_source_unless_it_is_to_go(self, bench: Bench, sandbox: Sandbox) -> None:
        bench.put()
        bench.run()
        assert bench.objects("users/ann/uploads/") == ["users/ann/uploads/set.mp4"]
        deleting = Bench(bench.backend, sandbox, bench.scratch, settings(bench.scratch, delete_source=True))
        put_job(bench.backend, "second")
        deleting.worker.run(claim(bench.backend, deleting.using, "second"))
        assert bench.objects("users/ann/uploads/") == []

    def test_keeps_a_video_that_came_to_its_path_meanwhile(self, bench: Bench, sandbox: Sandbox) -> None:
        deleting = Bench(bench.backend, sandbox, bench.scratch, settings(bench.scratch, delete_source=True))
        deleting.put()
        deleting.act = lambda point: put_video(bench.backend, bench.scratch) if point == "analysing started" else None
        assert deleting.run()["status"] == "done"
        assert bench.objects("users/ann/uploads/") == ["users/ann/uploads/set.mp4"]

    def test_a_job_of_the_shim_also_fills_the_older_place(self, bench: Bench) -> None:
        account, name = "user@example.com", "exercise_Squat_2305092259"
        bench.put({"owner": account, "video": f"temp/video/user/{account}/{name}.mp4", "origin": "shim"})
        assert bench.run()["status"] == "done"
        start = f"{account}/{name}_result/{name}"
        expected = [f"{start}.json", f"{start}_graph.png", f"{start}_worst1.png", f"{start}_worst2.png"]
        assert bench.objects(f"{account}/") == expected

    def test_removes_what_an_earlier_attempt_published(self, bench: Bench) -> None:
        bench.put({"attempt": 1})
        file = bench.scratch / "old"
        file.write_bytes(b"old")
        bench.backend.objects.upload(file, f"{RESULTS}report.json", content_type="application/json")
        assert bench.run()["status"] == "done"
        assert all("/job/2/" in path for path in bench.objects(f"users/{OWNER}/results/"))


@pytest.mark.parametrize(
    ("instructions", "code", "status"),
    [
        ({"fail": "no_person"}, "no_person", "failed"),
        ({"fail": "no_exercise"}, "no_exercise", "failed"),
        ({"fail": "video_unreadable"}, "video_unreadable", "failed"),
        ({"die": True}, "analysis_crashed", "waiting"),
        ({"raise": True}, "internal", "waiting"),
        ({"memory": True}, "analysis_crashed", "waiting"),
        ({"fail": "unavailable"}, "unavailable", "waiting"),
    ],
)
def test_failures_are_written_and_retryable_ones_retried(
    bench: Bench, instructions: dict[str, Any], code: str, status: str
) -> None:
    bench.put(**instructions)
    after = bench.run()
    assert (after["status"], after["error"]["code"]) == (status, code)
    assert after["error"]["retryable"] is (status == "waiting")
    assert "lease" not in after
    assert after["attempt"] == (0 if code == "unavailable" else 1)


def test_a_video_that_kills_its_worker_each_time_fails_for_good(bench: Bench) -> None:
    bench.put(die=True)
    for attempt in (1, 2):
        after = bench.run()
        assert (after["status"], after["attempt"]) == ("waiting", attempt)
        assert (after["notBefore"] - after["updatedAt"]).total_seconds() < 0.5
        change(bench.backend, "job", {"notBefore": after["updatedAt"]})
    after = bench.run()
    assert (after["status"], after["error"]["code"], after["attempt"]) == ("failed", "analysis_crashed", 3)
    assert bench.spool() == []


def test_wall_time_is_limited(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    bench = Bench(backend, sandbox, tmp_path, settings(tmp_path, stage_timeout_s=1))
    bench.put(hang=True)
    assert bench.run()["error"]["code"] == "timed_out"


def test_a_missing_video(bench: Bench) -> None:
    put_job(bench.backend)
    after = bench.run()
    assert (after["status"], after["error"]["code"]) == ("failed", "video_missing")
    assert bench.spool() == []


def test_a_video_that_is_too_large_is_never_downloaded(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    bench = Bench(backend, sandbox, tmp_path, settings(tmp_path, max_video_bytes=10))
    bench.put({"language": "ko"}, sleep=12345678)
    error = bench.run()["error"]
    assert error["code"] == "video_too_large"
    assert error["message"].startswith("영상이 0.1MB예요. 최대")
    assert "downloading video" not in bench.points


def test_a_reference_is_downloaded_too(bench: Bench) -> None:
    bench.put({"reference": "references/best.mp4"})
    assert bench.run()["error"]["code"] == "video_missing"
    bench = Bench(bench.backend, bench.worker._context.sandbox, bench.scratch, bench.using)
    put_video(bench.backend, bench.scratch, "references/best.mp4")
    put_job(bench.backend, "second", reference="references/best.mp4")
    bench.worker.run(claim(bench.backend, bench.using, "second"))
    assert fields(bench.backend, "second")["status"] == "done"
    assert "downloading reference" in bench.points


def test_a_download_that_broke_off_finds_its_bytes_in_the_next_round(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    def break_off(_: str, to: Path, **__: Any) -> None:
        found.append([file.name for file in to.parent.iterdir()])
        to.with_name("video.7.partial").write_bytes(b"so far")
        raise Unavailable("cut off")

    bench.put()
    monkeypatch.setattr(bench.backend.objects, "download", break_off)
    bench.run()
    change(bench.backend, "job", {"notBefore": document(bench.backend).read_time})
    bench.run()
    assert found == [[], ["video.7.partial"]]


def test_a_full_volume_is_an_outage(backend: Backend, sandbox: Sandbox, tmp_path: Path) -> None:
    bench = Bench(backend, sandbox, tmp_path, settings(tmp_path, min_free_bytes=1 << 55))
    bench.put()
    after = bench.run()
    assert (after["status"], after["error"]["code"], after["attempt"]) == ("waiting", "unavailable", 0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_volume_that_gives_out_during_the_work_is_an_outage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    bench.put()
    monkeypatch.setattr(bench.backend.objects, "download", fail)
    after = bench.run()
    assert (after["status"], after["error"]["code"], after["attempt"]) == ("waiting", "unavailable", 0)


def test_a_volume_where_no_job_can_begin_is_an_outage(bench: Bench) -> None:
    bench.put()
    (bench.using.data_dir / "spool").rmdir()
    after = bench.run()
    assert (after["status"], after["error"]["code"], after["attempt"]) == ("waiting", "unavailable", 0)


def test_a_volume_that_is_filled_by_downloads_alone_is_freed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(point: str) -> None:
        if point == "downloading finished":
            monkeypatch.setattr(bench.worker._context.spool, "free_bytes", lambda: 0)

    bench.act = fill
    bench.put()
    after = bench.run()
    assert (after["status"], after["error"]["code"]) == ("waiting", "unavailable")
    assert bench.spool() == []


def test_many_files_do_not_fill_the_volume(
    backend: Backend, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "RESULTS_BYTES", 5_000_000)
    bench = Bench(backend, sandbox, tmp_path, settings(tmp_path, max_video_bytes=5_000_000))
    bench.put(litter=10, hang=True)
    started = time.monotonic()
    assert bench.run()["error"]["code"] == "analysis_crashed"
    assert time.monotonic() - started < 10


class Storage:
    """Objects that cannot be reached at times."""

    def __init__(self, objects: Any) -> None:
        self._objects = objects
        self.away: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in self.away:
            raise Unavailable("away")
        return getattr(self._objects, name)


def test_a_result_that_does_not_fit_into_the_document_is_a_defect(bench: Bench) -> None:
    bench.put(summary="x" * 2_000_000)
    after = bench.run()
    assert (after["status"], after["error"]["code"]) == ("waiting", "internal")
    assert bench.objects(RESULTS) == []


class TestResume:
    @pytest.fixture
    def flaky(self, backend: Backend, sandbox: Sandbox, tmp_path: Path) -> Bench:
        storage: Any = Storage(backend.objects)
        return Bench(Backend("flaky", backend.documents, storage), sandbox, tmp_path, settings(tmp_path))

    def test_a_finished_analysis_is_not_repeated_because_an_upload_failed(self, flaky: Bench) -> None:
        flaky.put()
        storage: Any = flaky.backend.objects
        storage.away = {"upload"}
        after = flaky.run()
        assert (after["status"], after["error"]["code"], after["attempt"]) == ("waiting", "unavailable", 0)
        storage.away = set()
        flaky.points.clear()
        change(flaky.backend, "job", {"notBefore": after["updatedAt"]})
        assert flaky.run()["status"] == "done"
        assert "analysing started" not in flaky.points
        assert "writing_feedback started" not in flaky.points

    @pytest.mark.parametrize("stage", list(Stage)[:3])
    def test_another_host_starts_from_the_beginning(self, flaky: Bench, sandbox: Sandbox, stage: Stage) -> None:
        flaky.put()
        storage: Any = flaky.backend.objects
        storage.away = {"upload"}
        after = flaky.run()
        storage.away = set()
        change(flaky.backend, "job", {"notBefore": after["updatedAt"]})
        other_host = settings(flaky.scratch / "other", worker_name="other")
        elsewhere = Bench(flaky.backend, sandbox, flaky.scratch, other_host)
        assert elsewhere.run()["status"] == "done"
        assert f"{stage} finished" in elsewhere.points


class TestAnnotating:
    """The feedback waits for no video, and outlives one that cannot be made."""

    def test_the_result_is_there_before_the_video(self, bench: Bench) -> None:
        bench.put()
        seen: list[Any] = []
        bench.act = lambda point: seen.append(fields(bench.backend)) if point == "annotating started" else None
        after = bench.run()
        assert seen[0]["status"] == "processing"
        assert seen[0]["result"]["files"]["video"] is None
        with_video = {**seen[0]["result"]["files"], "video": f"{RESULTS}annotated.mp4"}
        assert after["result"] == {**seen[0]["result"], "files": with_video}

    def test_a_job_without_annotated_videos_is_done_with_the_pictures(self, bench: Bench, sandbox: Sandbox) -> None:
        bench.put()
        using = settings(bench.scratch, annotated_video=False)
        plain = Bench(bench.backend, sandbox, bench.scratch, using)
        plain.worker.run(claim(bench.backend, using))
        after = fields(bench.backend)
        assert (after["status"], after["result"]["files"]["video"], after["result"]["warnings"]) == ("done", None, [])

    def test_a_crash_is_tried_again_with_the_result_in_place_then_the_feedback_stands(self, bench: Bench) -> None:
        bench.put(annotate={"die": True})
        for attempt in range(1, bench.using.max_attempts):
            after = bench.run()
            assert (after["status"], after["attempt"]) == ("waiting", attempt)
            assert after["result"]["reps"] == 5
            time.sleep(1.0)
        after = bench.run()
        assert (after["status"], after["result"]["files"]["video"]) == ("done", None)
        assert [warning["code"] for warning in after["result"]["warnings"]] == ["no_annotated_video"]
        assert "error" not in after
        assert bench.points.count("analysing started") == bench.points.count("uploading graph.png") == 1
        assert bench.spool() == []

    def test_the_warning_is_in_the_job_s_language(self, bench: Bench) -> None:
        bench.put(annotate={"fail": "video_unreadable"})
        change(bench.backend, "job", {"language": "ko"})
        warning = bench.run()["result"]["warnings"][0]["message"]
        assert any("가" <= letter <= "힣" for letter in warning)

    def test_an_attempt_that_only_makes_the_video_keeps_the_pictures(self, bench: Bench) -> None:
        bench.put()

        def fall(now: str) -> None:
            if now == "annotating started" and bench.points.count(now) == 1:
                raise OSError(errno.EIO, "the volume cannot be read")

        bench.act = fall
        assert bench.run()["status"] == "waiting"
        change(bench.backend, "job", {"attempt": 1})
        time.sleep(0.5)
        after = bench.run()
        files = after["result"]["files"]
        assert after["status"] == "done"
        assert (files["video"], files["graph"]) == (f"{RESULTS}annotated.mp4", f"{RESULTS}graph.png")
        assert bench.objects(RESULTS.removesuffix("1/")) == sorted(path for path in files.values() if path)

    def test_a_cancellation_stops_it(self, bench: Bench) -> None:
        bench.put(annotate={"hang": True})
        bench.act = lambda point: (
            change(bench.backend, "job", {"cancelRequested": True}) if point == "annotating started" else None
        )
        started = time.monotonic()
        assert bench.run()["status"] == "cancelled"
        assert time.monotonic() - started < 6
        assert bench.spool() == []

    def test_a_worker_that_has_lost_the_job_publishes_no_video(self, bench: Bench) -> None:
        bench.put()

        def take_over(now: str) -> None:
            if now == "annotating finished":
                change(bench.backend, "job", {"lease.token": "rival", "attempt": 2})

        bench.act = take_over
        bench.worker.run(claim(bench.backend, bench.using))
        after = fields(bench.backend)
        assert (after["status"], after["lease"]["token"]) == ("processing", "rival")
        assert after["result"]["files"]["video"] is None
        assert not [path for path in bench.objects() if path.endswith(".mp4") and "results" in path]


class TestInterruption:
    def test_a_cancellation_stops_the_work_within_five_seconds(self, bench: Bench) -> None:
        bench.put(hang=True)
        bench.act = lambda point: (
            change(bench.backend, "job", {"cancelRequested": True}) if point == "analysing started" else None
        )
        started = time.monotonic()
        after = bench.run()
        assert time.monotonic() - started < 6
        assert (after["status"], after["error"]["code"]) == ("cancelled", "cancelled")
        assert bench.spool() == []

    def test_a_deleted_document_stops_the_work(self, bench: Bench) -> None:
        bench.put(hang=True)
        bench.act = lambda point: bench.backend.documents.delete("job") if point == "analysing started" else None
        bench.worker.run(claim(bench.backend, bench.using))
        assert bench.backend.documents.get("job") is None
        assert bench.spool() == []

    @pytest.mark.parametrize("point", ["uploading graph.png", "uploading report.json", "uploaded", "annotating finished"])
    def test_results_of_a_deleted_document_are_removed(self, bench: Bench, point: str) -> None:
        account, name = "user@example.com", "exercise_Squat_2305092259"
        video = f"temp/video/user/{account}/{name}.mp4"
        bench.put({"owner": account, "video": video, "origin": "shim"})
        bench.act = lambda now: bench.backend.documents.delete("job") if now == point else None
        bench.worker.run(claim(bench.backend, bench.using))
        assert bench.objects() == [video]
        assert bench.spool() == []

    @pytest.mark.parametrize("point", ["analysing started", "uploading worst1.png", "uploading report.json"])
    def test_a_worker_that_has_lost_the_job_changes_nothing(self, bench: Bench, point: str) -> None:
        bench.put()

        def take_over(now: str) -> None:
            if now == point:
                change(bench.backend, "job", {"lease.token": "rival", "attempt": 2})

        bench.act = take_over
        bench.worker.run(claim(bench.backend, bench.using))
        after = fields(bench.backend)
        assert (after["status"], after["attempt"], after["lease"]["token"]) == ("processing", 2, "rival")
        assert "result" not in after
        assert not [path for path in bench.objects() if "/job/2/" in path]
        # Nothing is published after the point: the winner of a shim's job writes to the same older place.
        later = bench.points[bench.points.index(point) + 1 :]
        assert not [name for name in later if name.startswith("uploading ")]

    def test_a_hand_back_gives_the_attempt_back_and_keeps_what_is_finished(self, bench: Bench) -> None:
        bench.put(hang=True)
        lease = claim(bench.backend, bench.using)
        running = in_background(lambda: bench.worker.run(lease))
        assert eventually(lambda: "analysing started" in bench.points)
        lease.interrupt(HandedBack("bye"))
        running.join(10)
        after = fields(bench.backend)
        assert (after["status"], after["attempt"]) == ("uploaded", 0)
        assert "lease" not in after
        assert len(bench.spool()) == 1
        put_video(bench.backend, bench.scratch)


def test_a_report_names_only_what_is_there(bench: Bench) -> None:
    """The report is uploaded last."""
    bench.put()
    bench.run()
    uploads = [point for point in bench.points if point.startswith("uploading ") and "." in point]
    assert uploads[-2:] == ["uploading report.json", "uploading annotated.mp4"]
    target = bench.scratch / "report"
    bench.backend.objects.download(f"{RESULTS}report.json", target, max_bytes=1 << 20)
    assert json.loads(target.read_bytes())["reps"]["total"] == 5
    with pytest.raises(Missing):
        bench.backend.objects.stat(f"{RESULTS}comparison.png")
