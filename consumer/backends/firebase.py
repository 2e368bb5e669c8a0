"""The `firebase` backend: Firestore and Cloud Storage, or their emulators.

Credentials come the ecosystem's way: those of GOOGLE_APPLICATION_CREDENTIALS, of `gcloud auth application-default login`, or of
the machine it runs on. FIRESTORE_EMULATOR_HOST and STORAGE_EMULATOR_HOST lead to emulators, which need none.
"""

import logging
import os

import firebase_admin
from google.auth.credentials import AnonymousCredentials, Credentials

from consumer.backends import Backend, Denied, StoreError
from consumer.backends.cloud_storage import CHUNK_BYTES, CloudStorageObjects
from consumer.backends.firestore import FirestoreDocuments
from consumer.backends.google_errors import as_store_errors

EMULATED_PROJECT = "demo-dothis"
"""Under emulators, when no project is named. Firebase's tools never let a `demo-` project out to real services."""


def open_firebase(
    project: str | None,
    bucket: str | None,
    collection: str = "uploads",
    *,
    database: str = "(default)",
    deadline_s: float = 10.0,
) -> Backend:
    """Open both stores. Nothing is sent yet: the first call shows whether they can be reached.

    Args:
        project: the Firebase project's id; None takes that of the credentials or of GOOGLE_CLOUD_PROJECT.
        bucket: the bucket's name; None is only for emulators.
        collection: where the app writes its documents.
        database: the Firestore database's id.
        deadline_s: after that many seconds a call to Firestore is given up as `Unavailable`.

    Raises:
        Denied: there are no credentials.
        StoreError: no project or no bucket is named.
    """
    # Otherwise the client libraries' complaints miss the daemon's log: they cut their loggers off from the root.
    logging.getLogger("google").propagate = True
    firestore_emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    storage_emulator = _url(os.environ.get("STORAGE_EMULATOR_HOST"))
    emulated = bool(firestore_emulator and storage_emulator)
    firebase_app = app(project or (EMULATED_PROJECT if emulated else None))
    credentials = AnonymousCredentials() if emulated else _credentials(firebase_app)
    project = firebase_app.project_id
    if not project:
        raise StoreError("Name the Firebase project in DOTHIS_PROJECT.")
    if not bucket and not emulated:
        raise StoreError("Name the Cloud Storage bucket in DOTHIS_BUCKET; the Firebase console shows it under Storage.")
    return Backend(
        name="firebase",
        documents=FirestoreDocuments(
            AnonymousCredentials() if firestore_emulator else credentials,
            project,
            collection,
            database=database,
            emulator=firestore_emulator,
            deadline_s=deadline_s,
        ),
        objects=CloudStorageObjects(
            AnonymousCredentials() if storage_emulator else credentials,
            project,
            bucket or f"{project}.firebasestorage.app",
            emulator=storage_emulator,
            # The emulator of Firebase's tools ends a resumable upload after its first piece.
            chunk_bytes=None if storage_emulator else CHUNK_BYTES,
        ),
    )


def app(project: str | None) -> firebase_admin.App:
    """The Firebase app for a project, made at the first call; it lives as long as the process."""
    name = f"dothis-{project or 'default'}"
    try:
        return firebase_admin.get_app(name)
    except ValueError:
        return firebase_admin.initialize_app(options={"projectId": project} if project else None, name=name)


def _credentials(firebase_app: firebase_admin.App) -> Credentials:
    with as_store_errors():
        try:
            return firebase_app.credential.get_credential()
        except (OSError, ValueError):
            # The original names the key file, and may quote from it.
            raise Denied("The file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read as a key.") from None


def _url(host: str | None) -> str | None:
    """STORAGE_EMULATOR_HOST is a URL for Google's libraries and `host:port` for Firebase's; both are fine."""
    if not host:
        return None
    return host if "://" in host else f"http://{host}"
