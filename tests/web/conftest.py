"""A real browser and a real server for the web client's tests."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.missing import missing

ROOT = Path(__file__).parents[2]
# A browser beside the rest of the tests on two cores is slow at times; five seconds, the default, were too few once.
expect.set_options(timeout=15_000)
TIMEOUT_S = 900
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End a test that hangs, with its process: an alarm's exception inside Playwright's loop leaves that waiting for ever, so
    that one slow test would hold up all of them. pytest-xdist goes on with a new process.
    """
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S, method="thread"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        missing("The browser tests need Chromium: on Debian and Ubuntu, apt-get install chromium")
    assert found
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module's tests; each test has a profile of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--use-fake-device-for-media-stream"]
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `dothis up --web` serves, on an empty volume."""
    port, health_port = free_port(), free_port()
    data_dir = tmp_path_factory.mktemp("web")
    log = (data_dir / "log").open("wb")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOTHIS_") or name == "DOTHIS_CACHE_DIR"},
        "DOTHIS_DATA_DIR": str(data_dir / "data"),
        "DOTHIS_SHIM_PORT": str(port),
        "DOTHIS_HEALTH_PORT": str(health_port),
        "DOTHIS_MAX_VIDEO_BYTES": "5MB",
    }
    command = [sys.executable, "-m", "consumer.cli", "up", "--web"]
    with log, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server:
        try:
            wait_for(f"http://127.0.0.1:{health_port}/healthz", server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server is healthy."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("The server was not healthy within a minute")
