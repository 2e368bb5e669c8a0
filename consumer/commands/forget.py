"""`dothis forget`: removes all data of a user."""

import typer

from consumer.commands import console
from consumer.jobs.paths import InvalidPath
from consumer.operations.removal import forget
from consumer.work.spool import Spool


def run(owner: str, *, yes: bool, json: bool) -> None:
    """Remove all data of one owner and print what was removed."""
    settings = console.load_settings()
    console.quiet_logs()
    if json and not yes:
        raise typer.BadParameter("with --json there is no question: add --yes", param_hint="--yes")
    if not yes and not typer.confirm(f"Remove all documents, videos and results of {owner}?"):
        raise typer.Exit(1)
    with console.reporting(as_json=json), console.opened(settings) as backend:
        try:
            gone = forget(backend, Spool(settings.data_dir / "spool"), owner)
        except InvalidPath as error:
            raise console.Failed("invalid_request", str(error)) from error
    if json:
        console.print_json(vars(gone))
    else:
        remains = f"the remains of {gone.spool_entries} jobs on the volume"
        console.out.print(f"Removed {gone.documents} documents, {gone.objects} objects in the storage and {remains}.")
