"""The queries that need a composite index in Firestore: deploy/firestore.indexes.json has one for each.

`dothis doctor` runs each. tests/deploy/test_firestore_indexes.py compares this list with that file and with the queries that
the code makes.
"""

from consumer.backends import DocumentStore, StoreError

Query = tuple[tuple[str, ...], str, bool]
"""The fields that are compared, the field to order by, and whether the order is descending."""

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
    """Run each query once; none matches a document.

    Raises:
        StoreError: the store refuses a query; the message names the query's fields.
    """
    for equal, order_by, descending in QUERIES:
        try:
            documents.find(dict.fromkeys(equal, "none"), order_by=order_by, descending=descending, limit=1)
        except StoreError as error:
            raise type(error)(f"{' and '.join(equal)} by {order_by}: {error}") from error
