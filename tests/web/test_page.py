"""The page beyond one analysis, against the real daemon: history, save, share, reload, two uploads at once, camera, offline."""

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.consumer_kit import eventually
from tests.web.screens import PHONE, ROOT, look

SAMPLE = ROOT / "consumer" / "sample.mp4"
CLIENT = ROOT / "examples" / "web"
ANALYSIS_MS = 110_000


def begin(page: Page, video: Path = SAMPLE) -> None:
    page.get_by_label("Video", exact=True).set_input_files(video)
    page.get_by_role("button", name="Analyse").click()


def expect_result(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Squat", timeout=ANALYSIS_MS)
    expect(page.locator(".chip")).to_have_count(5)


@pytest.fixture(scope="module")
def analysed(browser: Browser, address: str) -> Iterator[tuple[BrowserContext, str]]:
    """A profile in which the sample was analysed, with a reload in the middle, and the address of its result."""
    context = browser.new_context(viewport=PHONE, locale="en-GB")
    page = context.new_page()
    page.goto(address)
    begin(page)
    expect(page).to_have_url(re.compile("#[0-9a-f]+$"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Looking at your workout|Squat"))
    expect_result(page)
    expect(page.locator(".coming")).to_be_hidden(timeout=ANALYSIS_MS)
    yield context, page.url
    context.close()


def test_a_picture_opens_full_screen_and_is_saved(analysed: tuple[BrowserContext, str]) -> None:
    context, url = analysed
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Look at this one first").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img")).to_be_visible()
    assert dialog.bounding_box() == {"x": 0, "y": 0, **PHONE}
    look(page, "8-picture", full_page=False)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "dothis-worst1.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_picture_is_shared_as_a_file(analysed: tuple[BrowserContext, str]) -> None:
    context, url = analysed
    page = context.new_page()
    # Chromium has no share sheet on Linux: the page's call is kept instead.
    page.add_init_script("navigator.canShare = () => true; navigator.share = async (data) => { globalThis.shared = data; };")
    page.goto(url)
    page.get_by_role("button", name="Your best repetition").click()
    page.get_by_role("dialog").get_by_role("button", name="Share").click()
    # Playwright's own wait evaluates again by `eval`, which the page's Content-Security-Policy refuses.
    assert eventually(lambda: page.evaluate("Boolean(globalThis.shared)"), 15)
    kind, name, size = page.evaluate("[shared.files[0].type, shared.files[0].name, shared.files[0].size]")
    assert (kind, name) == ("image/png", "best.png")
    assert size > 1000


def test_a_missing_video_is_explained_and_the_feedback_stays(browser: Browser, analysed: tuple[BrowserContext, str]) -> None:
    context, url = analysed
    # A service worker would take the requests past the route.
    other = browser.new_context(storage_state=context.storage_state(), locale="en-GB", service_workers="block")
    page = other.new_page()
    job = page.request.get(url.replace("#", "api/jobs/")).json()
    job["result"]["files"]["video"] = None
    now = {**job, "status": "processing", "progress": {"stage": "annotating", "percent": 80}}
    page.route("**/api/jobs/*", lambda route: route.fulfill(json=now))
    page.goto(url)
    expect(page.locator(".coming")).to_have_text("Your video with the skeleton is being made: 80%")
    page.get_by_text("Repetition by repetition").click()
    now["status"] = "done"
    now["result"]["warnings"] = [{"code": "no_annotated_video", "message": "The video could not be made."}]
    expect(page.locator(".coming")).to_have_text("The video could not be made.")
    expect(page.get_by_role("table")).to_be_visible()  # what was opened stays open
    other.close()


def test_the_history_lists_results_and_shows_their_trend(analysed: tuple[BrowserContext, str]) -> None:
    context, url = analysed
    page = context.new_page()
    page.goto(url)
    expect_result(page)
    page.get_by_role("button", name="Another video").click()
    expect(page.locator(".past-jobs a")).to_have_count(1)
    expect(page.locator(".trend")).to_have_count(0)
    page.evaluate(
        """() => {
          const [now] = JSON.parse(localStorage.getItem("history"));
          const before = { ...now, id: "before", when: now.when - 86400000, score: 60,
                           sets: [{ ...now.sets[0], score: 60, range: 70 }] };
          localStorage.setItem("history", JSON.stringify([now, before]));
        }"""
    )
    page.reload()
    expect(page.locator(".past-jobs a")).to_have_count(2)
    expect(page.locator(".trend")).to_contain_text(re.compile(r"Score: 60 → \d+"))
    expect(page.locator(".trend")).to_contain_text(re.compile(r"Range: 70° → \d+°"))
    look(page, "9-history")
    page.locator(".past-jobs a").first.click()
    expect_result(page)


def test_a_result_that_was_opened_is_there_offline(analysed: tuple[BrowserContext, str]) -> None:
    context, url = analysed
    page = context.new_page()
    page.goto(url)
    expect_result(page)
    assert eventually(lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"), 30)
    page.reload()  # through the service worker, which keeps what it sees
    expect_result(page)
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    try:
        page.reload()
        expect_result(page)
        expect(page.get_by_text("You are offline.")).to_be_visible()
        look(page, "10-offline")
        page.get_by_role("button", name="Another video").click()
        begin(page)
        expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
        look(page, "11-offline-failed")
    finally:
        context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect_result(page)


def test_two_uploads_at_once_both_end_in_a_result(browser: Browser, address: str) -> None:
    # A service worker would take the requests past the route that holds them.
    context = browser.new_context(viewport=PHONE, locale="en-GB", service_workers="block")
    page = context.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/videos*", hold)
    page.goto(address)
    begin(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at your workout")
    page.get_by_role("button", name="Another video").click()
    expect(page.locator(".past-jobs li")).to_have_text(["sample.mp4: Uploading the video: 0%"])
    begin(page)
    page.wait_for_timeout(200)
    assert len(held) == 2
    for route in held:
        route.continue_()
    expect_result(page)
    page.get_by_role("button", name="Another video").click()
    expect(page.locator(".past-jobs a")).to_have_count(2)
    page.locator(".past-jobs a").nth(1).click()
    expect_result(page)
    context.close()


def test_what_the_camera_records_can_be_analysed(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=PHONE, locale="en-GB", permissions=["camera"])
    page.goto(address)
    page.get_by_role("button", name="Record one").click()
    page.get_by_role("button", name="Start recording").click()
    page.wait_for_timeout(3000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.locator("#preview")).to_be_visible()
    page.get_by_role("button", name="Analyse").click()
    # The browser's stand-in for a camera shows no person: the video was read, and that is what is said.
    expect(page.get_by_role("alert")).to_contain_text("Nobody was seen", timeout=ANALYSIS_MS)
    page.close()


def test_a_dropped_video_is_chosen(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=PHONE, locale="en-GB")
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["film"], "set.mp4", { type: "video/mp4" }));
          const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          document.getElementById("drop").dispatchEvent(event);
        }"""
    )
    assert page.get_by_label("Video", exact=True).evaluate("input => input.files[0].name") == "set.mp4"
    page.close()


def test_the_service_worker_keeps_every_file_of_the_page() -> None:
    listed = set(re.findall(r'"([\w.-]+\.\w+)"', (CLIENT / "sw.js").read_text().partition("FILES = [")[2].partition("]")[0]))
    there = {path.name for path in CLIENT.iterdir()} - {"README.md", "index.html", "sw.js"}
    assert listed == there


def test_the_icons_are_of_the_sizes_that_the_manifest_says() -> None:
    icons = json.loads((CLIENT / "manifest.json").read_text())["icons"]
    sizes = {icon["src"]: icon["sizes"] for icon in icons if icon["type"] == "image/png"}
    assert set(sizes.values()) == {"192x192", "512x512"}  # what Chrome asks of a page that can be installed
    for name, size in sizes.items():
        width, height = struct.unpack(">II", (CLIENT / name).read_bytes()[16:24])
        assert f"{width}x{height}" == size
