import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Unavailable
from consumer.backends.local import open_local
from consumer.jobs.document import Job, Stage
from consumer.work.job_directory import JobDirectory, write_atomically
from consumer.work.spool import NoRoom, Remains, Spool


def job(**changes: Any) -> Job:
    fields = {"id": "job", "status": "processing", "owner": "ann", "video": "users/ann/uploads/a.mp4", **changes}
    return Job.model_validate(fields)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def finish(directory: JobDirectory, stage: Stage, content: bytes = b"content") -> None:
    (directory.begin(stage) / "file").write_bytes(content)
    directory.finish(stage)


def test_a_finished_stage_is_there_for_the_next_process(spool: Spool) -> None:
    with spool.open(job()) as directory:
        assert not directory.finished(Stage.DOWNLOADING)
        finish(directory, Stage.DOWNLOADING, b"video")
    with Spool(spool.root).open(job()) as directory:
        assert directory.finished(Stage.DOWNLOADING)
        assert not directory.finished(Stage.ANALYSING)
        assert [file.read_bytes() for file in directory.files(Stage.DOWNLOADING)] == [b"video"]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"video": "users/ann/uploads/b.mp4"},
        {"exercise": "squat"},
        {"language": "ko"},
        {"reference": "references/r.mp4"},
    ],
)
def test_files_of_another_request_are_not_used(spool: Spool, change: dict[str, Any]) -> None:
    with spool.open(job()) as directory:
        finish(directory, Stage.DOWNLOADING)
    with spool.open(job(**change)) as directory:
        assert not directory.finished(Stage.DOWNLOADING)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"CONTENT"),
        lambda file: file.write_bytes(b"content and more"),
        lambda file: file.unlink(),
        lambda file: (file.parent.parent / "manifest.json").write_text("{"),
        lambda file: (file.parent.parent / "manifest.json").write_text("[]"),
        lambda file: (file.parent.parent / "manifest.json").unlink(),
    ],
    ids=["changed", "longer", "gone", "half a manifest", "another manifest", "no manifest"],
)
def test_a_damaged_file_makes_its_stage_unfinished(spool: Spool, damage: Any) -> None:
    with spool.open(job()) as directory:
        finish(directory, Stage.DOWNLOADING)
        file = directory.files(Stage.DOWNLOADING)[0]
    damage(file)
    with spool.open(job()) as directory:
        assert not directory.finished(Stage.DOWNLOADING)
        finish(directory, Stage.DOWNLOADING)
        assert directory.finished(Stage.DOWNLOADING)


def test_a_stage_that_was_not_finished_begins_with_an_empty_directory(spool: Spool) -> None:
    with spool.open(job()) as directory:
        (directory.begin(Stage.ANALYSING) / "half").write_bytes(b"")
    with spool.open(job()) as directory:
        assert not directory.finished(Stage.ANALYSING)
        assert list(directory.begin(Stage.ANALYSING).iterdir()) == []


def test_a_stage_that_goes_on_has_what_it_left_of_the_same_request(spool: Spool) -> None:
    with spool.open(job()) as directory:
        (directory.resume(Stage.DOWNLOADING) / "half").write_bytes(b"")
    with spool.open(job()) as directory:
        assert [file.name for file in directory.resume(Stage.DOWNLOADING).iterdir()] == ["half"]
    with spool.open(job(video="users/u/uploads/other.mp4")) as directory:
        assert list(directory.resume(Stage.DOWNLOADING).iterdir()) == []


def test_a_stage_that_begins_anew_voids_the_later_ones(spool: Spool) -> None:
    with spool.open(job()) as directory:
        for stage in (Stage.DOWNLOADING, Stage.ANALYSING, Stage.WRITING_FEEDBACK):
            finish(directory, stage)
        directory.begin(Stage.ANALYSING)
        assert directory.finished(Stage.DOWNLOADING)
        assert not directory.finished(Stage.WRITING_FEEDBACK)


def test_files_of_another_version_are_not_used(tmp_path: Path) -> None:
    with Spool(tmp_path, program="1 a").open(job()) as directory:
        finish(directory, Stage.DOWNLOADING)
    with Spool(tmp_path, program="1 b").open(job()) as directory:
        assert not directory.finished(Stage.DOWNLOADING)


def test_a_directory_with_finished_stages_is_taken_before_an_empty_one(spool: Spool) -> None:
    with spool.open(job()) as first, spool.open(job()) as second:
        finish(second, Stage.DOWNLOADING, b"second")
        first.begin(Stage.DOWNLOADING)
    with spool.open(job()) as directory:
        assert directory.path == second.path
        assert directory.finished(Stage.DOWNLOADING)


def test_two_processes_with_the_same_job_work_in_two_directories(spool: Spool) -> None:
    with spool.open(job()) as first, Spool(spool.root).open(job()) as second:
        assert first.path != second.path
        finish(first, Stage.DOWNLOADING, b"first")
        finish(second, Stage.DOWNLOADING, b"second")
        assert first.files(Stage.DOWNLOADING)[0].read_bytes() == b"first"


def test_nothing_that_a_user_wrote_becomes_a_name(spool: Spool) -> None:
    with spool.open(job(id="../../evil\n" + "x" * 500)) as directory:
        finish(directory, Stage.DOWNLOADING)
        assert directory.path.parent == spool.root
        assert directory.path.name.isalnum()


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, lambda path: path.mkdir()])
def test_only_plain_files_are_results(spool: Spool, make: Any) -> None:
    with spool.open(job()) as directory:
        make(directory.begin(Stage.WRITING_FEEDBACK) / "report.json")
        with pytest.raises(ValueError, match="plain files"):
            directory.finish(Stage.WRITING_FEEDBACK)


def test_a_discarded_directory_leaves_nothing(spool: Spool) -> None:
    with spool.open(job()) as directory:
        finish(directory, Stage.DOWNLOADING)
        directory.begin(Stage.ANALYSING)
        directory.discard()
    assert list(spool.root.iterdir()) == []


def test_directories_can_be_opened_and_discarded_concurrently(spool: Spool) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                with Spool(spool.root).open(job()) as directory:
                    finish(directory, Stage.DOWNLOADING)
                    directory.discard()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


class TestClean:
    def put(self, spool: Spool, name: str, size: int = 1000, age_s: float = 0.0) -> Path:
        with spool.open(job(id=name)) as directory:
            finish(directory, Stage.DOWNLOADING, b"x" * size)
        manifest = directory.path / "manifest.json"
        then = manifest.stat().st_mtime - age_s
        os.utime(manifest, (then, then))
        return directory.path

    def test_removes_directories_that_are_old_or_whose_job_is_over(self, spool: Spool) -> None:
        old, over, kept = self.put(spool, "old", age_s=100), self.put(spool, "over"), self.put(spool, "kept")
        spool.clean(max_age_s=50, max_bytes=1 << 30, over=lambda name: name == "over")
        assert (old.exists(), over.exists(), kept.exists()) == (False, False, True)

    def test_keeps_within_the_quota_and_takes_the_oldest_first(self, spool: Spool) -> None:
        oldest, older, newest = (self.put(spool, str(age), age_s=age) for age in (30, 20, 10))
        left = spool.clean(max_age_s=1000, max_bytes=3000, over=lambda _: False)
        assert (oldest.exists(), older.exists(), newest.exists()) == (False, True, True)
        assert left <= 3000

    def test_leaves_alone_what_a_living_process_works_on(self, spool: Spool) -> None:
        self.put(spool, "busy", age_s=100)
        with spool.open(job(id="busy")) as directory:
            Spool(spool.root).clean(max_age_s=50, max_bytes=0, over=lambda _: True)
            assert directory.finished(Stage.DOWNLOADING)

    def test_takes_remains_without_a_manifest(self, spool: Spool) -> None:
        (spool.root / "strange").mkdir()
        os.utime(spool.root / "strange", (0, 0))
        spool.clean(max_age_s=1e12, max_bytes=1 << 30, over=lambda _: False)
        assert not (spool.root / "strange").exists()

    def test_goes_on_after_one_that_cannot_be_removed(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        stuck, after = self.put(spool, "stuck", age_s=200), self.put(spool, "after", age_s=100)
        remove = spool.remove

        def fail(remains: Remains) -> bool:
            if remains.path == stuck:
                raise PermissionError
            return remove(remains)

        monkeypatch.setattr(spool, "remove", fail)
        spool.clean(max_age_s=50, max_bytes=1 << 30, over=lambda _: False)
        assert (stuck.exists(), after.exists()) == (True, False)

    def test_takes_what_is_old_without_asking_the_store(self, spool: Spool) -> None:
        def away(_: str) -> bool:
            raise Unavailable("away")

        old = self.put(spool, "old", age_s=100)
        spool.clean(max_age_s=50, max_bytes=1 << 30, over=away)
        assert not old.exists()


def test_a_full_volume_is_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", min_free_bytes=1 << 60)
    assert spool.free_bytes() < 0
    with pytest.raises(NoRoom):
        spool.need(1)


def test_a_volume_that_cannot_be_used_is_told(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spool.obstacle() is None
    monkeypatch.setattr("os.access", lambda *_: False)
    assert spool.obstacle() == "The volume cannot be written"
    spool.root.rmdir()
    assert "cannot be used" in (spool.obstacle() or "")


def test_a_file_is_written_in_full_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    write_atomically(file, json.dumps([1]).encode())
    write_atomically(file, json.dumps([2]).encode())
    assert json.loads(file.read_text()) == [2]
    assert list(tmp_path.iterdir()) == [file]


def test_nobody_else_reads_the_volume(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        open_local(tmp_path).close()
        Spool(tmp_path / "spool")
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in tmp_path.iterdir()} == dict.fromkeys(
        ("documents.sqlite", "objects", "objects.partial", "spool"), 0
    )
