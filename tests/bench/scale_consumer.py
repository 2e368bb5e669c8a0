"""One consumer of the scale benchmark: the daemon as it is, with a simulated analysis, its calls of the document store counted.

Started by tests/bench/scale.py. It says `ready` on its standard output, and its figures as one line of JSON at its end.
"""

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from consumer.backends import Backend, Beside, DocumentStore, Revision, Snapshot, Watch
from consumer.backends.local_objects import LocalObjects
from consumer.backends.selection import open_backend
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.settings import Settings
from tests.work import ROOT, WORK


class CountedDocuments:
    """A `DocumentStore` that counts what Firestore would bill: each document read, at least one for a query; each write; and
    for a listener each document that comes into its result or leaves it.
    """

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def get(self, job_id: str) -> Snapshot | None:
        self._count(reads=1)
        return self._documents.get(job_id)

    def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
        self._count(writes=1)
        self._documents.create(job_id, fields)

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Beside | None = None) -> Revision:
        written = self._documents.update(revision, changes, beside)
        self._count(writes=1 + len(beside or {}))
        return written

    def delete(self, job_id: str) -> None:
        self._count(writes=1)
        self._documents.delete(job_id)

    def find(self, equal: Mapping[str, Any], **rest: Any) -> list[Snapshot]:
        found = self._documents.find(equal, **rest)
        self._count(reads=max(len(found), 1), found=max(len(found), 1))
        return found

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> Watch:
        def counted(job_id: str, owner: str) -> None:
            self._count(reads=2, listened=2)
            callback(job_id, owner)

        return self._documents.watch(status, counted, newest=newest)

    def watch_any(self, alternatives: Sequence[Mapping[str, Any]], callback: Callable[[str], None]) -> Watch:
        return self._documents.watch_any(alternatives, callback)

    def close(self) -> None:
        self._documents.close()

    def _count(self, **more: int) -> None:
        with self._lock:
            self.counts.update(more)


def main(objects: Path) -> None:
    """Run until SIGTERM.

    Args:
        objects: the directory that stands in for the bucket. The benchmark is about documents, and on two cores an emulated
            bucket would take most of them.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    settings = Settings.load()
    opened = open_backend(settings)
    documents = CountedDocuments(opened.documents)
    backend = Backend("bench", documents, LocalObjects(objects))
    daemon = Daemon(
        backend,
        settings,
        model=ROOT / "setup.cfg",
        catalogue=Catalogue(),
        analysis=WORK,
        python_path=(ROOT,),
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    daemon.run()
    lost = daemon.metrics.registry.get_sample_value("dothis_claims_lost_total")
    sys.stdout.write(json.dumps({**documents.counts, "lost": lost}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
