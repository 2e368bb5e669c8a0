"""The older HTTP interface: `POST /download_and_analyze?data=temp/video/user/{account}/{name}`.

It is a client like the app: it writes a document, waits for the result, and answers over HTTP. It does not wait for the
annotated video, which the older app does not fetch.

The older server sent the result in the answer to the request, so an app that lost the connection repeats the request. A
repeated request therefore joins the unfinished job. Two requests at the same time, even at two shims, lead to one job: the
document's id is computed from the video and its latest run, and only one of them can create the document.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from flask import Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from consumer.backends import SERVER_TIME, Backend, Conflict, DocumentStore, Snapshot, StoreError, Unavailable
from consumer.http.tokens import InvalidToken, Verify, may_use
from consumer.jobs.document import Status, has_result, status_of
from consumer.jobs.errors import ErrorCode, JobError
from consumer.jobs.paths import LegacyVideo, NotAllowed, PathError
from consumer.settings import Settings
from feedback.exercises import CATALOGUE
from feedback.words import N_, language_of, languages, words_of

log = structlog.get_logger(__name__)

FIRST_POLL_S = 0.2
LONGEST_POLL_S = 2.0
POLL_GROWTH = 1.3
"""Seconds between two reads of the document: short at first, so that a short job is answered quickly; later two seconds."""

MAX_BODY_BYTES = 64 * 1024
"""Largest body of a request. The older app sends no body, and the JSON of the web client is small."""

RETRY_AFTER_S = 10
"""Seconds in the Retry-After header of a refused request."""

_NOT_FINISHED = N_("The analysis takes longer than expected. It goes on; please ask again in a moment.")
_BUSY = N_("The service is busy at the moment. Please try again in a moment.")
_SIGN_IN = N_("Please sign in again.")

HttpAnswer = tuple[Response, int]


class NotFinished(Exception):
    """The job was not finished within the timeout. The job continues."""


class Busy(Exception):
    """The largest number of waiting requests is reached."""


class Waiters:
    """Limits the number of waiting requests, and ends their wait when the server stops.

    Args:
        most: requests that may wait at once.
    """

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)
        self.stopping = threading.Event()

    def __enter__(self) -> None:
        if not self._free.acquire(blocking=False):
            raise Busy

    def __exit__(self, *_: object) -> None:
        self._free.release()


def create_app(
    backend: Backend, settings: Settings, *, exercises: Iterable[str] = CATALOGUE, verify: Verify | None = None
) -> Flask:
    """Create the Flask application.

    Args:
        backend: the stores.
        settings: the `shim_` settings are used.
        exercises: the ids of the known exercises, which the name of a video may contain.
        verify: checks a Firebase ID token; with None no token is needed.
    """
    app = Flask("dothis.shim", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's own provider
    waiters = app.extensions["waiters"] = Waiters(settings.shim_max_waiting)
    documents = backend.documents

    @app.post("/download_and_analyze")
    def download_and_analyze() -> Response:
        # The older server took the first parameter, whatever its name. It is percent-decoded here, once and never again.
        legacy = LegacyVideo.parse(next(iter(request.args.values()), ""))
        if verify is not None:
            _check_token(verify, legacy.account)
        with waiters:
            job_id = submit(documents, legacy, _language(settings), exercises)
            log.info("waiting", job=job_id)
            _raise_failure(_wait(documents, job_id, settings.shim_timeout_s, waiters.stopping))
        return jsonify("RESULT")

    @app.route("/hello", methods=["GET", "POST"])
    def hello() -> Response:
        return jsonify("Hello!")

    @app.get("/healthz")
    def healthz() -> Response:
        documents.find({"status": str(Status.UPLOADED)}, limit=1)
        return jsonify({"status": "ok"})

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    _register_errors(app, settings)
    return app


def submit(documents: DocumentStore, legacy: LegacyVideo, language: str, exercises: Iterable[str] = CATALOGUE) -> str:
    """Write a document for the video, or join the one that is not finished.

    Args:
        documents: the document store.
        legacy: the request.
        language: language of the feedback.
        exercises: the ids of the known exercises.

    Returns:
        The document's id.

    Raises:
        StoreError: the store cannot be reached.
    """
    fields: dict[str, Any] = {
        "owner": legacy.account,
        "video": legacy.video,
        "origin": "shim",
        "status": str(Status.UPLOADED),
        "createdAt": SERVER_TIME,
        "language": language,
    }
    exercise = legacy.exercise(exercises)
    if exercise is not None:
        fields["exercise"] = exercise
    wanted = {"origin": "shim", "video": legacy.video}
    latest = next(iter(documents.find(wanted, order_by="createdAt", descending=True, limit=1)), None)
    if latest is not None and not _final(latest):
        return latest.id
    before = latest.id if latest else ""
    job_id = f"shim-{hashlib.sha256(f'{legacy.video} {before}'.encode()).hexdigest()[:32]}"
    # A conflict means that the same request at the same moment has created the document: join its job.
    with suppress(Conflict):
        documents.create(job_id, fields)
    return job_id


def _final(snapshot: Snapshot) -> bool:
    status = status_of(snapshot.fields)
    return status is None or status.final


def _wait(documents: DocumentStore, job_id: str, timeout_s: float, stopping: threading.Event) -> Mapping[str, Any]:
    """Wait until the document has a result or a final status, and return its fields. An outage of the store only delays
    this."""
    gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
    deadline = time.monotonic() + timeout_s
    pause = FIRST_POLL_S
    while True:
        try:
            snapshot = documents.get(job_id)
        except Unavailable as error:
            log.warning("store unavailable", job=job_id, reason=str(error))
        else:
            if snapshot is None:
                raise JobError(ErrorCode.CANCELLED, "the document was deleted")
            if _final(snapshot) or has_result(snapshot.fields):
                return snapshot.fields
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotFinished
        if stopping.wait(min(pause, left)) or gone():
            raise JobError(ErrorCode.UNAVAILABLE, "the shim is stopping, or the client has closed the connection")
        pause = min(pause * POLL_GROWTH, LONGEST_POLL_S)


def _raise_failure(fields: Mapping[str, Any]) -> None:
    status = status_of(fields)
    if status is Status.DONE or not (status and status.final):
        return
    if status is Status.CANCELLED:
        raise JobError(ErrorCode.CANCELLED)
    error = fields.get("error")
    raise Failed(error if isinstance(error, Mapping) else {})


class Failed(Exception):
    """The job failed.

    Attributes:
        code: the document's error code.
        message: the document's sentence for the user; None if it has none.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("code"))
        known = error.get("code") in list(ErrorCode)
        self.code = ErrorCode(error["code"]) if known else ErrorCode.INTERNAL
        self.message = error.get("message")


def _check_token(verify: Verify, account: str) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken("There is no bearer token.")
    if not may_use(verify(token), account):
        raise NotAllowed("The token is another account's.")


def _language(settings: Settings) -> str:
    return request.accept_languages.best_match(languages()) or language_of(settings.shim_language)


def _register_errors(app: Flask, settings: Settings) -> None:
    def say(message: str) -> str:
        return words_of(_language(settings))(message)

    @app.errorhandler(PathError)
    def path_error(error: PathError) -> HttpAnswer:
        code = ErrorCode.NOT_ALLOWED if isinstance(error, NotAllowed) else ErrorCode.INVALID_REQUEST
        return _answer(code, JobError(code, str(error)).message(_language(settings)))

    @app.errorhandler(JobError)
    def job_error(error: JobError) -> HttpAnswer:
        return _answer(error.code, error.message(_language(settings)))

    @app.errorhandler(Failed)
    def failed(error: Failed) -> HttpAnswer:
        return _answer(error.code, error.message or error.code.message(_language(settings)))

    @app.errorhandler(InvalidToken)
    def invalid_token(_: InvalidToken) -> HttpAnswer:
        response, status = _answer(ErrorCode.NOT_ALLOWED, say(_SIGN_IN), 401)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response, status

    @app.errorhandler(Busy)
    def busy(_: Busy) -> HttpAnswer:
        return _answer(ErrorCode.UNAVAILABLE, say(_BUSY))

    @app.errorhandler(NotFinished)
    def not_finished(_: NotFinished) -> HttpAnswer:
        return _answer("not_finished", say(_NOT_FINISHED), 504)

    @app.errorhandler(StoreError)
    def store_error(error: StoreError) -> HttpAnswer:
        current_app.logger.debug("store error", exc_info=error)
        code = ErrorCode.UNAVAILABLE if isinstance(error, Unavailable) else ErrorCode.INTERNAL
        log.error("store failed", error=type(error).__name__, reason=str(error))
        return _answer(code, code.message(_language(settings)))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> HttpAnswer:
        return _answer(ErrorCode.INVALID_REQUEST, error.description or error.name, error.code)

    @app.errorhandler(Exception)
    def internal(error: Exception) -> HttpAnswer:
        log.error("request failed", exc_info=error)
        return _answer(ErrorCode.INTERNAL, ErrorCode.INTERNAL.message(_language(settings)))


def _answer(code: ErrorCode | str, message: str, status: int | None = None) -> HttpAnswer:
    if status is None:
        status = ErrorCode(code).http_status
    response = jsonify({"error": str(code), "message": message})
    if status == ErrorCode.UNAVAILABLE.http_status:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response, status
