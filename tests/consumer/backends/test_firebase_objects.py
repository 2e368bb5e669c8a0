"""Cloud Storage as it really behaves: cut transfers, refusals, outages, large and odd objects; how the backend is opened."""

import gzip
import http.server
import inspect
import json
import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from consumer.backends import Conflict, Denied, Missing, StoreError, TooLarge, Unavailable
from consumer.backends.cloud_storage import CHUNK_BYTES, CloudStorageObjects, crc32c_of
from consumer.backends.firebase import open_firebase
from tests.emulators import FirebaseProject
from tests.faults import Mode, TcpProxy

logger = logging.getLogger(__name__)

MB = 1_000_000
ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(firebase_project: FirebaseProject) -> Iterator[Callable[..., CloudStorageObjects]]:
    """Opens the test's bucket, by way of a proxy if one is given."""
    stores: list[CloudStorageObjects] = []

    def open_at(url: str | None = None, retry_s: float = 10.0) -> CloudStorageObjects:
        emulator = url or firebase_project.storage_host
        stores.append(
            CloudStorageObjects(
                AnonymousCredentials(), firebase_project.id, firebase_project.bucket, emulator=emulator, retry_s=retry_s
            )
        )
        return stores[-1]

    yield open_at
    for store in stores:
        store.close()


@pytest.fixture
def plain(firebase_project: FirebaseProject) -> Iterator[Any]:
    """The bucket as any other client sees it."""
    client = storage.Client(project=firebase_project.id)
    yield client.bucket(firebase_project.bucket)
    client.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """12 MB that are no two alike."""
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(12 * MB))
    return path


Opener = Callable[..., CloudStorageObjects]
pytestmark = pytest.mark.emulator


@pytest.mark.parametrize("content_type", ["image/png", "application/json", "video/mp4"])
@pytest.mark.parametrize("size", [10, CHUNK_BYTES + 1])
def test_content_type_and_caching_are_set(opened: Opener, plain: Any, tmp_path: Path, content_type: str, size: int) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    opened().upload(tmp_path / "file", "a", content_type=content_type, cache_control="private, no-cache")
    assert (plain.get_blob("a").content_type, plain.get_blob("a").cache_control) == (content_type, "private, no-cache")


@pytest.fixture
def put_as_gzip(plain: Any) -> Callable[[bytes], None]:
    """Stores bytes with a Content-Encoding of gzip, whatever they are."""

    def put(stored: bytes) -> None:
        blob = plain.blob("a")
        blob.content_encoding = "gzip"
        blob.upload_from_string(stored, content_type="video/mp4")

    return put


def test_what_is_stored_as_gzip_is_unpacked(opened: Opener, put_as_gzip: Callable[[bytes], None], tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3 * MB) + bytes(2 * MB)
    put_as_gzip(gzip.compress(content))
    opened().download("a", tmp_path / "target", max_bytes=5 * MB)
    assert (tmp_path / "target").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["target"]


def test_what_unpacks_to_too_much_is_refused(opened: Opener, put_as_gzip: Callable[[bytes], None], tmp_path: Path) -> None:
    put_as_gzip(gzip.compress(bytes(50 * MB)))
    with pytest.raises(TooLarge):
        opened().download("a", tmp_path / "target", max_bytes=5 * MB)
    assert (tmp_path / "target").stat().st_size <= 5 * MB


@pytest.mark.parametrize(
    ("stored", "got"),
    [(b"no gzip at all", b"no gzip at all"), (gzip.compress(b"x" * 99)[:-8], b"x" * 99)],
    ids=["none", "cut off"],
)
def test_what_only_says_that_it_is_gzip_comes_as_far_as_it_goes(
    opened: Opener, put_as_gzip: Callable[[bytes], None], tmp_path: Path, stored: bytes, got: bytes
) -> None:
    put_as_gzip(stored)
    opened().download("a", tmp_path / "target", max_bytes=5 * MB)
    assert (tmp_path / "target").read_bytes() == got


def test_a_cut_download_goes_on_where_it_stopped(
    opened: Opener, firebase_project: FirebaseProject, file: Path, tmp_path: Path
) -> None:
    opened().upload(file, "a", content_type="video/mp4")
    with TcpProxy(firebase_project.storage_host.removeprefix("http://"), cut_after=5 * MB) as proxy:
        calls: list[int] = []
        through = opened(f"http://{proxy.host}", retry_s=30)
        through.download("a", tmp_path / "target", max_bytes=20 * MB, progress=lambda done, _: calls.append(done))
        assert proxy.connections >= 4  # the metadata, three parts
    assert (tmp_path / "target").read_bytes() == file.read_bytes()
    assert calls == sorted(calls)
    assert calls[-1] == 12 * MB


def test_a_download_survives_many_cut_connections(opened: Opener, firebase_project: FirebaseProject, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(random.Random(2).randbytes(MB))
    opened().upload(tmp_path / "small", "a", content_type="video/mp4")
    with TcpProxy(firebase_project.storage_host.removeprefix("http://"), cut_after=90_000) as proxy:
        # Far longer in all than one call's patience: it counts from the last byte.
        opened(f"http://{proxy.host}", retry_s=1.0).download("a", tmp_path / "target", max_bytes=MB)
    assert (tmp_path / "target").read_bytes() == (tmp_path / "small").read_bytes()


def test_the_next_round_goes_on_where_the_one_before_broke_off(opened: Opener, server: Any, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(MB)
    (tmp_path / "file").write_bytes(content)
    described = json.dumps({"name": "a", "size": MB, "crc32c": crc32c_of(tmp_path / "file"), "generation": "7"}).encode()
    ranges: list[str | None] = []

    def answer(path: str, headers: Any) -> Answer:
        if "alt=media" not in path:
            return 200, described, {"Content-Type": "application/json"}
        assert "ifGenerationMatch=7" in path
        ranges.append(headers["Range"])
        if headers["Range"] is None:
            return 200, content[: MB // 2], {"Content-Length": str(MB)}
        return (503, b"", {}) if len(ranges) < 4 else (206, content[int(headers["Range"][6:-1]) :], {})

    server.answer = answer
    url = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(Unavailable):
        opened(url, retry_s=0.1).download("a", tmp_path / "target", max_bytes=MB)
    broken_off = len(ranges)
    ranges += [None] * 4
    opened(url).download("a", tmp_path / "target", max_bytes=MB)
    assert ranges[broken_off + 4 :] == [f"bytes={MB // 2}-"]
    assert (tmp_path / "target").read_bytes() == content
    assert list(tmp_path.glob("*.partial")) == []


def test_what_is_left_of_another_generation_is_not_gone_on_with(opened: Opener, file: Path, tmp_path: Path) -> None:
    opened().upload(file, "a", content_type="video/mp4")
    (tmp_path / "target.1.partial").write_bytes(b"of an older video")
    opened().download("a", tmp_path / "target", max_bytes=12 * MB)
    assert (tmp_path / "target").read_bytes() == file.read_bytes()
    assert list(tmp_path.glob("*.partial")) == []


def test_an_outage_is_unavailable_and_then_over(
    opened: Opener, firebase_project: FirebaseProject, file: Path, tmp_path: Path
) -> None:
    with TcpProxy(firebase_project.storage_host.removeprefix("http://")) as proxy:
        objects = opened(f"http://{proxy.host}", retry_s=1.0)
        proxy.set(Mode.DROP)
        calls: list[Callable[[], object]] = [
            lambda: objects.stat("a"),
            lambda: objects.upload(file, "a", content_type="video/mp4"),
            lambda: objects.download("a", tmp_path / "target", max_bytes=1),
            lambda: list(objects.list("a")),
            lambda: objects.delete("a"),
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                call()
        proxy.set(Mode.PASS)
        objects.upload(file, "a", content_type="video/mp4")
        assert objects.stat("a").size == 12 * MB


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers every request with what the server's `answer` says."""

    def do_GET(self) -> None:
        answer = self.server.answer  # type: ignore[attr-defined]
        asked = [self.path, self.headers][: len(inspect.signature(answer).parameters)]
        status, body, headers = answer(*asked)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_PUT = do_DELETE = do_POST  # noqa: N815 - names of the base class's

    def log_message(self, *_: object) -> None:
        """Nothing."""


Answer = tuple[int, bytes, dict[str, str]]


@pytest.fixture
def server() -> Iterator[Any]:
    """A storage service that says what it is told to."""
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Denied),
        (403, Denied),
        (404, Denied),  # the bucket: see below for an object
        (400, StoreError),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_refusals_and_outages_are_told_apart(
    opened: Opener, server: Any, file: Path, status: int, kind: type[StoreError]
) -> None:
    server.answer = lambda _: (status, json.dumps({"error": {"message": "secret of users/alice"}}).encode(), {})
    objects = opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2)
    calls: list[Callable[[], object]] = [
        lambda: objects.stat("users/alice/uploads/a.mp4"),
        lambda: objects.download("users/alice/uploads/a.mp4", file.with_name("target"), max_bytes=1),
        lambda: objects.upload(file, "users/alice/uploads/a.mp4", content_type="video/mp4"),
        lambda: list(objects.list("users/alice/")),
    ]
    for call in calls:
        with pytest.raises(kind) as caught:
            call()
        assert type(caught.value) is kind
        assert "alice" not in str(caught.value)


@pytest.mark.parametrize(("bucket_status", "kind"), [(200, Missing), (404, Denied), (503, Unavailable)])
def test_a_missing_object_is_told_from_a_missing_bucket(
    opened: Opener, server: Any, tmp_path: Path, bucket_status: int, kind: type[StoreError]
) -> None:
    def answer(path: str) -> Answer:
        return (404 if "/o/" in path else bucket_status), b"{}", {"Content-Type": "application/json"}

    server.answer = answer
    objects = opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2)
    for call in (lambda: objects.stat("a"), lambda: objects.download("a", tmp_path / "target", max_bytes=1)):
        with pytest.raises(StoreError) as caught:
            call()
        assert type(caught.value) is kind


def test_a_bucket_is_looked_for_once(opened: Opener, server: Any) -> None:
    asked: list[str] = []

    def answer(path: str) -> Answer:
        asked.append(path)
        return (404 if "/o/" in path else 200), b"{}", {"Content-Type": "application/json"}

    server.answer = answer
    objects = opened(f"http://127.0.0.1:{server.server_port}")
    for name in ("a", "b", "c"):
        with pytest.raises(Missing):
            objects.stat(name)
    assert sum("maxResults=1" in path for path in asked) == 1
    assert sum("/o/" in path for path in asked) == 3


class VersionedBucket:
    """A bucket that keeps earlier generations, as the emulator cannot; it answers as Cloud Storage's JSON API does."""

    def __init__(self, *objects: tuple[str, int]) -> None:
        self.objects = list(objects)

    def __call__(self, path: str) -> Answer:
        url = urlsplit(path)
        asked = parse_qs(url.query)
        if "/o/" in url.path:
            name, generation = unquote(url.path.rpartition("/o/")[2]), int(asked["generation"][0])
            self.objects.remove((name, generation))
            return 204, b"", {}
        live = {name: generation for name, generation in self.objects if generation % 2}
        shown = self.objects if asked.get("versions") == ["True"] else list(live.items())
        items = [{"name": name, "generation": str(of)} for name, of in shown if name.startswith(asked.get("prefix", [""])[0])]
        return 200, json.dumps({"items": items}).encode(), {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "removed", "left"),
    [("users/ann/", 2, [("users/anna/a", 1)]), ("users/ann/a", 1, [("users/ann/a b", 5), ("users/anna/a", 1)])],
)
def test_purge_removes_every_generation(
    opened: Opener, server: Any, path: str, removed: int, left: list[tuple[str, int]]
) -> None:
    server.answer = VersionedBucket(("users/ann/a", 2), ("users/ann/a", 3), ("users/ann/a b", 5), ("users/anna/a", 1))
    assert opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2).purge(path) == removed
    assert server.answer.objects == left


def test_a_newer_generation_is_not_deleted(opened: Opener, server: Any) -> None:
    asked: list[str] = []

    def answer(path: str) -> Answer:
        asked.append(path)
        return 412, b"{}", {}

    server.answer = answer
    with pytest.raises(Conflict):
        opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2).delete("a", if_generation=7)
    assert any("ifGenerationMatch=7" in path for path in asked)


def test_an_upload_over_what_somebody_else_wrote_is_a_conflict(opened: Opener, server: Any, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(path: str) -> Answer:
        asked.append(path)
        if "/upload/" in path:
            return 412, b"{}", {}
        return 200, b'{"name": "a", "size": "4", "crc32c": "AAAAAA==", "generation": "8"}', {"Content-Type": "application/json"}

    server.answer = answer
    (tmp_path / "file").write_bytes(b"late")
    objects = opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2)
    with pytest.raises(Conflict):
        objects.upload(tmp_path / "file", "a", content_type="image/png", if_generation=7)
    assert any("ifGenerationMatch=7" in path for path in asked)


def test_an_upload_whose_answer_was_lost_is_no_conflict(opened: Opener, server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"ours")
    lying = {"name": "a", "size": "4", "crc32c": crc32c_of(tmp_path / "file"), "generation": "8"}

    def answer(path: str) -> Answer:
        return (
            (412, b"{}", {}) if "/upload/" in path else (200, json.dumps(lying).encode(), {"Content-Type": "application/json"})
        )

    server.answer = answer
    objects = opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2)
    assert objects.upload(tmp_path / "file", "a", content_type="image/png", if_generation=7).generation == 8


@pytest.mark.parametrize("sent", [b"short", b"damaged by someone", b"longer than the object says it is"])
def test_a_damaged_download_is_unavailable(opened: Opener, server: Any, tmp_path: Path, sent: bytes) -> None:
    whole = {"name": "a", "size": "18", "crc32c": "AAAAAA==", "generation": "1"}

    def answer(path: str) -> Answer:
        return (
            (200, sent, {}) if "alt=media" in path else (200, json.dumps(whole).encode(), {"Content-Type": "application/json"})
        )

    server.answer = answer
    with pytest.raises(Unavailable):
        opened(f"http://127.0.0.1:{server.server_port}", retry_s=0.2).download("a", tmp_path / "target", max_bytes=100)


def test_a_read_asks_for_the_very_object_that_was_looked_at(opened: Opener, server: Any, tmp_path: Path) -> None:
    whole = {"name": "a", "size": "18", "crc32c": "AAAAAA==", "generation": "77"}

    def answer(path: str) -> Answer:
        if "alt=media" in path:
            assert "ifGenerationMatch=77" in path
            return (412, b"{}", {})
        return (200, json.dumps(whole).encode(), {"Content-Type": "application/json"})

    server.answer = answer
    with pytest.raises(Unavailable, match="replaced"):
        opened(f"http://127.0.0.1:{server.server_port}").download("a", tmp_path / "target", max_bytes=100)


MEMORY = """
import resource, sys
from pathlib import Path
from google.auth.credentials import AnonymousCredentials
from consumer.backends.cloud_storage import CloudStorageObjects

def peak_mb():
    status = Path("/proc/self/status")
    if not status.exists():  # macOS, in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    # Linux hands ru_maxrss down from the process that started this one; VmHWM it does not.
    return next(int(line.split()[1]) / 1000 for line in status.read_text().splitlines() if line.startswith("VmHWM"))

host, project, bucket, target = sys.argv[1:]
objects = CloudStorageObjects(AnonymousCredentials(), project, bucket, emulator=host)
objects.download("small", Path(target), max_bytes=1 << 30)
before = peak_mb()
objects.download("large", Path(target), max_bytes=1 << 30)
down = peak_mb()
objects.upload(Path(target), "again", content_type="video/mp4")
print(down - before, peak_mb() - down)
"""


def test_memory_is_flat_at_200_mb(opened: Opener, firebase_project: FirebaseProject, tmp_path: Path) -> None:
    objects = opened()
    (tmp_path / "small").write_bytes(bytes(MB))
    with (tmp_path / "large").open("wb") as large:
        large.truncate(200 * MB)
    for name in ("small", "large"):
        objects.upload(tmp_path / name, name, content_type="video/mp4")
    command = [sys.executable, "-c", MEMORY, firebase_project.storage_host, firebase_project.id, firebase_project.bucket]
    answer = subprocess.run(
        [*command, str(tmp_path / "target")], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    down, up = map(float, answer.stdout.split())
    logger.info("Memory grew by %.1f MB during a download of 200 MB, by %.1f MB during its upload", down, up)
    assert down < 50
    assert up < 50


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without emulators and credentials."""
    for name in (
        "FIRESTORE_EMULATOR_HOST",
        "STORAGE_EMULATOR_HOST",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "GCLOUD_PROJECT",
        "FIREBASE_CONFIG",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return monkeypatch


def test_no_credentials_are_denied_with_a_remedy(nowhere: pytest.MonkeyPatch) -> None:
    del nowhere
    with pytest.raises(Denied, match="GOOGLE_APPLICATION_CREDENTIALS"):
        open_firebase("project-1", "bucket")


@pytest.mark.parametrize(
    "content", ['{"private_key": "-----BEGIN PRIVATE KEY----- secret"}', "secret", '{"type": "service_account"}']
)
def test_a_bad_key_file_is_denied_and_not_quoted(nowhere: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    key = tmp_path / "key.json"
    key.write_text(content)
    nowhere.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(Denied) as caught:
        open_firebase(f"project-{abs(hash(content))}", "bucket")
    assert "secret" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_the_bucket_must_be_named(firebase_project: FirebaseProject, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_firebase(firebase_project.id, None)  # emulators have a default
    backend.close()
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent")
    with pytest.raises(StoreError):
        open_firebase(firebase_project.id, None)


def test_the_storage_emulator_may_be_named_without_a_scheme(
    firebase_project: FirebaseProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", firebase_project.storage_host.removeprefix("http://"))
    backend = open_firebase(firebase_project.id, firebase_project.bucket)
    with pytest.raises(Missing):
        backend.objects.stat("a")
    backend.close()


def test_googles_loggers_reach_ours(firebase_project: FirebaseProject) -> None:
    open_firebase(firebase_project.id, firebase_project.bucket).close()
    assert logging.getLogger("google").propagate


def test_opening_is_quick(firebase_project: FirebaseProject) -> None:
    start = time.monotonic()
    open_firebase(firebase_project.id, firebase_project.bucket).close()
    assert time.monotonic() - start < 1.0
