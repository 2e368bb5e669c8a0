"""Restrict a process before it reads an untrusted video: resources, files, network. The restrictions cannot be undone, and
its children inherit them.

    rlimits     memory, CPU time, file size, open files, processes
    Landlock    reads and writes by allow-list; from Linux 6.7 no TCP, from 6.12 no signals to others
    seccomp     no network, no other sockets, no new programs or processes, nothing done to others, no files' modes or owners,
                no kernel interfaces that have no use here

None of them needs a privilege, so they also work in a container without capabilities. `support` says which of them this kernel
has.
"""

import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consumer.sandbox import landlock, seccomp
from consumer.sandbox.kernel import check, libc

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38

ROOM_FOR_PROCESSES = 128
"""Number of processes and threads that may be started in addition to those that run already."""

CPU_GRACE_S = 5
"""Seconds between SIGXCPU, which names the reason, and SIGKILL, for a process that ignores SIGXCPU."""


@dataclass(frozen=True)
class Confinement:
    """The rights and limits of one child.

    Attributes:
        writable: the only directory that it may change.
        readable: files and directories that it may read, beside the running Python and the system's libraries.
        memory_bytes: largest address space.
        cpu_s: largest CPU time of the process in seconds.
        file_bytes: largest size of each file that it writes.
    """

    writable: str
    readable: Sequence[str]
    memory_bytes: int
    cpu_s: int
    file_bytes: int


@dataclass(frozen=True)
class Support:
    """The restrictions that this kernel supports.

    Attributes:
        landlock: the ABI's version, 0 without Landlock.
        seccomp: whether filters can be installed.
    """

    landlock: int
    seccomp: bool

    @property
    def complete(self) -> bool:
        """Whether files and network can both be kept from the analysis."""
        return self.landlock > 0 and self.seccomp


def support() -> Support:
    """Ask the kernel."""
    return Support(landlock.abi(), seccomp.available())


def confine(confinement: Confinement) -> None:
    """Give up all rights that `confinement` does not grant. Restrictions that the kernel lacks are left out, rlimits never.

    Call it in a process with one thread: other threads would keep their rights.

    Raises:
        OSError: the kernel has it, but refuses.
    """
    have = support()
    limit_resources(confinement)
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if have.landlock:
        landlock.restrict_files(have.landlock, confinement.writable, [*system_paths(), *confinement.readable])
    if have.seccomp:
        seccomp.restrict_calls()


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends."""
    check(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def limit_resources(confinement: Confinement) -> None:
    """Set the rlimits, soft and hard alike but for the CPU time, where only the soft one's signal tells what has happened."""
    # The kernel counts processes and threads per user; a fixed number would be too small on a busy machine.
    running = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])
    limits = {
        resource.RLIMIT_AS: confinement.memory_bytes,
        resource.RLIMIT_CPU: confinement.cpu_s + CPU_GRACE_S,
        resource.RLIMIT_FSIZE: confinement.file_bytes,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: running + ROOM_FOR_PROCESSES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        soft = min(confinement.cpu_s, value) if kind == resource.RLIMIT_CPU else value
        resource.setrlimit(kind, (soft, value))


def system_paths() -> list[str]:
    """The paths that every Python process reads: Python, libraries, time zones, files about processors and memory.

    Of the import path only the directories of the installation: another directory may contain secrets and data.
    """
    installed = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    packages = Path(__file__).parents[2]
    return [
        *dict.fromkeys(installed),
        *(str(packages / package) for package in ("consumer", "feedback", "pose")),
        *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/mime.types"),
        *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/sys/devices/system/cpu"),
        *("/sys/fs/cgroup", "/dev/urandom", "/dev/random", "/dev/zero"),
    ]
