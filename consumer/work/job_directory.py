"""One job's directory on the volume, and the manifest of the stages that are finished in it.

    DATA_DIR/spool/NAME/            NAME is a hash of the job's id, never a text that a user wrote
        lock                        locked by the process that works on the job
        manifest.json               the finished stages, with the size and checksum of each file
        lease.json                  the job's id and the token of the lease under which the process works
        STAGE/                      the files of a finished stage
        STAGE.partial/              the files of an unfinished stage

A stage writes into its partial directory. `JobDirectory.finish` syncs the files, renames the directory, and then adds the stage
to the manifest, which it replaces atomically. So the manifest never names a file that is not complete.

A directory with a lease.json and a free lock belonged to a process that was killed: the kernel frees the locks of a dead
process. Such a job can be claimed before its lease expires.
"""

import errno
import fcntl
import json
import logging
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import google_crc32c

from consumer.directories import sync_directory
from consumer.jobs.document import Job, Stage

logger = logging.getLogger(__name__)

CHUNK = 1 << 20

LEASE = "lease.json"


@dataclass(frozen=True)
class Identity:
    """What the files of a stage depend on: the job, its request and the program. Other values make them useless."""

    job: str
    owner: str
    video: str
    reference: str | None
    exercise: str | None
    language: str
    program: str

    @classmethod
    def of(cls, job: Job, program: str) -> "Identity":
        """The identity of a job."""
        return cls(job.id, job.owner, job.video, job.reference, job.exercise, job.language, program)


@dataclass
class JobDirectory:
    """A job's directory, locked by this process."""

    path: Path
    identity: Identity
    _stages: dict[str, dict[str, Any]]
    _ours: bool = False
    """Whether the files in it are of this request."""
    _trusted: set[Stage] = field(default_factory=set)

    @property
    def has_finished_stages(self) -> bool:
        """Whether a stage is finished."""
        return bool(self._stages)

    def record_lease(self, token: str) -> None:
        """Write lease.json: the token of the lease under which this process works. `Spool.open` removes it at the end.

        Raises:
            OSError: the volume cannot be used.
        """
        (self.path / LEASE).write_text(json.dumps({"job": self.identity.job, "token": token}), encoding="utf-8")

    def finished(self, stage: Stage) -> bool:
        """Whether the stage is finished and its files have the checksums of the manifest (computed once in a process)."""
        if stage in self._trusted:
            return True
        entry = self._stages.get(stage)
        if entry is None or not _intact(self.path / stage, entry["files"]):
            return False
        self._trusted.add(stage)
        return True

    def begin(self, stage: Stage) -> Path:
        """Make an empty partial directory for the stage. Removes the files of this stage and of later ones."""
        shutil.rmtree(self._partial(stage), ignore_errors=True)
        return self._invalidate(stage)

    def resume(self, stage: Stage) -> Path:
        """Like `begin`, but keep the partial directory of an earlier attempt at the same request."""
        return self._invalidate(stage) if self._ours else self.begin(stage)

    def _invalidate(self, stage: Stage) -> Path:
        """Remove the files of this stage and of later ones; return the stage's partial directory."""
        later = list(Stage)[list(Stage).index(stage) :]
        self._stages = {name: entry for name, entry in self._stages.items() if name not in later}
        self._trusted -= set(later)
        self._save()
        for name in later:
            shutil.rmtree(self.path / name, ignore_errors=True)
            if name != stage:
                shutil.rmtree(self._partial(name), ignore_errors=True)
        self._ours = True
        partial = self._partial(stage)
        partial.mkdir(exist_ok=True)
        return partial

    def finish(self, stage: Stage) -> None:
        """Mark the stage as finished, in a way that survives a power cut.

        Args:
            stage: the stage for which `begin` or `resume` was called.

        Raises:
            ValueError: the partial directory has an entry that is no plain file.
        """
        partial = self._partial(stage)
        # A malicious video may control the child process, which could then leave a link to a file that we would publish.
        if not all(stat.S_ISREG(file.lstat().st_mode) for file in partial.iterdir()):
            raise ValueError("A stage leaves plain files, nothing else.")
        files = {file.name: _describe(file, sync=True) for file in sorted(partial.iterdir())}
        sync_directory(partial)
        partial.rename(self.path / stage)
        sync_directory(self.path)
        self._stages[stage] = {"files": files}
        self._save()
        self._trusted.add(stage)

    def files(self, stage: Stage) -> list[Path]:
        """The files of a finished stage."""
        return [self.path / stage / name for name in self._stages[stage]["files"]]

    def discard(self) -> None:
        """Remove the directory, because the job is over."""
        remove_directory(self.path)

    def _partial(self, stage: Stage) -> Path:
        return self.path / f"{stage}.partial"

    def _save(self) -> None:
        write_atomically(
            self.path / "manifest.json",
            json.dumps({"identity": vars(self.identity), "stages": self._stages}, indent=1).encode(),
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file. A crash or power cut leaves either the old content or the new one."""
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)


def lease_of_dead_process(path: Path) -> dict[str, str] | None:
    """The content of lease.json if the process that wrote it was killed; None if it is alive, or if there is no lease.json."""
    try:
        lease = json.loads((path / LEASE).read_bytes())
        lease = {"job": str(lease["job"]), "token": str(lease["token"])}
        lock = os.open(path / "lock", os.O_RDWR)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # The lock is held; or the volume cannot lock, and the lease has to expire.
        return None
    finally:
        os.close(lock)
    return lease


def read_directory(path: Path, identity: Identity) -> JobDirectory:
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        if manifest["identity"] == vars(identity):
            return JobDirectory(path, identity, dict(manifest["stages"]), _ours=True)
    except (OSError, ValueError, KeyError, TypeError):
        # Without a readable manifest no file in the directory can be used.
        logger.debug("A job's directory has no manifest that can be read.")
    return JobDirectory(path, identity, {})


def make_directory(path: Path) -> None:
    # Not Path.mkdir(exist_ok=True): that fails when another process removes the directory at the same moment.
    with suppress(FileExistsError):
        path.mkdir()


def try_lock(path: Path) -> int | None:
    """Lock the directory; return the descriptor of its lock file, or None when another process or thread holds the lock."""
    while True:
        try:
            descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            # Another process has just removed the directory.
            make_directory(path)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (path / "lock").stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            logger.debug("A job's directory was removed while it was being locked.")
        os.close(descriptor)


def remove_directory(path: Path) -> None:
    # The lock file goes last: until then no other process can begin to work in the directory.
    for entry in path.iterdir():
        if entry.name == "lock":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    (path / "lock").unlink(missing_ok=True)
    try:
        path.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise


def _describe(file: Path, *, sync: bool = False) -> dict[str, Any]:
    checksum = google_crc32c.Checksum()
    size = 0
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            checksum.update(chunk)
            size += len(chunk)
        if sync:
            os.fsync(content.fileno())
    return {"size": size, "crc32c": checksum.digest().hex()}


def _intact(directory: Path, files: Mapping[str, Any]) -> bool:
    try:
        return all(_describe(directory / name) == described for name, described in files.items())
    except OSError:
        return False
