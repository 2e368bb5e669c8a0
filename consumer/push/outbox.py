"""Sends the push messages that are due, in a thread of its own, so that no worker waits for it.

A daemon claims a message for `LEASE_S` by moving its `dueAt`, so only one daemon sends it. When all devices with a valid token
have the message, its document is deleted. If a daemon dies between the two steps, another daemon sends the message again with
the same tag, and the device replaces the first message.
"""

import logging
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol

from consumer.backends import Conflict, DocumentStore, Snapshot, StoreError
from consumer.jobs import moves
from consumer.jobs.companions import PUSHES, devices_path
from consumer.operations.metrics import Metrics
from consumer.push.wording import wording_of
from feedback.checks.catalogue import Exercise

logger = logging.getLogger(__name__)

LEASE_S = 90.0
"""Longer than a round of requests that all run into their deadlines (fcm.py)."""

LOOK_S = 20.0
"""Seconds between two looks for messages that another daemon has left."""

RETRY_BASE_S, RETRY_MAX_S = 10.0, 900.0
"""Wait before a message is tried again, in seconds. It doubles each time from the first value to the second."""

GIVE_UP = timedelta(hours=12)
"""An older message is deleted without being sent; the app shows the result without it."""

MAX_DEVICES = 20
"""Most devices of one user. An app writes the devices, and a defect of the app may write too many."""

MAX_TOKEN = 4096
"""Most characters of a token; the security rules refuse more."""

PAGE = 50


@dataclass(frozen=True)
class Message:
    """One message to one device.

    Attributes:
        token: the device's, of Firebase Cloud Messaging.
        job: the document's id.
        title: in the device's language.
        body: one sentence in the device's language.
        failed: whether the job failed; else its feedback is there.
    """

    token: str
    job: str
    title: str
    body: str
    failed: bool


class Outcome(Enum):
    """The outcome of sending a message."""

    SENT = auto()
    DEAD = auto()
    """The device's token is no longer valid."""
    LATER = auto()
    """It failed, but may succeed later."""


class Sender(Protocol):
    """Sends messages; each call takes at most `LEASE_S`."""

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send the messages; return one outcome for each."""
        ...


class Outbox:
    """The thread that sends push messages. It runs between `start` and `stop`.

    Args:
        documents: the document store, which has messages and devices.
        sender: sends the messages.
        exercises: the catalogue, which has the names of exercises.
        metrics: counts messages by outcome.
    """

    def __init__(self, documents: DocumentStore, sender: Sender, exercises: Mapping[str, Exercise], metrics: Metrics) -> None:
        self._documents = documents
        self._pushes = documents.collection(PUSHES)
        self._sender = sender
        self._exercises = exercises
        self._metrics = metrics
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look for messages at once, because one has become due."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop after the message that is being sent."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.send_due()
            except StoreError as error:
                logger.warning("Messages that are due cannot be sent, trying again later: %s", error)
            self._wake.wait(LOOK_S)

    def send_due(self) -> None:
        """Send all messages that are due now. Raises StoreError."""
        while not self._stopping.is_set():
            page = self._pushes.find({}, order_by="dueAt", limit=PAGE)
            due = [push for push in page if _is_due(push)]
            # In random order, since several daemons may read the same page at the same moment.
            random.shuffle(due)
            defects = 0
            for push in due:
                if self._stopping.is_set():
                    return
                try:
                    self._send(push)
                except Conflict:
                    # Another daemon has it, or it was removed with its user.
                    continue
                except StoreError:
                    raise
                except Exception:
                    # The message is tried again until it is too old. The thread has to go on for the others.
                    logger.exception("A message failed with an unexpected error.")
                    defects += 1
            # Messages that failed may still be due. Without this check a full page of them would be read again without a pause.
            if len(due) < PAGE or defects:
                return

    def _send(self, push: Snapshot) -> None:
        if _is_old(push):
            self._pushes.delete(push.id, unchanged=push)
            return
        attempt = push.fields["attempt"] + 1
        held = self._pushes.update(push, {"dueAt": push.read_time + timedelta(seconds=LEASE_S), "attempt": attempt})
        sent = set(push.fields["sent"])
        devices = [device for device in self._devices(push.fields["owner"]) if device.id not in sent]
        outcomes = self._sender.send([self._message(push, device) for device in devices]) if devices else []
        for device, outcome in zip(devices, outcomes, strict=True):
            self._metrics.pushes.labels(outcome=outcome.name.lower()).inc()
            if outcome is Outcome.SENT:
                sent.add(device.id)
            elif outcome is Outcome.DEAD:
                self._remove(push.fields["owner"], device)
        if Outcome.LATER not in outcomes:
            self._pushes.delete(push.id, unchanged=held)
            return
        wait = moves.backoff(attempt, base_s=RETRY_BASE_S, max_s=RETRY_MAX_S, jitter=random.random())  # noqa: S311
        self._pushes.update(held, {"dueAt": push.read_time + wait, "sent": sorted(sent)})

    def _devices(self, owner: str) -> list[Snapshot]:
        found = self._documents.collection(devices_path(owner)).find({}, limit=MAX_DEVICES)
        return [device for device in found if _is_token(device.fields.get("token"))]

    def _remove(self, owner: str, device: Snapshot) -> None:
        try:
            self._documents.collection(devices_path(owner)).delete(device.id, unchanged=device)
        except Conflict:
            # The app has just written a new token.
            return
        logger.info("Removed a device whose token is no longer valid")

    def _message(self, push: Snapshot, device: Snapshot) -> Message:
        language = device.fields.get("language")
        title, body = wording_of(push.fields, language if isinstance(language, str) else None, self._exercises)
        return Message(device.fields["token"], push.id, title, body, failed=push.fields["error"] is not None)


def _is_due(push: Snapshot) -> bool:
    due_at: Any = push.fields["dueAt"]
    return bool(due_at <= push.read_time)


def _is_old(push: Snapshot) -> bool:
    created_at: datetime = push.fields["createdAt"]
    return push.read_time - created_at > GIVE_UP


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN
