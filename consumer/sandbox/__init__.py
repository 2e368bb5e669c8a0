"""The sandbox: untrusted videos are analysed in a child process without rights and with limits.

    supervisor.py   in the daemon: starts the fork server, sends it tasks, watches the children and kills them at their limits
    forkserver.py   the fork server: a process with the slow imports done, which forks a child for each task
    confine.py      restricts a child before its task: rlimits, Landlock, seccomp
    landlock.py     restricts the files
    seccomp.py      restricts the system calls
    kernel.py       calls the C library

Nothing is imported here, since `python -m consumer.sandbox.forkserver` imports this package first and must stay small.
"""
