"""Finds the id of the job in a Pub/Sub message. Pure.

The message names the document that was created. Depending on the publisher, it does so in one of these ways:

    attributes      subject: documents/uploads/JOB          deploy/google-cloud/publish.workflow.yaml
    attributes      ce-document: uploads/JOB                a CloudEvent in binary mode, as Eventarc itself writes it
    data            {"subject": "documents/uploads/JOB"}    a CloudEvent in structured mode
    data            {"value": {"name": "projects/..."}}     Firestore's event as JSON

All other fields of the event are ignored: the consumer reads the document itself.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

NAMES = ("document", "ce-document", "subject", "ce-subject")
"""Attributes of an event that hold the document's name."""


def job_of(attributes: Mapping[str, str], data: bytes, collection: str) -> str | None:
    """Find the id of the document that a message names; None when it names no document of that collection.

    >>> job_of({"subject": "documents/uploads/squat-1"}, b"", "uploads")
    'squat-1'
    """
    for name in _names(attributes, data):
        path = name.partition("/documents/")[2] or name.removeprefix("documents/")
        parent, _, job_id = path.rpartition("/")
        if parent == collection and job_id:
            return job_id
    return None


def _names(attributes: Mapping[str, str], data: bytes) -> Iterator[str]:
    yield from (attributes[key] for key in NAMES if key in attributes)
    try:
        event: Any = json.loads(data)
    except (ValueError, RecursionError):
        return  # Protocol buffers or no data: only the attributes count.
    while isinstance(event, dict):
        yield from (event[key] for key in (*NAMES, "name") if isinstance(event.get(key), str))
        event = event.get("data") or event.get("value")
