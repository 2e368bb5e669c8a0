"""Documents that are written in the same commit as a job's own: either all of it is written, or nothing.

    users/UID/history/JOB   with `done`: what it came to, for trends over time (DOTHIS_HISTORY)
    pushes/JOB              with the first `result`, and with `failed`: a message that is due (DOTHIS_PUSH, consumer/push)

They are told from the changes of the job's document, so the walk knows nothing of them, and they keep its fence: a worker that
has lost the job writes neither.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from consumer.backends import SERVER_TIME, Beside, DocumentStore, Revision, Snapshot
from consumer.jobs import paths
from consumer.jobs.document import Changes, Status, has_result
from consumer.settings import Settings

PUSHES = "pushes"
"""Collection of the messages that are due. The rules let no app near it."""

_RESERVED = re.compile(r"__.*__", re.DOTALL)
"""Ids that Firestore refuses."""


def history_path(owner: str) -> str:
    """Collection of a user's entries of the history."""
    return f"users/{owner}/history"


def devices_path(owner: str) -> str:
    """Collection of a user's devices, which the app writes."""
    return f"users/{owner}/devices"


class Companions:
    """Writes a job's document together with its companions.

    Args:
        documents: where the job is.
        settings: which companions are wished.
        on_push: called after a message was written that is due.
    """

    def __init__(self, documents: DocumentStore, settings: Settings, on_push: Callable[[], None] = lambda: None) -> None:
        self._documents = documents
        self._history = settings.history
        self._push = settings.push != "off"
        self._on_push = on_push

    def update(self, found: Snapshot, revision: Revision, changes: Changes) -> Revision:
        """Compare-and-set, as `DocumentStore.update`.

        Args:
            found: the document as the writer came across it, with what the app wrote and the result of an earlier attempt.
            revision: on which to write.
            changes: of the job's document.
        """
        beside = self._beside(found, changes)
        written = self._documents.update(revision, changes, beside)
        if f"{PUSHES}/{found.id}" in beside:
            self._on_push()
        return written

    def _beside(self, found: Snapshot, changes: Changes) -> Beside:
        owner = found.fields.get("owner")
        beside: dict[str, Mapping[str, Any]] = {}
        # The older app knows neither; its accounts are no uids.
        if not isinstance(owner, str) or found.fields.get("origin") == "shim" or not can_be_named(owner, found.id):
            return beside
        if self._history and changes.get("status") == Status.DONE:
            beside[f"{history_path(owner)}/{found.id}"] = history_of(changes["result"], found.fields.get("createdAt"))
        if self._push and _is_news(found, changes):
            beside[f"{PUSHES}/{found.id}"] = push_of(owner, changes)
        return beside


def history_of(result: Mapping[str, Any], when: Any) -> dict[str, Any]:
    """The entry of the history for a document's `result`; `when`: the document's `createdAt`, if it has one."""
    return {
        **_figures(result),
        "sets": [_figures(one) for one in result.get("sets", [])],
        "when": SERVER_TIME if when is None else when,
    }


def push_of(owner: str, changes: Changes) -> dict[str, Any]:
    """The message that is due after these changes; its words are found for each device, in its language."""
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
    """Whether the user has not heard of it yet: an earlier attempt may have had a result already."""
    if changes.get("status") == Status.FAILED:
        return True
    return "status" not in changes and "result" in changes and not has_result(found.fields)


def can_be_named(*ids: str) -> bool:
    """Whether paths can be made of these ids. A malformed document's end is written in any case."""
    try:
        for each in ids:
            paths.check_segment(each)
    except paths.InvalidPath:
        return False
    return not any(map(_RESERVED.fullmatch, ids))
