"""What the spool and the embedded object store ask of a directory."""

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Put a directory's entries on the disk: a rename survives a power failure only after this."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
