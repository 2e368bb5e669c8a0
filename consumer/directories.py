"""Helpers for directories: sync, size, and the error message for a directory that cannot be used."""

import errno
import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Put a directory's entries on the disk: a rename survives a power failure only after this."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(store: str, error: OSError, data_dir: Path | None = None) -> str:
    """A sentence for the operator of an embedded store whose directory cannot be used.

    Args:
        store: name of the store.
        error: the operating system's error. Its own path is not told: it may name a user.
        data_dir: the data directory, where it is known.
    """
    reason = f"The embedded {store} cannot be used: {os.strerror(error.errno or 0)}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"{reason}. Make room on the volume of DOTHIS_DATA_DIR."
    place = "DOTHIS_DATA_DIR" if data_dir is None else f"{data_dir.resolve()} (DOTHIS_DATA_DIR)"
    return f"{reason}. Make {place} a directory that user id {os.getuid()} can write."


def size_of(path: Path) -> int:
    """Bytes of all files below a directory."""
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            try:
                total += (Path(directory) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
