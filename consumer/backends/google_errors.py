"""Converts the errors of Google's client libraries to the stores' errors.

The originals are left out on purpose (`from None`): their messages quote URLs with the paths of users' objects, and the answers
of the token server. What is kept is the status, and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from consumer.backends import Conflict, Denied, Missing, StoreError, Unavailable

# Errors without an answer of the server. ConnectionError and TimeoutError are Python's; every other OSError comes from a local
# file and is not converted.
TRANSPORT_ERRORS = (
    exceptions.GoogleAPIError,
    grpc.RpcError,
    requests.RequestException,
    HTTPError,
    ConnectionError,
    TimeoutError,
)

# In this order: subclasses stand before their bases.
_ANSWERS: tuple[tuple[tuple[type[Exception], ...], type[StoreError], str], ...] = (
    ((exceptions.AlreadyExists,), Conflict, "It exists already"),
    ((exceptions.Aborted,), Conflict, "It was written meanwhile"),
    (
        (exceptions.FailedPrecondition,),
        StoreError,
        "The query needs an index: deploy deploy/firestore.indexes.json and wait until it is built",
    ),
    ((exceptions.PreconditionFailed,), Unavailable, "The object was replaced while it was read"),
    ((exceptions.NotFound,), Missing, "There is no such document, database, object or bucket"),
    (
        (exceptions.Forbidden, exceptions.Unauthorized),
        Denied,
        "The credentials do not suffice; a service account needs roles/datastore.user and, on the bucket, storage.objectAdmin",
    ),
    ((exceptions.TooManyRequests,), Unavailable, "A quota is used up"),
    ((exceptions.Cancelled,), Unavailable, "The call was cut off"),
    ((exceptions.ClientError,), StoreError, "The service refused the request"),
    ((DataCorruption, InvalidResponse), Unavailable, "The transfer was damaged on its way"),
    (TRANSPORT_ERRORS, Unavailable, "The service cannot be reached or did not answer in time"),
)


@contextmanager
def as_store_errors() -> Iterator[None]:
    """Convert the libraries' errors to the stores' errors; let every other exception pass."""
    try:
        yield
    except auth_exceptions.GoogleAuthError as error:
        raise _of_credentials(error) from None
    except (DataCorruption, InvalidResponse, *TRANSPORT_ERRORS) as error:
        raise _of_service(error) from None


def status_of(error: Exception) -> str:
    """The status in a word, such as UNAVAILABLE or 503."""
    # The errors of gRPC itself, as a stream raises them, have a method instead.
    status = error.code() if isinstance(error, grpc.Call) else getattr(error, "grpc_status_code", None)
    return status.name if status else str(getattr(error, "code", None) or type(error).__name__)


def _of_service(error: Exception) -> StoreError:
    kind, sentence = next((kind, sentence) for known, kind, sentence in _ANSWERS if isinstance(error, known))
    return kind(f"{sentence} ({status_of(error)}).")


def _of_credentials(error: auth_exceptions.GoogleAuthError) -> StoreError:
    if error.retryable or isinstance(error, auth_exceptions.TransportError):
        return Unavailable("The token server cannot be reached.")
    return Denied(
        "The Google credentials do not work: set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file,"
        " or run `gcloud auth application-default login`."
    )
