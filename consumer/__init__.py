"""From a document to `done`: the daemon, its stores, the older HTTP interface, the commands.

    intake/     which jobs are due, and who gets them; jobs.py says what a job is and how it moves, lease.py holds one
    worker.py   the walk of one job, through the stages of stages.py, from and to the volume of spool.py
    sandbox/    the analysis in a child process that has given up its rights
    backends/   where documents and objects lie
    http/       the older HTTP interface, the reference web client
    commands/   what each command does; daemon.py puts all of the above together

Every other module is one thing, and its first line says which.
"""
