"""Hostile `data` parameters of the older interface, over a real server."""

import contextlib
import http.client
import random
import socket
import string
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote_from_bytes

from consumer.http.serving import Server
from consumer.http.shim import create_app
from consumer.jobs.paths import LEGACY_UPLOADS
from consumer.settings import Settings
from tests.chaos.ground import Ground
from tests.chaos.hostile import judge_daemon
from tests.chaos.kills import running
from tests.chaos.outside import Outside
from tests.chaos.report import Report
from tests.consumer_kit import settings
from tests.work import video

CLIENTS = 8
ANSWER_S = 60.0
MAX_BODY_BYTES = 64 * 1024
GOOD = f"{LEGACY_UPLOADS}ann/exercise_Squat_1"

SEGMENTS = (
    "..",
    ".",
    "",
    "%2e%2e",
    "%252e%252e%252f",
    "..%2f..%2f",
    "..;",
    "\\..\\..",
    "\x00",
    "a\x00.mp4",
    "users",
    "references",
    "temp",
    "bob",
    "a@b.c",
    "x" * 1100,
    "\u202e\u2028",
    "\uff0e\uff0e\uff0f",
    "\r\nSet-Cookie: x=1",
    "{{7*7}}",
    "$(touch stray)",
    "`touch stray`",
    "' OR 1=1 --",
    "*",
    "?",
    "#",
    "&data=",
    "exercise_Squat_1.mp4",
    "exercise_" + "_" * 200,
)


def parameters(ground: Ground, report: Report, *, count: int) -> None:
    """Check that each gets a 4xx answer, that nothing of another owner is read, and that no other file is written."""
    rng = random.Random(report.seed)
    answers: Counter[int] = Counter()
    with tempfile.TemporaryDirectory(prefix="dothis-outside-") as directory:
        outside = Outside(ground, Path(directory))
        ground.put_object(f"{GOOD}.mp4", video(reps=5))
        told = settings(ground.data_dir, shim_timeout_s=ANSWER_S, shim_max_waiting=CLIENTS)
        queries = [query(rng, outside.names()) for _ in range(count)]
        with running(ground, audit=True, settings={"workers": 2}) as daemon, _shim(ground, told) as port:
            with ThreadPoolExecutor(CLIENTS) as clients:
                for status in clients.map(lambda each: _ask(port, each), queries):
                    answers[status] += 1
            good = _ask(port, f"data={GOOD}".encode())
            judge_daemon(report, daemon)
        report.figure("hostile data parameters", answers.total(), count)
        report.figure("  answered with an error of the caller's", sum(n for at, n in answers.items() if 400 <= at < 500), count)
        report.figure("  not answered at all", answers[0], 0)
        report.figure("  the good one after them", good, 200)
        done = [job for job, fields in ground.documents().items() if fields["video"] == f"{GOOD}.mp4"]
        results = ["users/ann/results/", "ann/exercise_Squat_1_result/"]
        outside.judge(report, good=done, results=results)
        report.figure("  leases left", ground.leases(), 0)
        report.figure("  answers", dict(sorted(answers.items())))


def query(rng: random.Random, bait: Sequence[str]) -> bytes:
    """A query, as it is sent."""
    match rng.randrange(6):
        case 0:
            data = rng.choice(bait)
        case 1:
            data = LEGACY_UPLOADS + rng.choice(bait)
        case 2:
            data = f"{LEGACY_UPLOADS}{rng.choice(SEGMENTS)}/{rng.choice(SEGMENTS)}"
        case 3:
            data = "/".join(rng.choices(SEGMENTS, k=rng.randint(1, 6)))
        case 4:
            data = f"{LEGACY_UPLOADS}ann/" + "".join(rng.choices(string.printable, k=rng.randint(1, 60)))
        case _:
            name = rng.choice(["", "data", "data[]", "\x00", "video"])
            return f"{quote_from_bytes(name.encode())}={quote_from_bytes(rng.randbytes(rng.randint(0, 60)))}".encode()
    encoded = quote_from_bytes(data.encode(), safe=rng.choice(["", "/", "/.%&=", "/.\\{}$`'*?;:@,()"]))
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        encoded = quote_from_bytes(encoded.encode(), safe="/")
    return f"data={encoded}".encode()


def _ask(port: int, asked: bytes) -> int:
    """The answer's status; 0 when there was none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S + 10) as line:
            line.sendall(b"POST /download_and_analyze?" + asked + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            answer = http.client.HTTPResponse(line, method="POST")
            answer.begin()
            answer.read()
            return answer.status
    except (OSError, http.client.HTTPException):
        return 0


@contextlib.contextmanager
def _shim(ground: Ground, told: Settings) -> Iterator[int]:
    """The older interface on a free port."""
    app = create_app(ground.backend, told)
    waiters = app.extensions["waiters"]
    server = Server(app, "127.0.0.1", 0, waiters=waiters, most_waiters=CLIENTS, max_body_bytes=MAX_BODY_BYTES)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()
