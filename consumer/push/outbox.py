"""Sends the messages that are due: a thread beside the workers, which never wait for it.

A message is claimed for `LEASE_S` by moving its `dueAt`, so of several daemons one sends it. When every live device has it, its
document is deleted. A daemon that dies between sending and deleting leaves it for the next one, which sends it once more under
the same tag: the device then replaces what it shows, it does not show two.
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
"""How often it is looked for messages that another daemon has left."""

RETRY_BASE_S, RETRY_MAX_S = 10.0, 900.0
"""Wait before a message is tried again: doubled each time, up to the second."""

GIVE_UP = timedelta(hours=12)
"""A message that late is of no use any more; the app shows the result all the same."""

MAX_DEVICES = 20
"""Of one user; the documents are written by an app, which may have a defect."""

MAX_TOKEN = 4096
"""Characters; the rules refuse more."""

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
    """What became of a message."""

    SENT = auto()
    DEAD = auto()
    """Nobody can be reached by this token any more."""
    LATER = auto()
    """It may go through another time."""


class Sender(Protocol):
    """Sends messages; each call takes at most `LEASE_S`."""

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """One outcome for each message."""
        ...


class Outbox:
    """A thread between `start` and `stop`.

    Args:
        documents: where messages and devices are.
        sender: where messages go.
        exercises: the catalogue, for names.
        metrics: what is counted.
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
        """Look at once: a message has become due."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End, after the message that is under way."""
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
        """Send what is due now. Raises StoreError."""
        while not self._stopping.is_set():
            page = self._pushes.find({}, order_by="dueAt", limit=PAGE)
            due = [push for push in page if _is_due(push)]
            # Several daemons look at the same moment.
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
                    # It comes again until it is too old. Without this thread no message would be sent.
                    logger.exception("A message failed by a defect.")
                    defects += 1
            # A message with a defect may still be due: a full page of them would be read again and again without a pause.
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
            # The app has written a new token meanwhile.
            return
        logger.info("Removed a device whose token is dead")

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
