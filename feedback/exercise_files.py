"""Read exercises from YAML files, and say what is wrong with a file by its name and line.

A file is data: no code, path or template in it is evaluated. Its size is limited and aliases are refused, so that a file of a
few lines cannot fill the memory.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from feedback.catalogue import SIGNALS, Check, Exercise
from feedback.errors import FeedbackError
from feedback.measures import nearest

DIRECTORY = Path(__file__).with_name("exercises")
SHARED = DIRECTORY / "shared_checks.yaml"
"""Checks that exercises name with `use` and override in part, so that what they have in common stands in one place."""

MAX_BYTES = 100_000
MAX_DEPTH = 10
MAX_NUMBER = 10_000.0

Path_ = tuple[str | int, ...]


class ExerciseFileError(FeedbackError):
    """An exercise file is wrong; the sentence names file and line."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path.name}, line {line}: {what}")


def read_exercises(directory: Path) -> dict[str, Exercise]:
    """Every exercise of a directory by its id, which is also its file's name.

    Raises:
        ExerciseFileError: a file is wrong.
    """
    return {path.stem: read_exercise(path) for path in sorted(directory.glob("*.yaml")) if path.name != SHARED.name}


def read_exercise(path: Path) -> Exercise:
    """One exercise.

    Raises:
        ExerciseFileError: the file is wrong.
    """
    data, lines = _read(path)
    if not isinstance(data, dict):
        raise ExerciseFileError(path, 1, "an exercise is a mapping with id, name, movement and checks")
    if data.get("id") != path.stem:
        raise ExerciseFileError(path, lines.get(("id",), 1), f"id must be the file's name without .yaml: {path.stem}")
    movement = data.get("movement")
    if isinstance(movement, dict) and "id" in movement:
        raise ExerciseFileError(path, lines["movement", "id"], "the movement has the exercise's id; leave it out here")
    prepared = {key: value for key, value in data.items() if key != "id"}
    if isinstance(movement, dict):
        prepared["movement"] = {"id": data["id"], **movement}
    if isinstance(data.get("checks"), list):
        prepared["checks"] = [_expanded(path, lines, number, check) for number, check in enumerate(data["checks"])]
    try:
        return Exercise.model_validate(prepared)
    except ValidationError as error:
        first = error.errors()[0]
        loc = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
        # A field that is missing, or comes from a shared check, has no line of its own: its parent's is named.
        line = next(lines[loc[:end]] for end in range(len(loc), -1, -1) if loc[:end] in lines)
        where = ".".join(str(part) for part in loc)
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            what = f"unknown key {loc[-1]!r}{_known_keys(loc)}"
        raise ExerciseFileError(path, line, f"{where}: {what}" if where else what) from error


def _known_keys(loc: tuple[Any, ...]) -> str:
    match loc:
        case [_]:
            return nearest(str(loc[-1]), Exercise.model_fields)
        case ["checks", _, _]:
            return nearest(str(loc[-1]), Check.model_fields)
    return ""


def _expanded(path: Path, lines: Mapping[Path_, int], number: int, check: Any) -> Any:
    """A check with what it takes over from a shared one."""
    if not isinstance(check, dict) or "use" not in check:
        return check
    line = lines["checks", number, "use"]
    if "id" in check:
        raise ExerciseFileError(path, line, "a check has an id or uses a shared one, not both")
    name = check["use"]
    if not isinstance(name, str) or name not in shared_checks():
        raise ExerciseFileError(path, line, f"there is no shared check {name!r}{nearest(str(name), shared_checks())}")
    return {**shared_checks()[name], **{key: value for key, value in check.items() if key != "use"}}


@cache
def shared_checks() -> Mapping[str, dict[str, Any]]:
    """What several exercises have in common in a check, by the check's id; incomplete by itself."""
    data, _ = _read(SHARED)
    return {check["id"]: check for check in data}


def _read(path: Path) -> tuple[Any, dict[Path_, int]]:
    """A file's content as plain values, and the line of each of them."""
    if path.stat().st_size > MAX_BYTES:
        raise ExerciseFileError(path, 1, f"the file is larger than {MAX_BYTES} bytes")
    loader = yaml.CSafeLoader(path.read_bytes())
    try:
        node = loader.get_single_node()
        if node is None:
            raise ExerciseFileError(path, 1, "the file is empty")
        lines: dict[Path_, int] = {}
        for loc, found in _walk(path, node, (), set()):
            lines[loc] = found.start_mark.line + 1
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ExerciseFileError(path, mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise ExerciseFileError(path, 1, "this is not YAML in UTF-8") from error
    finally:
        loader.dispose()
    for loc, value in _values(data, ()):
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= MAX_NUMBER):
            raise ExerciseFileError(path, lines[loc], f"a number must lie between -{MAX_NUMBER:.0f} and {MAX_NUMBER:.0f}")
    return data, lines


def _walk(path: Path, node: Any, loc: Path_, seen: set[int]) -> Iterator[tuple[Path_, Any]]:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise ExerciseFileError(path, line, "aliases are not allowed; write the value out")
    seen.add(id(node))
    if len(loc) > MAX_DEPTH:
        raise ExerciseFileError(path, line, "the file is nested too deeply")
    yield loc, node
    if isinstance(node, yaml.SequenceNode):
        for number, child in enumerate(node.value):
            yield from _walk(path, child, (*loc, number), seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise ExerciseFileError(path, key.start_mark.line + 1, "a key must be a plain word")
            if key.value in keys:
                raise ExerciseFileError(path, key.start_mark.line + 1, f"the key {key.value!r} stands here twice")
            keys.add(key.value)
            yield from _walk(path, child, (*loc, key.value), seen)


def _values(data: Any, loc: Path_) -> Iterator[tuple[Path_, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _values(value, (*loc, str(key)))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _values(value, (*loc, number))
    else:
        yield loc, data


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a file, for editors; without what only the program can check, such as the parameters of measures."""
    schema = Exercise.model_json_schema()
    definitions = schema["$defs"]
    movement, check = definitions["Movement"], definitions["Check"]
    del movement["properties"]["id"]
    movement["required"].remove("id")
    # An exercise's check is either whole or a shared one with what differs.
    overridden = {"type": "object", "additionalProperties": False, "required": ["use"]}
    overridden["properties"] = {"use": {"enum": sorted(shared_checks())}, **check["properties"]}
    definitions["SharedCheck"] = overridden
    schema["properties"]["checks"]["items"] = {"anyOf": [{"$ref": "#/$defs/Check"}, {"$ref": "#/$defs/SharedCheck"}]}
    schema["properties"]["id"] = check["properties"]["id"]
    schema["required"] = ["id", *schema["required"]]
    for definition in (definitions["Drive"], definitions["Band"]):
        definition["properties"]["signal"] = {"enum": sorted(SIGNALS)}
    schema["title"] = "doThis exercise"
    return schema


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
