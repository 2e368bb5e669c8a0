"""`dothis shim`: the older HTTP interface in the foreground."""

import logging
import signal
from types import FrameType

from prometheus_client import CollectorRegistry

from consumer.backends import Backend
from consumer.catalogue import Catalogue, load_catalogue
from consumer.commands import console
from consumer.http.serving import Server, make_server
from consumer.operations import logs
from consumer.operations.health import serve_health
from consumer.settings import Settings

logger = logging.getLogger(__name__)


def run() -> None:
    """Serve until a signal."""
    settings = console.load_settings()
    logs.configure(settings.log_level, settings.log_format)
    with console.reporting(), console.opened(settings) as backend:
        server = listen(backend, settings, load_catalogue(settings))

        def stop(_number: int, _frame: FrameType | None) -> None:
            server.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        health = serve_health(
            settings, settings.shim_health_port, server.health, CollectorRegistry(), setting="DOTHIS_SHIM_HEALTH_PORT"
        )
        logger.info("Ready: the older HTTP interface on port %d", server.port)
        server.run()
        if health is not None:
            health.stop()


def listen(backend: Backend, settings: Settings, catalogue: Catalogue, *, web_client: bool = False) -> Server:
    """Open the server on its port. If that fails, a sentence says why."""
    try:
        return make_server(backend, settings, catalogue, web_client=web_client)
    except OSError as error:
        where = f"{settings.shim_host}:{settings.shim_port}"
        raise console.Failed("internal", f"Cannot listen on {where}: {error.strerror}. Set DOTHIS_SHIM_PORT.") from error
