"""The pages keep up with the program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import SERVER_TIME, Snapshot
from consumer.catalogue import Catalogue
from consumer.jobs.document import Job, Stage, Status
from consumer.jobs.errors import ErrorCode
from consumer.settings import PREFIX, describe
from feedback.exercises import CATALOGUE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))


def words(page: str) -> set[str]:
    """Everything that a page sets in code type, outside its code blocks."""
    text = re.sub(r"```.*?```", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))


def properties(node: Any) -> Iterator[str]:
    """Names of all the fields of a JSON Schema."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        for value in node.values():
            yield from properties(value)
    elif isinstance(node, list):
        for value in node:
            yield from properties(value)


def test_every_field_of_the_report_is_described() -> None:
    schema = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    assert set(properties(schema)) - words("report.md") == set()


@pytest.mark.parametrize("page", ["app.md", "operator.md"])
def test_every_error_code_is_explained(page: str) -> None:
    assert {str(code) for code in ErrorCode} - words(page) == set()


def test_every_status_and_stage_is_explained_to_the_app() -> None:
    assert {str(name) for name in (*Status, *Stage)} - words("app.md") == set()


def test_the_page_about_the_emulators_has_their_addresses() -> None:
    emulators = json.loads((ROOT / "deploy" / "firebase.json").read_text(encoding="utf-8"))["emulators"]
    page = (DOCS / "emulators.md").read_text(encoding="utf-8")
    addresses = {name: f"{at['host']}:{at['port']}" for name, at in emulators.items() if isinstance(at, dict)}
    assert set(addresses) == {"auth", "firestore", "storage", "ui"}
    assert [address for address in addresses.values() if address not in page] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_setting_that_a_page_names_exists(page: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_0-9]+\b", (DOCS / page).read_text(encoding="utf-8")))
    assert named - {name for name, _, _ in describe()} == set()


@pytest.mark.parametrize("page", PAGES)
def test_a_file_of_ours_that_a_page_names_exists(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:consumer|feedback|pose|tests|deploy|examples|\.github)/[\w./-]+)`", text)
    examples = {"feedback/exercises/your_exercise.yaml", "feedback/words/locale/LANGUAGE/LC_MESSAGES/feedback.po"}
    assert [name for name in named if name not in examples and not (ROOT / name).exists()] == []


def test_every_language_of_the_apps_page_writes_a_document_that_is_accepted() -> None:
    text = (DOCS / "app.md").read_text(encoding="utf-8")
    required = {"owner", "video", "status", "createdAt"}
    for language in ("js", "kotlin", "swift"):
        (snippet,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert required <= set(re.findall(r"\w+", snippet))
        assert re.search(r"users/\W*\w*\W*uid\W*/uploads/", snippet)
    fields = {"owner": "ann", "video": "users/ann/uploads/a.mp4", "status": "uploaded", "createdAt": None, "language": "en"}
    snapshot = Snapshot(id="job", fields=fields, version=1, read_time=SERVER_TIME)
    assert Job.parse(snapshot, frozenset(CATALOGUE)).owner == "ann"


def test_the_web_client_brings_the_catalogue_as_the_program_prints_it() -> None:
    written = json.loads((ROOT / "examples" / "web" / "exercises.json").read_text(encoding="utf-8"))
    assert written == Catalogue().describe(), "run: dothis exercises --json > examples/web/exercises.json"
