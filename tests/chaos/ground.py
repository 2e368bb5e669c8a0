"""The ground of a scenario: a new backend, real daemon processes on it, and the outcome of the jobs."""

import contextlib
import hashlib
import json
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.backends import SERVER_TIME, Backend
from consumer.backends.firebase import open_firebase
from consumer.backends.local import open_local
from consumer.jobs.document import Status, status_of
from tests.consumer_kit import OWNER
from tests.daemons import Process
from tests.emulators import FirebaseProject, create_bucket, environment
from tests.work import video


@dataclass
class Ground:
    """A backend and its volumes.

    Attributes:
        name: of the backend.
        data_dir: the embedded backend, and the first volume.
        backend: for the test's own eyes.
        environment: what leads a daemon to the backend.
    """

    name: str
    data_dir: Path
    backend: Backend
    environment: Mapping[str, str] = field(default_factory=dict)

    def daemon(self, *, volume: str = "", **told: Any) -> Process:
        """Start a daemon on a volume. On the embedded backend all daemons share one volume."""
        data_dir = self.data_dir if self.name == "local" else self.data_dir / (volume or "volume")
        data_dir.mkdir(exist_ok=True)
        settings = {"backend": self.name, "workers": 1, "lease_s": 2, "max_attempts": 100, "min_free_bytes": 0}
        if self.name == "firebase":
            settings |= {"project": self.environment["DOTHIS_PROJECT"], "bucket": self.environment["DOTHIS_BUCKET"]}
        told["settings"] = {**settings, **told.get("settings", {})}
        return Process(data_dir, self.environment, **told)

    def put(self, job_id: str, **instructions: Any) -> None:
        """Act as the app, with a video for the fast analysis."""
        self.put_bytes(job_id, video(**instructions))

    def put_bytes(self, job_id: str, content: bytes) -> None:
        """Act as the app."""
        path = f"users/{OWNER}/uploads/{job_id}.mp4"
        self.put_object(path, content)
        fields = {"owner": OWNER, "video": path, "status": "uploaded", "createdAt": SERVER_TIME}
        self.backend.documents.create(job_id, fields)

    def put_object(self, path: str, content: bytes) -> None:
        """Put a video into the storage."""
        file = self.data_dir / "upload"
        file.write_bytes(content)
        self.backend.objects.upload(file, path, content_type="video/mp4")

    def documents(self) -> dict[str, Mapping[str, Any]]:
        """All documents' fields by id."""
        found: dict[str, Mapping[str, Any]] = {}
        after = None
        while page := self.backend.documents.find({}, after=after, limit=100):
            found |= {snapshot.id: snapshot.fields for snapshot in page}
            after = page[-1]
        return found

    def unfinished(self) -> int:
        """The number of jobs that are not over."""
        statuses = [status_of(fields) for fields in self.documents().values()]
        return sum(status is None or not status.final for status in statuses)

    def outcomes(self) -> Counter[str]:
        """The number of jobs for each end; failures are counted by their codes."""
        return Counter(_outcome(fields) for fields in self.documents().values())

    def leases(self) -> int:
        """The number of documents with a lease."""
        return sum("lease" in fields for fields in self.documents().values())

    def published(self) -> dict[str, Counter[str]]:
        """For each job the attempts with results in the storage, and the number of their files."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for path in self.backend.objects.list(f"users/{OWNER}/results/"):
            job_id, attempt = path.split("/")[3:5]
            found[job_id][attempt] += 1
        return found

    def result(self, job_id: str) -> str:
        """A digest of a job's results: the document's fields and the bytes of all files, without the attempt."""
        fields = self.documents()[job_id]
        digest = hashlib.sha256()
        told = json.dumps({name: value for name, value in fields["result"].items() if name != "files"}, sort_keys=True)
        digest.update(told.encode())
        for kind, path in sorted(fields["result"]["files"].items()):
            digest.update(kind.encode())
            if path is not None:
                file = self.data_dir / "look"
                self.backend.objects.download(path, file, max_bytes=1 << 30)
                digest.update(file.read_bytes())
        return digest.hexdigest()

    def walk(self) -> Counter[tuple[str, str]]:
        """The number of times that each job reached each point, on all volumes."""
        lines = [line for log in self.data_dir.rglob("walk.log") for line in log.read_text().splitlines()]
        return Counter((line.split("\t")[0], line.split("\t")[1]) for line in lines)

    def busy(self) -> bool:
        """Whether a job that a daemon would claim is unfinished. Fast even with many finished jobs."""
        ours = (Status.UPLOADED, Status.WAITING, Status.PROCESSING)
        return any(self.backend.documents.find({"status": str(status)}, limit=1) for status in ours)

    def strays(self) -> list[str]:
        """The files that daemons with `audit` wrote outside of their volumes."""
        return [line for log in self.data_dir.rglob("strays.log") for line in log.read_text().splitlines()]

    def remains(self) -> int:
        """The directories that are left in all spools."""
        return sum(1 for spool in self.data_dir.rglob("spool") if spool.is_dir() for _ in spool.iterdir())


def _outcome(fields: Mapping[str, Any]) -> str:
    status = status_of(fields)
    if status is Status.FAILED:
        return f"failed, {fields['error']['code']}"
    return str(status)


@contextlib.contextmanager
def local_ground() -> Iterator[Ground]:
    """The embedded backend in a new directory."""
    with tempfile.TemporaryDirectory(prefix="dothis-chaos-") as data_dir:
        backend = open_local(Path(data_dir))
        try:
            yield Ground("local", Path(data_dir), backend)
        finally:
            backend.close()


@contextlib.contextmanager
def firebase_ground(firestore_host: str, storage_host: str) -> Iterator[Ground]:
    """A new project in running emulators."""
    name = f"demo-{uuid.uuid4().hex[:12]}"
    project = FirebaseProject(name, f"{name}.firebasestorage.app", firestore_host, storage_host)
    create_bucket(storage_host, project.id, project.bucket)
    with tempfile.TemporaryDirectory(prefix="dothis-chaos-") as data_dir, environment(**project.environment):
        backend = open_firebase(project.id, project.bucket)
        try:
            yield Ground("firebase", Path(data_dir), backend, project.environment)
        finally:
            backend.close()
