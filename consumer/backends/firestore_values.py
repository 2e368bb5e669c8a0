"""Convert Python values to Firestore's protocol messages and back.

The client library's decoder raises an exception for a document with a reference into another database. One such document would
end a query for all documents. This decoder reads every value that a client can write. Types that a job never uses (references,
places)
stay protocol messages: the check of the field's type refuses them, and the cursor of a page sends them back unchanged.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore_v1 import types
from google.protobuf.struct_pb2 import NULL_VALUE
from google.protobuf.timestamp_pb2 import Timestamp

from consumer.backends import DELETE, SERVER_TIME

Value = types.Value.pb()
_SIMPLE_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def encode(value: Any) -> Any:
    """A `Value` message of None, bool, int, float, str, bytes, an aware datetime, or lists and mappings of these."""
    content: dict[str, Any]
    match value:
        case Value():
            return value
        case None:
            content = {"null_value": NULL_VALUE}
        case bool():
            content = {"boolean_value": value}
        case int():
            content = {"integer_value": value}
        case float():
            content = {"double_value": value}
        case str():
            content = {"string_value": value}
        case bytes():
            content = {"bytes_value": value}
        case datetime():
            moment = Timestamp()
            moment.FromDatetime(value)
            content = {"timestamp_value": moment}
        case Mapping():
            content = {"map_value": {"fields": {name: encode(item) for name, item in value.items()}}}
        case list() | tuple():
            content = {"array_value": {"values": [encode(item) for item in value]}}
        case _:
            raise TypeError(f"A {type(value).__name__} cannot be written to a document.")
    return Value(**content)


def decode(value: Any) -> Any:
    """The plain value of a `Value` message; of a kind that no job uses, the message itself."""
    kind = value.WhichOneof("value_type")
    match kind:
        case "null_value":
            return None
        case "map_value":
            return decode_fields(value.map_value.fields)
        case "array_value":
            return [decode(item) for item in value.array_value.values]
        case "timestamp_value":
            return moment_of(value.timestamp_value)
        case "boolean_value" | "integer_value" | "double_value" | "string_value" | "bytes_value":
            return getattr(value, kind)
    return value


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a document's or a map's fields."""
    return {name: decode(value) for name, value in fields.items()}


def moment_of(timestamp: Any) -> datetime:
    """An aware datetime in UTC. Firestore keeps microseconds, so nothing is lost."""
    moment: datetime = timestamp.ToDatetime(tzinfo=UTC)
    return moment


def write_of(name: str, fields: Mapping[str, Any], precondition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The `Write` after which the document `name` has these fields and no others; without a precondition, whatever it was."""
    plain, server_times = _split(fields)
    return {
        "update": {"name": name, "fields": {key: encode(value) for key, value in plain.items()}},
        "update_transforms": [_server_time(path) for path in server_times],
        **({"current_document": precondition} if precondition else {}),
    }


def write_of_changes(name: str, changes: Mapping[str, Any], precondition: Mapping[str, Any]) -> dict[str, Any]:
    """The `Write` that makes `changes` (top-level fields or dotted paths) and leaves all else as it is."""
    plain, server_times = _split(changes)
    tree: dict[str, Any] = {}
    for path, value in plain.items():
        if value is not DELETE:
            _put(tree, path.split("."), value)
    return {
        "update": {"name": name, "fields": {key: encode(value) for key, value in tree.items()}},
        "update_mask": {"field_paths": [_quoted(path.split(".")) for path in plain]},
        "update_transforms": [_server_time([*path.split("."), *below]) for path, *below in server_times],
        "current_document": precondition,
    }


def _split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[list[str]]]:
    """The fields without SERVER_TIME, however deep it stands, and the ways to where it stood."""
    plain: dict[str, Any] = {}
    server_times: list[list[str]] = []
    for key, value in fields.items():
        if value is SERVER_TIME:
            server_times.append([key])
        elif isinstance(value, Mapping):
            plain[key], below = _split(value)
            server_times += [[key, *path] for path in below]
        else:
            plain[key] = value
    return plain, server_times


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _server_time(path: list[str]) -> dict[str, Any]:
    return {"field_path": _quoted(path), "set_to_server_value": types.DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME}


def _quoted(path: list[str]) -> str:
    """A field path as the API wants it: parts that are no simple names stand in backticks."""
    return ".".join(part if _SIMPLE_NAME.fullmatch(part) else _in_backticks(part) for part in path)


def _in_backticks(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
