"""Logging: JSON lines that Cloud Logging understands, or coloured text; the job's id on every line of the work on it.

Modules log through the standard library. No line carries the path of a video or an object, a frame, or an e-mail
address.
"""

import logging
import logging.config
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

QUIET = ("google", "urllib3", "werkzeug", "matplotlib", "PIL", "absl")
"""Libraries whose chatter nobody needs below a warning; that of `google` tells the paths of objects."""


def configure(level: str, form: Literal["json", "console"]) -> None:
    """Send everything to stderr, once for the whole process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if form == "json":
        last: list[Any] = [structlog.processors.format_exc_info, _for_cloud_logging, structlog.processors.JSONRenderer()]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # One burst of requests would be a hundred warnings; more than may wait are refused, and that is counted.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # The Google libraries keep their complaints to themselves otherwise.
    logging.getLogger("google").propagate = True
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@contextmanager
def of_job(job_id: str, attempt: int) -> Iterator[None]:
    """Every line that this thread logs meanwhile carries the job's id."""
    with structlog.contextvars.bound_contextvars(job=job_id, attempt=attempt):
        yield


def _for_cloud_logging(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """The names that Cloud Logging looks for: `severity` and `message`."""
    event["severity"] = str(event.pop("level", "info")).upper()
    event["message"] = event.pop("event", "")
    return event
