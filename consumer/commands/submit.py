"""`dothis submit`: uploads a video and waits for the result, as the app does."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from consumer.app import Request, StillRunning, fetch, follow, submit
from consumer.backends import Backend, Snapshot
from consumer.catalogue import Catalogue
from consumer.commands import console, summary
from consumer.jobs.document import Status, has_result, status_of
from consumer.jobs.errors import ErrorCode
from consumer.settings import Settings
from feedback.words import N_, language_of, words_of

UPLOAD_SHARE = 0.1
"""Share of the progress bar."""

STAGES = {
    "downloading": N_("Fetching the video"),
    "analysing": N_("Analysing"),
    "writing_feedback": N_("Writing the feedback"),
    "uploading": N_("Publishing the results"),
    "annotating": N_("Making the annotated video"),
}


def run(request: Request, *, out: Path | None, timeout_s: float, wait: bool, json: bool) -> None:
    """See `dothis submit --help`."""
    settings = console.load_settings()
    console.quiet_logs()
    catalogue = console.load_exercises(settings, asked=request.exercise)
    console.check_reference(request.exercise, request.reference)
    with console.reporting(as_json=json, language=language_of(request.language)), console.opened(settings) as backend:
        if not wait:
            job_id = submit(backend, request)
            console.print_json({"id": job_id}) if json else console.out.print(job_id)
            return
        with console.progress_bar(shown=not json, language=request.language) as tell:
            # All files are downloaded together, so wait for the video too. To print the result alone, do not wait for it.
            job_id, fields = submit_and_follow(settings, backend, request, timeout_s, tell, whole=out is not None)
        report_end(settings, backend, catalogue, job_id, fields, out=out, language=request.language, json=json)


def submit_and_follow(
    settings: Settings,
    backend: Backend,
    request: Request,
    timeout_s: float,
    tell: Callable[[str, float], None],
    *,
    whole: bool,
) -> tuple[str, Mapping[str, Any]]:
    """Submit a job and wait for its result, with `whole` also for the video. Returns the job's id and its document's fields."""
    job_id = submit(backend, request, lambda done: tell(N_("Uploading"), UPLOAD_SHARE * done))

    words = words_of(request.language)
    if settings.backend == "local":
        where = words(N_("data directory {place}"), place=settings.data_dir.resolve())
    else:
        where = words(N_("bucket {place}"), place=settings.bucket)

    def changed(snapshot: Snapshot) -> None:
        tell(*_standing(snapshot.fields))

    def unseen() -> None:
        console.err.print(
            words(
                N_(
                    "No daemon has looked at the job yet. It lies in the {where}: does `dothis run` work there, "
                    "and what does its /healthz say?"
                ),
                where=where,
            ),
            markup=False,
            soft_wrap=True,
        )

    try:
        return job_id, follow(backend, job_id, timeout_s=timeout_s, changed=changed, unseen=unseen, whole=whole)
    except StillRunning:
        message = words(
            N_("Job {id} is not finished yet and goes on: see `dothis jobs show {id}`. It lies in the {where}."),
            id=job_id,
            where=where,
        )
        raise console.Failed("not_finished", message) from None


def report_end(
    settings: Settings,
    backend: Backend,
    catalogue: Catalogue,
    job_id: str,
    fields: Mapping[str, Any],
    *,
    out: Path | None,
    language: str,
    json: bool,
) -> None:
    """Print the result. If the job failed, the command fails with the job's code and sentence."""
    if not has_result(fields) or fields["status"] in {"failed", "cancelled"}:
        error = fields.get("error") or {}
        raise console.Failed(error.get("code", str(ErrorCode.INTERNAL)), error.get("message", "The job failed."))
    result = fields["result"]
    if out is not None:
        fetch(backend, result, out)
    if json:
        console.print_json({"id": job_id, "status": fields["status"], "result": result})
        return
    summary.show_document(result, language_of(language), catalogue)
    if fields["status"] != "done":
        follows = words_of(language)(N_("The annotated video follows: `dothis jobs show {id}`."), id=job_id)
        console.out.print(follows, markup=False)
    summary.show_place(out if out is not None else place_of(settings, result), language_of(language))


def place_of(settings: Settings, result: Mapping[str, Any]) -> str:
    """The place of the results, for the user: a directory, or an address in the bucket."""
    directory = str(result["files"]["report"]).rpartition("/")[0]
    if settings.backend == "local":
        return str(settings.data_dir / "objects" / directory)
    return f"gs://{settings.bucket or '(bucket)'}/{directory}"


def _standing(fields: Mapping[str, Any]) -> tuple[str, float]:
    """The name of the current stage, and the share that is done."""
    progress = fields.get("progress") or {}
    share = UPLOAD_SHARE + (1 - UPLOAD_SHARE) * progress.get("percent", 0) / 100
    match status_of(fields):
        case Status.UPLOADED:
            return N_("Waiting for a worker"), share
        case Status.WAITING:
            return N_("Waiting to try again"), share
        case _:
            return STAGES.get(progress.get("stage", ""), N_("Working")), share
