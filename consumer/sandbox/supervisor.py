"""Run a task on an untrusted video in a child process with limits. See forkserver.py for the fork server.

SandboxError
|-- Crashed         the child died: a signal, too little memory
|-- TimedOut        it ran past its limit and was killed
+-- Defect          it raised an unexpected exception; the log has the traceback
"""

import json
import logging
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from consumer.jobs.errors import ErrorCode, JobError
from consumer.sandbox.confine import Confinement
from consumer.sandbox.forkserver import MAX_MESSAGE

logger = logging.getLogger(__name__)

LOOK_S = 0.1
"""Seconds between two checks whether the job was cancelled."""

KILL_S = 10.0
"""Seconds. A child that still exists this long after SIGKILL hangs in the kernel; the daemon stops waiting for it."""

_OF_SERVER, _OF_CHILD = frozenset({"pid", "exit"}), frozenset({"progress", "result", "error"})
_ANSWERS = (_OF_SERVER | _OF_CHILD) - {"progress"}
_CREDENTIALS = struct.Struct("3i")
"""struct ucred: pid, uid, gid."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")


class SandboxError(Exception):
    """Base class of this module's errors."""


class Crashed(SandboxError):
    """The child died."""


class _ServerGone(Crashed):
    """The child died with the fork server."""


class TimedOut(SandboxError):
    """The child ran past its limit and was killed."""


class Defect(SandboxError):
    """The child raised an unexpected exception."""


class Sandbox:
    """One fork server, started at the first use and again when it has died. Safe for threads.

    Args:
        preload: modules that the server imports once for all children.
        scratch: a directory for caches of the libraries; the server may write there, children may not.
        python_path: directories to import modules from, in addition to the installation.
    """

    def __init__(self, preload: Sequence[str], *, scratch: Path, python_path: Sequence[Path] = ()) -> None:
        self._preload = preload
        self._scratch = scratch
        self._python_path = [Path(__file__).parents[2], *python_path]
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the server, so that its imports are done when the first job comes."""
        with self._lock:
            self._ensure_server()

    def run(
        self,
        task: str,
        arguments: Mapping[str, Any],
        confinement: Confinement,
        *,
        timeout_s: float,
        log: Path,
        progress: Callable[[float], None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Run a task in a child process.

        Args:
            task: `module:function`; called with `arguments` and a function that takes progress.
            arguments: JSON.
            confinement: what the child keeps.
            timeout_s: wall time.
            log: file that takes what the child and its libraries print.
            progress: told the share that is done.
            check: called several times a second; what it raises ends the child, then goes on upwards.

        Returns:
            What the task returned.

        Raises:
            JobError: the task raised it.
            Crashed, TimedOut, Defect: see the module's docstring.
        """
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with line:
            # Each message comes with its sender's pid: what the child says of itself is not taken for the server's word.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            request = {"task": task, "arguments": dict(arguments), "confinement": asdict(confinement), "log": str(log)}
            with theirs:
                server = self._submit(json.dumps(request).encode(), theirs)
            until = time.monotonic() + timeout_s

            def look() -> None:
                check()
                _check_time(until)
                if server.poll() is not None:
                    raise _ServerGone("The fork server has died.")

            return _follow(line, server.pid, look, progress)

    def close(self) -> None:
        """End the server and all its children."""
        with self._lock:
            self._forget_server()

    @staticmethod
    def _end_server(server: subprocess.Popen[bytes]) -> None:
        try:
            server.wait(KILL_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def _submit(self, request: bytes, line: socket.socket) -> subprocess.Popen[bytes]:
        with self._lock:
            for _ in range(2):
                control, server = self._ensure_server()
                try:
                    socket.send_fds(control, [request], [line.fileno()])
                except OSError:
                    logger.warning("The fork server is gone; it is started again.")
                    self._forget_server()
                else:
                    return server
        raise Crashed("The fork server cannot be reached.")

    def _ensure_server(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        if self._server is not None and self._server.poll() is not None:
            self._forget_server()
        if self._control is None or self._server is None:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "consumer.sandbox.forkserver", str(theirs.fileno()), *self._preload],
                    pass_fds=[theirs.fileno()],
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                )
        return self._control, self._server

    def _forget_server(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            self._end_server(self._server)
            self._server = None

    def _environment(self) -> dict[str, str]:
        """Nothing of the daemon's own but what names languages, time zones and libraries: no credentials, no settings."""
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        # Workers run side by side on their cores; threads of a library would only take them from each other.
        environment.update(dict.fromkeys(_THREADS, "1"))
        environment["PYTHONPATH"] = os.pathsep.join(str(path) for path in self._python_path)
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["MPLCONFIGDIR"] = str(self._scratch / "matplotlib")
        environment["HOME"] = str(self._scratch)
        return environment


def _follow(line: socket.socket, server: int, look: Callable[[], None], progress: Callable[[float], None]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        try:
            while "exit" not in answer:
                look()
                if selector.select(LOOK_S):
                    message = _receive(line, server)
                    if "progress" in message:
                        progress(message["progress"])
                    for key in _ANSWERS & message.keys():
                        answer.setdefault(key, message[key])
        except _ServerGone:
            # Without the server, no process would end the processes that the child has started.
            _kill_group(answer.get("pid"))
            raise
        except BaseException:
            _kill(line, server)
            raise
    return _outcome(answer)


def _kill_group(pid: int | None) -> None:
    if pid is None:
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        logger.debug("The child and all it has started are gone already.")


def _check_time(until: float) -> None:
    if time.monotonic() > until:
        raise TimedOut("The work took too long and was ended.")


def _receive(line: socket.socket, server: int) -> dict[str, Any]:
    try:
        message, credentials, _, _ = line.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(_CREDENTIALS.size))
    except ConnectionError:
        message = b""
    if not message:
        # An end without a word: the fork server itself is gone, and its children with it.
        return {"exit": -signal.SIGKILL}
    try:
        received = dict(json.loads(message))
    except (ValueError, TypeError):
        return {"error": {"kind": "defect", "trace": "The child sent an invalid message."}}
    sender, _, _ = _CREDENTIALS.unpack_from(credentials[0][2])
    told = _OF_SERVER if sender == server else _OF_CHILD
    return {key: value for key, value in received.items() if key in told}


def _kill(line: socket.socket, server: int) -> None:
    """Let the server kill the child, and wait for its end, so that no process writes to its directory."""
    line.shutdown(socket.SHUT_WR)
    line.settimeout(KILL_S)
    try:
        while "exit" not in _receive(line, server):
            continue
    except TimeoutError:
        logger.exception("A child did not end when it was killed.")


def _outcome(answer: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _result_of(answer)
    except (LookupError, TypeError, ValueError) as error:
        raise Defect("The child sent an invalid message.") from error


def _result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    error = answer.get("error")
    if error is None and "result" in answer:
        return dict(answer["result"])
    if error is None:
        status = answer["exit"]
        if status == -signal.SIGXCPU:
            raise TimedOut("The work used more processor time than it may.")
        raise Crashed(f"The process ended by {signal.Signals(-status).name}." if status < 0 else f"It exited with {status}.")
    if "code" in error:
        raise JobError(ErrorCode(error["code"]), str(error["reason"]), sentence=str(error["sentence"]))
    if error["kind"] == "memory":
        raise Crashed("The work needed more memory than it may have.")
    raise Defect(error["trace"])
