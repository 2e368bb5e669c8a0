"""OpenTelemetry spans: one for each job and, inside it, one for each stage. While it is off, no library is imported.

It is on when the usual variables say where spans go (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
all others of the OTEL_ variables count as well, as the OpenTelemetry SDK reads them. It needs the extra `dothis-server[otel]`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from consumer.settings import SettingsError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_tracer: Any = None


def configure() -> None:
    """Turn spans on if the environment names an endpoint for them.

    Raises:
        SettingsError: the environment names one, but the libraries are not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SettingsError("OTEL_EXPORTER_OTLP_ENDPOINT needs libraries: pip install 'dothis-server[otel]'") from error
    send_to(BatchSpanProcessor(OTLPSpanExporter()))


def send_to(processor: Any) -> None:
    """Turn spans on, and send them to a span processor of the OpenTelemetry SDK."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    global _tracer  # noqa: PLW0603 - one for the process, as everything in OpenTelemetry
    name = os.environ.get("OTEL_SERVICE_NAME", "dothis")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("dothis")


def turn_off() -> None:
    """Turn spans off."""
    global _tracer  # noqa: PLW0603 - as above
    _tracer = None


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """Make a span for the block. An exception that leaves the block marks the span as failed."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, attributes={f"dothis.{key}": value for key, value in attributes.items()}):
        yield
