"""The embedded backend: documents in SQLite, objects as files. Nothing to install; several processes share it.

DATA_DIR/documents.sqlite       the documents, in WAL mode
DATA_DIR/objects/...            each object a file at its path
DATA_DIR/objects.partial/...    uploads that are not complete yet
"""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from consumer.backends import Backend
from consumer.backends.local_documents import LocalDocuments, copy_database
from consumer.backends.local_objects import LocalObjects

DOCUMENTS, OBJECTS = "documents.sqlite", "objects"


def open_local(data_dir: Path) -> Backend:
    """Open, and make if need be, the embedded backend under `data_dir`.

    Raises:
        Unavailable: the directory or the database cannot be written.
    """
    return Backend("local", LocalDocuments(data_dir / DOCUMENTS), LocalObjects(data_dir / OBJECTS))


def back_up(data_dir: Path, target: Path) -> int:
    """Copy the documents and objects while daemons work.

    The documents are copied first, as they are at one moment. Objects are written before the documents that name them, so none
    is missing.

    Args:
        data_dir: what `open_local` was called with.
        target: a directory that does not exist yet; it appears when the copy is complete.

    Returns:
        The number of objects.

    Raises:
        Unavailable: the database cannot be read.
        OSError: the copy cannot be written, or `target` exists.
    """
    partial = target.with_name(f"{target.name}.partial")
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    partial.mkdir(mode=0o700, parents=True)
    try:
        copy_database(data_dir / DOCUMENTS, partial / DOCUMENTS)
        objects = 0
        for file in (data_dir / OBJECTS).rglob("*"):
            if not file.is_file():
                continue
            copy = partial / OBJECTS / file.relative_to(data_dir / OBJECTS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            # An object may be deleted meanwhile.
            with suppress(FileNotFoundError):
                shutil.copy2(file, copy)
                objects += 1
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return objects
