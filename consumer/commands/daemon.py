"""`dothis run`: the daemon in the foreground."""

import typer

from consumer import logs, tracing
from consumer.catalogue import load_catalogue
from consumer.commands import console
from consumer.daemon import Daemon
from consumer.sandbox.confine import support
from consumer.settings import Settings
from pose import model as models


def run() -> None:
    """Work until a signal; the exit code is the daemon's."""
    settings = console.load_settings()
    logs.configure(settings.log_level, settings.log_format)
    with console.reporting():
        check_sandbox(settings)
        tracing.configure()
        model, catalogue = models.find(settings.model).path, load_catalogue(settings)
        with console.opened(settings) as backend:
            code = Daemon(backend, settings, model=model, catalogue=catalogue).run()
    raise typer.Exit(code)


def check_sandbox(settings: Settings) -> None:
    """Refuse to start where strangers' videos would not be confined as the settings demand."""
    if settings.sandbox == "strict" and not support().complete:
        raise console.Failed(
            "internal",
            "This kernel lacks Landlock or seccomp. Use Linux 5.13 or newer, or set DOTHIS_SANDBOX=available to do without.",
        )
