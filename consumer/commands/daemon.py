"""`dothis run`: the daemon in the foreground."""

import typer

from consumer.catalogue import load_catalogue
from consumer.commands import console
from consumer.daemon import Daemon
from consumer.operations import logs, tracing
from consumer.push import Sender
from consumer.sandbox.confine import support
from consumer.settings import Settings, SettingsError
from pose.reading import model as models


def run() -> None:
    """Work until a signal. Returns the exit code."""
    settings = console.load_settings()
    logs.configure(settings.log_level, settings.log_format)
    with console.reporting():
        check_sandbox(settings)
        tracing.configure()
        model, catalogue = models.find(settings.model).path, load_catalogue(settings)
        sender = open_sender(settings)
        with console.opened(settings) as backend:
            code = Daemon(backend, settings, model=model, catalogue=catalogue, sender=sender).run()
    raise typer.Exit(code)


def check_sandbox(settings: Settings) -> None:
    """Refuse to start if the kernel lacks the restrictions that the settings demand for untrusted videos."""
    if settings.sandbox == "strict" and not support().complete:
        raise console.Failed(
            "internal",
            "This kernel lacks Landlock or seccomp. Use Linux 5.13 or newer, or set DOTHIS_SANDBOX=available to do without.",
        )


def open_sender(settings: Settings) -> Sender | None:
    """Open the push service; None if `DOTHIS_PUSH` is `off`.

    Raises:
        SettingsError: the embedded backend has no devices.
        Denied: there are no credentials.
    """
    if settings.push == "off":
        return None
    if settings.backend == "local":
        raise SettingsError("DOTHIS_PUSH=fcm needs DOTHIS_BACKEND=firebase: the app writes its devices to Firestore.")
    from consumer.push.fcm import Fcm  # noqa: PLC0415 - its libraries only where it is used

    return Fcm(settings.project)
