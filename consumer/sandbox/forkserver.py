"""The fork server: a process that has the heavy imports done, and forks a child for each piece of work.

    python -m consumer.sandbox.forkserver DESCRIPTOR MODULE...

The daemon starts it with an environment of its own, without credentials. It has one thread, so that forking is safe. Each
request comes with a socket, which the daemon, this server and the child share while the child lives:

    child -> daemon     {"progress": 0.5}, then {"result": {...}} or {"error": {...}}
    server -> daemon    {"pid": n} at once; {"exit": status} once the child is gone and has been waited for
    daemon closes, or shuts down, its end: the child and whatever it has started are killed

When the daemon is gone, its end of the control socket closes, and this server ends with all its children.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from consumer.jobs.errors import JobError
from consumer.sandbox.confine import Confinement, confine, die_with_parent

MAX_MESSAGE = 1 << 16
PROGRESS_S = 0.1
"""Shortest time between two reports of progress, in seconds."""

Report = Callable[[float], None]
Task = Callable[[dict[str, Any], Report], dict[str, Any]]


@dataclass
class Child:
    """A running child."""

    pid: int
    pidfd: int
    line: socket.socket


class ForkServer:
    """The server's loop."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until the daemon is gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    if not self._accept():
                        self._kill_all()
                        return
                elif isinstance(key.data, Child):
                    self._tend(key.data, ended=key.fileobj == key.data.pidfd)

    def _accept(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, 1)
        if not message:
            return False
        if not descriptors:
            # No file descriptor was left, so the kernel closed the connection. The daemon takes that for the child's end.
            return True
        line = socket.socket(fileno=descriptors[0])
        try:
            pid = os.fork()
        except OSError:
            # No memory or no process is available now. This ends one task, not the server.
            with line:
                _send(line, {"exit": 1})
            return True
        if pid == 0:
            self._become_child(message, line)
        try:
            child = Child(pid, os.pidfd_open(pid), line)
        except OSError:
            # The same, with a child whose end would not be reported.
            with line:
                _kill_group(pid)
                os.waitpid(pid, 0)
                _send(line, {"exit": 1})
            return True
        _send(line, {"pid": pid})
        self._children[pid] = child
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        self._selector.register(line, selectors.EVENT_READ, child)
        return True

    def _tend(self, child: Child, *, ended: bool) -> None:
        if child.pid not in self._children:
            return
        if not ended:
            # The daemon sends nothing on this socket, so readable means that the daemon has closed it or has ended.
            self._selector.unregister(child.line)
            _kill_group(child.pid)
            return
        # Kill the child's whole process group. Until waitpid, no other process can get its pid.
        _kill_group(child.pid)
        _, status = os.waitpid(child.pid, 0)
        del self._children[child.pid]
        self._selector.unregister(child.pidfd)
        if child.line in self._selector.get_map():
            self._selector.unregister(child.line)
        _send(child.line, {"exit": os.waitstatus_to_exitcode(status)})
        os.close(child.pidfd)
        child.line.close()

    def _kill_all(self) -> None:
        for pid in self._children:
            _kill_group(pid)

    def _become_child(self, message: bytes, line: socket.socket) -> NoReturn:
        code = 1
        try:
            # A group of its own, so that its children can be ended with it; see _kill_group.
            os.setpgid(0, 0)
            die_with_parent()
            self._selector.close()
            self._control.close()
            for other in self._children.values():
                other.line.close()
                os.close(other.pidfd)
            code = work(json.loads(message), line)
        finally:
            # Neither exit handlers nor destructors: native libraries print tracebacks in theirs.
            os._exit(code)


def work(request: dict[str, Any], line: socket.socket) -> int:
    """Run in the child: give up all rights, run the task, send the result."""
    told = 0.0

    def report(fraction: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= PROGRESS_S:
            told = now
            _send(line, {"progress": fraction})

    try:
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(request["confinement"]["writable"])
        os.environ["TMPDIR"] = request["confinement"]["writable"]
        confine(Confinement(**request["confinement"]))
        result = find_task(request["task"])(request["arguments"], report)
    except JobError as error:
        _send(line, {"error": {"code": str(error.code), "reason": error.reason, "sentence": error.sentence}})
    except BaseException as error:  # noqa: BLE001 - the daemon logs it; the child has no other output
        kind = "memory" if isinstance(error, MemoryError) else "defect"
        _send(line, {"error": {"kind": kind, "trace": traceback.format_exc()[-MAX_MESSAGE // 4 :]}})
    else:
        _send(line, {"result": result})
    return 0


def find_task(name: str) -> Task:
    """The function that `module:function` names."""
    module, _, function = name.partition(":")
    task: Task = getattr(importlib.import_module(module), function)
    return task


def _send(line: socket.socket, message: dict[str, Any]) -> None:
    try:
        line.send(json.dumps(message).encode(), 0 if "progress" not in message else socket.MSG_DONTWAIT)
    except OSError:
        # The daemon has ended, or reads progress too slowly; the task goes on without it.
        return


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        # The child has not made its process group yet, or the group has ended.
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def main() -> None:
    """Preload, then serve."""
    # Ctrl-C goes to the whole foreground group, a service manager's SIGTERM to all of a service; the daemon decides what
    # becomes of its children.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # What is there now is never collected: a collection would touch, and so copy, every page in every child.
    gc.collect()
    gc.freeze()
    ForkServer(control).run()


if __name__ == "__main__":
    main()
