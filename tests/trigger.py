"""A topic, its subscription and its dead letters in the Pub/Sub emulator, as deploy/google-cloud/set-up.sh makes them, and the
messages that the trigger publishes.
"""

import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

MAX_DELIVERIES = 5
"""The smallest number that Pub/Sub accepts."""


def subscriber(host: str) -> SubscriberClient:
    """A client for the emulator at `host`."""
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(host)))


@dataclass(frozen=True)
class Trigger:
    """A topic in the emulator with its subscriptions.

    Attributes:
        project: the project's id.
        host: the emulator's `host:port`.
    """

    project: str
    host: str

    @classmethod
    def make(cls, host: str, project: str | None = None) -> "Trigger":
        """Create topics and subscriptions, by default in a new project."""
        made = cls(project or f"demo-{uuid.uuid4().hex[:12]}", host)
        client, publisher = subscriber(host), made._publisher()
        publisher.create_topic(name=made._topic("jobs"))
        publisher.create_topic(name=made._topic("dead-letters"))
        client.create_subscription(name=made._subscription("dead-letters"), topic=made._topic("dead-letters"))
        client.create_subscription(
            request={
                "name": made.subscription,
                "topic": made._topic("jobs"),
                "ack_deadline_seconds": 10,
                "retry_policy": {"minimum_backoff": {"nanos": 100_000_000}, "maximum_backoff": {"seconds": 1}},
                "dead_letter_policy": {
                    "dead_letter_topic": made._topic("dead-letters"),
                    "max_delivery_attempts": MAX_DELIVERIES,
                },
            }
        )
        return made

    @property
    def subscription(self) -> str:
        """The full name of the consumers' subscription."""
        return self._subscription("consumers")

    def announce(self, *job_ids: str) -> None:
        """Publish the messages that the workflow publishes for new documents."""
        kind = "google.cloud.firestore.document.v1.created"
        self.publish(*({"attributes": {"type": kind, "subject": f"documents/uploads/{job_id}"}} for job_id in job_ids))

    def publish(self, *messages: dict[str, Any]) -> None:
        """Publish any messages."""
        self._publisher().publish(topic=self._topic("jobs"), messages=list(messages))

    def dead_letters(self, timeout_s: float) -> list[dict[str, str]]:
        """Wait for dead letters; return their attributes, or nothing after `timeout_s`."""
        try:
            pulled = subscriber(self.host).pull(
                subscription=self._subscription("dead-letters"), max_messages=10, timeout=timeout_s, retry=None
            )
        except DeadlineExceeded:
            return []
        return [dict(received.message.attributes) for received in pulled.received_messages]

    @cache  # noqa: B019 - one channel for each, however many are told
    def _publisher(self) -> PublisherClient:
        return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(self.host)))

    def _topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

    def _subscription(self, name: str) -> str:
        return f"projects/{self.project}/subscriptions/{name}"
