"""The volume: what is there of each unfinished job, so that a crash costs one stage and no more.

    DATA_DIR/spool/NAME/            NAME is a hash of the job's id; never anything that a user wrote
        lock                        held by the process that works here
        manifest.json               which stages are finished, each file's size and checksum
        lease.json                  the job's id and the token of the lease under which a process works here
        STAGE/                      what a finished stage left
        STAGE.partial/              what an unfinished one has so far; removed when it begins anew, kept for one that goes on

A stage writes into its partial directory. `Place.finish` syncs the files, renames the directory, and only then enters it in the
manifest, which is itself written beside and renamed. So the manifest never names what is not there in full.

A directory that has a lease.json and whose lock is free belonged to a process that was killed: the kernel frees the locks of a
dead process. That lease need not run out before the job is claimed again.

A directory whose lock is held belongs to a living process: an old holder that has lost its job may be in it still. Whoever
takes the job over on the same volume then works in a directory of the next name, and neither disturbs the other.
"""

import errno
import fcntl
import hashlib
import json
import logging
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import google_crc32c

from consumer.directories import size_of, sync_directory
from consumer.jobs.document import Job, Stage

logger = logging.getLogger(__name__)

CHUNK = 1 << 20

LEASE = "lease.json"

PROBE_S = 0.02
"""Another process may hold a directory's lock for a moment, only to see whether its worker is alive."""


_VOLUME_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
"""No fault of the job's: no space, no quota, a volume that went read-only or bad."""


class NoRoom(Exception):
    """The volume has less free space than the work needs, or takes no writes at all."""


@dataclass(frozen=True)
class Identity:
    """What a job's remains are good for: the same job with the same request, done by the same program."""

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
class Place:
    """A job's directory, locked by this process."""

    path: Path
    identity: Identity
    _stages: dict[str, dict[str, Any]]
    _ours: bool = False
    """Whether what lies here is of this request."""
    _trusted: set[Stage] = field(default_factory=set)

    @property
    def begun(self) -> bool:
        """Whether an earlier attempt has finished a stage here."""
        return bool(self._stages)

    def hold(self, token: str) -> None:
        """Note the token of the lease under which this process works here, until the directory is closed.

        Raises:
            OSError: the volume cannot be used.
        """
        (self.path / LEASE).write_text(json.dumps({"job": self.identity.job, "token": token}), encoding="utf-8")

    def finished(self, stage: Stage) -> bool:
        """Whether the stage has been finished and what it left is unharmed (checked once in a process)."""
        if stage in self._trusted:
            return True
        entry = self._stages.get(stage)
        if entry is None or not _intact(self.path / stage, entry["files"]):
            return False
        self._trusted.add(stage)
        return True

    def begin(self, stage: Stage) -> Path:
        """An empty directory for the stage to write into; what later stages left is void from now on."""
        shutil.rmtree(self._partial(stage), ignore_errors=True)
        return self._void(stage)

    def resume(self, stage: Stage) -> Path:
        """The same with what an earlier attempt at this stage of the same request has left unfinished."""
        return self._void(stage) if self._ours else self.begin(stage)

    def _void(self, stage: Stage) -> Path:
        """What this stage and later ones left is void; the stage's partial directory."""
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
        """The stage is complete: make it last through a power cut.

        Args:
            stage: what `begin` was called with.

        Raises:
            ValueError: there is something else than plain files, which no stage makes.
        """
        partial = self._partial(stage)
        # A child that a video has taken over might leave a link, for us to publish what it points to.
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
        """All files that a finished stage left."""
        return [self.path / stage / name for name in self._stages[stage]["files"]]

    def discard(self) -> None:
        """Remove everything; the job is over."""
        _remove(self.path)

    def _partial(self, stage: Stage) -> Path:
        return self.path / f"{stage}.partial"

    def _save(self) -> None:
        write_atomically(
            self.path / "manifest.json",
            json.dumps({"identity": vars(self.identity), "stages": self._stages}, indent=1).encode(),
        )


@dataclass(frozen=True)
class Remains:
    """A job's directory, seen from outside."""

    path: Path
    job: str | None
    owner: str | None
    age_s: float
    size: int


class Spool:
    """All jobs' directories on one volume, which any number of processes may share.

    Args:
        root: where they lie.
        min_free_bytes: what is to be kept free.
        program: fingerprint of the analysis; what another one left is not gone on with.
    """

    def __init__(self, root: Path, *, min_free_bytes: int = 0, program: str = "") -> None:
        self.root = root
        self._program = program
        self._min_free = min_free_bytes
        # Videos of people: for the account that runs this, nobody else.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def open(self, job: Job) -> Iterator[Place]:
        """The job's directory, with what an earlier attempt on this volume left of the same request.

        Raises:
            NoRoom: the volume is full or takes no writes.
            OSError: the volume cannot be used.
        """
        identity = Identity.of(job, self._program)
        name = _name_of(job.id)
        with room_errors():
            path, lock = self._lock_fitting(name, identity) or self._lock_first(name)
        try:
            yield _place(path, identity)
        finally:
            (path / LEASE).unlink(missing_ok=True)
            os.close(lock)

    def orphans(self) -> list[str]:
        """Ids of the jobs on which a process worked that was killed."""
        return [lease["job"] for path in sorted(self.root.iterdir()) if (lease := _lease_of_dead(path)) is not None]

    def is_orphan(self, job_id: str, token: str) -> bool:
        """Whether the process that worked on the job here under the lease of that token was killed."""
        paths = takewhile(Path.exists, self._paths(_name_of(job_id)))
        return any(_lease_of_dead(path) == {"job": job_id, "token": token} for path in paths)

    def free_bytes(self) -> int:
        """Free space beyond what is to be kept; negative when there is too little."""
        return shutil.disk_usage(self.root).free - self._min_free

    def obstacle(self) -> str | None:
        """Why no new work can be done on this volume; None when it can."""
        try:
            free = self.free_bytes()
        except OSError as error:
            return f"The volume cannot be used ({error.strerror})"
        if free < 0:
            kept = self._min_free
            return f"The volume is full ({_megabytes(free + kept)} MB free, {_megabytes(kept)} MB needed)"
        return None if os.access(self.root, os.W_OK) else "The volume cannot be written"

    def need(self, size: int) -> None:
        """Raises NoRoom unless the volume has room for so many bytes more."""
        free = self.free_bytes()
        if free < size:
            raise NoRoom(
                f"The volume has too little free space: {_megabytes(max(free, 0))} MB beyond what is kept free, "
                f"{_megabytes(size)} MB needed."
            )

    def remains(self) -> Iterator[Remains]:
        """What lies there, of living and of dead processes."""
        now = time.time()
        for path in sorted(self.root.iterdir()):
            try:
                manifest = json.loads((path / "manifest.json").read_bytes())["identity"]
                age = now - (path / "manifest.json").stat().st_mtime
            except (OSError, ValueError, KeyError, TypeError):
                manifest, age = {}, now - _mtime(path)
            yield Remains(path, manifest.get("job"), manifest.get("owner"), age, size_of(path))

    def remove(self, remains: Remains) -> bool:
        """Remove a job's directory unless a living process works in it; whether it was removed."""
        try:
            lock = _try_lock(remains.path)
        except OSError:
            return False
        if lock is None:
            return False
        try:
            _remove(remains.path)
        finally:
            os.close(lock)
        return True

    def clean(self, *, max_age_s: float, max_bytes: int, over: Callable[[str], bool]) -> int:
        """Remove what is too old, whose job is over, and, oldest first, what exceeds the quota.

        Args:
            max_age_s: age limit in seconds.
            max_bytes: quota of the whole spool.
            over: whether the job of that id is finished or gone.

        Returns:
            The bytes that remain.
        """
        entries = sorted(self.remains(), key=lambda entry: -entry.age_s)
        total = sum(entry.size for entry in entries)
        for entry in entries:
            try:
                # Whether a job is over costs a look into the store.
                if (total > max_bytes or entry.age_s > max_age_s or _useless(entry, over)) and self.remove(entry):
                    total -= entry.size
                    logger.info("Removed the remains of a job: %d bytes, %.0f s old", entry.size, entry.age_s)
            except (OSError, RecursionError) as error:
                # One that cannot be removed must not keep the others.
                logger.warning("The remains of a job could not be removed: %s", type(error).__name__)
        return total

    def _lock_fitting(self, name: str, identity: Identity) -> tuple[Path, int] | None:
        """The free directory where the job can be gone on with, if there is one."""
        for path in takewhile(Path.exists, self._paths(name)):
            lock = _try_lock(path)
            if lock is None:
                time.sleep(PROBE_S)
                lock = _try_lock(path)
            if lock is None:
                continue
            if _place(path, identity).begun:
                return path, lock
            os.close(lock)
        return None

    def _lock_first(self, name: str) -> tuple[Path, int]:
        for path in self._paths(name):
            _make(path)
            lock = _try_lock(path)
            if lock is not None:
                return path, lock
        raise AssertionError("The names never end.")

    def _paths(self, name: str) -> Iterator[Path]:
        return (self.root / (f"{name}-{number}" if number else name) for number in count())


@contextmanager
def room_errors() -> Iterator[None]:
    """Raises NoRoom for what the volume, and not the work, is to blame for."""
    try:
        yield
    except OSError as error:
        if error.errno in _VOLUME_ERRORS:
            raise NoRoom(f"The volume takes no writes: {error.strerror}.") from error
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there in full or as it was before, whatever happens."""
    beside = path.with_name(f".{path.name}.partial")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)


def _megabytes(size: int) -> int:
    return size // 1_000_000


def _name_of(job_id: str) -> str:
    return hashlib.sha256(job_id.encode()).hexdigest()[:32]


def _lease_of_dead(path: Path) -> dict[str, str] | None:
    """The lease of the process that was killed while it worked in the directory; None when there was none, or it lives."""
    try:
        lease = json.loads((path / LEASE).read_bytes())
        lease = {"job": str(lease["job"]), "token": str(lease["token"])}
        lock = os.open(path / "lock", os.O_RDWR)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # A volume that cannot lock proves nothing either: then the lease runs out.
        return None
    finally:
        os.close(lock)
    return lease


def _place(path: Path, identity: Identity) -> Place:
    try:
        manifest = json.loads((path / "manifest.json").read_bytes())
        if manifest["identity"] == vars(identity):
            return Place(path, identity, dict(manifest["stages"]), _ours=True)
    except (OSError, ValueError, KeyError, TypeError):
        # No manifest, or one that cannot be read: nothing here is of use.
        logger.debug("A job's directory has no manifest that can be read.")
    return Place(path, identity, {})


def _useless(entry: Remains, over: Callable[[str], bool]) -> bool:
    # A directory without a manifest is either being made this moment or of no use.
    return entry.age_s > 60 if entry.job is None else over(entry.job)


def _make(path: Path) -> None:
    # Not Path.mkdir(exist_ok=True): that fails when somebody removes the directory at the same moment.
    with suppress(FileExistsError):
        path.mkdir()


def _try_lock(path: Path) -> int | None:
    """The descriptor of the directory's lock file, or None when another process, or another thread, holds it."""
    while True:
        try:
            descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            # Its last user has just removed the directory.
            _make(path)
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


def _remove(path: Path) -> None:
    # The lock goes last: as long as anything else is there, nobody else begins to work in it.
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


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
