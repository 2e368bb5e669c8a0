"""Opens the backend that the settings name: the list of backends."""

from consumer.backends import Backend
from consumer.settings import Settings


def open_backend(settings: Settings) -> Backend:
    """Open both stores.

    Raises:
        StoreError: they cannot be opened; the message says what to do.
    """
    if settings.backend == "local":
        from consumer.backends.local import open_local  # noqa: PLC0415 - each backend's libraries only where it is used

        return open_local(settings.data_dir)
    from consumer.backends.firebase import open_firebase  # noqa: PLC0415

    return open_firebase(settings.project, settings.bucket, settings.collection, database=settings.database)
