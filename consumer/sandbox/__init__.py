"""Where strangers' videos are looked at: in a child process that has given up its rights, and has limits.

    supervisor.py   the daemon's side: starts the fork server, hands it tasks, follows, times and kills the children
    forkserver.py   the other side: a process with the heavy imports done, that forks a child for each task
    confine.py      what a child gives up before it begins: rlimits, then
    landlock.py     files,
    seccomp.py      and system calls, both through
    kernel.py       the C library

Nothing is imported here: `python -m consumer.sandbox.forkserver` imports this package first, and is to be small.
"""
