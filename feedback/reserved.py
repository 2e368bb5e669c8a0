"""Ids of exercises that no file describes."""

ANY, REFERENCE = "any", "reference"
"""Whatever is repeated; what the reference video shows."""

RESERVED = frozenset({ANY, REFERENCE})
"""No exercise file has one of these ids."""
