"""The image and the compose file on a real engine: `make test-container`.

It takes minutes and an engine, so `make test` passes it by.
"""

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.engine import SAMPLE, Container, docker, get, post, running, until

ROOT = Path(__file__).parents[2]
ACCOUNT, NAME = "user@example.com", "exercise_Squat_2305092259"
LEGACY = f"temp/video/user/{ACCOUNT}/{NAME}"
LARGEST_IMAGE = 1.25e9
"""Bytes. 0.85 GB are the libraries: OpenCV, MediaPipe, FFmpeg, SciPy, and their compiled bytecode."""

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="session")
def image() -> str:
    """The image, built from this tree by the builder that every engine has."""
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.fail("No container engine answers: start Docker, and set DOCKER_HOST if it is not at its usual place")
    tag = "dothis:test"
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    command = ["docker", "build", "-t", tag, "--build-arg", "VERSION=test", "."]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return tag


@pytest.fixture(scope="module")
def up(image: str) -> Iterator[Container]:
    """One container, as the README starts it."""
    with running(image) as container:
        container.wait_healthy()
        yield container


def test_the_image_is_what_it_says(image: str) -> None:
    found = json.loads(docker("image", "inspect", image))[0]
    config = found["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Volumes"] == {"/data": {}}
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.version"] == "test"
    assert found["Size"] < LARGEST_IMAGE


def test_the_image_holds_nothing_that_does_not_belong_there(image: str) -> None:
    listing = docker("run", "--rm", "--entrypoint", "find", image, "/opt", "/data", "/build", "-name", "*", check=False)
    assert "consumer/sample.mp4" in listing
    unwanted = [r"/\.env$", r"\.git/", r"auth\.json$", r"\.mp4$", r"service-account", r"site-packages/pip/", r"/tests/"]
    found = [line for line in listing.splitlines() for pattern in unwanted if re.search(pattern, line)]
    assert [line for line in found if not line.endswith("consumer/sample.mp4")] == []


def test_it_runs_without_rights(up: Container) -> None:
    status = docker("exec", up.name, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\s+10001\s", status, re.MULTILINE)
    for capabilities in ("CapPrm", "CapEff", "CapBnd"):
        assert re.search(rf"^{capabilities}:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    for place in ("/", "/opt/dothis", "/tmp", "/var/tmp"):  # noqa: S108 - nothing is put there: that is the point
        assert "Read-only" in docker("exec", up.name, "touch", f"{place}/x", check=False)
    docker("exec", up.name, "touch", "/data/x")


def test_the_doctor_is_content(up: Container) -> None:
    printed = docker("exec", up.name, "dothis", "doctor")
    assert "Landlock" in printed
    assert "✗" not in printed


def test_a_video_over_the_older_endpoint(up: Container) -> None:
    up.put(f"{LEGACY}.mp4")
    assert post(f"{up.url(5000)}/download_and_analyze?data={LEGACY}") == (200, "RESULT")
    files = docker("exec", up.name, "ls", f"/data/objects/{ACCOUNT}/{NAME}_result").split()
    assert files == [f"{NAME}{ending}" for ending in (".json", "_graph.png", "_worst1.png", "_worst2.png")]


def test_a_video_that_is_not_there(up: Container) -> None:
    status, answer = post(f"{up.url(5000)}/download_and_analyze?data=temp/video/user/{ACCOUNT}/nothing")
    assert (status, answer["error"]) == (404, "video_missing")


def test_a_video_as_a_document(up: Container) -> None:
    done = up.dothis("submit", SAMPLE)
    assert done["result"]["exercise"] == "squat"
    assert done["result"]["reps"] == 5


def test_metrics_are_served(up: Container) -> None:
    assert 'dothis_jobs_total{code="",status="done"}' in get(f"{up.url(8080)}/metrics")


def test_killed_in_the_middle_it_goes_on_where_it_was(image: str) -> None:
    with running(image, "-e", "DOTHIS_LEASE_S=5") as container:
        container.wait_healthy()
        job = container.dothis("submit", SAMPLE, "--no-wait")["id"]
        container.wait_for(job, "processing", "writing_feedback")
        docker("kill", container.name)
        docker("start", container.name)
        done = container.wait_for(job, "done")
        assert done["result"]["reps"] == 5
        said = [line["message"] for line in container.logs(job)]
        for stage in ("downloading", "analysing"):
            assert len([line for line in said if line.startswith(f"The stage {stage} took")]) == 1
            assert f"The stage {stage} was finished by an earlier attempt" in said
        assert docker("exec", container.name, "ls", "/data/spool").split() == []


def test_stopped_in_the_middle_it_hands_back_and_goes_on(image: str) -> None:
    with running(image, "-e", "DOTHIS_GRACE_S=0") as container:
        container.wait_healthy()
        job = container.dothis("submit", SAMPLE, "--no-wait")["id"]
        container.wait_for(job, "processing", "analysing")
        docker("stop", "-t", "20", container.name)
        assert container.inspect()["State"]["ExitCode"] == 0
        docker("start", container.name)
        done = container.wait_for(job, "done")
        assert done["attempt"] == 1


def test_an_empty_directory_of_another_user_will_do_as_the_volume(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with running(image, "--user", "12345:12345", data=str(tmp_path)) as container:
        container.wait_healthy()
        assert container.dothis("submit", SAMPLE)["result"]["reps"] == 5


def test_the_web_client_is_in_the_image(image: str) -> None:
    with running(image, command=("up", "--web")) as container:
        container.wait_healthy()
        assert "<title>doThis</title>" in get(f"{container.url(5000)}/")


def test_compose_shares_the_work(image: str) -> None:
    project = f"dothistest{uuid.uuid4().hex[:8]}"
    environment = {**os.environ, "IMAGE": image, "PUBLISH": "127.0.0.1:0", "CORES": "1"}

    def compose(*arguments: str) -> str:
        command = ["docker", "compose", "-p", project, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    try:
        compose("up", "-d", "--no-build", "--scale", "consumer=2")
        consumers = [Container(f"{project}-consumer-{number}") for number in (1, 2)]
        shim = Container(f"{project}-shim-1")
        for container in (*consumers, shim):
            container.wait_healthy()
        jobs = [consumers[0].dothis("submit", SAMPLE, "--no-wait")["id"] for _ in range(6)]
        consumers[0].put(f"{LEGACY}.mp4")
        assert post(f"{shim.url(5000)}/download_and_analyze?data={LEGACY}") == (200, "RESULT")
        for job in jobs:
            consumers[0].wait_for(job, "done")
        finished = [{line["job"] for line in consumer.logs() if "is done" in line["message"]} for consumer in consumers]
        assert all(finished)
        assert len(finished[0] | finished[1]) == 7
        assert not finished[0] & finished[1]
        compose("restart", "consumer")
        until(lambda: consumers[1].inspect()["State"]["Running"], 30, "the restart")
        assert consumers[1].dothis("jobs", "show", jobs[0])["status"] == "done"
    finally:
        compose("down", "-v", "--timeout", "20")
