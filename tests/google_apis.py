"""Google's descriptions of its APIs, for checks of the requests that we send."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient


@cache
def discovery(api: str) -> dict[str, Any]:
    """The schemas of a Google API, from the discovery documents that its client library ships, as strict JSON Schema."""
    path = Path(googleapiclient.__file__).parent / f"discovery_cache/documents/{api}.json"
    text = path.read_text().replace('"$ref": "', '"$ref": "#/$defs/').replace('"type": "any"', '"type": ["object", "string"]')
    schemas: dict[str, Any] = json.loads(text)["schemas"]
    for schema in schemas.values():
        schema.setdefault("additionalProperties", False)
    return schemas
