"""Removing what users no longer want kept: the results of one job, or everything of one owner."""

import logging
import time
from dataclasses import dataclass

from consumer import jobs, paths
from consumer.backends import Backend, Snapshot
from consumer.jobs import Status
from consumer.spool import Spool

logger = logging.getLogger(__name__)

PAGE = 100

SETTLE_S = 5.0
"""A worker notices within this time that its document is gone, and publishes nothing more."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed."""

    documents: int
    objects: int
    spool_entries: int


def remove_results(backend: Backend, snapshot: Snapshot) -> None:
    """Remove the results of every attempt at a job, those where the older app looks included.

    Raises:
        StoreError: the store cannot be asked; what is left is found again.
    """
    owner = snapshot.fields.get("owner")
    if not isinstance(owner, str):
        return
    try:
        paths.check_segment(owner)
        paths.check_segment(snapshot.id)
    except paths.InvalidPath:
        # Such a document was never worked on.
        return
    _remove_objects(backend, paths.results_prefix(owner, snapshot.id, 0).removesuffix("0/"))
    _remove_legacy(backend, snapshot)


def remove_job(backend: Backend, snapshot: Snapshot) -> None:
    """Remove a job with its video and its results; the document goes last, so that what is left is found again.

    Raises:
        StoreError: the store cannot be asked; call it again.
    """
    remove_results(backend, snapshot)
    owner, video = snapshot.fields.get("owner"), snapshot.fields.get("video")
    if isinstance(owner, str) and isinstance(video, str):
        try:
            paths.check_owner(owner, video, from_shim=snapshot.fields.get("origin") == "shim")
        except paths.PathError:
            logger.warning("A job is removed without its video: the path is not its owner's")
        else:
            backend.objects.delete(video)
    backend.documents.delete(snapshot.id)


def _remove_legacy(backend: Backend, snapshot: Snapshot) -> None:
    origin, video = snapshot.fields.get("origin"), snapshot.fields.get("video")
    if origin != "shim" or not isinstance(video, str):
        return
    runs = backend.documents.find({"origin": origin, "video": video}, order_by="createdAt", descending=True, limit=1)
    if runs and runs[0].id != snapshot.id:
        # What lies there is a later run's.
        return
    try:
        legacy = paths.LegacyVideo.of_video(video)
    except paths.PathError:
        return
    for path in legacy.results.values():
        backend.objects.delete(path)


def forget(backend: Backend, spool: Spool | None, owner: str) -> Forgotten:
    """Remove a user's documents, uploads, results, and what lies of them on this volume.

    Documents go first: that stops the work on them. An account of the older app counts as an owner too.

    Raises:
        InvalidPath: no owner can be called so.
        StoreError: the store cannot be asked; call it again.
    """
    paths.check_segment(owner)
    if owner in paths.RESERVED_FOLDERS:
        raise paths.InvalidPath("This is not the name of an owner.")
    documents, running = 0, False
    while page := backend.documents.find({"owner": owner}, limit=PAGE):
        for snapshot in page:
            running = running or jobs.status_of(snapshot.fields) is Status.PROCESSING
            backend.documents.delete(snapshot.id)
            documents += 1
    if running:
        time.sleep(SETTLE_S)
    prefixes = (f"users/{owner}/", f"{paths.LEGACY_UPLOADS}{owner}/", f"{owner}/")
    objects = sum(_remove_objects(backend, prefix) for prefix in prefixes)
    return Forgotten(documents, objects, _remove_remains(spool, owner) if spool else 0)


def _remove_objects(backend: Backend, prefix: str) -> int:
    found = list(backend.objects.list(prefix))
    for path in found:
        backend.objects.delete(path)
    return len(found)


def _remove_remains(spool: Spool, owner: str) -> int:
    return sum(spool.remove(remains) for remains in spool.remains() if remains.owner == owner)
