"""The web client's Firebase side, with a stand-in for the SDK: what it writes, what it listens to, who is signed in."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from consumer.backends import Snapshot
from consumer.jobs.document import Job
from feedback.exercises import CATALOGUE
from tests.web.screens import DESK, PHONE, ROOT, look

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


def repetition(index: int, start_s: float, end_s: float, *, good: bool, faults: tuple[str, ...] = ()) -> dict[str, Any]:
    score = 100 if not faults else 94 if good else 70
    return {"index": index, "startS": start_s, "endS": end_s, "good": good, "score": score, "faults": list(faults)}


def workout_set(
    index: int, exercise: str, name: str, items: list[dict[str, Any]], faults: list[dict[str, Any]]
) -> dict[str, Any]:
    good = sum(item["good"] for item in items)
    return {
        "index": index,
        "exercise": exercise,
        "name": name,
        "startS": items[0]["startS"],
        "endS": items[-1]["endS"],
        "reps": len(items),
        "goodReps": good,
        "hold": None,
        "score": 88,
        "items": items,
        "faults": faults,
        "statistics": {"rangeOfMotion": {"value": 90, "unit": "deg"}},
    }


DEPTH = {
    "id": "shallow_depth",
    "title": "Not deep enough",
    "advice": "Sit lower.",
    "severity": "major",
    "reps": [2],
    "spans": [],
}
FAST = {"id": "too_fast", "title": "Too fast", "advice": "Take your time.", "severity": "minor", "reps": [1], "spans": []}
SETS = [
    workout_set(
        1,
        "squat",
        "Squat",
        [repetition(1, 1, 3, good=True), repetition(2, 3.5, 5.5, good=False, faults=("shallow_depth",))],
        [DEPTH],
    ),
    workout_set(
        2,
        "lunge",
        "Lunge",
        [repetition(1, 8, 10, good=True, faults=("too_fast",)), repetition(2, 11, 13, good=True)],
        [FAST],
    ),
]
WORKOUT = {
    "video": {"durationS": 15.3},
    "exercise": {"id": "squat"},
    "view": {"id": "side_left"},
    "reps": {"items": SETS[0]["items"]},
    "statistics": SETS[0]["statistics"],
    "notAssessed": [{"id": "knee_valgus", "title": "Knees falling inwards", "reason": "Filmed from the side."}],
    "sets": SETS,
}
WORKOUT_RESULT = {
    **RESULT,
    "exercise": "squat",
    "hold": None,
    "score": 88,
    "faults": [DEPTH],
    "sets": SETS,
    "files": {"report": "users/ann/results/job1/1/report.json", "worst1": None, "worst2": None, "graph": None, "video": None},
}


def send_range(route: Route, path: Path) -> None:
    """A browser seeks only where the server answers ranges."""
    content = path.read_bytes()
    wanted = re.match(r"bytes=(\d+)-(\d*)", route.request.headers.get("range", ""))
    start, end = (int(wanted[1]), int(wanted[2] or len(content) - 1)) if wanted else (0, len(content) - 1)
    headers = {"Content-Range": f"bytes {start}-{end}/{len(content)}", "Accept-Ranges": "bytes"}
    route.fulfill(status=206, body=content[start : end + 1], content_type="video/mp4", headers=headers)


def serve(route: Route) -> None:
    """The client's files, and the stand-in wherever the client asks for the SDK."""
    name = route.request.url.partition("?")[0].rpartition("/")[2] or "index.html"
    sdk = re.search(r"firebasejs/[\d.]+/(firebase-\w+\.js)$", route.request.url)
    if sdk:
        route.fulfill(path=SDK / sdk.group(1), content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"})
    elif "report.json" in route.request.url:
        route.fulfill(json=WORKOUT)
    elif "annotated.mp4" in route.request.url:
        send_range(route, ROOT / "consumer" / "sample.mp4")
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


def test_a_coachs_video_is_uploaded_and_is_the_exercise(page: Page) -> None:
    sign_in(page)
    coach = page.get_by_label("The coach's video")
    expect(coach).to_be_hidden()
    page.get_by_label("Exercise").select_option("Compare with a coach's video")
    look(page, "13-coach")
    page.get_by_label("Video", exact=True).set_input_files({"name": "mine.mp4", "mimeType": "video/mp4", "buffer": b"mine"})
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")  # a video is missing
    coach.set_input_files({"name": "coach.webm", "mimeType": "video/webm", "buffer": b"coach's"})
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting for its turn")
    fields = written(page)
    assert fields["exercise"] == "reference"
    sizes = {path: object_["size"] for path, object_ in page.evaluate("fake.objects").items()}
    assert (sizes[fields["video"]], sizes[fields["reference"]]) == (4, 7)
    job = Job.parse(Snapshot(id="job1", fields=fields, version=1, read_time=None), frozenset(CATALOGUE))  # type: ignore[arg-type]
    assert job.reference == fields["reference"]


def test_faults_of_one_id_are_told_apart_by_their_repetitions(page: Page) -> None:
    knees = {**DEPTH, "id": "deviates", "title": "Knees bent less than the reference's", "reps": [1]}
    hips = {**knees, "title": "Hips bent less than the reference's", "reps": [2]}
    items = [repetition(number, 3 * number, 3 * number + 2, good=False, faults=("deviates",)) for number in (1, 2)]
    one = workout_set(1, "reference", "Like the reference", items, [knees, hips])
    shown = {"exercise": {"id": "reference"}, "reps": {"items": items}, "faults": [knees, hips], "sets": [one]}
    page.route("**/*report.json*", lambda route: route.fulfill(json={**WORKOUT, **shown, "notAssessed": []}))
    submit(page)
    play(page, status="done", result={**WORKOUT_RESULT, "exercise": "reference", "faults": [knees, hips], "sets": [one]})
    expect(page.get_by_role("heading", level=1)).to_have_text("Like the reference")
    expect(page.get_by_role("button", name="Repetition 1: Knees bent less than the reference's")).to_be_visible()
    expect(page.get_by_role("button", name="Repetition 2: Hips bent less than the reference's")).to_be_visible()
    page.get_by_text("Repetition by repetition").click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Knees")
    expect(rows.nth(2)).to_contain_text("Hips")


def test_it_shows_each_change_of_the_document(page: Page) -> None:
    submit(page)
    play(page, status="processing", progress={"stage": "analysing", "percent": 40})
    expect(page.get_by_role("status")).to_have_text("Analysing the movement: 40%")
    play(page, status="waiting")
    expect(page.get_by_role("status")).to_contain_text("we try again by ourselves")
    play(page, status="done", result={**RESULT, "score": 100})
    expect(page.get_by_role("heading", level=1)).to_have_text("Plank")
    expect(page.get_by_text("31.4 s")).to_be_visible()
    expect(page.locator("#result .pictures img")).to_have_attribute("src", re.compile(r"worst1\.png$"))
    expect(page.get_by_text("Nothing to correct was found")).to_be_visible()
    look(page, "7-plank")


def test_nothing_is_praised_where_nothing_was_judged(page: Page) -> None:
    submit(page)
    play(page, status="done", result=RESULT)
    expect(page.get_by_text("31.4 s")).to_be_visible()
    expect(page.get_by_text("Nothing to correct was found")).to_have_count(0)


def test_error_messages_of_the_server_are_shown(page: Page) -> None:
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


@pytest.mark.parametrize(("offline", "said"), [(True, "Looking at your workout"), (False, "That did not work")])
def test_a_job_that_the_cache_lacks_is_not_called_gone(page: Page, *, offline: bool, said: str) -> None:
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")
    page.evaluate("offline => { fake.offline = offline; location.hash = 'elsewhere'; }", offline)
    page.wait_for_timeout(200)
    expect(page.locator("h1:visible")).to_have_text(said)


def test_a_workout_shows_its_sets_and_waits_for_no_video(page: Page) -> None:
    submit(page)
    play(page, status="processing", progress={"stage": "annotating", "percent": 80}, result=WORKOUT_RESULT)
    expect(page.get_by_role("heading", level=1)).to_have_text("Squat, Lunge")
    expect(page.locator(".coming")).to_have_text("Your video with the skeleton is being made: 80%")
    expect(page.locator("details.set summary")).to_have_text(
        [re.compile(r"Set 1 · Squat2 rep.*1 good.*88"), re.compile("Set 2 · Lunge")]
    )
    expect(page.get_by_role("button", name=re.compile(r"Set \d · Repetition \d"))).to_have_count(4)
    expect(page.locator(".track .bar")).to_have_class(["bar good", "bar major", "bar minor", "bar good"])
    expect(page.get_by_role("img", name="Film from the front")).to_be_visible()
    page.locator("details.set").first.evaluate("details => { details.open = true; }")

    files = {**WORKOUT_RESULT["files"], "video": "users/ann/results/job1/1/annotated.mp4"}
    play(page, status="done", result={**WORKOUT_RESULT, "files": files})
    expect(page.locator(".coming")).to_be_hidden()
    expect(page.locator("details.set").first).to_have_attribute("open", "")  # the video joined what was there
    film = page.locator("#result video")
    expect(film).to_have_js_property("readyState", 4)


def test_a_tap_on_the_timeline_seeks_and_says_the_advice(page: Page) -> None:
    submit(page)
    files = {**WORKOUT_RESULT["files"], "video": "users/ann/results/job1/1/annotated.mp4"}
    play(page, status="done", result={**WORKOUT_RESULT, "files": files})
    film = page.locator("#result video")
    expect(film).to_have_js_property("readyState", 4)
    page.locator(".track .bar").nth(2).click()
    expect(film).to_have_js_property("currentTime", 8)
    expect(page.locator(".now")).to_contain_text("Take your time.")
    expect(page.get_by_role("button", name="Set 2 · Repetition 1: Too fast")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Set 1 · Repetition 2: Not deep enough").click()
    expect(film).to_have_js_property("currentTime", 3.5)
    expect(page.locator(".now")).to_contain_text("Sit lower.")


def test_a_workout_of_ten_minutes_fits_a_phone(page: Page) -> None:
    """Eight sets of twelve seconds with a minute between: by the clock a repetition would be a pixel and a half wide."""
    names = ["Squat", "Push-up", "Biceps curl", "Overhead press", "Deadlift", "Lunge", "Row", "Crunch"]
    sets = []
    for index, name in enumerate(names):
        items = [
            repetition(number, 72 * index + 3 * number, 72 * index + 3 * number + 2.5, good=True) for number in range(1, 5)
        ]
        sets.append(workout_set(index + 1, name.lower().replace("-", "_").replace(" ", "_"), name, items, []))
    report = {**WORKOUT, "video": {"durationS": 600}, "sets": sets, "reps": {"items": sets[0]["items"]}}
    page.route("**/*report.json*", lambda route: route.fulfill(json=report))
    graph = cv2.imencode(".png", np.full((3990, 720, 3), 255, np.uint8))[1].tobytes()
    page.route("**/graph.png*", lambda route: route.fulfill(body=graph, content_type="image/png"))
    submit(page)
    files = {**WORKOUT_RESULT["files"], "graph": "users/ann/results/job1/1/graph.png"}
    play(page, status="done", result={**WORKOUT_RESULT, "faults": [], "sets": sets, "files": files})
    expect(page.get_by_role("heading", level=1)).to_have_text("8 exercises")
    expect(page.locator(".track .bar")).to_have_count(32)
    boxes = [bar.bounding_box() for bar in page.locator(".track .bar").all()]
    assert all(box and box["width"] >= 4 for box in boxes)
    assert all(one and other and one["x"] + one["width"] <= other["x"] for one, other in itertools.pairwise(boxes))
    expect(page.locator(".track .set-line")).to_have_text([str(number) for number in range(1, 9)])
    page.get_by_role("button", name="Set 8 · Repetition 4").click()
    expect(page.locator(".now")).to_be_in_viewport(ratio=1)  # beside the timeline, not below the list
    expect(page.get_by_text("Open it to see every set.")).to_be_visible()
    graph_button = page.get_by_role("button", name=re.compile("Graph of the joint angle"))
    shown = graph_button.bounding_box()
    assert shown
    assert shown["height"] < PHONE["height"]
    look(page, "14-ten-minutes")
    graph_button.click()
    opened = page.get_by_role("dialog").get_by_role("img").bounding_box()
    assert opened
    assert opened["width"] > 0.85 * PHONE["width"]  # it scrolls, and can be read
    look(page, "15-tall-graph", full_page=False)


def test_the_history_is_read_from_the_daemons_and_refreshes_when_a_result_is_there(page: Page) -> None:
    submit(page)
    past = {
        f"old{number}": {
            "exercise": "squat",
            "score": 60 + number,
            "sets": [{"exercise": "squat", "score": 60 + number, "range": 70 + number}],
            "when": f"2026-01-0{number}T12:00:00Z",
        }
        for number in (1, 2)
    }
    page.evaluate(f"fake.history = {json.dumps(past)}")
    page.locator("#working .again").click()
    rows = page.locator(".past-jobs a")
    expect(rows).to_have_count(3)
    expect(rows).to_contain_text(["Videowaiting", "Score 62", "Score 61"])
    expect(page.locator(".trend")).to_contain_text("Score: 61 → 62")
    expect(page.locator(".trend")).to_contain_text("Range: 71° → 72°")
    play(page, status="processing", progress={"stage": "annotating", "percent": 80}, result=WORKOUT_RESULT)
    expect(rows.first).to_contain_text("Score 88")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")


def test_a_hold_has_its_faults_on_the_timeline(page: Page) -> None:
    spans = [{"startS": 6.0, "endS": 9.0}]
    sagging = {"id": "hips_sagging", "title": "Hips sagging", "advice": "Lift your hips.", "severity": "major", "reps": []}
    held = {**workout_set(1, "plank", "Plank", [repetition(1, 1, 12, good=True)], [{**sagging, "spans": spans}]), "items": []}
    held |= {"hold": {"durationS": 11.0, "goodS": 8.0}, "reps": 0, "goodReps": 0}
    report = {**WORKOUT, "exercise": {"id": "plank"}, "reps": {"items": []}, "sets": [held], "notAssessed": []}
    page.route("**/*report.json*", lambda route: route.fulfill(json=report))
    submit(page)
    files = {**WORKOUT_RESULT["files"], "video": "users/ann/results/job1/1/annotated.mp4"}
    result = {**RESULT, "hold": held["hold"], "score": 70, "faults": held["faults"], "sets": [held], "files": files}
    play(page, status="done", result=result)
    expect(page.locator(".track .bar")).to_have_class(["bar good", "bar major span"])
    left, width = page.locator(".track .span").evaluate("bar => [parseFloat(bar.style.left), parseFloat(bar.style.width)]")
    assert (left, width) == (pytest.approx(100 * 6 / 15.3, abs=0.1), pytest.approx(100 * 3 / 15.3, abs=0.1))
    page.get_by_role("button", name="Set 1: Hips sagging").click()
    expect(page.locator(".now")).to_contain_text("Lift your hips.")
    expect(page.locator("#result video")).to_have_js_property("currentTime", 1)
    look(page, "12-hold")


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_can_be_read(page: Page, language: str, size: ViewportSize, scheme: Literal["light", "dark"]) -> None:
    submit(page)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    page.locator(f"[data-language={language}]").click()
    name = f"{size['width']}-{language}-{scheme}"
    look(page, f"{name}-working")
    files = {**WORKOUT_RESULT["files"], "video": "users/ann/results/job1/1/annotated.mp4"}
    play(page, status="done", result={**WORKOUT_RESULT, "files": files})
    page.locator(".chip").nth(1).click()
    look(page, f"{name}-done")
    page.locator("#result .again").click()
    expect(page.locator(".past-jobs a")).to_have_count(1)
    look(page, f"{name}-empty")
    play(page, status="failed", error={"code": "no_person", "message": "Nobody was seen.", "retryable": False})
    page.locator(".past-jobs a").click()
    expect(page.locator("#problem")).to_be_visible()
    look(page, f"{name}-failed")
