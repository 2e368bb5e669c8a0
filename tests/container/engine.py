"""The docker command, for tests: containers and volumes that are gone afterwards."""

import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SAMPLE = "/opt/dothis/lib/python3.11/site-packages/consumer/sample.mp4"
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def docker(*arguments: str, data: bytes | None = None, check: bool = True) -> str:
    """Run docker and return what it printed; logs, which come on both streams, together."""
    done = subprocess.run(["docker", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    assert not check or done.returncode == 0, f"docker {arguments[0]}: {text[-3000:]}"
    return text


class Container:
    """A running container of our image.

    Args:
        name: of the container.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def dothis(self, *arguments: str) -> Any:
        """Run `dothis ... --json` inside; the parsed answer."""
        done = subprocess.run(["docker", "exec", self.name, "dothis", *arguments, "--json"], capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
        return json.loads(done.stdout)

    def inspect(self) -> Any:
        """What the engine knows of it."""
        return json.loads(docker("inspect", self.name))[0]

    def url(self, port: int) -> str:
        """Where a published port is to be found."""
        published = self.inspect()["NetworkSettings"]["Ports"][f"{port}/tcp"][0]["HostPort"]
        return f"http://127.0.0.1:{published}"

    def logs(self, job: str | None = None) -> list[dict[str, Any]]:
        """Its log lines, of one job if given."""
        lines = [json.loads(line) for line in docker("logs", self.name).splitlines() if line.startswith("{")]
        return [line for line in lines if job is None or line.get("job") == job]

    def wait_healthy(self) -> None:
        """Until the engine calls it healthy."""
        until(lambda: self.inspect()["State"]["Health"]["Status"] == "healthy", 90, f"{self.name} to be healthy")

    def wait_for(self, job: str, status: str, stage: str | None = None) -> dict[str, Any]:
        """Until a job has a status, and is at a stage if given."""
        found: dict[str, Any] = {}

        def reached() -> bool:
            found.update(self.dothis("jobs", "show", job))
            return found["status"] == status and stage in {None, (found.get("progress") or {}).get("stage")}

        until(reached, 180, f"job {job} to be {status} {stage or ''}")
        return found

    def put(self, path: str) -> None:
        """Put the sample among the embedded backend's objects, where the older app would."""
        command = f'mkdir -p "$(dirname "/data/objects/{path}")" && cp {SAMPLE} "/data/objects/{path}"'
        docker("exec", self.name, "sh", "-c", command)


def until(condition: Any, seconds: float, what: str) -> None:
    """Poll a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Waited {seconds:.0f} s for {what}"
        time.sleep(0.3)


def get(url: str) -> str:
    """GET; the text."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        return str(answer.read().decode())


def post(url: str) -> tuple[int, Any]:
    """POST nothing; status and JSON."""
    request = urllib.request.Request(url, method="POST")  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=200) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@contextmanager
def running(image: str, *options: str, data: str = "", command: tuple[str, ...] = ()) -> Iterator[Container]:
    """`docker run -d -p 5000:5000 -v NAME:/data IMAGE`, hardened, on a free port; `data`: a directory for it."""
    name = f"dothis-test-{uuid.uuid4().hex[:8]}"
    docker("volume", "create", name)
    ports = ("-p", "127.0.0.1:0:5000", "-p", "127.0.0.1:0:8080")
    try:
        docker("run", "-d", "--name", name, *HARDENED, *ports, "-v", f"{data or name}:/data", *options, image, *command)
        yield Container(name)
    finally:
        docker("rm", "-f", name, check=False)
        docker("volume", "rm", "-f", name, check=False)
