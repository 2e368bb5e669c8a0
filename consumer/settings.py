"""Every setting, typed, bounded and described. From the environment (prefix `DOTHIS_`) or a `.env` file.

`Settings()` reads them; `describe()` lists them for the documentation and `dothis doctor`.
"""

import io
import os
import socket
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from dotenv.parser import Binding, parse_stream
from pydantic import ByteSize, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "DOTHIS_"

ENV_FILE = Path(".env")

ELSEWHERE = {"CACHE_DIR"}
"""Names that are no settings: the pose model reads them itself."""

RENAMED = {"RESULTS_DAYS": "RETENTION_DAYS"}
"""Former names and their present ones. A variable with a former name is an error, because it would have no effect."""

ALIKE = 0.8
"""difflib's ratio from which a name in the environment counts as a mistyped setting. Other names are ignored: orchestrators add
their own, such as Kubernetes DOTHIS_PORT for a service `dothis`."""


class SettingsError(Exception):
    """A setting is missing or out of bounds; the message names it."""


CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""A container's limit of CPU time (Linux, control group v2): microseconds of all cores, or `max`, and the period."""


def _cores() -> int:
    """The number of cores that this process may use: CPU affinity or a container's quota may leave out some."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = CPU_QUOTA.read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if share == "max" else max(1, min(cores, round(int(share) / int(period))))


class Settings(BaseSettings):
    """All settings; each field's description says what it does."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    backend: Literal["local", "firebase"] = Field(
        default="local", description="Store of documents and objects: `local` (SQLite and a directory) or `firebase`."
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Directory of the volume, with the spool and, with the local backend, documents and objects.",
    )
    project: str | None = Field(default=None, description="Google Cloud project; by default the project of the credentials.")
    bucket: str | None = Field(default=None, description="Cloud Storage bucket; required with the firebase backend.")
    database: str = Field(default="(default)", min_length=1, description="Firestore database.")
    collection: str = Field(default="uploads", min_length=1, description="Firestore collection of the job documents.")

    intake: Literal["watch", "pubsub"] = Field(
        default="watch",
        description="How a daemon hears of new jobs: `watch` (it listens to Firestore; for up to a few dozen daemons) or"
        " `pubsub` (a subscription; for more daemons). Sweeps find jobs with either.",
    )
    subscription: str | None = Field(
        default=None, description="Pub/Sub subscription, such as `dothis-consumers`; required with `pubsub`."
    )

    workers: int = Field(
        default_factory=_cores, ge=1, le=256, description="Number of jobs at once; by default the number of cores."
    )
    worker_name: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        max_length=200,
        description="Name of this daemon, which its leases show; by default the host's name.",
    )
    model: str = Field(
        default="full", min_length=1, description="Pose model: `full`, `lite`, `heavy`, or the path of a .task file."
    )
    exercises: Path | None = Field(
        default=None,
        description="Directory of your own exercise files. They add to the built-in exercises; one with the same id replaces"
        " the built-in one.",
    )
    annotated_video: bool = Field(default=True, description="Whether to make the annotated video.")
    delete_source: bool = Field(
        default=False,
        description="Whether to delete the uploaded video after a success. It is tried once; a failure is logged.",
    )

    history: bool = Field(
        default=True,
        description="Whether to keep the main figures of each finished job in `users/{uid}/history`, for trends over time.",
    )
    push: Literal["off", "fcm"] = Field(
        default="off",
        description="`fcm` sends a message by Firebase Cloud Messaging to the user's devices when the feedback is ready, and"
        " when a job has failed; `off` sends none.",
    )

    lease_s: float = Field(
        default=30, ge=1, le=3600, description="Seconds without a heartbeat after which a worker loses its job to another one."
    )
    max_attempts: int = Field(default=3, ge=1, le=100, description="Number of attempts after which a job fails.")
    retry_base_s: float = Field(
        default=10, gt=0, le=3600, description="Seconds before the second attempt; doubled for each further attempt."
    )
    retry_max_s: float = Field(default=600, gt=0, le=86_400, description="Most seconds between two attempts.")
    outage_retry_s: float = Field(
        default=15, gt=0, le=3600, description="Seconds before the next attempt after an outage of the storage."
    )
    sweep_s: float = Field(
        default=20, ge=0.1, le=600, description="Seconds between two sweeps, which ask the store for due jobs."
    )
    watch_silence_s: float = Field(
        default=120, ge=1, le=3600, description="Seconds without a sign of life after which a watch is opened again."
    )
    give_up_s: float = Field(
        default=900,
        ge=10,
        le=86_400,
        description="Seconds without a successful sweep after which the daemon exits with an error, to be started again.",
    )
    grace_s: float = Field(
        default=8, ge=0, le=3600, description="Seconds that running jobs may take after SIGTERM before they are handed back."
    )
    max_per_owner: int = Field(
        default=4, ge=0, le=10_000, description="Most jobs of one owner that run at once on all daemons; 0 is no limit."
    )

    max_video_bytes: ByteSize = Field(
        default=ByteSize(500_000_000), gt=0, description="Largest video, in bytes or as in `500MB`."
    )
    max_video_s: float = Field(default=900, gt=0, le=86_400, description="Longest video, in seconds.")
    max_pixels: int = Field(default=4096 * 2160, gt=0, description="Largest frame, in pixels: width times height.")
    max_frames: int = Field(default=54_000, gt=0, description="Most frames in a video.")
    max_fps: float = Field(default=240, gt=0, description="Highest frame rate, in frames per second.")

    stage_timeout_s: float = Field(
        default=1800,
        ge=1,
        le=86_400,
        description="Most seconds that one of these stages may take: the analysis, the feedback, the annotated video.",
    )
    max_memory_bytes: ByteSize = Field(
        default=ByteSize(4_000_000_000), ge=500_000_000, description="Largest address space of a stage's process."
    )
    sandbox: Literal["strict", "available"] = Field(
        default="available",
        description="`strict`: the daemon does not start if the kernel lacks Landlock or seccomp. `available`: it uses what the"
        " kernel has.",
    )

    spool_max_bytes: ByteSize = Field(
        default=ByteSize(20_000_000_000),
        gt=0,
        description="Most space that unfinished jobs may take on the volume, in bytes or as in `20GB`.",
    )
    spool_age_s: float = Field(
        default=3 * 86_400, gt=0, description="Seconds after which the files of unfinished jobs are removed."
    )
    min_free_bytes: ByteSize = Field(
        default=ByteSize(500_000_000),
        ge=0,
        description="Least free space on the volume, in bytes; with less, the daemon takes no new job.",
    )
    retention_days: float = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which videos, results and documents are removed; 0 keeps them for ever.",
    )

    shim_host: str = Field(default="127.0.0.1", min_length=1, description="Address of the older HTTP interface.")
    shim_port: int = Field(default=5000, ge=1, le=65_535, description="Port of the older HTTP interface.")
    shim_health_port: int = Field(
        default=8081,
        ge=0,
        le=65_535,
        description="Port of /healthz of `dothis shim`, separate from the clients' port; 0 turns it off.",
    )
    shim_timeout_s: float = Field(
        default=300, gt=0, le=86_400, description="Seconds that the older HTTP interface waits for a job."
    )
    shim_max_waiting: int = Field(
        default=32, ge=1, le=1000, description="Most requests that wait at once; further ones are asked to try again later."
    )
    shim_language: str = Field(
        default="en", min_length=1, description="Language of requests without a known language in Accept-Language."
    )
    shim_require_token: bool = Field(
        default=False, description="Whether requests need a Firebase ID token of the account that owns the video."
    )
    health_host: str = Field(default="127.0.0.1", min_length=1, description="Address of /healthz, /readyz and /metrics.")
    health_port: int = Field(
        default=8080, ge=0, le=65_535, description="Port of /healthz, /readyz and /metrics; 0 turns them off."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest severity that is logged."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="`json` for machines, `console` for people.")

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment and `.env`.

        Raises:
            SettingsError: with one sentence for each setting that is wrong.
        """
        _check_names(os.environ, everything=False)
        _check_names(_read_file(ENV_FILE), everything=True)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("; ".join(_complaint(item["loc"], item["msg"]) for item in error.errors())) from error


def _read_file(path: Path) -> Iterable[str]:
    """The names of the variables in the file; empty if there is no file.

    Raises:
        SettingsError: the file or a line of it cannot be read.
    """
    if not path.is_file():
        return []
    try:
        bindings = list(parse_stream(io.StringIO(path.read_text(encoding="utf-8"))))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not in UTF-8: save it in that encoding") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            raise SettingsError(f"{path}, line {_line_of(binding)}: write a setting as NAME=value")
    return [binding.key for binding in bindings if binding.key is not None]


def _line_of(binding: Binding) -> int:
    """The number of the binding's line: the parser counts empty lines before a binding as part of it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _check_names(names: Iterable[str], *, everything: bool) -> None:
    """Find mistyped settings.

    Args:
        names: of variables.
        everything: whether an unknown name that resembles no setting is an error too.

    Raises:
        SettingsError: with the nearest setting.
    """
    known = {name.upper() for name in Settings.model_fields} | ELSEWHERE
    for name in names:
        suffix = name.upper().removeprefix(PREFIX)
        if not name.upper().startswith(PREFIX) or suffix in known:
            continue
        if suffix in RENAMED:
            raise SettingsError(f"{name} is called {PREFIX}{RENAMED[suffix]} now")
        nearest = get_close_matches(suffix, known, n=1, cutoff=ALIKE)
        if nearest:
            raise SettingsError(f"{name} is no setting: did you mean {PREFIX}{nearest[0]}?")
        if everything:
            raise SettingsError(f"{name} is no setting")


def _complaint(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    return f"{PREFIX}{str(location[0]).upper()}: {message}"


def describe() -> Iterator[tuple[str, str, str]]:
    """Name, default and description of each setting, for people."""
    for name, field in Settings.model_fields.items():
        if field.default_factory is not None:
            default = "(of the machine)"
        else:
            default = "" if field.default is None else str(field.default)
        yield f"{PREFIX}{name.upper()}", default, field.description or ""
