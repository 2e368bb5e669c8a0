import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.intake.events import job_of
from tests.work import ROOT

NAME = "projects/demo/databases/(default)/documents/uploads/job-1"


@pytest.mark.parametrize(
    ("attributes", "event"),
    [
        ({"subject": "documents/uploads/job-1"}, None),
        (
            {"ce-subject": "documents/uploads/job-1", "ce-type": "google.cloud.firestore.document.v1.created"},
            b"\x0a\x07protobuf",
        ),
        ({"ce-document": "uploads/job-1"}, None),
        ({"document": NAME}, None),
        ({}, {"specversion": "1.0", "subject": "documents/uploads/job-1"}),
        ({}, {"document": "uploads/job-1", "data": {"value": {"fields": {}}}}),
        ({}, {"value": {"name": NAME, "fields": {}}}),
        ({}, {"data": {"value": {"name": NAME}}}),
        ({"subject": "something else"}, {"value": {"name": NAME}}),
    ],
)
def test_the_job_is_found_however_the_event_is_written(attributes: dict[str, str], event: Any) -> None:
    data = event if isinstance(event, bytes) else json.dumps(event).encode() if event else b""
    assert job_of(attributes, data, "uploads") == "job-1"


@pytest.mark.parametrize(
    ("attributes", "data"),
    [
        ({}, b""),
        ({}, b"\xff\x00\x10"),
        ({}, b"[" * 100_000),
        ({}, b"12"),
        ({}, b'{"subject": {"subject": 1}, "value": [], "data": 7}'),
        ({"subject": "documents/users/job-1"}, b""),
        ({"subject": "documents/uploads/job-1/parts/part"}, b""),
        ({"subject": "documents/uploads/"}, b""),
        ({"subject": "uploads"}, b""),
        ({"document": ""}, b""),
    ],
)
def test_a_message_about_no_job_gives_none(attributes: dict[str, str], data: bytes) -> None:
    assert job_of(attributes, data, "uploads") is None


def test_a_collection_within_a_document_is_a_collection() -> None:
    assert job_of({"subject": "documents/apps/one/uploads/job-1"}, b"", "apps/one/uploads") == "job-1"


def test_what_the_workflow_publishes_is_understood() -> None:
    """The expressions of the workflow, filled in as Workflows would for Eventarc's event."""
    workflow = yaml.safe_load(Path(ROOT / "deploy/google-cloud/publish.workflow.yaml").read_text())
    (parameter,) = workflow["main"]["params"]
    (step,) = workflow["main"]["steps"]
    (message,) = step["publish"]["args"]["body"]["messages"]
    event = {"type": "google.cloud.firestore.document.v1.created", "subject": "documents/uploads/job-1"}
    attributes = {}
    for name, expression in message["attributes"].items():
        assert expression.startswith(f"${{{parameter}.")
        attributes[name] = event[expression.removeprefix(f"${{{parameter}.").removesuffix("}")]
    assert job_of(attributes, b"", "uploads") == "job-1"
