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
"""Read by the pose model before there are settings."""

RENAMED = {"RESULTS_DAYS": "RETENTION_DAYS"}
"""Former names: an operator who still sets one is told, since nothing else would."""

ALIKE = 0.8
"""Ratio of difflib from which a name in the environment is a mistyped setting. Orchestrators put names of their own there:
Kubernetes makes DOTHIS_PORT of a service `dothis`."""


class SettingsError(Exception):
    """A setting is missing or out of bounds; the message names it."""


CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of all cores, or `max`, in a period of so many (Linux, control group v2): what a container may use."""


def _cores() -> int:
    """That this process may use: an affinity or a container's quota may leave it fewer than the machine has."""
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
        default="local", description="Where documents and objects live: `local` (SQLite and a directory) or `firebase`."
    )
    data_dir: Path = Field(
        default=Path("data"), description="The volume: the spool and, with the local backend, objects and documents."
    )
    project: str | None = Field(default=None, description="Google Cloud project; by default the one that the credentials name.")
    bucket: str | None = Field(default=None, description="Cloud Storage bucket; required with the firebase backend.")
    database: str = Field(default="(default)", min_length=1, description="Firestore database.")
    collection: str = Field(default="uploads", min_length=1, description="Firestore collection of the job documents.")

    intake: Literal["watch", "pubsub"] = Field(
        default="watch",
        description="What brings new jobs: `watch` (Firestore's, for up to some dozens of daemons) or `pubsub` (a subscription,"
        " for more). Sweeps go on in both.",
    )
    subscription: str | None = Field(
        default=None, description="Pub/Sub subscription, such as `dothis-consumers`; required when the intake is `pubsub`."
    )

    workers: int = Field(
        default_factory=_cores, ge=1, le=256, description="Jobs worked on at once; by default the number of cores."
    )
    worker_name: str = Field(
        default_factory=socket.gethostname, min_length=1, max_length=200, description="Shown in a lease, for the operator."
    )
    model: str = Field(
        default="full", min_length=1, description="Pose model: `full`, `lite`, `heavy`, or the path of a .task file."
    )
    exercises: Path | None = Field(
        default=None, description="Directory of your own exercise files, which add to ours or replace one of the same id."
    )
    annotated_video: bool = Field(default=True, description="Make annotated.mp4.")
    delete_source: bool = Field(
        default=False, description="Delete the uploaded video after a success; tried once, a failure is logged."
    )

    history: bool = Field(
        default=True, description="Keep what each finished job came to in `users/{uid}/history`, for trends over time."
    )
    push: Literal["off", "fcm"] = Field(
        default="off",
        description="`fcm` sends a message by Firebase Cloud Messaging to the user's devices when the feedback is there, and"
        " when a job failed.",
    )

    lease_s: float = Field(
        default=30, ge=1, le=3600, description="A worker that has not been heard of for this long has lost its job."
    )
    max_attempts: int = Field(default=3, ge=1, le=100, description="How often a job is tried before it ends failed.")
    retry_base_s: float = Field(
        default=10, gt=0, le=3600, description="Wait before the second attempt; doubled for each further one."
    )
    retry_max_s: float = Field(default=600, gt=0, le=86_400, description="Longest wait between two attempts.")
    outage_retry_s: float = Field(
        default=15, gt=0, le=3600, description="Wait before a job is tried again after an outage of the storage."
    )
    sweep_s: float = Field(default=20, ge=0.1, le=600, description="How often the store is asked for due jobs.")
    watch_silence_s: float = Field(
        default=120, ge=1, le=3600, description="A watch that was silent for this long is made anew."
    )
    give_up_s: float = Field(
        default=900,
        ge=10,
        le=86_400,
        description="When no sweep succeeded for this long the daemon exits non-zero, to be started afresh.",
    )
    grace_s: float = Field(
        default=8, ge=0, le=3600, description="How long running jobs may go on after SIGTERM before they are handed back."
    )
    max_per_owner: int = Field(
        default=4, ge=0, le=10_000, description="Jobs of one owner that may run at once on all consumers; 0 is no limit."
    )

    max_video_bytes: ByteSize = Field(default=ByteSize(500_000_000), gt=0, description="Largest video, such as `500MB`.")
    max_video_s: float = Field(default=900, gt=0, le=86_400, description="Longest video in seconds.")
    max_pixels: int = Field(default=4096 * 2160, gt=0, description="Largest frame, width times height.")
    max_frames: int = Field(default=54_000, gt=0, description="Most frames in a video.")
    max_fps: float = Field(default=240, gt=0, description="Highest frame rate.")

    stage_timeout_s: float = Field(
        default=1800, ge=1, le=86_400, description="Wall time that the analysis, or writing the feedback, may take at most."
    )
    max_memory_bytes: ByteSize = Field(
        default=ByteSize(4_000_000_000), ge=500_000_000, description="Address space of an analysis."
    )
    sandbox: Literal["strict", "available"] = Field(
        default="available",
        description="`strict` refuses to start where the kernel lacks Landlock or seccomp; `available` uses what is there.",
    )

    spool_max_bytes: ByteSize = Field(
        default=ByteSize(20_000_000_000), gt=0, description="What unfinished jobs may take on the volume."
    )
    spool_age_s: float = Field(default=3 * 86_400, gt=0, description="Remains of unfinished jobs are removed after this long.")
    min_free_bytes: ByteSize = Field(
        default=ByteSize(500_000_000),
        ge=0,
        description="Free space that is kept on the volume; with less, no new job is taken.",
    )
    retention_days: float = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Nothing of a person that is older than so many days remains: video, results and document; 0 keeps them for"
        " ever.",
    )

    shim_host: str = Field(default="127.0.0.1", min_length=1, description="Address that the older HTTP interface listens on.")
    shim_port: int = Field(default=5000, ge=1, le=65_535, description="Port of the older HTTP interface.")
    shim_health_port: int = Field(
        default=8081,
        ge=0,
        le=65_535,
        description="Port of /healthz of `dothis shim`, apart from its clients; 0 turns it off.",
    )
    shim_timeout_s: float = Field(
        default=300, gt=0, le=86_400, description="How long the older HTTP interface waits for a job."
    )
    shim_max_waiting: int = Field(
        default=32, ge=1, le=1000, description="Requests that may wait at once; more are asked to come again."
    )
    shim_language: str = Field(default="en", min_length=1, description="Language of requests whose Accept-Language names none.")
    shim_require_token: bool = Field(
        default=False, description="Only answer requests with a Firebase ID token of the account whose video it is."
    )
    health_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address that /healthz, /readyz and /metrics listen on."
    )
    health_port: int = Field(
        default=8080, ge=0, le=65_535, description="Port of /healthz, /readyz and /metrics; 0 turns them off."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
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
    """The names in the file; none without one.

    Raises:
        SettingsError: a line of it cannot be read.
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
    """The parser counts empty lines before a binding as parts of it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _check_names(names: Iterable[str], *, everything: bool) -> None:
    """Find mistyped settings.

    Args:
        names: of variables.
        everything: whether an unknown name is wrong too when it resembles no setting.

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
