"""Companions of a job's document: other documents that the same commit writes. Either all of them are written, or none.

    users/UID/history/JOB   written with `done`: the job's figures, for trends over time (DOTHIS_HISTORY)
    pushes/JOB              written with the first `result`, and with `failed`: a push message (DOTHIS_PUSH, consumer/push)

`Companions.update` derives them from the changes of the job's document, so the stages know nothing of them. The fence of that
write covers them too: a worker that has lost the job writes neither.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from consumer.backends import SERVER_TIME, Beside, DocumentStore, Revision, Snapshot
from consumer.jobs import paths
from consumer.jobs.document import Changes, Status, has_result
from consumer.settings import Settings

PUSHES = "pushes"
"""Collection of the push messages to send. The security rules refuse every app."""

_RESERVED = re.compile(r"__.*__", re.DOTALL)
"""Document ids that Firestore refuses."""


def history_path(owner: str) -> str:
    """The collection with a user's history: one entry for each job that is done."""
    return f"users/{owner}/history"


def devices_path(owner: str) -> str:
    """The collection with a user's devices. The app writes it."""
    return f"users/{owner}/devices"


class Companions:
    """Writes a job's document together with its companions.

    Args:
        documents: the document store.
        settings: `history` and `push` say which companions to write.
        on_push: called after a push message was written.
    """

    def __init__(self, documents: DocumentStore, settings: Settings, on_push: Callable[[], None] = lambda: None) -> None:
        self._documents = documents
        self._history = settings.history
        self._push = settings.push != "off"
        self._on_push = on_push

    def update(self, found: Snapshot, revision: Revision, changes: Changes) -> Revision:
        """Write the changes and the companions in one compare-and-set, as `DocumentStore.update`.

        Args:
            found: the document as it was read before the claim, with the app's fields and the result of an earlier attempt.
            revision: the revision that the document must still have.
            changes: the changes of the job's document.
        """
        beside = self._companion_writes(found, changes)
        written = self._documents.update(revision, changes, beside)
        if f"{PUSHES}/{found.id}" in beside:
            self._on_push()
        return written

    def _companion_writes(self, found: Snapshot, changes: Changes) -> Beside:
        owner = found.fields.get("owner")
        beside: dict[str, Mapping[str, Any]] = {}
        # The older app has neither history nor push messages, and its accounts are no uids.
        if not isinstance(owner, str) or found.fields.get("origin") == "shim" or not can_form_path(owner, found.id):
            return beside
        if self._history and changes.get("status") == Status.DONE:
            beside[f"{history_path(owner)}/{found.id}"] = build_history_entry(changes["result"], found.fields.get("createdAt"))
        if self._push and _is_news(found, changes):
            beside[f"{PUSHES}/{found.id}"] = build_push(owner, changes)
        return beside


def build_history_entry(result: Mapping[str, Any], when: Any) -> dict[str, Any]:
    """Build the history entry for a document's `result`. `when` is the document's `createdAt`, or None."""
    return {
        **_figures(result),
        "sets": [_figures(one) for one in result.get("sets", [])],
        "when": SERVER_TIME if when is None else when,
    }


def build_push(owner: str, changes: Changes) -> dict[str, Any]:
    """Build the push message for these changes. It holds figures only: consumer/push words it in each device's language."""
    shown = ("exercise", "reps", "goodReps", "hold", "score")
    sets = [{key: one[key] for key in shown} for one in changes.get("result", {}).get("sets", [])]
    error = changes["error"]["code"] if changes.get("status") == Status.FAILED else None
    due = {"createdAt": SERVER_TIME, "dueAt": SERVER_TIME, "attempt": 0, "sent": []}
    return {"owner": owner, "error": error, "sets": sets, **due}


def _figures(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "exercise": part["exercise"],
        "reps": part["reps"],
        "good": part["goodReps"],
        "hold": part["hold"],
        "score": part["score"],
        "range": part.get("range"),
        "faults": [{"id": fault["id"], "reps": fault["reps"]} for fault in part["faults"]],
    }


def _is_news(found: Snapshot, changes: Changes) -> bool:
    """Whether to tell the user: the job failed, or this is its first result (an earlier attempt may have written one)."""
    if changes.get("status") == Status.FAILED:
        return True
    return "status" not in changes and "result" in changes and not has_result(found.fields)


def can_form_path(*ids: str) -> bool:
    """Whether these ids can be parts of a document's path. A malformed document may have an `owner` that cannot."""
    try:
        for each in ids:
            paths.check_segment(each)
    except paths.InvalidPath:
        return False
    return not any(map(_RESERVED.fullmatch, ids))
