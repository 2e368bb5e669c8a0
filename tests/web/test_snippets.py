"""The JavaScript of README and docs/app.md as printed, in a real browser, with a stand-in for the SDK."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from consumer.backends import Snapshot
from consumer.jobs.document import Job
from feedback.exercises import CATALOGUE
from tests.web.screens import ROOT

SDK = Path(__file__).with_name("sdk")
PARTS = ("app", "auth", "firestore", "storage")
IMPORTS = {f"firebase/{part}": f"/firebase-{part}.js" for part in PARTS}
PAGE = f"""<!doctype html><script type="importmap">{json.dumps({"imports": IMPORTS})}</script>
<script type="module">
  import "firebase/app";
  import * as snippet from "/snippet.js";
  globalThis.told = [];
  const show = new Proxy({{}}, {{ get: (_, what) => (...said) => told.push([what, ...said]) }});
  const file = new File(["film"], "set.mp4", {{ type: "video/mp4" }});
  globalThis.follow = (id) => snippet.follow(id, show);
  globalThis.begin = async () => void (await snippet.analyse({{ uid: "ann" }}, file, snippet.newId(), show));
</script>"""
README_AS_A_MODULE = """
import {{ addDoc, collection, getFirestore, onSnapshot, serverTimestamp }} from "firebase/firestore";
import {{ getDownloadURL, getStorage, ref, uploadBytesResumable }} from "firebase/storage";
export const newId = () => "job1";
export async function analyse({{ uid }}, file, _id, tell) {{
  const storage = getStorage(), db = getFirestore();
  const show = tell.stage, showResult = tell.result, showError = tell.problem;
  {snippet}
}}
"""


def snippet_of(page: str) -> str:
    """The first block of JavaScript on a page, without its indentation."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"^( *)```js\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[2]


MODULES = {
    "docs/app.md": lambda: snippet_of("docs/app.md"),
    "README.md": lambda: README_AS_A_MODULE.format(snippet=snippet_of("README.md")),
}


@pytest.fixture(params=MODULES)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    module = MODULES[request.param]()

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name == "snippet.js":
            route.fulfill(body=module, content_type="text/javascript")
        elif (SDK / name).is_file():
            route.fulfill(path=SDK / name, content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    # crypto.randomUUID exists only on pages with https.
    page = browser.new_page(base_url="https://client.example/")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/*", serve)
    page.goto("/")
    page.wait_for_function("typeof begin === 'function'")
    yield page
    page.close()
    assert errors == []


def told(page: Page, what: str) -> list[Any]:
    """The first thing of this kind that the snippet showed, without pictures."""
    page.wait_for_function("what => told.some(([shown]) => shown === what)", arg=what)
    first = "told.find(([shown]) => shown === what)"
    found: list[Any] = page.evaluate(f"what => {first}.filter((said) => !(said instanceof ArrayBuffer))", what)
    return found


def test_it_uploads_submits_a_valid_job_and_shows_stage_and_result(page: Page) -> None:
    page.evaluate("void begin()")
    page.wait_for_function("fake.documents.job1")
    fields = page.evaluate("fake.documents.job1")
    Job.parse(Snapshot(id="job1", fields=fields, version=1, read_time=None), frozenset(CATALOGUE))  # type: ignore[arg-type]
    assert page.evaluate("Object.keys(fake.objects)") == [fields["video"]]
    page.wait_for_function("fake.listeners.job1?.size")
    progress = {"stage": "analysing", "percent": 40}
    page.evaluate("changes => fake.write('job1', changes)", {"status": "processing", "progress": progress})
    assert told(page, "stage") == ["stage", "analysing", 40]
    result = {"summary": "Well done.", "files": {"worst1": "users/ann/results/job1/1/worst1.png"}}
    page.evaluate("changes => fake.write('job1', changes)", {"status": "done", "result": result})
    assert "Well done." in json.dumps(told(page, "result")[1])


def test_a_result_without_a_picture_is_shown(page: Page) -> None:
    page.evaluate("void begin()")
    page.wait_for_function("fake.listeners.job1?.size")
    result = {"summary": "Well done.", "files": {"worst1": None}}
    page.evaluate("changes => fake.write('job1', changes)", {"status": "done", "result": result})
    assert "Well done." in json.dumps(told(page, "result")[1])


@pytest.mark.parametrize("page", ["docs/app.md"], indirect=True)
@pytest.mark.parametrize("offline", [True, False])
def test_what_the_cache_lacks_is_not_called_deleted(page: Page, *, offline: bool) -> None:
    page.evaluate("offline => { fake.offline = offline; }", offline)
    page.evaluate("void follow('elsewhere')")
    page.wait_for_timeout(200)
    assert page.evaluate("told") == ([] if offline else [["problem", "This workout was deleted."]])


def test_it_shows_why_a_job_failed(page: Page) -> None:
    page.evaluate("void begin()")
    page.wait_for_function("fake.listeners.job1?.size")
    page.evaluate("changes => fake.write('job1', changes)", {"status": "failed", "error": {"message": "Nobody was seen."}})
    assert told(page, "problem") == ["problem", "Nobody was seen."]
