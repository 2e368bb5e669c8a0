"""What each stage of a job does, from what the stage before left in the spool to what the next one finds there."""

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
from consumer.work.lease import Lease
from consumer.work.spool import NoRoom, Place, Spool
from pose.reading.limits import check_bytes

logger = logging.getLogger(__name__)

RESULTS_BYTES = 300_000_000
"""Largest size of a job's motion, pictures and annotated video together."""

EXERCISES = "exercises.json"
"""Beside the stages' directories: the operator's exercise files, for the children."""

RESULT = "result.json"
"""What the stage `uploading` leaves: the document's `result`."""

GENERATION = "generation"
"""File beside the downloaded video with the generation of the object."""

LOOK_AT_SIZE_S = 1.0
"""Seconds between two checks of the size of all files that a child wrote: the kernel limits each file only."""

MAX_REPORT_BYTES = 32_000_000
"""A report has a few kilobytes for each repetition. A larger file is not a valid report and is not read into memory."""

MAX_RESULT_CHARACTERS = 400_000
"""Of the document's 1 MiB, where a character may take several bytes, beside the request (Firestore's limit)."""

Hook = Callable[[str], None]


@dataclass(frozen=True)
class Workshop:
    """What a worker works with; one for all jobs of a process.

    Attributes:
        backend: both stores.
        spool: the volume.
        sandbox: where a video is read.
        settings: limits and times.
        model: the pose model's bundle.
        catalogue: the exercises.
        analysis: the tasks of the sandbox.
        spare_workers: how many cores more than its own one a job may use at this moment.
        hook: called with the name of each point of the walk; tests end the process there.
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


def download(shop: Workshop, lease: Lease, place: Place) -> None:
    """The video, and the reference if there is one.

    Raises:
        JobError: `video_missing`, `video_too_large`.
        NoRoom: the volume has no room for it.
        StoreError: the storage cannot be reached.
    """
    job = lease.job
    wanted = [(VIDEO, job.video), *([(REFERENCE, job.reference)] if job.reference else [])]
    infos = [_stat(shop, job.language, name, path) for name, path in wanted]
    total = max(sum(info.size for info in infos), 1)
    shop.spool.need(total + RESULTS_BYTES)
    target = place.resume(Stage.DOWNLOADING)
    before = 0
    for (name, path), info in zip(wanted, infos, strict=True):

        def progress(done: int, _: int, before: int = before) -> None:
            lease.check()
            lease.report(Stage.DOWNLOADING, (before + done) / total)

        shop.hook(f"downloading {name}")
        with _named(name):
            got = shop.backend.objects.download(path, target / name, max_bytes=shop.settings.max_video_bytes, progress=progress)
        if name == VIDEO:
            (target / GENERATION).write_text(str(got.generation))
        before += info.size
    place.finish(Stage.DOWNLOADING)


def analyse(shop: Workshop, lease: Lease, place: Place) -> None:
    """From videos to motions, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    source = place.path / Stage.DOWNLOADING
    shop.spool.need(RESULTS_BYTES)
    target = place.begin(Stage.ANALYSING)
    exercises = _save_exercises(shop, place)
    arguments = analyse_arguments(
        shop.settings,
        lease.job,
        source=source,
        target=target,
        model=shop.model,
        exercises=exercises,
        workers=1 + shop.spare_workers(),
    )
    readable = [source, shop.model, exercises]
    _in_sandbox(shop, lease, stage=Stage.ANALYSING, task=shop.analysis.analyse, arguments=arguments, readable=readable)
    place.finish(Stage.ANALYSING)


def write_feedback(shop: Workshop, lease: Lease, place: Place) -> None:
    """From motions to report, pictures and graph, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    _from_motions(shop, lease, place, stage=Stage.WRITING_FEEDBACK, task=shop.analysis.write_feedback)


def annotate(shop: Workshop, lease: Lease, place: Place) -> None:
    """From motion to the annotated video, if one is wished, in a sandbox. Raises JobError, SandboxError, NoRoom."""
    if shop.settings.annotated_video:
        _from_motions(shop, lease, place, stage=Stage.ANNOTATING, task=shop.analysis.annotate)
    else:
        place.begin(Stage.ANNOTATING)
        place.finish(Stage.ANNOTATING)


def _from_motions(shop: Workshop, lease: Lease, place: Place, *, stage: Stage, task: str) -> None:
    source, motions = place.path / Stage.DOWNLOADING, place.path / Stage.ANALYSING
    shop.spool.need(RESULTS_BYTES)
    exercises = _save_exercises(shop, place)
    arguments = feedback_arguments(
        shop.settings,
        lease.job,
        source=source,
        motions=motions,
        exercises=exercises,
        target=place.begin(stage),
        workers=1 + shop.spare_workers(),
    )
    _in_sandbox(shop, lease, stage=stage, task=task, arguments=arguments, readable=[source, motions, exercises])
    place.finish(stage)


def _save_exercises(shop: Workshop, place: Place) -> Path:
    """Where the child finds the operator's exercise files."""
    path = place.path / EXERCISES
    shop.catalogue.save(path)
    return path


def publish(shop: Workshop, lease: Lease, place: Place) -> None:
    """Upload report and pictures, and write `result`: from then on the app can show them.

    Raises:
        JobError: the report or the result is too large.
        Interrupted: the work is to stop.
        StoreError: a store cannot be reached.
    """
    job = lease.job
    files = place.files(Stage.WRITING_FEEDBACK)
    published = publications(job.results_prefix(), files)
    result = _result(files, published)
    everything = [*published, *legacy_publications(job, files)]
    for number, publication in enumerate(everything):
        _upload(shop, lease, publication)
        lease.report(Stage.UPLOADING, (number + 1) / len(everything))
    lease.write(moves.show_result(result))
    (place.begin(Stage.UPLOADING) / RESULT).write_text(json.dumps(result), encoding="utf-8")
    place.finish(Stage.UPLOADING)
    shop.hook("uploaded")
    logger.info("The feedback is there: %s, %s repetitions", result["exercise"], result["reps"])


def conclude(shop: Workshop, lease: Lease, place: Place) -> None:
    """Upload the annotated video, if there is one, and write `done`. Raises Interrupted, StoreError."""
    result = _published(place)
    for publication in publications(_prefix(result), place.files(Stage.ANNOTATING)):
        _upload(shop, lease, publication)
        result["files"]["video"] = publication.path
    lease.end(moves.finish(result))
    shop.hook("done")
    logger.info("The job is done")


def _published(place: Place) -> dict[str, Any]:
    """The document's `result` as `publish` wrote it, by this attempt or an earlier one."""
    result: dict[str, Any] = json.loads((place.path / Stage.UPLOADING / RESULT).read_text(encoding="utf-8"))
    return result


def _prefix(result: Mapping[str, Any]) -> str:
    """Where the pictures are, and the video goes: an earlier attempt on this volume may have uploaded them."""
    return str(result["files"]["report"]).removesuffix(REPORT_FILES["report"])


def _upload(shop: Workshop, lease: Lease, publication: Publication) -> None:
    # A worker that has lost the job publishes nothing more: what the winner wrote stays. Where attempts share a path, that
    # holds for an upload already under way as well: it replaces only what was there while the job was still ours.
    generation = _generation(shop, publication.path) if publication.shared else None
    lease.confirm()
    shop.hook(f"uploading {publication.file.name}")
    shop.backend.objects.upload(
        publication.file,
        publication.path,
        content_type=publication.content_type,
        cache_control=publication.cache_control,
        if_generation=generation,
        progress=lambda _done, _total: lease.check(),
    )


def tidy(shop: Workshop, lease: Lease, place: Place) -> None:
    """After success: what an earlier attempt uploaded goes, and the source if so wished. Raises StoreError, OSError."""
    job, objects = lease.job, shop.backend.objects
    if job.attempt > 1:
        kept = _prefix(_published(place))
        for path in list(objects.list(job.results_prefix().removesuffix(f"{job.attempt}/"))):
            if not path.startswith(kept):
                objects.delete(path)
    if shop.settings.delete_source:
        # Another video may have come to that path since.
        generation = int((place.path / Stage.DOWNLOADING / GENERATION).read_text())
        objects.delete(job.video, if_generation=generation)


def _result(files: Sequence[Path], published: Sequence[Publication]) -> dict[str, Any]:
    """The document's `result`, seen to fit into it before anything is uploaded."""
    if any(file.suffix == ".json" and file.stat().st_size > MAX_REPORT_BYTES for file in files):
        raise JobError(ErrorCode.INTERNAL, "the report is too large")
    result = result_of(read_report(files), published)
    if len(json.dumps(result)) > MAX_RESULT_CHARACTERS:
        raise JobError(ErrorCode.INTERNAL, "the result does not fit into the document")
    return result


def _in_sandbox(
    shop: Workshop, lease: Lease, *, stage: Stage, task: str, arguments: Mapping[str, Any], readable: Sequence[Path]
) -> None:
    settings = shop.settings
    writable = Path(arguments["target"])
    log = writable.with_name("child.log")
    shop.hook(f"{stage} started")
    looked = time.monotonic()

    def check() -> None:
        nonlocal looked
        lease.check()
        if time.monotonic() - looked > LOOK_AT_SIZE_S:
            looked = time.monotonic()
            if size_of(writable) > confinement.file_bytes:
                raise Crashed("The work wrote more than it may.")

    confinement = Confinement(
        writable=str(writable),
        readable=[str(path) for path in readable],
        memory_bytes=settings.max_memory_bytes,
        cpu_s=int(settings.stage_timeout_s * settings.workers) + 1,
        file_bytes=max(settings.max_video_bytes, RESULTS_BYTES),
    )
    try:
        shop.sandbox.run(
            task,
            arguments,
            confinement,
            timeout_s=settings.stage_timeout_s,
            log=log,
            progress=lambda fraction: lease.report(stage, fraction),
            check=check,
        )
    except Crashed as error:
        logger.warning("The child crashed: %s It printed last: %s", error, _tail(log))
        if shop.spool.free_bytes() < 0:
            raise NoRoom("The volume ran full during the work.") from error
        raise
    finally:
        log.unlink(missing_ok=True)


def _generation(shop: Workshop, path: str) -> int:
    """Of the object as it is now; 0 when there is none."""
    try:
        return shop.backend.objects.stat(path).generation
    except Missing:
        return 0


def _stat(shop: Workshop, language: str | None, name: str, path: str) -> ObjectInfo:
    with _named(name):
        info = shop.backend.objects.stat(path)
    with named_errors(language, reference=name == REFERENCE):
        check_bytes(info.size, limits_of(shop.settings))
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
    """The end of what the child printed."""
    try:
        with log.open("rb") as printed:
            printed.seek(-min(2000, log.stat().st_size), os.SEEK_END)
            return printed.read(2000).decode(errors="replace")
    except FileNotFoundError:
        return ""
