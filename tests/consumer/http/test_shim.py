"""The older HTTP interface, over the embedded backend and, where threads matter, a real server."""

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from consumer.backends import SERVER_TIME, Backend, Conflict, Denied, DocumentStore, Snapshot, Unavailable
from consumer.backends.local import open_local
from consumer.http import serving, shim
from consumer.http.serving import Server
from consumer.http.tokens import InvalidToken
from consumer.jobs.errors import ErrorCode
from consumer.jobs.paths import LEGACY_UPLOADS
from consumer.settings import Settings
from tests.consumer_kit import eventually, in_background

pytestmark = pytest.mark.slow

DATA = "temp/video/user/user@example.com/exercise_Squat_2305092259"
VIDEO = DATA + ".mp4"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    opened = open_local(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shim, "FIRST_POLL_S", 0.01)
    monkeypatch.setattr(shim, "LONGEST_POLL_S", 0.02)


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **{"shim_timeout_s": 10, **changes})


def jobs(backend: Backend) -> list[Snapshot]:
    return backend.documents.find({}, limit=1000)


@contextmanager
def daemon(backend: Backend, *ends: Mapping[str, Any], video: str | None = None) -> Iterator[list[Snapshot]]:
    """Ends each job that appears (or only those of one video) with the next of `ends`; yields the jobs as they were found."""
    seen: list[Snapshot] = []
    stop = threading.Event()

    def run() -> None:
        left = list(ends)
        while left and not stop.wait(0.01):
            for job in backend.documents.find({"status": "uploaded", **({"video": video} if video else {})}):
                seen.append(job)
                backend.documents.update(job, left.pop(0))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def post(app: Flask, query: str = f"data={DATA}", **more: Any) -> TestResponse:
    return app.test_client().post(f"/download_and_analyze?{query}", **more)


def failed(code: str, message: str = "A sentence.") -> dict[str, Any]:
    return {"status": "failed", "error": {"code": code, "message": message, "retryable": False}}


def test_a_success_is_the_json_string_result(backend: Backend) -> None:
    with daemon(backend, {"status": "done"}) as seen:
        answer = post(shim.create_app(backend, settings()))
    assert (answer.status_code, answer.content_type, answer.get_json()) == (200, "application/json", "RESULT")
    fields = dict(seen[0].fields)
    assert fields.pop("createdAt").tzinfo is not None
    assert fields == {
        "owner": "user@example.com",
        "video": VIDEO,
        "origin": "shim",
        "status": "uploaded",
        "exercise": "squat",
        "language": "en",
    }


def test_it_answers_at_the_result_and_does_not_wait_for_the_video(backend: Backend) -> None:
    with daemon(backend, {"status": "processing", "result": {"reps": 5}}):
        answer = post(shim.create_app(backend, settings()))
    assert (answer.status_code, answer.get_json()) == (200, "RESULT")


def test_a_job_that_was_retried_after_its_result_is_a_success_too(backend: Backend) -> None:
    with daemon(backend, {"status": "waiting", "result": {"reps": 5}, "error": {"code": "analysis_crashed"}}):
        assert post(shim.create_app(backend, settings())).status_code == 200


def test_an_unknown_exercise_in_the_name_is_left_to_be_recognised(backend: Backend) -> None:
    with daemon(backend, {"status": "done"}) as seen:
        post(shim.create_app(backend, settings()), "data=temp/video/user/ann/exercise_Zumba_1")
    assert "exercise" not in seen[0].fields


@pytest.mark.parametrize(
    "query", [f"video={DATA}", f"={DATA}", f"data={DATA}&data=x&other=y", f"anything={quote(DATA, safe='')}"]
)
def test_the_first_parameter_counts_whatever_its_name(backend: Backend, query: str) -> None:
    with daemon(backend, {"status": "done"}) as seen:
        assert post(shim.create_app(backend, settings()), query).status_code == 200
    assert seen[0].fields["video"] == VIDEO


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_request", 400),
        ("not_allowed", 403),
        ("video_missing", 404),
        ("video_too_large", 413),
        ("video_too_long", 413),
        ("video_unreadable", 422),
        ("no_person", 422),
        ("no_exercise", 422),
        ("timed_out", 500),
        ("analysis_crashed", 500),
        ("unavailable", 503),
        ("internal", 500),
    ],
)
def test_a_failed_job_answers_with_its_code_and_sentence(backend: Backend, code: str, status: int) -> None:
    with daemon(backend, failed(code)):
        answer = post(shim.create_app(backend, settings()))
    assert answer.status_code == status
    assert answer.get_json() == {"error": code, "message": "A sentence."}
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_a_failure_without_a_readable_error_is_internal(backend: Backend) -> None:
    with daemon(backend, {"status": "failed", "error": {"code": "of next year"}}):
        answer = post(shim.create_app(backend, settings()))
    assert (answer.status_code, answer.get_json()["error"]) == (500, "internal")
    assert answer.get_json()["message"]


def test_a_cancelled_job_is_a_conflict(backend: Backend) -> None:
    with daemon(backend, {"status": "cancelled"}):
        answer = post(shim.create_app(backend, settings()))
    assert (answer.status_code, answer.get_json()["error"]) == (409, "cancelled")


def test_a_deleted_document_counts_as_cancelled(backend: Backend) -> None:
    app = shim.create_app(backend, settings())
    answers: list[TestResponse] = []
    thread = threading.Thread(target=lambda: answers.append(post(app)))
    thread.start()
    while not jobs(backend):
        time.sleep(0.01)
    backend.documents.delete(jobs(backend)[0].id)
    thread.join()
    assert answers[0].status_code == 409


def test_the_wait_ends_and_the_job_goes_on_and_is_joined(backend: Backend) -> None:
    app = shim.create_app(backend, settings(shim_timeout_s=0.1))
    for _ in range(2):
        answer = post(app)
        assert (answer.status_code, answer.get_json()["error"]) == (504, "not_finished")
    (job,) = jobs(backend)
    assert job.fields["status"] == "uploaded"
    for status in ("processing", "waiting"):
        backend.documents.update(jobs(backend)[0], {"status": status})
        assert post(app).status_code == 504
        assert len(jobs(backend)) == 1
    with daemon(backend):
        backend.documents.update(jobs(backend)[0], {"status": "done"})
    assert post(app).status_code == 504  # a finished job is not joined: this one is new
    assert len(jobs(backend)) == 2


def test_the_same_request_twenty_times_at_once_is_one_job(backend: Backend) -> None:
    apps = [shim.create_app(backend, settings()) for _ in range(4)]  # as many processes would
    answers: list[int] = []
    threads = [threading.Thread(target=lambda app=apps[i % 4]: answers.append(post(app).status_code)) for i in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    with daemon(backend, {"status": "done"}) as seen:
        for thread in threads:
            thread.join()
    assert answers == [200] * 20
    assert len(seen) == len(jobs(backend)) == 1


def test_a_request_reads_one_document_however_many_runs_there_were(backend: Backend) -> None:
    found: list[int] = []

    class Counted:
        def find(self, *arguments: Any, **options: Any) -> Any:
            page = backend.documents.find(*arguments, **options)
            found.append(len(page))
            return page

        def __getattr__(self, name: str) -> Any:
            return getattr(backend.documents, name)

    legacy = shim.LegacyVideo.parse(DATA)
    for _ in range(103):
        job_id = shim.submit(backend.documents, legacy, "en")
        snapshot = backend.documents.get(job_id)
        assert snapshot is not None
        backend.documents.update(snapshot, {"status": "done"})
    shim.submit(Counted(), legacy, "en")  # type: ignore[arg-type]
    assert len(backend.documents.find({}, limit=200)) == 104
    assert found == [1]


def test_a_document_with_a_foreign_id_does_no_harm(backend: Backend) -> None:
    legacy = shim.LegacyVideo.parse(DATA)
    fields = {"origin": "shim", "video": legacy.video, "createdAt": SERVER_TIME}
    backend.documents.create("by-hand", {**fields, "status": "done"})
    job_id = shim.submit(backend.documents, legacy, "en")
    assert job_id != "by-hand"
    assert shim.submit(backend.documents, legacy, "en") == job_id


def test_one_request_more_than_may_wait_is_asked_to_come_again(backend: Backend) -> None:
    app = shim.create_app(backend, settings(shim_max_waiting=1))
    waiting = threading.Thread(target=lambda: post(app))
    waiting.start()
    while not jobs(backend):
        time.sleep(0.01)
    answer = post(app, "data=temp/video/user/bob/b")
    assert (answer.status_code, answer.get_json()["error"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(jobs(backend)) == 1
    with daemon(backend, {"status": "done"}):
        waiting.join()
    with daemon(backend, {"status": "done"}):
        assert post(app, "data=temp/video/user/bob/b").status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid_request"),
        ("data=", 400, "invalid_request"),
        ("data=temp/video/user/ann", 400, "invalid_request"),
        ("data=temp/video/user/../ann/a", 400, "invalid_request"),
        ("data=temp/video/user/%2e%2e/a", 400, "invalid_request"),
        ("data=temp/video/user/ann%00/a", 400, "invalid_request"),
        ("data=/temp/video/user/ann/a", 400, "invalid_request"),
        ("data=" + "a" * 1025, 400, "invalid_request"),
        ("data=users/ann/uploads/a", 403, "not_allowed"),
        ("data=temp/video/user/users/a", 403, "not_allowed"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_is_written(backend: Backend, query: str, status: int, code: str) -> None:
    answer = post(shim.create_app(backend, settings()), query)
    assert (answer.status_code, answer.get_json()["error"]) == (status, code)
    assert answer.get_json()["message"].endswith((".", ")"))
    assert jobs(backend) == []


def test_percent_signs_are_decoded_once(backend: Backend) -> None:
    with daemon(backend, {"status": "done"}) as seen:
        post(shim.create_app(backend, settings()), "data=temp/video/user/ann/%252e%252e")
    assert seen[0].fields["video"] == "temp/video/user/ann/%2e%2e.mp4"


def hostile_queries() -> list[str]:
    """500 parameters, the same in every run: paths taken apart and put together wrongly, in every encoding."""
    chance = random.Random(20230509)
    pieces = ["temp", "video", "user", "ann", "bob", "users", "uploads", "references", "..", ".", "", "...", "%2e%2e", "%252e"]
    pieces += [
        "\0",
        "\n",
        "\r\nSet-Cookie: a=b",
        "\x1b[2J",
        "\x7f",
        "\u202e",
        "\u2028",
        "é" * 40,
        "a" * 300,
        "\\..\\..",
        "~",
        "$(id)",
        "`id`",
    ]
    pieces += [
        "'; DROP TABLE documents;--",
        "<script>",
        "{{7*7}}",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "C:",
        "nul",
        "%s%n",
        "*",
        " ",
    ]
    queries = []
    for number in range(500):
        value = "/".join(chance.choice(pieces) for _ in range(chance.randint(1, 8)))
        if number % 2:
            value = LEGACY_UPLOADS + value
        if number % 7 == 0:
            value = chance.choice(["/", "//", "\\", "./"]) + value
        name = chance.choice(["data", "", "x" * 50, "data[]", "__proto__"])
        raw = value.encode() + chance.choice([b"", b"", b"", b"\xff\xfe", b"\xc0\xae\xc0\xae/"])
        queries.append(f"{quote(name)}={quote(raw, safe=chance.choice(['', '/']))}")
    return queries


def test_500_hostile_parameters_reach_nothing_but_an_accounts_own_video(backend: Backend) -> None:
    app = shim.create_app(backend, settings(shim_timeout_s=0.001))
    statuses = set()
    for query in hostile_queries():
        answer = post(app, query)
        statuses.add(answer.status_code)
        assert set(answer.get_json()) == {"error", "message"}
        assert "\n" not in "".join(value for _, value in answer.headers)
    assert statuses == {400, 403, 504}
    for job in jobs(backend):
        start, _, rest = job.fields["video"].partition(LEGACY_UPLOADS)
        assert start == ""
        account, name = rest.split("/")
        assert account == job.fields["owner"]
        assert {account, name}.isdisjoint({"", ".", ".."})
        assert not set("\0\n\r\\") & set(rest)


class Broken:
    """A store that fails in one way, but for what is told apart."""

    def __init__(self, store: DocumentStore, error: Exception, times: int) -> None:
        self._store, self._error, self._left = store, error, times

    def get(self, job_id: str) -> Snapshot | None:
        if self._left:
            self._left -= 1
            raise self._error
        return self._store.get(job_id)

    def find(self, *_: Any, **__: Any) -> list[Snapshot]:
        raise self._error


def test_the_shim_waits_through_a_short_outage_of_the_store(backend: Backend) -> None:
    class Flaky(Broken):
        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        find = property(lambda self: self._store.find)  # type: ignore[assignment]

    app = shim.create_app(Backend("local", Flaky(backend.documents, Unavailable("away"), 5), backend.objects), settings())
    with daemon(backend, {"status": "done"}):
        assert post(app).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unavailable("away"), 503, "unavailable"),
        (Denied("no credentials"), 500, "internal"),
        (RuntimeError("a bug"), 500, "internal"),
    ],
)
def test_a_store_that_fails_is_an_answer_of_json(backend: Backend, error: Exception, status: int, code: str) -> None:
    app = shim.create_app(Backend("local", Broken(backend.documents, error, 1), backend.objects), settings())  # type: ignore[arg-type]
    for answer in (post(app), app.test_client().get("/healthz")):
        assert (answer.status_code, answer.get_json()["error"]) == (status, code)
        assert str(error) not in answer.get_data(as_text=True)


def test_hello_and_health(backend: Backend) -> None:
    client = shim.create_app(backend, settings()).test_client()
    assert client.get("/hello").get_json() == client.post("/hello").get_json() == "Hello!"
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/download_and_analyze", 405), ("POST", "/nothing", 404)])
def test_other_requests_are_errors_of_json(backend: Backend, method: str, path: str, status: int) -> None:
    answer = shim.create_app(backend, settings()).test_client().open(path, method=method)
    assert answer.status_code == status
    assert answer.get_json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("default", "header", "language"),
    [("en", None, "en"), ("ko", None, "ko"), ("en", "ko-KR,ko;q=0.9", "ko"), ("ko", "fr", "ko"), ("xx", None, "en")],
)
def test_the_language_is_the_requests_or_the_settings(
    backend: Backend, default: str, header: str | None, language: str
) -> None:
    app = shim.create_app(backend, settings(shim_language=default))
    headers = {"Accept-Language": header} if header else {}
    with daemon(backend, {"status": "cancelled"}) as seen:
        answer = post(app, headers=headers)
    assert seen[0].fields["language"] == language
    assert answer.get_json()["message"] == ErrorCode.CANCELLED.message(language)


def verify(token: str) -> Mapping[str, Any]:
    """Stands in for Google's keys: a token is its own claims."""
    try:
        return json.loads(token)
    except ValueError as error:
        raise InvalidToken("forged") from error


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Basic YTpi", 401),
        ("Bearer ", 401),
        ("Bearer forged", 401),
        ('Bearer {"uid": "somebody"}', 403),
        ('Bearer {"uid": "1", "email": "user@example.com"}', 403),
        ('Bearer {"uid": "1", "email": "user@example.com", "email_verified": false}', 403),
        ('Bearer {"uid": "1", "email": "User@Example.com", "email_verified": true}', 200),
        ('bearer {"uid": "user@example.com"}', 200),
    ],
)
def test_with_tokens_only_the_account_itself_is_answered(backend: Backend, authorization: str | None, status: int) -> None:
    app = shim.create_app(backend, settings(), verify=verify)
    headers = {"Authorization": authorization} if authorization else {}
    with daemon(backend, {"status": "done"}) as seen:
        answer = post(app, headers=headers)
    assert answer.status_code == status
    assert len(seen) == (status == 200)
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.fixture
def served(backend: Backend) -> Iterator[tuple[Server, int]]:
    app = shim.create_app(backend, settings(shim_max_waiting=2))
    server = Server(app, "127.0.0.1", 0, waiters=app.extensions["waiters"], most_waiters=2, max_body_bytes=10_000)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server, server.port
    server.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()
    server.stop()  # a second signal, when it has ended already


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_server_answers_health_while_all_waiters_wait_and_lets_them_go_at_the_end(
    backend: Backend, served: tuple[Server, int]
) -> None:
    server, port = served
    answers: list[int] = []
    waiting = [
        threading.Thread(target=lambda n=n: answers.append(ask(port, "POST", f"/download_and_analyze?data={DATA}{n}")[0]))
        for n in range(2)
    ]
    for thread in waiting:
        thread.start()
    while len(jobs(backend)) < 2:
        time.sleep(0.01)
    assert ask(port, "GET", "/healthz")[0] == 200
    assert ask(port, "POST", f"/download_and_analyze?data={DATA}3")[0] == 503
    server.stop()
    for thread in waiting:
        thread.join(timeout=10)
    assert answers == [503, 503]
    assert [job.fields["status"] for job in jobs(backend)] == ["uploaded", "uploaded"]


def test_a_client_that_leaves_makes_room(backend: Backend, served: tuple[Server, int]) -> None:
    _, port = served
    for n in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", f"/download_and_analyze?data={DATA}{n}")
        while len(jobs(backend)) <= n:
            time.sleep(0.01)
        connection.close()
    deadline = time.monotonic() + 5
    with daemon(backend, {"status": "done"}, video=f"{DATA}3.mp4"):
        while (status := ask(port, "POST", f"/download_and_analyze?data={DATA}3")[0]) == 503:
            assert time.monotonic() < deadline
    assert status == 200


@pytest.mark.parametrize("sent", [b"", b"POST /hello HTTP/1.1\r\nHost: a\r\n"])
def test_idle_connections_hold_the_server_no_longer_than_the_deadline(
    served: tuple[Server, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    _, port = served
    monkeypatch.setattr(serving, "HEADER_S", 1.0)
    with contextlib.ExitStack() as idle:
        connections = [idle.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)]
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(sent)
        for connection in connections:
            connection.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        assert ask(port, "GET", "/hello")[0] == 200
    assert eventually(lambda: "from 127.0.0.1" in caplog.text)


def test_slow_bytes_of_a_header_do_not_move_the_deadline(served: tuple[Server, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEADER_S", 1.0)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", served[1])) as slow, contextlib.suppress(ConnectionError):
        while time.monotonic() - began < 10:
            slow.sendall(b"P")
            time.sleep(0.1)
    assert time.monotonic() - began < 5


def test_one_address_cannot_take_all_connections(served: tuple[Server, int]) -> None:
    _, port = served
    with contextlib.ExitStack() as idle:
        for _ in range(30):
            idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=("127.0.0.2", 0)) as other:
            other.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 200")


def test_connections_that_wait_for_a_job_stay_open(
    backend: Backend, served: tuple[Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEADER_S", 0.5)
    answers: list[int] = []
    waiting = in_background(lambda: answers.append(ask(served[1], "POST", f"/download_and_analyze?data={DATA}")[0]))
    time.sleep(2)
    with daemon(backend, {"status": "done"}):
        waiting.join(10)
    assert answers == [200]


def test_health_of_the_server_says_when_it_hangs(served: tuple[Server, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert served[0].health().status == "ok"
    monkeypatch.setattr(serving, "HANGS_S", -1.0)
    assert served[0].health().defects


def test_a_large_body_and_a_large_header_are_refused(served: tuple[Server, int]) -> None:
    _, port = served
    assert ask(port, "POST", "/hello", b"x" * 20_000)[0] == 413
    assert ask(port, "POST", "/hello?" + "x" * 20_000)[0] == 431


def test_a_port_in_use_is_an_error_at_once(backend: Backend, served: tuple[Server, int]) -> None:
    app = shim.create_app(backend, settings())
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        Server(app, "127.0.0.1", served[1], waiters=app.extensions["waiters"], most_waiters=1, max_body_bytes=1)


def test_two_that_find_the_same_number_of_runs_agree_on_one_job(backend: Backend) -> None:
    class Late:
        """Somebody else creates the same run between the look and the creation, once."""

        def __init__(self) -> None:
            self.lost = 0

        def create(self, job_id: str, fields: Mapping[str, Any]) -> None:
            if not self.lost:
                backend.documents.create(job_id, fields)
            self.lost += 1
            raise Conflict

        def __getattr__(self, name: str) -> Any:
            return getattr(backend.documents, name)

    late = Late()
    job_id = shim.submit(late, shim.LegacyVideo.parse(DATA), "en")  # type: ignore[arg-type]
    assert late.lost == 1
    assert [job.id for job in jobs(backend)] == [job_id]
