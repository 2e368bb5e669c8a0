"""The reference web client in a real browser, at a phone's width, against the real daemon: from an upload to the pictures."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from tests.web.screens import PHONE, ROOT, look

SAMPLE = ROOT / "consumer" / "sample.mp4"
ANALYSIS_MS = 110_000
AT_WORK = re.compile("Waiting for its turn|Fetching the video|Analysing the movement")
"""Progress is written once a second, and a short analysis may be over before the next time."""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A clean profile on the first page; any complaint of the browser but that an answer was an error fails the test."""
    context = browser.new_context(viewport=PHONE, locale="en-GB")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


def is_complaint(message: ConsoleMessage) -> bool:
    return message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource")


def submit(page: Page, video: Path) -> None:
    page.get_by_label("Video", exact=True).or_(page.get_by_label("동영상", exact=True)).set_input_files(video)
    page.get_by_role("button", name=re.compile("Analyse|분석하기")).click()


def test_a_video_becomes_advice_and_pictures(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Which workout shall we look at?")
    look(page, "1-pick")

    page.get_by_label("Video", exact=True).set_input_files(SAMPLE)
    # From here on by keyboard: the exercise's list, then the button.
    page.get_by_label("Exercise").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Analyse")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at your workout")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator("#stages li[aria-current=step]")).to_have_text(AT_WORK, timeout=ANALYSIS_MS)
    expect(page.get_by_role("status")).to_contain_text(AT_WORK)
    look(page, "2-working")

    expect(page.get_by_role("heading", level=1)).to_have_text("Squat", timeout=ANALYSIS_MS)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text("Repetitions", exact=True).locator("xpath=following-sibling::dd")).to_contain_text("5")
    expect(page.locator(".advice li").first).to_be_visible()
    page.get_by_text("Repetition by repetition").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(6)
    images = page.locator("#result img")
    expect(images).to_have_count(4)
    for image in images.all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("image => image.naturalWidth") > 100
        assert image.get_attribute("alt")
    expect(page.get_by_text("Your video with the skeleton is being made")).to_have_count(0, timeout=ANALYSIS_MS)
    film = page.locator("#result video")
    repetition = page.get_by_role("button", name="Repetition 2: Not deep enough")
    repetition.click()
    expect(repetition).to_have_attribute("aria-current", "true")
    expect(page.locator(".now")).to_contain_text("Sit lower")
    started = film.evaluate("film => film.currentTime")
    report = json.loads(page.evaluate("async () => (await fetch(document.querySelector('.file').href)).text()"))
    assert started == pytest.approx(report["reps"]["items"][1]["startS"], abs=0.05)
    film.evaluate("film => film.play()")
    expect(page.locator(".now")).to_contain_text("Repetition 3")
    look(page, "3-result")

    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("스쿼트")
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("스쿼트")
    page.get_by_text("반복별 결과").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(6)
    look(page, "4-result-ko")

    page.get_by_role("button", name="다른 동영상").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("어떤 운동을 봐 드릴까요?")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("스쿼트")


def begin_of(video: Path, to: Path) -> Path:
    """The packets up to the second keyframe, as they are: a coach shows less than the user does, and is read sooner."""
    with av.open(str(video)) as whole, av.open(str(to), "w") as begin:
        source = whole.streams.video[0]
        target = begin.add_stream_from_template(source)
        for number, packet in enumerate(whole.demux(source)):
            if number and packet.is_keyframe:
                break
            packet.stream = target
            begin.mux(packet)
    return to


def test_a_coachs_video_is_the_exercise(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Exercise").select_option("Compare with a coach's video")
    # Nothing is sent before both videos are chosen.
    page.get_by_label("Video", exact=True).set_input_files(SAMPLE)
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_label("The coach's video")).to_be_focused()
    page.get_by_label("The coach's video").set_input_files(begin_of(SAMPLE, tmp_path / "coach.mp4"))
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Like the reference", timeout=2 * ANALYSIS_MS)
    expect(page.get_by_text("Repetitions", exact=True).locator("xpath=following-sibling::dd")).to_have_text("5")
    expect(page.locator(".chip")).to_have_count(5)
    compared = page.get_by_role("button", name="Compared with the reference")
    expect(compared.get_by_role("img")).to_have_js_property("complete", True)
    look(page, "6-coach")


def test_what_is_no_video_is_said_in_the_users_language(page: Page, tmp_path: Path) -> None:
    fake = tmp_path / "fake.mp4"
    fake.write_text("not a video")
    page.get_by_role("button", name="한국어").click()
    submit(page, fake)
    expect(page.get_by_role("alert")).to_contain_text(re.compile("[가-힣]+.*다시"), timeout=30_000)
    look(page, "5-problem-ko")
    page.get_by_role("button", name="다른 동영상").click()
    expect(page.get_by_label("동영상", exact=True)).to_have_value("")


def test_no_tap_is_lost_while_the_page_loads(browser: Browser, address: str) -> None:
    """The header is shown while the catalogue is on its way. A service worker would answer before the route does."""
    with browser.new_context(locale="en-GB", service_workers="block") as context:
        page = context.new_page()
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/exercises.json", hold)
        with page.expect_request("**/exercises.json"):
            page.goto(address, wait_until="commit")
        korean = page.get_by_role("button", name="한국어")
        expect(korean).to_be_disabled()
        held[0].continue_()
        korean.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("어떤 운동을 봐 드릴까요?")


def test_a_video_too_large_is_said_so(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(5_000_001))
    submit(page, large)
    expect(page.get_by_role("alert")).to_have_text("The video is too large for this server.")


def test_a_running_analysis_can_be_cancelled(page: Page) -> None:
    submit(page, SAMPLE)
    expect(page.locator("#stages li[aria-current=step]")).to_have_text(AT_WORK, timeout=ANALYSIS_MS)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_have_text("The analysis was cancelled.", timeout=10_000)


def test_an_address_of_no_job_is_said_so(page: Page, address: str) -> None:
    page.goto(f"{address}app/#nothing")
    expect(page.get_by_role("alert")).to_have_text("This analysis is not there any more.")
