"""Where strangers' videos are looked at: in a child process that has given up its rights, and has limits.

    supervisor.py   the daemon's side: starts the fork server, hands it tasks, follows, times and kills the children
    forkserver.py   the other side: a process with the heavy imports done, that forks a child for each task
    confine.py      what a child gives up before it begins: rlimits, then
    landlock.py     files,
    seccomp.py      and system calls, both through
    kernel.py       the C library

The fork server is started with `-m`, and that imports this package first. It must not get the supervisor with it, which it has
no use for and which imports the fork server in turn; so the supervisor is imported when one of its names is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from consumer.sandbox.confine import Confinement, support

if TYPE_CHECKING:
    from consumer.sandbox.supervisor import Crashed, Defect, Sandbox, SandboxError, TimedOut
else:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("consumer.sandbox.supervisor"), name)


__all__ = ["Confinement", "Crashed", "Defect", "Sandbox", "SandboxError", "TimedOut", "support"]
