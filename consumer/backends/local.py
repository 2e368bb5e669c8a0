"""The embedded backend: documents in SQLite, objects as files. Nothing to install; several processes share it.

DATA_DIR/documents.sqlite       the documents, in WAL mode
DATA_DIR/objects/...            each object a file at its path
DATA_DIR/objects.partial/...    uploads that are not complete yet
"""

from pathlib import Path

from consumer.backends import Backend
from consumer.backends.local_documents import LocalDocuments
from consumer.backends.local_objects import LocalObjects


def open_local(data_dir: Path) -> Backend:
    """Open, and make if need be, the embedded backend under `data_dir`.

    Raises:
        Unavailable: the directory or the database cannot be written.
    """
    return Backend("local", LocalDocuments(data_dir / "documents.sqlite"), LocalObjects(data_dir / "objects"))
