"""Removes the messages of native libraries from stderr while a model is loaded.

TFLite and MediaPipe write lines such as "Created TensorFlow Lite XNNPACK delegate" directly to file descriptor 2, and have no
option against it. These lines are left out. All other lines, such as errors, are written when the model is loaded.
"""

import os
import re
import tempfile
import threading
from types import TracebackType
from typing import BinaryIO, Self

STDERR = 2

CHATTER = re.compile(
    rb"INFO: Created TensorFlow Lite .*"
    rb"|WARNING: (Logging before InitGoogle\(\)|All log messages before absl::InitializeLog\(\)) .*"
    rb"|[IW]\d{4} [\d:.]+ +\d+ [\w./-]+\.(cc|h|mm):\d+\] .*"
)
"""An information or a warning of MediaPipe, TFLite or the Abseil library. Their errors begin with E or F."""


class _Held:
    """Holds back the output to descriptor 2. Several threads may load models at the same time; the last one releases it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._own = -1
        self._file: BinaryIO | None = None

    def hold(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._begin()

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._file is not None:
                self._end(self._file)

    def _begin(self) -> None:
        try:
            own = os.dup(STDERR)
        except OSError:
            return  # There is no stderr.
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the last user
        except OSError:
            # The sandbox allows no temporary file. Its stderr is a log file, in which these lines do no harm.
            os.close(own)
            return
        self._own, self._file = own, file
        os.dup2(file.fileno(), STDERR)

    def _end(self, file: BinaryIO) -> None:
        os.dup2(self._own, STDERR)
        os.close(self._own)
        self._file = None
        with file:
            file.seek(0)
            lines = file.read().splitlines(keepends=True)
        rest = b"".join(line for line in lines if not CHATTER.fullmatch(line.rstrip(b"\r\n")))
        if rest:
            os.write(STDERR, rest)


_HELD = _Held()


class Quiet:
    """Leaves out the libraries' lines, from its creation until `end`, or in a `with` block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = True
        _HELD.hold()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Write the other lines and restore stderr; a second call does nothing."""
        with self._lock:
            if self._open:
                self._open = False
                _HELD.release()
