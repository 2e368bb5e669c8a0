"""The work on one job, stage by stage.

worker.py         runs the stages in their order
stages.py         what each stage does
analysis.py       the tasks that run in a sandboxed child process
lease.py          holds the job: fenced writes and the heartbeat
endings.py        failed, waiting, cancelled, handed back
spool.py          the directories of all jobs on the volume
job_directory.py  one job's directory, locked by this process
breaker.py        stops claims while the storage refuses everything
"""
