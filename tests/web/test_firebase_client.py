"""The web client's Firebase side, with a stand-in for the SDK: what it writes, what it listens to, who is signed in."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from consumer.backends import Snapshot
from consumer.jobs import Job
from feedback.exercises import CATALOGUE
from tests.web.screens import PHONE, ROOT, look

SDK = Path(__file__).with_name("sdk")
CLIENT = ROOT / "examples" / "web"
ORIGIN = "http://client.example/"
CONFIG = 'export const firebase = { options: { projectId: "demo" }, collection: "uploads" };'
PASSWORD = "secret1"
RESULT = {
    "exercise": "plank",
    "reps": 0,
    "goodReps": 0,
    "hold": {"durationS": 31.4, "goodS": 20},
    "score": None,
    "summary": "Held for half a minute.",
    "faults": [],
    "files": {"worst1": "users/ann/results/job1/1/worst1.png", "worst2": None, "report": None, "graph": None, "video": None},
}


def serve(route: Route) -> None:
    """The client's files, and the stand-in wherever the client asks for the SDK."""
    name = route.request.url.partition("?")[0].rpartition("/")[2] or "index.html"
    sdk = re.search(r"firebasejs/[\d.]+/(firebase-\w+\.js)$", route.request.url)
    if sdk:
        route.fulfill(path=SDK / sdk.group(1), content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"})
    elif name == "config.js":
        route.fulfill(body=CONFIG, content_type="text/javascript")
    else:
        route.fulfill(path=CLIENT / name)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, locale="en-GB")
    context.route("**/*", serve)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(ORIGIN)
    yield page
    context.close()
    assert errors == []


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def submit(page: Page) -> None:
    sign_in(page)
    page.get_by_label("Video", exact=True).set_input_files(
        {"name": "Set.MOV", "mimeType": "video/quicktime", "buffer": b"film"}
    )
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting for its turn")


def written(page: Page) -> dict[str, Any]:
    return dict(page.evaluate("fake.documents.job1"))


def play(page: Page, **changes: Any) -> None:
    page.evaluate(f"fake.write('job1', {json.dumps(changes)})")


def test_signing_in_and_out(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    look(page, "6-sign-in")
    sign_in(page, "wrong-password")
    expect(page.get_by_role("alert")).to_have_text("You could not be signed in. Please check what you entered.")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Continue with Google").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")


def test_it_writes_a_document_that_the_daemon_accepts(page: Page) -> None:
    submit(page)
    fields = written(page)
    assert page.evaluate("fake.collection") == "uploads"
    assert set(fields) == {"owner", "video", "status", "createdAt", "language"}
    assert re.fullmatch(r"users/ann/uploads/[0-9a-f]{32}\.mov", fields["video"])
    assert page.evaluate("fake.objects")[fields["video"]] == {"size": 4, "contentType": "video/quicktime"}
    job = Job.parse(Snapshot(id="job1", fields=fields, version=1, read_time=None), frozenset(CATALOGUE))  # type: ignore[arg-type]
    assert (job.owner, job.status, job.language) == ("ann", "uploaded", "en")


def test_it_shows_each_change_of_the_document(page: Page) -> None:
    submit(page)
    play(page, status="processing", progress={"stage": "analysing", "percent": 40})
    expect(page.get_by_role("status")).to_have_text("Analysing the movement: 40%")
    play(page, status="waiting")
    expect(page.get_by_role("status")).to_contain_text("we try again by ourselves")
    play(page, status="done", result=RESULT)
    expect(page.get_by_role("heading", level=1)).to_have_text("Plank")
    expect(page.get_by_text("31.4 s")).to_be_visible()
    expect(page.locator("#result .pictures img")).to_have_attribute("src", re.compile(r"worst1\.png$"))
    expect(page.get_by_text("Nothing to correct was found")).to_be_visible()
    look(page, "7-plank")


def test_it_says_what_the_server_says(page: Page) -> None:
    submit(page)
    play(page, status="failed", error={"code": "no_person", "message": "Nobody was seen.", "retryable": False})
    expect(page.get_by_role("alert")).to_have_text("Nobody was seen.")


def test_cancelling_changes_the_one_field_that_an_app_may_change(page: Page) -> None:
    submit(page)
    before = written(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting for its turn")
    assert written(page) == {**before, "cancelRequested": True}


def test_somebody_elses_job_is_not_there(page: Page) -> None:
    submit(page)
    page.evaluate("fake.fails({ code: 'permission-denied' })")
    expect(page.get_by_role("alert")).to_have_text("This analysis is not there any more.")
