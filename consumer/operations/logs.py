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
"""Libraries that may log warnings and errors only. Below that, `google` logs the paths of objects."""


def configure(level: str, form: Literal["json", "console"]) -> None:
    """Send all logs to stderr. Call it once for the process."""
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
    # Waitress warns once for each waiting request, which can be a hundred at once. Refused requests are counted.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # The Google libraries turn this off, and their warnings would be lost.
    logging.getLogger("google").propagate = True
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@contextmanager
def of_job(job_id: str, attempt: int) -> Iterator[None]:
    """Add the job's id and attempt to every line that this thread logs inside the block."""
    with structlog.contextvars.bound_contextvars(job=job_id, attempt=attempt):
        yield


def _for_cloud_logging(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Rename fields as Cloud Logging expects them: `severity` and `message`."""
    event["severity"] = str(event.pop("level", "info")).upper()
    event["message"] = event.pop("event", "")
    return event
