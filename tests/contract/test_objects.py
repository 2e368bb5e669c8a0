"""The contract of an object store (consumer/backends/__init__.py)."""

import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumer.backends import Missing, ObjectInfo, ObjectStore, TooLarge
from consumer.backends.cloud_storage import CHUNK_BYTES

PNG = "image/png"


def put(objects: ObjectStore, tmp_path: Path, path: str, content: bytes) -> ObjectInfo:
    file = tmp_path / hashlib.sha1(content, usedforsecurity=False).hexdigest()
    file.write_bytes(content)
    return objects.upload(file, path, content_type=PNG)


def got(objects: ObjectStore, tmp_path: Path, path: str, max_bytes: int = 1 << 40) -> bytes:
    target = tmp_path / "target"
    objects.download(path, target, max_bytes=max_bytes)
    return target.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 70_000, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 12_345])
def test_bytes_come_back_as_they_were(objects: ObjectStore, tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    uploaded = put(objects, tmp_path, "users/u/uploads/a.mp4", content)
    target = tmp_path / "target"
    downloaded = objects.download("users/u/uploads/a.mp4", target, max_bytes=size)
    assert target.read_bytes() == content
    assert uploaded == downloaded == objects.stat("users/u/uploads/a.mp4")
    assert uploaded.size == size


def test_checksum_is_crc32c_as_cloud_storage_writes_it(objects: ObjectStore, tmp_path: Path) -> None:
    assert put(objects, tmp_path, "a", b"123456789").crc32c == "4waSgw=="  # the check value 0xE3069283


@pytest.mark.parametrize("path", ["a/스쿼트 1.png", "a/b c+d(e)!.png", "a/😀&=,@:[~].png"])
def test_names_may_hold_anything_that_paths_may(objects: ObjectStore, tmp_path: Path, path: str) -> None:
    put(objects, tmp_path, path, b"content")
    assert got(objects, tmp_path, path) == b"content"
    assert list(objects.list("a/")) == [path]
    objects.delete(path)
    assert list(objects.list("a/")) == []


def test_what_is_not_there_is_missing(objects: ObjectStore, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(Missing):
        objects.stat("nothing/here.mp4")
    with pytest.raises(Missing):
        objects.download("nothing/here.mp4", target, max_bytes=10)
    objects.delete("nothing/here.mp4")
    assert list(objects.list("nothing/")) == []


def test_what_is_too_large_is_refused_before_the_first_byte(objects: ObjectStore, tmp_path: Path) -> None:
    put(objects, tmp_path, "a", bytes(1001))
    target = tmp_path / "target"
    calls: list[int] = []
    with pytest.raises(TooLarge):
        objects.download("a", target, max_bytes=1000, progress=lambda done, _: calls.append(done))
    assert calls == []
    assert not target.exists()
    objects.download("a", target, max_bytes=1001)


def test_an_object_is_replaced_whole(objects: ObjectStore, tmp_path: Path) -> None:
    put(objects, tmp_path, "a", b"the longer first content")
    put(objects, tmp_path, "a", b"second")
    assert got(objects, tmp_path, "a") == b"second"


def test_an_object_has_another_generation_whenever_it_is_written(objects: ObjectStore, tmp_path: Path) -> None:
    generations = {put(objects, tmp_path, "a", b"same").generation for _ in range(20)}
    assert len(generations) == 20
    assert 0 not in generations


def test_a_download_overwrites_what_was_there(objects: ObjectStore, tmp_path: Path) -> None:
    put(objects, tmp_path, "a", b"new")
    (tmp_path / "target").write_bytes(b"something older and longer")
    assert got(objects, tmp_path, "a") == b"new"


def test_list_gives_what_begins_so_in_order(objects: ObjectStore, tmp_path: Path) -> None:
    for path in ("users/u/results/j/2/b", "users/u/results/j/1/a", "users/u/results/jj/1/a", "users/v/results/j/1/a"):
        put(objects, tmp_path, path, b"x")
    assert list(objects.list("users/u/results/j/")) == ["users/u/results/j/1/a", "users/u/results/j/2/b"]
    assert list(objects.list("users/u/results/j")) == [
        "users/u/results/j/1/a",
        "users/u/results/j/2/b",
        "users/u/results/jj/1/a",
    ]


def test_progress_grows_to_the_whole(objects: ObjectStore, tmp_path: Path) -> None:
    size = 2 * CHUNK_BYTES + 12_345
    file = tmp_path / "file"
    file.write_bytes(bytes(size))
    up: list[tuple[int, int]] = []
    down: list[tuple[int, int]] = []
    objects.upload(file, "a", content_type="video/mp4", progress=lambda *at: up.append(at))
    objects.download("a", tmp_path / "target", max_bytes=size, progress=lambda *at: down.append(at))
    for calls in (up, down):
        assert calls == sorted(calls)
        assert calls[-1] == (size, size)
        assert len(calls) > 2


class Cancelled(Exception):
    """An exception of the caller that ends a transfer."""


def test_what_progress_raises_ends_a_transfer(objects: ObjectStore, tmp_path: Path) -> None:
    put(objects, tmp_path, "a", bytes(3 * CHUNK_BYTES))

    def cancel(done: int, _: int) -> None:
        if done > CHUNK_BYTES:
            raise Cancelled

    with pytest.raises(Cancelled):
        objects.download("a", tmp_path / "target", max_bytes=1 << 30, progress=cancel)
    (tmp_path / "file").write_bytes(bytes(3 * CHUNK_BYTES))
    with pytest.raises(Cancelled):
        objects.upload(tmp_path / "file", "b", content_type="video/mp4", progress=cancel)
    with pytest.raises(Missing):
        objects.stat("b")


def test_a_local_file_that_cannot_be_written_is_an_error_of_the_file(objects: ObjectStore, tmp_path: Path) -> None:
    put(objects, tmp_path, "a", b"content")
    with pytest.raises(FileNotFoundError):
        objects.download("a", tmp_path / "no" / "such" / "folder", max_bytes=100)
    with pytest.raises(FileNotFoundError):
        objects.upload(tmp_path / "nothing", "b", content_type=PNG)


def test_times_come_with_the_paths_from_a_path_on(objects: ObjectStore, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    for path in ("users/a", "users/b", "users/c", "others/d"):
        put(objects, tmp_path, path, b"x")
    found = list(objects.list_dated("users/"))
    assert [each.path for each in found] == ["users/a", "users/b", "users/c"]
    assert all(before < each.created < datetime.now(UTC) + timedelta(seconds=2) for each in found)
    assert [each.path for each in objects.list_dated("users/", after="users/a")] == ["users/b", "users/c"]
    assert [each.path for each in objects.list_dated("users/", after="users/bb")] == ["users/c"]


def test_purge_removes_an_object_or_a_folder(objects: ObjectStore, tmp_path: Path) -> None:
    for path in ("a/1", "a/1.of-someone", "a/b/2", "a/b/c/3", "a/bb/4"):
        put(objects, tmp_path, path, b"x")
    assert objects.purge("a/1") == 1
    assert objects.purge("a/1") == 0
    assert objects.purge("a/b/") == 2
    assert list(objects.list("")) == ["a/1.of-someone", "a/bb/4"]
