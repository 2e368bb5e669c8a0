"""The embedded object store: what tests/contract cannot ask of emulators, and what is so of files only."""

import os
import resource
import time
from pathlib import Path

import pytest

from consumer.backends import Conflict, Unavailable
from consumer.backends.local_objects import ABANDONED_S, LocalObjects
from tests.consumer_kit import in_background

JSON = "application/json"


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


class TestIfGeneration:
    def test_replaces_the_generation_that_was_read(self, objects: LocalObjects, file: Path) -> None:
        first = objects.upload(file, "a", content_type=JSON, if_generation=0)
        second = objects.upload(file, "a", content_type=JSON, if_generation=first.generation)
        assert objects.stat("a") == second

    @pytest.mark.parametrize("known", [0, 1])
    def test_does_not_replace_a_newer_generation(self, objects: LocalObjects, file: Path, known: int) -> None:
        there = objects.upload(file, "a", content_type=JSON)
        file.write_bytes(b"late")
        with pytest.raises(Conflict):
            objects.upload(file, "a", content_type=JSON, if_generation=known)
        assert objects.stat("a") == there

    def test_deletes_only_the_generation_that_was_read(self, objects: LocalObjects, file: Path) -> None:
        old = objects.upload(file, "a", content_type=JSON)
        new = objects.upload(file, "a", content_type=JSON)
        with pytest.raises(Conflict):
            objects.delete("a", if_generation=old.generation)
        assert objects.stat("a") == new
        objects.delete("a", if_generation=new.generation)
        objects.delete("a", if_generation=new.generation)
        assert list(objects.list("")) == []

    def test_one_of_many_concurrent_uploads_wins(self, objects: LocalObjects, file: Path) -> None:
        won: list[int] = []

        def upload() -> None:
            try:
                won.append(objects.upload(file, "a", content_type=JSON, if_generation=0).generation)
            except Conflict:
                return

        for thread in [in_background(upload) for _ in range(20)]:
            thread.join(10)
        assert won == [objects.stat("a").generation]


def test_an_upload_that_the_volume_does_not_take_is_unavailable(objects: LocalObjects, file: Path) -> None:
    file.write_bytes(bytes(100_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What a full volume answers with, but for the number of the error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(Unavailable, match="DOTHIS_DATA_DIR"):
            objects.upload(file, "users/u/uploads/v.mp4", content_type="video/mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(objects.list("")) == []


def test_partial_files_of_dead_uploads_are_removed(tmp_path: Path, objects: LocalObjects, file: Path) -> None:
    objects.upload(file, "a", content_type=JSON)
    partial = tmp_path / "objects.partial"
    for name, age_s in {"dead": 2 * ABANDONED_S, "living": 60.0}.items():
        (partial / name).write_bytes(b"half a vid")
        os.utime(partial / name, (time.time() - age_s,) * 2)
    LocalObjects(tmp_path / "objects")
    assert {path.name for path in partial.iterdir()} == {"living", "lock"}
