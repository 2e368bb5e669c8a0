"""What the stages promise beyond the walk that tests/consumer/test_worker.py sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumer.backends import Backend
from consumer.sandbox.supervisor import Sandbox
from tests.consumer_kit import change, claim, fields, put_job, put_video, settings, worker

ACCOUNT, NAME = "user@example.com", "exercise_Squat_2305092259"
LEGACY = {"owner": ACCOUNT, "video": f"temp/video/user/{ACCOUNT}/{NAME}.mp4", "origin": "shim"}
LEGACY_REPORT = f"{ACCOUNT}/{NAME}_result/{NAME}.json"


class Slow:
    """Objects whose uploads to one path begin late: `meanwhile` is called before the first byte."""

    def __init__(self, objects: Any, path: str, meanwhile: Callable[[], object]) -> None:
        self._objects, self._path, self._meanwhile = objects, path, meanwhile

    def upload(self, file: Path, path: str, **told: Any) -> Any:
        if path == self._path:
            self._meanwhile()
        return self._objects.upload(file, path, **told)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)


def test_a_worker_that_has_lost_the_job_does_not_overwrite_shared_results(
    backend: Backend, sandbox: Sandbox, tmp_path: Path
) -> None:
    def win() -> None:
        change(backend, "job", {"lease.token": "rival", "attempt": 2})
        file = tmp_path / "rival"
        file.write_bytes(b"the winner's")
        backend.objects.upload(file, LEGACY_REPORT, content_type="application/json")

    put_job(backend, **LEGACY)
    put_video(backend, tmp_path, LEGACY["video"])
    using, slow = settings(tmp_path), Slow(backend.objects, LEGACY_REPORT, win)
    worker(Backend("slow", backend.documents, slow), using, sandbox).run(claim(backend, using))
    backend.objects.download(LEGACY_REPORT, tmp_path / "found", max_bytes=1000)
    assert (tmp_path / "found").read_bytes() == b"the winner's"
    assert fields(backend)["lease"]["token"] == "rival"
