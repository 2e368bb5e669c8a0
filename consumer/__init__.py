"""From a document to `done`.

    jobs/        a job: its document, the moves between its states, its errors, whose paths are whose, its results
    intake/      which jobs are due, and which consumer gets them
    work/        one job, stage by stage: worker, lease, stages, the volume
    sandbox/     the analysis in a child process that has given up its rights
    backends/    where documents and objects lie
    push/        messages to the owner's devices
    operations/  health, metrics, logs, traces; what is kept and what is removed
    http/        the older HTTP interface, the web client
    commands/    what each command does; cli.py parses their options

daemon.py puts it together, settings.py has every setting, catalogue.py the exercises of package and operator, app.py does what
an app does.
"""
