"""Sends push messages through Firebase Cloud Messaging (its HTTP v1 API)."""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import firebase_admin
from firebase_admin import exceptions, messaging
from google.auth.exceptions import GoogleAuthError

from consumer.backends import Denied, Unavailable
from consumer.push.outbox import Message, Outcome

logger = logging.getLogger(__name__)

DEADLINE_S = 10.0
"""Deadline of one request. The library repeats a request once if no answer came, and up to four times within 8 s after 500 or
503."""

LIFETIME = timedelta(days=1)
"""For how long Google keeps a message for a device that is off."""


class Fcm:
    """A `Sender` for Firebase Cloud Messaging.

    Args:
        project: the Firebase project's id; None takes that of the credentials.

    Raises:
        Denied: there are no credentials, or they name no project.
    """

    def __init__(self, project: str | None) -> None:
        options: dict[str, Any] = {"httpTimeout": DEADLINE_S, **({"projectId": project} if project else {})}
        # Its own Firebase app, since the deadline is set for a whole app.
        self._app = firebase_admin.initialize_app(options=options, name=f"dothis-push-{uuid.uuid4().hex}")
        try:
            self._app.credential.get_credential()
        except (GoogleAuthError, OSError, ValueError):
            # `from None`: the original message names the key file and may quote it.
            raise Denied(
                "DOTHIS_PUSH=fcm needs credentials of the Firebase project: name a key file in GOOGLE_APPLICATION_CREDENTIALS."
            ) from None
        if not self._app.project_id:
            raise Denied("DOTHIS_PUSH=fcm needs to know the Firebase project: name it in DOTHIS_PROJECT.")

    def check(self) -> None:
        """Let the service check a message without sending it. Raises StoreError: the service refuses, or does not answer."""
        try:
            messaging.send(messaging.Message(token="none"), dry_run=True, app=self._app)  # noqa: S106 - there is none
        except (messaging.UnregisteredError, exceptions.InvalidArgumentError):
            # The expected answer: there is no such device.
            return
        except exceptions.PermissionDeniedError:
            raise Denied("Firebase Cloud Messaging refuses: enable its API and bind the role of deploy/google-cloud.") from None
        except (exceptions.FirebaseError, GoogleAuthError) as error:
            raise Unavailable(f"Firebase Cloud Messaging does not answer: {type(error).__name__}.") from None

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send all messages at the same time."""
        try:
            answers = messaging.send_each([_encode(message) for message in messages], app=self._app)
        except (exceptions.FirebaseError, GoogleAuthError) as error:
            logger.warning("No message could be sent, trying again later: %s", type(error).__name__)
            return [Outcome.LATER] * len(messages)
        return [_outcome(answer.exception) for answer in answers.responses]


def _encode(message: Message) -> messaging.Message:
    # A message that is sent twice after a crash replaces the first on the device. Apple's limit is 64 bytes.
    tag = hashlib.sha256(message.job.encode()).hexdigest()
    return messaging.Message(
        token=message.token,
        notification=messaging.Notification(title=message.title, body=message.body),
        data={"job": message.job, "status": "failed" if message.failed else "result"},
        android=messaging.AndroidConfig(ttl=LIFETIME, notification=messaging.AndroidNotification(tag=tag)),
        apns=messaging.APNSConfig(headers={"apns-collapse-id": tag}),
        webpush=messaging.WebpushConfig(notification=messaging.WebpushNotification(tag=tag)),
    )


def _outcome(error: exceptions.FirebaseError | None) -> Outcome:
    if error is None:
        return Outcome.SENT
    if isinstance(error, messaging.UnregisteredError | messaging.SenderIdMismatchError) or _names_the_token(error):
        return Outcome.DEAD
    logger.warning("A message could not be sent, trying again later: %s", error.code)
    return Outcome.LATER


def _names_the_token(error: exceptions.FirebaseError) -> bool:
    """Whether the error says that the device's token is invalid. Any other invalid argument is a defect of this program."""
    if not isinstance(error, exceptions.InvalidArgumentError) or error.http_response is None:
        return False
    details = error.http_response.json().get("error", {}).get("details", [])
    return any(
        violation.get("field") == "message.token" for detail in details for violation in detail.get("fieldViolations", [])
    )
