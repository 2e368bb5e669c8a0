"""Reads exercises from YAML files. An error names the file and the line.

A file is only data: nothing in it is run as code, opened as a path or used as a template. Size and nesting are limited and
aliases are refused, so that a small file cannot fill the memory.
"""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from feedback.checks.catalogue import SIGNALS, Check, Exercise
from feedback.errors import FeedbackError, nearest
from feedback.exercises.reserved import RESERVED

DIRECTORY = Path(__file__).parent
SHARED = DIRECTORY / "shared_checks.yaml"
"""Checks that several exercises share. An exercise names one with `use` and overrides some of its fields."""

MAX_FILES = 200
MAX_BYTES = 100_000
MAX_DEPTH = 10
MAX_NUMBER = 10_000.0

TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
"""YAML's tags of a text, and of the key that merges one mapping into another."""

Path_ = tuple[str | int, ...]


class ExerciseFileError(FeedbackError):
    """An exercise file is wrong; the message names file and line."""

    def __init__(self, name: str, line: int, what: str) -> None:
        super().__init__(f"{name}, line {line}: {what}")


def read_exercises(directory: Path) -> dict[str, Exercise]:
    """Every exercise of a directory by its id, which is also its file's name.

    Raises:
        ExerciseFileError: a file is wrong.
        OSError: the directory cannot be read.
    """
    return parse_exercises(read_files(directory))


def read_files(directory: Path) -> dict[str, bytes]:
    """The contents of a directory's exercise files, not parsed, by name. Hidden files and other kinds of files are left out.

    Raises:
        ExerciseFileError: a file is too large, or there are too many files.
        OSError: the directory or a file cannot be read.
    """
    paths = sorted(path for path in directory.iterdir() if not path.name.startswith(".") and path != SHARED)
    for path in paths:
        if path.suffix == ".yml":
            raise ExerciseFileError(path.name, 1, f"exercise files end in .yaml: call it {path.stem}.yaml")
    files = [path for path in paths if path.suffix == ".yaml"]
    if len(files) > MAX_FILES:
        raise ExerciseFileError(files[MAX_FILES].name, 1, f"a directory may hold at most {MAX_FILES} exercise files")
    return {path.name: _read(path) for path in files}


def parse_exercises(files: Mapping[str, bytes]) -> dict[str, Exercise]:
    """The exercises of files that `read_files` has read, by id. Raises ExerciseFileError."""
    found = (parse_exercise(name, content) for name, content in files.items())
    return {exercise.id: exercise for exercise in found}


def read_exercise(path: Path) -> Exercise:
    """One exercise.

    Raises:
        ExerciseFileError: the file is wrong.
        OSError: it cannot be read.
    """
    return parse_exercise(path.name, _read(path))


def parse_exercise(name: str, content: bytes) -> Exercise:
    """One exercise from its file's name and content. Raises ExerciseFileError."""
    data, lines = _parse(name, content)
    stem = name.removesuffix(".yaml")
    if not isinstance(data, dict):
        raise ExerciseFileError(name, 1, "an exercise is a mapping with id, name, movement and checks")
    if data.get("id") != stem:
        raise ExerciseFileError(name, lines.get(("id",), 1), f"id must be the file's name without .yaml: {stem}")

    if stem in RESERVED:
        raise ExerciseFileError(name, lines["id",], f"an exercise cannot be called {stem!r}, which means something else")

    def with_id(movement: Any, *loc: str | int) -> Any:
        if not isinstance(movement, dict):
            return movement  # the validation below refuses it
        if "id" in movement:
            raise ExerciseFileError(name, lines[*loc, "id"], "the movement has the exercise's id; leave it out here")
        return {"id": data["id"], **movement}

    prepared = {key: value for key, value in data.items() if key != "id"}
    if "movement" in data:
        prepared["movement"] = with_id(data["movement"], "movement")
    if isinstance(data.get("variants"), list):
        prepared["variants"] = [with_id(each, "variants", number) for number, each in enumerate(data["variants"])]
    if isinstance(data.get("checks"), list):
        prepared["checks"] = [_expanded(name, lines, number, check) for number, check in enumerate(data["checks"])]
    try:
        return Exercise.model_validate(prepared)
    except ValidationError as error:
        first = error.errors()[0]
        loc = tuple(part for part in first["loc"] if not str(part).startswith("function-"))
        # A field that is missing, or comes from a shared check, has no line; the error names the line of its parent.
        line = next(lines[loc[:end]] for end in range(len(loc), -1, -1) if loc[:end] in lines)
        where = ".".join(str(part) for part in loc)
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            what = f"unknown key {loc[-1]!r}{_known_keys(loc)}"
        raise ExerciseFileError(name, line, f"{where}: {what}" if where else what) from error


def _known_keys(loc: tuple[Any, ...]) -> str:
    match loc:
        case [_]:
            return nearest(str(loc[-1]), Exercise.model_fields)
        case ["checks", _, _]:
            return nearest(str(loc[-1]), Check.model_fields)
    return ""


def _expanded(file: str, lines: Mapping[Path_, int], number: int, check: Any) -> Any:
    """A check, completed with the fields of the shared check that it uses."""
    if not isinstance(check, dict) or "use" not in check:
        return check
    line = lines["checks", number, "use"]
    if "id" in check:
        raise ExerciseFileError(file, line, "a check has an id or uses a shared one, not both")
    name = check["use"]
    if not isinstance(name, str) or name not in shared_checks():
        raise ExerciseFileError(file, line, f"there is no shared check {name!r}{nearest(str(name), shared_checks())}")
    return {**shared_checks()[name], **{key: value for key, value in check.items() if key != "use"}}


@cache
def shared_checks() -> Mapping[str, dict[str, Any]]:
    """The shared checks by id. They lack the fields in which exercises differ."""
    data, _ = _parse(SHARED.name, SHARED.read_bytes())
    return {check["id"]: check for check in data}


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ExerciseFileError(path.name, 1, f"the file is larger than {MAX_BYTES} bytes")
    return content


def _parse(name: str, content: bytes) -> tuple[Any, dict[Path_, int]]:
    """A file's content as plain values, and the line of each value."""
    loader = yaml.CSafeLoader(content)
    lines: dict[Path_, int] = {}
    try:
        node = loader.get_single_node()
        if node is None:
            raise ExerciseFileError(name, 1, "the file is empty")
        return _Builder(name, loader, lines).build(node, ()), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ExerciseFileError(name, mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise ExerciseFileError(name, 1, "this is not YAML in UTF-8") from error
    finally:
        loader.dispose()


class _Builder:
    """Builds plain values from the nodes of a file, in one pass: each start of the program reads all files."""

    def __init__(self, file: str, loader: Any, lines: dict[Path_, int]) -> None:
        self._file = file
        self._loader = loader
        self._lines = lines
        self._seen: set[int] = set()

    def build(self, node: yaml.Node, loc: Path_) -> Any:
        """The value of a node. Records the lines of the node and of all nodes in it."""
        line = self._lines[loc] = node.start_mark.line + 1
        if id(node) in self._seen:
            raise ExerciseFileError(self._file, line, "aliases are not allowed; write the value out")
        self._seen.add(id(node))
        if node.tag == TEXT:
            return node.value
        if len(loc) > MAX_DEPTH:
            raise ExerciseFileError(self._file, line, "the file is nested too deeply")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*loc, number)) for number, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        value = self._loader.construct_object(node)
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) <= MAX_NUMBER):
            raise ExerciseFileError(self._file, line, f"a number must lie between -{MAX_NUMBER:.0f} and {MAX_NUMBER:.0f}")
        return value

    def _mapping(self, node: yaml.MappingNode, loc: Path_) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                raise ExerciseFileError(self._file, key.start_mark.line + 1, "a key must be a plain word")
            if key.value in values:
                raise ExerciseFileError(self._file, key.start_mark.line + 1, f"the key {key.value!r} occurs twice")
            values[key.value] = self.build(child, (*loc, key.value))
        return values


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a file, for editors. It leaves out what only the program can check, such as the parameters of
    measures."""
    schema = Exercise.model_json_schema()
    definitions = schema["$defs"]
    movement, check = definitions["Movement"], definitions["Check"]
    del movement["properties"]["id"]
    movement["required"].remove("id")
    # A check of an exercise is either complete, or a shared check with the fields that differ.
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
