"""`dothis backup`: copies the embedded backend while daemons work."""

from pathlib import Path

from consumer.commands import console


def run(target: Path, *, json: bool) -> None:
    """See `dothis backup --help`."""
    settings = console.load_settings()
    console.quiet_logs()
    with console.reporting(as_json=json):
        if settings.backend != "local":
            raise console.Failed("invalid_request", "Only the embedded backend is copied; Google has exports of its own.")
        # Opening reports a data directory that cannot be used.
        with console.opened(settings):
            from consumer.backends.local import back_up  # noqa: PLC0415 - each backend's libraries only where it is used

            try:
                objects = back_up(settings.data_dir, target)
            except OSError as error:
                message = f"The backup cannot be written to {target}: {error.strerror}. Choose a directory that does not exist."
                raise console.Failed("unavailable", message) from error
    if json:
        console.print_json({"directory": str(target), "objects": objects})
    else:
        console.out.print(f"Copied the documents and {objects} objects to {target}", markup=False, soft_wrap=True)
