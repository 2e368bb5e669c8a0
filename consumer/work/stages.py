"""What each stage of a job does. A stage reads from the job's directory what earlier stages left there, and adds its own."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.backends import Backend, Missing, ObjectInfo, TooLarge
from consumer.catalogue import Catalogue
from consumer.directories import size_of
from consumer.jobs import moves
from consumer.jobs.document import REPORT_FILES, Stage
from consumer.jobs.errors import ErrorCode, JobError
from consumer.jobs.results import Publication, legacy_publications, publications, read_report, result_of
from consumer.sandbox.confine import Confinement
from consumer.sandbox.supervisor import Crashed, Sandbox
from consumer.settings import Settings
from consumer.work.analysis import (
    REFERENCE,
    VIDEO,
    Analysis,
    analyse_arguments,
    feedback_arguments,
    limits_of,
    named_errors,
)
from consumer.work.job_directory import JobDirectory
from consumer.work.lease import Lease
from consumer.work.spool import NoRoom, Spool
from pose.reading.limits import check_bytes

logger = logging.getLogger(__name__)

RESULTS_BYTES = 300_000_000
"""Largest size of a job's motion, pictures and annotated video together."""

EXERCISES = "exercises.json"
"""Beside the stages' directories: the operator's exercise files, for the children."""

RESULT = "result.json"
"""File that the stage `uploading` leaves: the document's `result`."""

GENERATION = "generation"
"""File beside the downloaded video with the generation of the object."""

LOOK_AT_SIZE_S = 1.0
"""Seconds between two checks of the size of all files that a child wrote: the kernel limits each file only."""

MAX_REPORT_BYTES = 32_000_000
"""A report has a few kilobytes for each repetition. A larger file is not a valid report and is not read into memory."""

MAX_RESULT_CHARACTERS = 400_000
"""Largest `result`. Firestore's limit for the document is 1 MiB, and a character may take several bytes."""

Hook = Callable[[str], None]


@dataclass(frozen=True)
class WorkContext:
    """What all workers of a process share.

    Attributes:
        backend: both stores.
        spool: the jobs' directories on the volume.
        sandbox: runs the analysis in a child process.
        settings: limits and times.
        model: file of the pose model.
        catalogue: the exercises.
        analysis: the tasks that run in the sandbox.
        spare_workers: returns the number of idle workers, whose cores a job may use beside its own.
        hook: called with the name of each point that a job reaches; tests kill the process there.
    """

    backend: Backend
    spool: Spool
    sandbox: Sandbox
    settings: Settings
    model: Path
    catalogue: Catalogue = field(default_factory=Catalogue)
    analysis: Analysis = field(default_factory=Analysis)
    spare_workers: Callable[[], int] = lambda: 0
    hook: Hook = lambda _: None


def download(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Download the video, and the reference video if the job has one.

    Raises:
        JobError: `video_missing`, `video_too_large`.
        NoRoom: the volume has no room for it.
        StoreError: the storage cannot be reached.
    """
    job = lease.job
    wanted = [(VIDEO, job.video), *([(REFERENCE, job.reference)] if job.reference else [])]
    infos = [_stat(context, job.language, name, path) for name, path in wanted]
    total = max(sum(info.size for info in infos), 1)
    context.spool.need(total + RESULTS_BYTES)
    target = directory.resume(Stage.DOWNLOADING)
    before = 0
    for (name, path), info in zip(wanted, infos, strict=True):

        def progress(done: int, _: int, before: int = before) -> None:
            lease.check()
            lease.report(Stage.DOWNLOADING, (before + done) / total)

        context.hook(f"downloading {name}")
        with _named(name):
            got = context.backend.objects.download(
                path, target / name, max_bytes=context.settings.max_video_bytes, progress=progress
            )
        if name == VIDEO:
            (target / GENERATION).write_text(str(got.generation))
        before += info.size
    directory.finish(Stage.DOWNLOADING)


def analyse(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Read the motion from each video, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    source = directory.path / Stage.DOWNLOADING
    context.spool.need(RESULTS_BYTES)
    target = directory.begin(Stage.ANALYSING)
    exercises = _save_exercises(context, directory)
    arguments = analyse_arguments(
        context.settings,
        lease.job,
        source=source,
        target=target,
        model=context.model,
        exercises=exercises,
        workers=1 + context.spare_workers(),
    )
    readable = [source, context.model, exercises]
    _in_sandbox(context, lease, stage=Stage.ANALYSING, task=context.analysis.analyse, arguments=arguments, readable=readable)
    directory.finish(Stage.ANALYSING)


def write_feedback(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Write report, pictures and graph from the motions, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    _from_motions(context, lease, directory, stage=Stage.WRITING_FEEDBACK, task=context.analysis.write_feedback)


def annotate(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Write the annotated video, if the settings ask for one, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    if context.settings.annotated_video:
        _from_motions(context, lease, directory, stage=Stage.ANNOTATING, task=context.analysis.annotate)
    else:
        directory.begin(Stage.ANNOTATING)
        directory.finish(Stage.ANNOTATING)


def _from_motions(context: WorkContext, lease: Lease, directory: JobDirectory, *, stage: Stage, task: str) -> None:
    source, motions = directory.path / Stage.DOWNLOADING, directory.path / Stage.ANALYSING
    context.spool.need(RESULTS_BYTES)
    exercises = _save_exercises(context, directory)
    arguments = feedback_arguments(
        context.settings,
        lease.job,
        source=source,
        motions=motions,
        exercises=exercises,
        target=directory.begin(stage),
        workers=1 + context.spare_workers(),
    )
    _in_sandbox(context, lease, stage=stage, task=task, arguments=arguments, readable=[source, motions, exercises])
    directory.finish(stage)


def _save_exercises(context: WorkContext, directory: JobDirectory) -> Path:
    """Save the operator's exercise files for the child process; return the file's path."""
    path = directory.path / EXERCISES
    context.catalogue.save(path)
    return path


def publish(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Upload report and pictures, and write `result` into the document. From then on the app can show them.

    Raises:
        JobError: the report or the result is too large.
        Interrupted: the work has to stop.
        StoreError: a store cannot be reached.
    """
    job = lease.job
    files = directory.files(Stage.WRITING_FEEDBACK)
    published = publications(job.results_prefix(), files)
    result = _result(files, published)
    everything = [*published, *legacy_publications(job, files)]
    for number, publication in enumerate(everything):
        _upload(context, lease, publication)
        lease.report(Stage.UPLOADING, (number + 1) / len(everything))
    lease.write(moves.show_result(result))
    (directory.begin(Stage.UPLOADING) / RESULT).write_text(json.dumps(result), encoding="utf-8")
    directory.finish(Stage.UPLOADING)
    context.hook("uploaded")
    logger.info("The feedback is published: %s, %s repetitions", result["exercise"], result["reps"])


def finish_job(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """Upload the annotated video, if there is one, and write `done` into the document. Raises Interrupted, StoreError."""
    result = _published(directory)
    for publication in publications(_prefix(result), directory.files(Stage.ANNOTATING)):
        _upload(context, lease, publication)
        result["files"]["video"] = publication.path
    lease.end(moves.finish(result))
    context.hook("done")
    logger.info("The job is done")


def _published(directory: JobDirectory) -> dict[str, Any]:
    """The `result` that `publish` wrote, in this attempt or an earlier one."""
    result: dict[str, Any] = json.loads((directory.path / Stage.UPLOADING / RESULT).read_text(encoding="utf-8"))
    return result


def _prefix(result: Mapping[str, Any]) -> str:
    """The path prefix of the published files. It may be that of an earlier attempt, which uploaded them."""
    return str(result["files"]["report"]).removesuffix(REPORT_FILES["report"])


def _upload(context: WorkContext, lease: Lease, publication: Publication) -> None:
    # A worker that has lost the job must not overwrite the results of the worker that has it now, so `confirm` precedes each
    # upload. On a path that attempts share, the generation also stops an upload that began before the job was lost.
    generation = _generation(context, publication.path) if publication.shared else None
    lease.confirm()
    context.hook(f"uploading {publication.file.name}")
    context.backend.objects.upload(
        publication.file,
        publication.path,
        content_type=publication.content_type,
        cache_control=publication.cache_control,
        if_generation=generation,
        progress=lambda _done, _total: lease.check(),
    )


def tidy(context: WorkContext, lease: Lease, directory: JobDirectory) -> None:
    """After `done`, delete the uploads of earlier attempts and, if so set, the video. Raises StoreError, OSError."""
    job, objects = lease.job, context.backend.objects
    if job.attempt > 1:
        kept = _prefix(_published(directory))
        for path in list(objects.list(job.results_prefix().removesuffix(f"{job.attempt}/"))):
            if not path.startswith(kept):
                objects.delete(path)
    if context.settings.delete_source:
        # The generation protects a newer video at the same path.
        generation = int((directory.path / Stage.DOWNLOADING / GENERATION).read_text())
        objects.delete(job.video, if_generation=generation)


def _result(files: Sequence[Path], published: Sequence[Publication]) -> dict[str, Any]:
    """The document's `result`. Its size is checked here, before any upload. Raises JobError: it is too large."""
    if any(file.suffix == ".json" and file.stat().st_size > MAX_REPORT_BYTES for file in files):
        raise JobError(ErrorCode.INTERNAL, "the report is too large")
    result = result_of(read_report(files), published)
    if len(json.dumps(result)) > MAX_RESULT_CHARACTERS:
        raise JobError(ErrorCode.INTERNAL, "the result does not fit into the document")
    return result


def _in_sandbox(
    context: WorkContext, lease: Lease, *, stage: Stage, task: str, arguments: Mapping[str, Any], readable: Sequence[Path]
) -> None:
    settings = context.settings
    writable = Path(arguments["target"])
    log = writable.with_name("child.log")
    context.hook(f"{stage} started")
    looked = time.monotonic()

    def check() -> None:
        nonlocal looked
        lease.check()
        if time.monotonic() - looked > LOOK_AT_SIZE_S:
            looked = time.monotonic()
            if size_of(writable) > confinement.file_bytes:
                raise Crashed("The child process wrote more than its limit.")

    confinement = Confinement(
        writable=str(writable),
        readable=[str(path) for path in readable],
        memory_bytes=settings.max_memory_bytes,
        cpu_s=int(settings.stage_timeout_s * settings.workers) + 1,
        file_bytes=max(settings.max_video_bytes, RESULTS_BYTES),
    )
    try:
        context.sandbox.run(
            task,
            arguments,
            confinement,
            timeout_s=settings.stage_timeout_s,
            log=log,
            progress=lambda fraction: lease.report(stage, fraction),
            check=check,
        )
    except Crashed as error:
        logger.warning("The child process crashed: %s Its last output: %s", error, _tail(log))
        if context.spool.free_bytes() < 0:
            raise NoRoom("The volume became full during the work.") from error
        raise
    finally:
        log.unlink(missing_ok=True)


def _generation(context: WorkContext, path: str) -> int:
    """The generation of the object at a path; 0 when there is none."""
    try:
        return context.backend.objects.stat(path).generation
    except Missing:
        return 0


def _stat(context: WorkContext, language: str | None, name: str, path: str) -> ObjectInfo:
    with _named(name):
        info = context.backend.objects.stat(path)
    with named_errors(language, reference=name == REFERENCE):
        check_bytes(info.size, limits_of(context.settings))
    return info


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except Missing as error:
        raise JobError(ErrorCode.VIDEO_MISSING, f"the {name} is not there") from error
    except TooLarge as error:
        raise JobError(ErrorCode.VIDEO_TOO_LARGE, f"the {name}: {error}") from error


def _tail(log: Path) -> str:
    """The last 2,000 bytes of the child's output."""
    try:
        with log.open("rb") as printed:
            printed.seek(-min(2000, log.stat().st_size), os.SEEK_END)
            return printed.read(2000).decode(errors="replace")
    except FileNotFoundError:
        return ""
