"""What every page must bear to be looked at."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 844}


def look(page: Page, name: str, *, full_page: bool = True) -> None:
    """Keep a screenshot; no serious finding of axe-core, nothing wider than the phone."""
    for image in page.locator("img:visible").all():
        expect(image).to_have_js_property("complete", True)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], found["help"]) for found in violations if found["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
