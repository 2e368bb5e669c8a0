"""Attempts of a malicious video that controls its child process. Tests run them in the sandbox; each returns its outcome."""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[float], None]


def attempt(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Make one attempt by name; return the error's class, or "done"."""
    del report
    try:
        TRIES[arguments["what"]](arguments)
    except BaseException as error:  # noqa: BLE001 - told to the test
        return {"came": type(error).__name__}
    return {"came": "done"}


def environment(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """The child's environment."""
    del arguments, report
    return dict(os.environ)


def facts(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Facts about the child: directory, threads, descriptors, limits."""
    del arguments, report
    return {
        "cwd": str(Path.cwd()),
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "parent": os.getppid(),
    }


def spin(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Hang and ignore SIGTERM; write the pid to a file."""
    del report
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (Path(arguments["into"]) / "pid").write_text(f"{os.getpid()}\n")
    while True:
        time.sleep(0.1)


def burn(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Use processor time without end."""
    while True:
        report(0.5)
        sum(range(10_000))


def chatter(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Print much, and report invalid progress."""
    for number in range(20_000):
        report(float(number))
    os.write(1, b"x" * 100_000)
    return {"printed": True}


def forge(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Send the daemon a message in the fork server's name, or an invalid message."""
    del report
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            line = socket.socket(fileno=os.dup(descriptor))
            for message in arguments["messages"]:
                line.send(message.encode())
    time.sleep(arguments["sleep"])
    return {"ended": True}


def _read(arguments: dict[str, Any]) -> None:
    Path(arguments["path"]).read_bytes()


def _write(arguments: dict[str, Any]) -> None:
    Path(arguments["path"]).write_bytes(b"overwritten")


def _connect(arguments: dict[str, Any]) -> None:
    socket.create_connection(("127.0.0.1", arguments["port"]), timeout=2).close()


def _send_datagram(arguments: dict[str, Any]) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", arguments["port"]))


def _listen(_: dict[str, Any]) -> None:
    socket.create_server(("127.0.0.1", 0)).close()


def _run(_: dict[str, Any]) -> None:
    subprocess.run(["/bin/true"], check=True)


def _kill(arguments: dict[str, Any]) -> None:
    os.kill(arguments["pid"], 0)


def _kill_thread(arguments: dict[str, Any]) -> None:
    _call(libc().syscall(234 if platform.machine() == "x86_64" else 131, arguments["pid"], arguments["pid"], 0))


def _unix_socket(arguments: dict[str, Any]) -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(arguments["path"])


def _fork(_: dict[str, Any]) -> None:
    if os.fork() == 0:
        os._exit(0)


def _new_process(_: dict[str, Any]) -> None:
    """Fork by the system call, without the C library."""
    child = _call(libc().syscall(56 if platform.machine() == "x86_64" else 220, signal.SIGCHLD, 0, 0, 0, 0))
    if child == 0:
        os._exit(0)


def _leave_group(_: dict[str, Any]) -> None:
    os.setpgid(0, os.getppid())


def _limit_another(arguments: dict[str, Any]) -> None:
    resource.prlimit(arguments["pid"], resource.RLIMIT_CORE, (0, 0))


def _threads(_: dict[str, Any]) -> None:
    pair = socket.socketpair()
    thread = threading.Thread(target=pair[0].send, args=(b"hello",))
    thread.start()
    thread.join()


def _link(arguments: dict[str, Any]) -> None:
    Path("link").symlink_to(arguments["path"])


def _hard_link(arguments: dict[str, Any]) -> None:
    Path("hard").hardlink_to(arguments["path"])


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _unshare(_: dict[str, Any]) -> None:
    _call(libc().unshare(0x10000000))


def _raise_limit(_: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if os.geteuid() == 0:
        raise PermissionError("root may raise limits; the child has no memory of its own to protect from root")


def _large_file(_: dict[str, Any]) -> None:
    with Path("large").open("wb") as file:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        file.truncate(1 << 40)


def _memory(_: dict[str, Any]) -> None:
    bytearray(8_000_000_000)


TRIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "read": _read,
    "write": _write,
    "connect": _connect,
    "datagram": _send_datagram,
    "listen": _listen,
    "run": _run,
    "kill": _kill,
    "kill thread": _kill_thread,
    "unix socket": _unix_socket,
    "fork": _fork,
    "new process": _new_process,
    "new session": lambda _: os.setsid(),
    "leave group": _leave_group,
    "limit another": _limit_another,
    "threads": _threads,
    "directory": lambda _: Path("deep").mkdir(),
    "chmod": lambda arguments: Path(arguments["path"]).chmod(0o666),
    "chown": lambda arguments: os.chown(arguments["path"], os.getuid(), os.getgid()),
    "touch": lambda arguments: os.utime(arguments["path"], (0, 0)),
    "label": lambda arguments: os.setxattr(arguments["path"], "user.note", b"here"),
    "link": _link,
    "hard link": _hard_link,
    "unshare": _unshare,
    "raise limit": _raise_limit,
    "large file": _large_file,
    "memory": _memory,
}
