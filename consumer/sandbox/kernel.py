"""Calls to the C library that Python has no function for."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> int:
    """Return the result of a call; raise OSError if it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
