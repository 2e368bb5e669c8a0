import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from consumer.backends import Backend
from consumer.operations import tracing
from consumer.sandbox.supervisor import Sandbox
from consumer.settings import SettingsError
from tests.consumer_kit import claim, put_job, put_video, settings, worker


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.send_to(SimpleSpanProcessor(exporter))
    yield exporter
    tracing.turn_off()


def test_a_job_is_a_span_with_its_stages(
    spans: InMemorySpanExporter, backend: Backend, sandbox: Sandbox, tmp_path: Path
) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    worker(backend, settings(tmp_path), sandbox).run(claim(backend, settings(tmp_path)))
    *stages, job = spans.get_finished_spans()
    assert [span.name for span in stages] == ["downloading", "analysing", "writing_feedback", "uploading", "annotating"]
    assert (job.name, dict(job.attributes or {})) == ("job", {"dothis.job": "job", "dothis.attempt": 1})
    assert all(span.parent and job.context and span.parent.span_id == job.context.span_id for span in stages)


def test_without_an_endpoint_there_are_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    tracing.configure()
    with tracing.span("job"):
        assert tracing._tracer is None


def test_missing_libraries_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match="otel"):
        tracing.configure()
