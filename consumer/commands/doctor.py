"""`dothis doctor`: checks everything that the daemon needs, and says what to do about each problem."""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from consumer.backends import Backend, Denied, DocumentStore, Missing, ObjectStore, StoreError
from consumer.backends.selection import open_backend
from consumer.catalogue import load_catalogue
from consumer.commands import console
from consumer.intake import PUBSUB_MISSING
from consumer.jobs import paths
from consumer.jobs.queries import ask_all
from consumer.sandbox.confine import support
from consumer.settings import Settings, SettingsError
from pose.errors import ModelMissing
from pose.reading import model as models


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: what was checked.
        ok: whether it is in order; None if the daemon works, but less well than it could.
        says: what was found, or what to do.
    """

    name: str
    ok: bool | None
    says: str


def run(*, json: bool) -> None:
    """Print all findings; exit code 1 if one of them is a problem."""
    settings = console.load_settings()
    console.quiet_logs()
    findings = list(examine(settings))
    if json:
        console.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            sign = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]![/]"}[finding.ok]
            console.out.print(f"{sign} {finding.name}: ", end="")
            console.out.print(finding.says, markup=False, soft_wrap=True)
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Check everything that the daemon needs."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    workers = "1 worker" if settings.workers == 1 else f"{settings.workers} workers"
    yield Finding("settings", True, f"read; Python {version}, backend {settings.backend}, {workers}")
    yield Finding("data directory", True, str(settings.data_dir.resolve()))
    yield from _stores(settings)
    if settings.intake == "pubsub":
        yield _subscription(settings)
    if settings.push != "off":
        yield _messages(settings)
    yield _exercises(settings)
    yield _volume(settings)
    yield _model(settings)
    yield _sandbox()


def _stores(settings: Settings) -> Iterator[Finding]:
    try:
        backend = open_backend(settings)
    except StoreError as error:
        yield Finding("credentials" if settings.backend == "firebase" else "embedded stores", False, str(error))
        return
    try:
        if settings.backend == "firebase":
            yield Finding("credentials", True, "found")
        yield _ask("document store", lambda: backend.documents.find({"status": "uploaded"}, limit=1), "answers")
        yield _ask("queries", lambda: ask_all(backend.documents), "each is answered")
        yield _ask("writing documents", lambda: _write_document(backend.documents), "can be written and removed")
        yield _ask("object storage", lambda: _stat_nothing(backend), "answers")
        yield _ask("writing objects", lambda: _write_object(backend.objects), "can be written, listed and removed")
    finally:
        backend.close()


def _ask(name: str, question: Callable[[], object], fine: str) -> Finding:
    try:
        question()
    except StoreError as error:
        return Finding(name, False, str(error))
    return Finding(name, True, fine)


@contextmanager
def _needing(permission: str) -> Iterator[None]:
    try:
        yield
    except Denied as error:
        raise Denied(f"{permission} is lacking. {error}") from error


def _write_document(documents: DocumentStore) -> None:
    """Write and remove a document, as an app, a consumer and `dothis forget` do. Without a status it is not a job."""
    probe = f"doctor-{secrets.token_hex(8)}"
    with _needing("datastore.entities.create"):
        documents.create(probe, {"probe": 1})
    snapshot = documents.get(probe)
    if snapshot is None:
        raise StoreError("A document that was written cannot be read.")
    with _needing("datastore.entities.update"):
        documents.update(snapshot, {"probe": 2})
    with _needing("datastore.entities.delete"):
        documents.delete(probe)


def _write_object(objects: ObjectStore) -> None:
    folder = f"{paths.USERS}doctor-{secrets.token_hex(8)}/"
    with tempfile.NamedTemporaryFile() as file, _needing("storage.objects.create"):
        objects.upload(Path(file.name), f"{folder}probe", content_type="text/plain")
    with _needing("storage.objects.get"):
        objects.stat(f"{folder}probe")
    with _needing("storage.objects.list"):
        found = list(objects.list(folder))
    if found != [f"{folder}probe"]:
        raise StoreError("An object that was written is not listed.")
    with _needing("storage.objects.delete"):
        objects.purge(folder)


def _stat_nothing(backend: Backend) -> None:
    try:
        backend.objects.stat(f"references/{secrets.token_hex(8)}")
    except Missing:
        # The expected answer: the bucket exists, the object does not.
        return


def _subscription(settings: Settings) -> Finding:
    try:
        from consumer.intake import pubsub  # noqa: PLC0415 - an extra: most do without it

        pubsub.check_subscription(settings)
    except ModuleNotFoundError:
        return Finding("subscription", False, PUBSUB_MISSING)
    except StoreError as error:
        return Finding("subscription", False, str(error))
    return Finding("subscription", True, "Pub/Sub answers")


def _messages(settings: Settings) -> Finding:
    from consumer.push.fcm import Fcm  # noqa: PLC0415 - most do without it

    try:
        Fcm(settings.project).check()
    except StoreError as error:
        return Finding("messages to devices", False, str(error))
    return Finding("messages to devices", True, "Firebase Cloud Messaging answers")


def _exercises(settings: Settings) -> Finding:
    try:
        catalogue = load_catalogue(settings)
    except SettingsError as error:
        return Finding("exercises", False, str(error))
    return Finding("exercises", True, f"{len(catalogue.exercises)}, {len(catalogue.files)} of them your own")


def _volume(settings: Settings) -> Finding:
    spool = settings.data_dir / "spool"
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = spool / f".probe-{secrets.token_hex(4)}"
        probe.write_bytes(b"")
        probe.unlink()
        free = shutil.disk_usage(spool).free
    except OSError as error:
        where = f"{settings.data_dir.resolve()} (DOTHIS_DATA_DIR)"
        return Finding("volume", False, f"{error.strerror}: make {where} a directory that this user can write.")
    if free < settings.min_free_bytes:
        return Finding("volume", False, f"only {free / 1e9:.1f} GB free: make room, or lower DOTHIS_MIN_FREE_BYTES.")
    return Finding("volume", True, f"can be written, {free / 1e9:.1f} GB free")


def _model(settings: Settings) -> Finding:
    try:
        model = models.find(settings.model)
    except ModelMissing as error:
        return Finding("pose model", False, str(error))
    return Finding("pose model", True, f"{model.name}, SHA-256 {model.sha256}")


def _sandbox() -> Finding:
    have = support()
    if have.complete:
        return Finding("sandbox", True, f"Landlock ABI {have.landlock} and seccomp")
    lacking = [name for name, there in (("Landlock (Linux 5.13)", have.landlock), ("seccomp", have.seccomp)) if not there]
    return Finding("sandbox", None, f"this kernel lacks {' and '.join(lacking)}; limits on memory, time and files remain")
