"""The service: it takes a job's document from `uploaded` to `done`.

    jobs/        a job: its document, the moves between its states, its errors, the object paths of its owner, its results
    intake/      which jobs are due, and which consumer gets them
    work/        one job, stage by stage: worker, lease, stages, the job's directory on the volume
    sandbox/     the analysis in a child process that has given up its rights
    backends/    the stores of documents and objects: local or Firebase
    push/        messages to the owner's devices
    operations/  health, metrics, logs, traces; removal of old data and of a user's data
    http/        the older HTTP interface, the web client
    commands/    the commands; cli.py parses their options

daemon.py connects these parts. settings.py has every setting. catalogue.py joins the package's exercises and the operator's.
app.py does what a phone app does (upload, submit, wait); the commands use it.
"""
