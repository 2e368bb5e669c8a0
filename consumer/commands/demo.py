"""`dothis demo`: the whole path with the bundled sample, in one process."""

import secrets
import threading
from pathlib import Path

from consumer.app import Request, fetch
from consumer.catalogue import load_catalogue
from consumer.commands import console, summary
from consumer.commands.submit import place_of, submit_and_follow
from consumer.daemon import Daemon
from pose.reading import model as models

SAMPLE = Path(__file__).parents[1] / "sample.mp4"
OWNER = "demo"
TIMEOUT_S = 600.0


def run(*, out: Path | None) -> None:
    """Start a daemon, submit the sample as the app does, and print the result."""
    settings = console.load_settings().model_copy(update={"health_port": 0, "workers": 1})
    console.quiet_logs()
    with console.reporting(), console.opened(settings) as backend:
        model, catalogue = models.find(settings.model).path, load_catalogue(settings)
        daemon = Daemon(backend, settings, model=model, catalogue=catalogue)
        thread = threading.Thread(target=daemon.serve, name="daemon", daemon=True)
        thread.start()
        try:
            with console.progress_bar() as tell:
                _, fields = submit_and_follow(settings, backend, Request(SAMPLE, owner=OWNER), TIMEOUT_S, tell, whole=True)
        finally:
            daemon.stop()
            thread.join()
        if fields["status"] != "done":
            raise console.Failed(fields["error"]["code"], fields["error"]["message"])
        result = fields["result"]
        if out is None and settings.backend != "local":
            out = settings.data_dir / "demo" / secrets.token_hex(4)
        if out is not None:
            fetch(backend, result, out)
        summary.show_document(result, "en", catalogue)
        summary.show_place(out if out is not None else Path(place_of(settings, result)).resolve(), "en")
