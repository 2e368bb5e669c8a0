"""The queries that need a composite index in Firestore: deploy/firestore.indexes.json has one for each.

`dothis doctor` asks each. tests/deploy/test_firestore_indexes.py holds this list against the file and against what is asked.
"""

from consumer.backends import DocumentStore, StoreError

Query = tuple[tuple[str, ...], str, bool]
"""Fields that are compared, field that is ordered by, whether descending."""

QUERIES: tuple[Query, ...] = (
    (("status",), "createdAt", False),
    (("status",), "createdAt", True),
    (("status",), "notBefore", False),
    (("status",), "lease.renewedAt", False),
    (("status",), "finishedAt", False),
    (("origin", "video"), "createdAt", True),
    (("owner",), "createdAt", True),
    (("status", "owner"), "createdAt", False),
    (("status", "owner"), "createdAt", True),
)


def ask_all(documents: DocumentStore) -> None:
    """Ask each query once, for nothing.

    Raises:
        StoreError: the store refuses one; the message names its fields.
    """
    for equal, order_by, descending in QUERIES:
        try:
            documents.find(dict.fromkeys(equal, "none"), order_by=order_by, descending=descending, limit=1)
        except StoreError as error:
            raise type(error)(f"{' and '.join(equal)} by {order_by}: {error}") from error
