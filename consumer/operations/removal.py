"""Removes data at a user's request: the results of one job, one job, or all data of one owner."""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consumer.backends import Backend, Collection, Snapshot
from consumer.jobs import paths
from consumer.jobs.companions import PUSHES, can_form_path, devices_path, history_path
from consumer.jobs.document import Status, status_of
from consumer.work.spool import Spool

logger = logging.getLogger(__name__)

PAGE = 100

SETTLE_S = 5.0
"""Within this time a worker notices that its document is gone, and stops uploading."""


@dataclass(frozen=True)
class Forgotten:
    """Numbers of what `forget` removed."""

    documents: int
    objects: int
    spool_entries: int


def remove_results(backend: Backend, job_id: str, fields: Mapping[str, Any]) -> None:
    """Remove the results of every attempt at a job, also those at the paths of the older app.

    Args:
        backend: both stores.
        job_id: the document's id.
        fields: `owner`, `video` and `origin` of the document, which may be deleted.

    Raises:
        StoreError: the store cannot be reached; call it again.
    """
    owner = fields.get("owner")
    if not isinstance(owner, str):
        return
    try:
        paths.check_segment(owner)
        paths.check_segment(job_id)
    except paths.InvalidPath:
        # A job with such an owner was never worked on, so it has no results.
        return
    backend.objects.purge(paths.job_results_prefix(owner, job_id))
    if _is_latest_run(backend, job_id, fields):
        for path in _legacy_results(fields):
            backend.objects.purge(path)


def remove_job(backend: Backend, snapshot: Snapshot) -> None:
    """Remove a job with its video, its results and its entry in the history.

    The document is deleted last, so that a failed removal can be repeated.

    Raises:
        StoreError: the store cannot be asked; call it again.
    """
    remove_results(backend, snapshot.id, snapshot.fields)
    owner, video = snapshot.fields.get("owner"), snapshot.fields.get("video")
    if isinstance(owner, str) and isinstance(video, str):
        try:
            paths.check_owner(owner, video, from_shim=snapshot.fields.get("origin") == "shim")
        except paths.PathError:
            logger.warning("A job is removed without its video: the video's path does not belong to the job's owner")
        else:
            if _is_latest_run(backend, snapshot.id, snapshot.fields):
                backend.objects.purge(video)
    _remove_companions(backend, snapshot)
    backend.documents.delete(snapshot.id)


def _remove_companions(backend: Backend, snapshot: Snapshot) -> None:
    owner = snapshot.fields.get("owner")
    if isinstance(owner, str) and can_form_path(owner, snapshot.id):
        backend.documents.collection(history_path(owner)).delete(snapshot.id)
        backend.documents.collection(PUSHES).delete(snapshot.id)


def _is_latest_run(backend: Backend, job_id: str, fields: Mapping[str, Any]) -> bool:
    """Whether the objects at the older app's paths are of this job. All runs for one video share these paths."""
    origin, video = fields.get("origin"), fields.get("video")
    if origin != "shim":
        return True
    runs = backend.documents.find({"origin": origin, "video": video}, order_by="createdAt", descending=True, limit=1)
    return not runs or runs[0].id == job_id


def _legacy_results(fields: Mapping[str, Any]) -> Iterable[str]:
    video = fields.get("video")
    if fields.get("origin") != "shim" or not isinstance(video, str):
        return []
    try:
        return paths.LegacyVideo.of_video(video).results.values()
    except paths.PathError:
        return []


def forget(backend: Backend, spool: Spool | None, owner: str) -> Forgotten:
    """Remove a user's documents, history, devices, uploads and results, and the user's files on this volume.

    Documents are removed first, which stops the work on their jobs. All generations of an object are removed. The owner may be
    an account of the older app.

    Raises:
        InvalidPath: the owner's name is not valid.
        StoreError: the store cannot be asked; call it again.
    """
    paths.check_segment(owner)
    if owner in paths.RESERVED_FOLDERS:
        raise paths.InvalidPath("This is not the name of an owner.")
    documents, running = 0, False
    while page := backend.documents.find({"owner": owner}, limit=PAGE):
        for snapshot in page:
            running = running or status_of(snapshot.fields) is Status.PROCESSING
            backend.documents.delete(snapshot.id)
            documents += 1
    # No worker can write a new entry: it would have to write the job's document, now deleted, in the same commit.
    documents += _remove_documents(backend.documents.collection(PUSHES), {"owner": owner})
    if can_form_path(owner):
        for path in (history_path(owner), devices_path(owner)):
            documents += _remove_documents(backend.documents.collection(path), {})
    if running:
        time.sleep(SETTLE_S)
    prefixes = (f"{paths.USERS}{owner}/", f"{paths.LEGACY_UPLOADS}{owner}/", f"{owner}/")
    objects = sum(backend.objects.purge(prefix) for prefix in prefixes)
    return Forgotten(documents, objects, _remove_remains(spool, owner) if spool else 0)


def _remove_documents(collection: Collection, equal: Mapping[str, Any]) -> int:
    removed = 0
    while page := collection.find(equal, limit=PAGE):
        for snapshot in page:
            collection.delete(snapshot.id)
            removed += 1
    return removed


def _remove_remains(spool: Spool, owner: str) -> int:
    return sum(spool.remove(remains) for remains in spool.remains() if remains.owner == owner)
