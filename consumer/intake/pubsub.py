"""Takes jobs from a Pub/Sub subscription. Each consumer gets different jobs, and only as many as it has idle workers.

A message only names a document, and the claim decides as it does without Pub/Sub. So a message that comes twice or late does no
harm, and a sweep finds the job of a message that never comes. While a consumer has a job, it extends the message's deadline, as
it renews the lease. Afterwards it acknowledges the message, or sets the time when it comes again. After a consumer was killed,
the message comes again at its deadline.

    job over, or deleted        acknowledged
    waiting                     comes again when the next attempt is due
    held by another consumer    comes again when the lease could expire
    its owner is busy           comes again after growing delays
    handed back                 comes again at once
    names no document           comes again, until it becomes a dead letter
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from urllib.parse import quote

import google.auth
import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from consumer.backends import DocumentStore, Missing, Snapshot, StoreError
from consumer.backends.firestore import CHANNEL_OPTIONS
from consumer.backends.google_errors import as_store_errors
from consumer.intake.candidates import Candidates
from consumer.intake.claims import Missed
from consumer.intake.events import job_of
from consumer.jobs.document import Lease, Status, seconds_until_due, status_of
from consumer.operations.metrics import Metrics
from consumer.settings import Settings

logger = logging.getLogger(__name__)

ENDPOINT = "pubsub.googleapis.com:443"

PULL_S = 60.0
"""Longest time that a pull waits for a message. An empty answer is no error."""

TICK_S = 1.0
"""Seconds between two checks for an idle worker."""

IDLE_S = 0.2
"""A worker that is idle may be busy for a moment, once a second; for up to this time it still counts as idle."""

CHECK_S = 3.0
"""How long a check waits for a message; an empty subscription gives no answer at all."""

CALL_S = 10.0
"""Deadline of all calls but pulls."""

PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""The pause after a failed pull doubles each time, from the first to the longest."""

MAX_DEADLINE_S = 600
"""Pub/Sub's longest acknowledgement deadline."""

AGAIN_S = {Missed.OWNER_BUSY: 30.0, Missed.UNKNOWN: 5.0}
"""Delay before a message comes again, multiplied by the number of its deliveries."""

UNREADABLE_S = 60.0
"""Delay before a message that names no document comes again, until the subscription's policy makes it a dead letter."""


def open_subscription(documents: DocumentStore, candidates: Candidates, settings: Settings, metrics: Metrics) -> "Subscription":
    """Open the subscription that the settings name; at the emulator, if PUBSUB_EMULATOR_HOST is set.

    Raises:
        Denied: there are no credentials.
        StoreError: no project is named.
    """
    client, name = _open(settings)
    return Subscription(client, name, documents=documents, candidates=candidates, settings=settings, metrics=metrics)


def check_subscription(settings: Settings) -> None:
    """Pull a message and give it back. This checks the rights that a daemon needs.

    Raises:
        Denied: there are no credentials, or they do not suffice.
        StoreError: there is no such subscription, or it cannot be reached.
    """
    client, name = _open(settings)
    try:
        with as_store_errors():
            try:
                taken = client.pull(subscription=name, max_messages=1, retry=None, timeout=CHECK_S).received_messages
            except DeadlineExceeded:
                # The subscription exists and is empty.
                return
            if taken:
                ids = [message.ack_id for message in taken]
                client.modify_ack_deadline(subscription=name, ack_ids=ids, ack_deadline_seconds=0, timeout=CALL_S)
    except Missing:
        raise StoreError(
            f"There is no subscription {name}: correct DOTHIS_SUBSCRIPTION, or run deploy/google-cloud/set-up.sh."
        ) from None
    finally:
        client.transport.close()


class Subscription:
    """Takes jobs from a subscription, as many as there are idle workers. Implements `Watch` and `Feed` for the intake.

    Args:
        client: Pub/Sub's client.
        name: the subscription's full name, `projects/P/subscriptions/S`.
        documents: the document store, which has the status of a job.
        candidates: receives the jobs.
        settings: collection, length of the lease.
        metrics: counts messages.
    """

    def __init__(
        self,
        client: SubscriberClient,
        name: str,
        *,
        documents: DocumentStore,
        candidates: Candidates,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._name = name
        self._documents = documents
        self._candidates = candidates
        self._collection = settings.collection
        # A pull gives no sign of life. It has to end before the intake takes the silence for a dead subscription.
        self._pull_s = min(PULL_S, settings.watch_silence_s / 2)
        self._deadline_s = min(int(settings.lease_s), MAX_DEADLINE_S)
        self._metrics = metrics
        self._held: dict[str, list[types.ReceivedMessage]] = {}
        self._lock = threading.Lock()
        self._pull: grpc.Future | None = None
        self._closed = threading.Event()
        self._over = threading.Event()
        self._last_heard = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, name="pubsub-pull", daemon=True),
            threading.Thread(target=self._keep, name="pubsub-keep", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether the subscription still takes messages."""
        return self._threads[0].is_alive() and not self._closed.is_set()

    @property
    def last_heard(self) -> float:
        """time.monotonic() of the last sign of life: an answer, or a moment without an idle worker."""
        return self._last_heard

    @property
    def over(self) -> bool:
        """Whether it is closed and all its messages were handled."""
        return self._over.is_set()

    def close(self) -> None:
        """Take no more messages. Messages of running jobs are kept until `handled`."""
        with self._lock:
            self._closed.set()
            if self._pull is not None:
                self._pull.cancel()
            if not self._held:
                self._over.set()
        self._threads[0].join(timeout=5.0)

    def handled(self, job_id: str, missed: Missed | None = None) -> None:
        """Acknowledge the message of a job that this consumer has finished with, or set when it comes again.

        Args:
            job_id: any candidate; one that came without a message is ignored.
            missed: why the job was not claimed; None if it was.
        """
        with self._lock:
            messages = self._held.pop(job_id, [])
            if self._closed.is_set() and not self._held:
                self._over.set()
        if not messages:
            return
        try:
            again_s = _seconds_to_next_look(self._documents.get(job_id))
            if again_s is not None and missed in AGAIN_S:
                again_s = AGAIN_S[missed] * max(1, *(message.delivery_attempt for message in messages))
            if again_s is None:
                self._acknowledge(messages)
            else:
                self._put_off(messages, again_s)
        except StoreError as error:
            # The message comes again after its deadline.
            logger.warning("A message could not be acknowledged or delayed: %s", error)

    # --- pulling ------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = PAUSE_S
        while not self._closed.is_set():
            self._last_heard = time.monotonic()
            free = self._candidates.wait_for_idle(TICK_S)
            if not free:
                continue
            try:
                self._take(self._pulled(free))
            except StoreError as error:
                if self._closed.is_set():
                    break
                logger.warning("The subscription cannot be reached: %s", error)
                self._pause(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            except Exception:
                # Without this thread the daemon would take no more messages.
                logger.exception("Taking messages failed with an unexpected error.")
                self._pause(LONGEST_PAUSE_S)
            else:
                pause_s = PAUSE_S

    def _pause(self, seconds: float) -> None:
        # The pause counts as a sign of life: a new subscription would meet the same error.
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._closed.wait(TICK_S):
            self._last_heard = time.monotonic()

    def _pulled(self, free: int) -> Sequence[types.ReceivedMessage]:
        """Wait for messages, at most `free`. `close` can cancel this call of the transport, but not the client's `pull`."""
        request = types.PullRequest(subscription=self._name, max_messages=free)
        routing = [("x-goog-request-params", f"subscription={quote(self._name, safe='')}")]
        with self._lock:
            if self._closed.is_set():
                return []
            self._pull = call = self._client.transport.pull.future(request, timeout=self._pull_s, metadata=routing)
        with as_store_errors():
            try:
                response: types.PullResponse = call.result()
            except grpc.FutureCancelledError:
                return []
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    return []
                raise
        messages: Sequence[types.ReceivedMessage] = response.received_messages
        return messages

    def _take(self, messages: Sequence[types.ReceivedMessage]) -> None:
        named = [(job_of(message.message.attributes, message.message.data, self._collection), message) for message in messages]
        readable = [(job_id, message) for job_id, message in named if job_id is not None]
        # A sweep may have given work to the idle workers meanwhile. Then other consumers get the surplus messages at once.
        idle = self._candidates.wait_for_idle(IDLE_S) if readable else 0
        taken, surplus = readable[:idle], [message for _, message in readable[idle:]]
        with self._lock:
            for job_id, message in taken:
                # The message of a running job may come again: both are then handled together.
                self._held.setdefault(job_id, []).append(message)
        self._candidates.add(job_id for job_id, _ in taken)
        if taken:
            # The subscription's default deadline may be shorter than the lease.
            self._move_deadline([message for _, message in taken], self._deadline_s)
        if surplus:
            self._put_off(surplus, 0)
        unreadable = [message for job_id, message in named if job_id is None]
        if unreadable:
            logger.warning("%d messages name no document of the collection", len(unreadable))
            self._metrics.messages.labels(outcome="unreadable").inc(len(unreadable))
            self._put_off(unreadable, UNREADABLE_S)

    # --- while jobs are in hand ---------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Extend the deadlines of the messages of all running jobs, also after `close`."""
        while not self._over.wait(self._deadline_s / 3):
            with self._lock:
                messages = [message for held in self._held.values() for message in held]
            if not messages:
                continue
            try:
                self._move_deadline(messages, self._deadline_s)
            except StoreError as error:
                logger.warning("The deadlines of %d messages could not be extended: %s", len(messages), error)

    def _acknowledge(self, messages: Sequence[types.ReceivedMessage]) -> None:
        ids = [message.ack_id for message in messages]
        with as_store_errors():
            self._client.acknowledge(subscription=self._name, ack_ids=ids, timeout=CALL_S)
        self._metrics.messages.labels(outcome="acknowledged").inc(len(ids))

    def _put_off(self, messages: Sequence[types.ReceivedMessage], seconds: float) -> None:
        self._move_deadline(messages, min(max(int(seconds), 0), MAX_DEADLINE_S))
        self._metrics.messages.labels(outcome="put_off").inc(len(messages))

    def _move_deadline(self, messages: Sequence[types.ReceivedMessage], seconds: int) -> None:
        ids = [message.ack_id for message in messages]
        with as_store_errors():
            self._client.modify_ack_deadline(subscription=self._name, ack_ids=ids, ack_deadline_seconds=seconds, timeout=CALL_S)


def _seconds_to_next_look(snapshot: Snapshot | None) -> float | None:
    """Seconds until the job may need this consumer; None when it is over or gone."""
    status = None if snapshot is None else status_of(snapshot.fields)
    if snapshot is None or status is None or status.final:
        return None
    match status:
        case Status.WAITING:
            return max(seconds_until_due(snapshot), 0.0) + 1.0
        case Status.PROCESSING:
            lease = Lease.read(snapshot.fields.get("lease"))
            return 0.0 if lease is None else max(lease.seconds_left(snapshot.read_time), 0.0) + 1.0
        case _:
            return 0.0


def _open(settings: Settings) -> tuple[SubscriberClient, str]:
    """Make a client; return it with the subscription's full name."""
    client, project = _open_client(os.environ.get("PUBSUB_EMULATOR_HOST") or None)
    name = settings.subscription or ""
    if "/" not in name:
        project = settings.project or project
        if not project:
            raise StoreError("Name the project in DOTHIS_PROJECT, or the subscription in full: projects/P/subscriptions/S.")
        name = f"projects/{project}/subscriptions/{name}"
    return client, name


def _open_client(emulator: str | None) -> tuple[SubscriberClient, str | None]:
    """Make a client; return it with the project of the credentials, if they name one."""
    project = None
    if emulator:
        channel = grpc.insecure_channel(emulator, options=CHANNEL_OPTIONS)
    else:
        with as_store_errors():
            credentials, project = google.auth.default(scopes=SubscriberGrpcTransport.AUTH_SCOPES)
        channel = SubscriberGrpcTransport.create_channel(ENDPOINT, credentials=credentials, options=CHANNEL_OPTIONS)
    return SubscriberClient(transport=SubscriberGrpcTransport(host=emulator or ENDPOINT, channel=channel)), project
