"""Finds, starts (on free ports) and stops the emulators of Firestore, Cloud Storage and Pub/Sub.

A pytest plugin (tests/conftest.py names it) with the fixtures `firestore_emulator`, `storage_emulator`, `pubsub_emulator` and
`firebase_project`, and a library for whoever starts emulators itself: fault tests, the demo, the benchmark.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from tests.missing import missing

START_S = 60.0
JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
HOW_TO_GET_IT = (
    "The Firestore emulator is missing. Install Java 17 or newer and either the Google Cloud CLI with"
    " `gcloud components install cloud-firestore-emulator` (Debian: google-cloud-cli-firestore-emulator), or run"
    " `npx firebase-tools@14 setup:emulators:firestore`, or point FIRESTORE_EMULATOR_HOST to a running one."
)
PUBSUB_JARS = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
PUBSUB_MAIN_CLASS = "com.google.cloud.pubsub.testing.v1.Main"
HOW_TO_GET_PUBSUB = (
    "The Pub/Sub emulator is missing. Install Java 17 or newer and the Google Cloud CLI with"
    " `gcloud components install pubsub-emulator` (Debian: google-cloud-cli-pubsub-emulator),"
    " or point PUBSUB_EMULATOR_HOST to a running one."
)


class EmulatorMissing(Exception):
    """The emulator is not installed; the message says how to get it."""


@dataclass
class Emulator:
    """A running emulator. `process` is None if this process did not start it."""

    host: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    def stop(self) -> None:
        """Stop the emulator; kill it after 10 s."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the emulator, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_firestore(port: int | None = None) -> Emulator:
    """Start a Firestore emulator.

    Raises:
        EmulatorMissing: there is no Java or no emulator on this machine.
    """
    java, jar = shutil.which("java"), find_firestore_jar()
    if java is None or jar is None:
        raise EmulatorMissing(HOW_TO_GET_IT)
    host = f"127.0.0.1:{port or free_port()}"
    command = [java, "-Xmx512m", "-cp", str(jar), MAIN_CLASS, "start", f"--host={host.partition(':')[0]}"]
    emulator = _started([*command, f"--port={host.partition(':')[2]}"], host)
    _warm_up(host)
    return emulator


def _warm_up(host: str) -> None:
    """Write one document, because on a busy machine the first write takes longer than a store's deadline."""
    document = "projects/demo-warm/databases/(default)/documents/warm/up"
    writes = json.dumps({"writes": [{"update": {"name": document, "fields": {}}}]})
    with contextlib.suppress(TimeoutError):
        http_json("POST", f"http://{host}/v1/{document.partition('/warm')[0]}:commit", writes, token="owner")


def start_pubsub(port: int | None = None) -> Emulator:
    """Start a Pub/Sub emulator.

    Raises:
        EmulatorMissing: there is no Java or no emulator on this machine.
    """
    java, jar = shutil.which("java"), find_pubsub_jar()
    if java is None or jar is None:
        raise EmulatorMissing(HOW_TO_GET_PUBSUB)
    port = port or free_port()
    command = [java, "-Xmx256m", "-cp", str(jar), PUBSUB_MAIN_CLASS, "--host=127.0.0.1", f"--port={port}"]
    return _started(command, f"127.0.0.1:{port}")


def start_storage(port: int | None = None) -> Emulator:
    """Start a Cloud Storage emulator without buckets. Its host is a URL, as in STORAGE_EMULATOR_HOST."""
    port = port or free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", f"--port={port}", "-M", "-q"]
    return _started(command, f"http://127.0.0.1:{port}")


def create_bucket(storage_host: str, project: str, bucket: str) -> None:
    """Make a bucket in the storage emulator."""
    http_json("POST", f"{storage_host}/storage/v1/b?project={project}", f'{{"name": "{bucket}"}}')


def find_firestore_jar() -> Path | None:
    """Find the emulator's jar: that of the Google Cloud CLI, or the newest in the cache of firebase-tools."""
    for root in _cloud_sdk_roots():
        if (root / JAR).is_file():
            return root / JAR
    cache = Path(os.environ.get("FIREBASE_EMULATORS_PATH", Path.home() / ".cache/firebase/emulators"))
    return max(cache.glob("cloud-firestore-emulator-v*.jar"), key=_version, default=None)


def find_pubsub_jar() -> Path | None:
    """The emulator's jar of the Google Cloud CLI; firebase-tools has none that is as complete."""
    return next((jar for root in _cloud_sdk_roots() for jar in sorted(root.glob(PUBSUB_JARS))), None)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def environment(**values: str) -> Iterator[Mapping[str, str]]:
    """Set variables of the environment for the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield values
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def http_json(method: str, url: str, body: str | None = None, token: str | None = None) -> tuple[int, str]:
    """Send an HTTP request with a JSON body; return status and answer, also for errors."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, body.encode() if body else None, headers, method=method)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _started(command: Sequence[str], host: str) -> Emulator:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    emulator = Emulator(host, process)
    end = time.monotonic() + START_S
    while not _answers(host):
        if process.poll() is not None or time.monotonic() > end:
            emulator.kill()
            raise RuntimeError(f"{command[0]} did not start: {' '.join(command)}")
        time.sleep(0.05)
    return emulator


def _answers(host: str) -> bool:
    try:
        status, _ = http_json("GET", host if "://" in host else f"http://{host}/")
    except OSError:
        return False
    return status < 500 or status == 501


def _cloud_sdk_roots() -> Iterator[Path]:
    gcloud = shutil.which("gcloud")
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    for root in (
        "/usr/lib/google-cloud-sdk",
        "/opt/google-cloud-sdk",
        "/usr/local/google-cloud-sdk",
        "/snap/google-cloud-cli/current",
    ):
        yield Path(root)
    yield Path.home() / "google-cloud-sdk"
    if gcloud:  # a wrapper somewhere else: it knows, but takes half a second
        command = [gcloud, "info", "--format=value(installation.sdk_root)"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        yield Path(answer.stdout.strip() or "/nonexistent")


def _version(jar: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in jar.stem.rpartition("v")[2].split(".") if part.isdigit())


# --- fixtures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirebaseProject:
    """A new project in the emulators, so that tests do not share documents or objects."""

    id: str
    bucket: str
    firestore_host: str
    storage_host: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment's variables for a process that uses this project."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.firestore_host,
            "STORAGE_EMULATOR_HOST": self.storage_host,
            "DOTHIS_BACKEND": "firebase",
            "DOTHIS_PROJECT": self.id,
            "DOTHIS_BUCKET": self.bucket,
        }


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[Emulator]:
    """The session's Firestore emulator: one for each worker of pytest-xdist."""
    running = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if running:
        yield Emulator(running)
        return
    with start_or_skip() as emulator:
        yield emulator


def start_or_skip(port: int | None = None) -> Emulator:
    """A Firestore emulator for one test. If none is installed the test is skipped; in CI it fails."""
    try:
        return start_firestore(port)
    except EmulatorMissing as error:
        missing(str(error))


@pytest.fixture(scope="session")
def storage_emulator() -> Iterator[Emulator]:
    """The session's Cloud Storage emulator."""
    with start_storage() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[Emulator]:
    """The session's Pub/Sub emulator. PUBSUB_EMULATOR_HOST is set."""
    running = os.environ.get("PUBSUB_EMULATOR_HOST")
    if running:
        yield Emulator(running)
        return
    try:
        emulator = start_pubsub()
    except EmulatorMissing as error:
        missing(str(error))
    with emulator, environment(PUBSUB_EMULATOR_HOST=emulator.host):
        yield emulator


@pytest.fixture
def firebase_project(
    firestore_emulator: Emulator, storage_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> FirebaseProject:
    """A new project. The environment's variables are set for it."""
    name = f"demo-{uuid.uuid4().hex[:12]}"
    project = FirebaseProject(name, f"{name}.firebasestorage.app", firestore_emulator.host, storage_emulator.host)
    create_bucket(project.storage_host, project.id, project.bucket)
    for key, value in project.environment.items():
        monkeypatch.setenv(key, value)
    return project


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a warning if tests were skipped because an emulator is missing."""
    for how in (HOW_TO_GET_IT, HOW_TO_GET_PUBSUB):
        skipped = [report for report in terminalreporter.stats.get("skipped", []) if how in str(report.longrepr)]
        if skipped:
            terminalreporter.section(how.partition(".")[0], red=True, bold=True)
            terminalreporter.line(f"{len(skipped)} tests did not run. {how}", red=True)
