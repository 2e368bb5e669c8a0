"""`dothis up`: daemon and older HTTP interface in one process, one container."""

import logging
import threading

import typer

from consumer.catalogue import load_catalogue
from consumer.commands import console
from consumer.commands.daemon import check_sandbox, open_sender
from consumer.commands.shim import listen
from consumer.daemon import Daemon
from consumer.http.serving import Server
from consumer.operations import logs, tracing
from pose.reading import model as models

logger = logging.getLogger(__name__)


def run(*, web: bool) -> None:
    """Run both until a signal. If one of them ends by itself, the other one is stopped."""
    settings = console.load_settings()
    logs.configure(settings.log_level, settings.log_format)
    with console.reporting():
        check_sandbox(settings)
        tracing.configure()
        model, catalogue = models.find(settings.model).path, load_catalogue(settings)
        sender = open_sender(settings)
        with console.opened(settings) as backend:
            server = listen(backend, settings, catalogue, web_client=web)
            daemon = Daemon(backend, settings, model=model, catalogue=catalogue, sender=sender)
            thread = threading.Thread(target=_serve, args=(server, daemon), name="shim", daemon=True)
            thread.start()
            logger.info("Ready: the older HTTP interface on port %d", server.port)
            code = daemon.run()
            server.stop()
            thread.join()
    raise typer.Exit(code)


def _serve(server: Server, daemon: Daemon) -> None:
    try:
        server.run()
    finally:
        daemon.stop()
