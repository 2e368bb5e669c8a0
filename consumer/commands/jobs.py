"""`dothis jobs`: lists, shows, retries and cancels jobs, for the operator."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import typer
from rich.table import Column, Table

from consumer.backends import Backend, Conflict, Snapshot
from consumer.commands import console
from consumer.jobs import moves
from consumer.jobs.document import Changes, Status, status_of

MAX_CONFLICTS = 20


def list_jobs(*, status: str | None, owner: str | None, limit: int, json: bool) -> None:
    """List the newest jobs."""
    if status is not None and status not in list(Status):
        raise typer.BadParameter(f"choose one of {', '.join(Status)}", param_hint="--status")
    equal = {field: value for field, value in (("status", status), ("owner", owner)) if value is not None}
    with console.connected(as_json=json) as backend:
        found = backend.documents.find(equal, order_by="createdAt", descending=True, limit=limit)
    if json:
        console.print_json([_plain(snapshot) for snapshot in found])
        return
    longest = max((len(snapshot.id) for snapshot in found), default=2)
    table = Table(
        Column("id", min_width=longest, no_wrap=True),
        "status",
        "progress",
        "attempt",
        "created",
        "owner",
        "result",
        box=None,
        header_style="bold",
    )
    for snapshot in found:
        table.add_row(*_row(snapshot))
    console.out.print(table)


def show(job_id: str, *, json: bool) -> None:
    """Print all fields of a document."""
    with console.connected(as_json=json) as backend:
        snapshot = _get(backend, job_id)
    if json:
        console.print_json(_plain(snapshot))
    else:
        console.out.print_json(data=_plain(snapshot), default=console.plain)


def retry(job_id: str, *, json: bool) -> None:
    """Set a job from `failed` or `cancelled` back to `uploaded`."""

    def changes(status: Status | None) -> Changes:
        if status not in {Status.FAILED, Status.CANCELLED}:
            raise console.Failed("invalid_request", f"Only failed and cancelled jobs can be tried again; this one is {status}.")
        return moves.retry()

    _move(job_id, changes, lambda _: "The job will be tried again.", json=json)


def cancel(job_id: str, *, json: bool) -> None:
    """Request that a job is cancelled, as the app does. A daemon then ends the job."""

    def changes(status: Status | None) -> Changes:
        if status is None or status.final:
            raise console.Failed("invalid_request", f"Only unfinished jobs can be cancelled; this one is {status}.")
        return moves.request_cancel()

    def done(status: Status | None) -> str:
        if status is Status.PROCESSING:
            return "The worker that has the job ends it within some seconds."
        return "A running daemon cancels the job at once, a stopped one when it starts."

    _move(job_id, changes, done, json=json)


def _move(
    job_id: str, changes: Callable[[Status | None], Changes], done: Callable[[Status | None], str], *, json: bool
) -> None:
    with console.connected(as_json=json) as backend:
        for _ in range(MAX_CONFLICTS):
            snapshot = _get(backend, job_id)
            status = status_of(snapshot.fields)
            try:
                backend.documents.update(snapshot, changes(status))
            except Conflict:
                continue
            break
        else:
            raise console.Failed("unavailable", "The document is written all the time by others. Try again.")
    if json:
        console.print_json({"id": job_id})
    else:
        console.out.print(done(status))


def _get(backend: Backend, job_id: str) -> Snapshot:
    snapshot = backend.documents.get(job_id)
    if snapshot is None:
        raise console.Failed("invalid_request", "There is no job of that id. `dothis jobs list` shows the newest ones.")
    return snapshot


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    return {"id": snapshot.id, **snapshot.fields}


def _row(snapshot: Snapshot) -> list[str]:
    fields = snapshot.fields
    status = status_of(fields)
    progress, error, result = (_mapping(fields.get(name)) for name in ("progress", "error", "result"))
    created = fields.get("createdAt")
    if error:
        outcome = str(error.get("code"))
    elif result:
        outcome = f"{result.get('exercise')}, {_how_good(result)}"
    else:
        outcome = ""
    return [
        snapshot.id,
        str(fields.get("status")),
        f"{progress.get('stage')} {progress.get('percent')}%" if progress and status is Status.PROCESSING else "",
        str(fields.get("attempt", 0)),
        created.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if isinstance(created, datetime) else "",
        str(fields.get("owner")),
        outcome,
    ]


def _how_good(result: Mapping[str, Any]) -> str:
    """How much of a set was good; or that its form was not judged, if it has no score."""
    hold = _mapping(result.get("hold"))
    if result.get("score") is None:
        count = f"{hold.get('durationS')} s" if hold else f"{result.get('reps')} repetitions"
        return f"{count}, form not judged"
    if hold:
        return f"{hold.get('goodS')} of {hold.get('durationS')} s good"
    return f"{result.get('goodReps')} of {result.get('reps')} good"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
