"""`dothis up --web`: the reference web client, and the small API that stands in for Firebase on the embedded backend.

A random cookie identifies the user; the owner in documents and paths is a hash of it. Use it for trials only: there is no
sign-in, and anyone who can reach the port can upload videos.

    POST /app/api/videos?name=clip.mp4     the video itself; 201 {video}
    POST /app/api/jobs                     {video, exercise?, reference?, language?}; 201 {id}
    GET  /app/api/jobs/ID                  the document
    POST /app/api/jobs/ID/cancel           204
    GET  /app/api/files/PATH               a result, also in ranges
    GET  /app/exercises.json               the catalogue, as `dothis exercises --json` prints it
"""

import hashlib
import re
import secrets
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request, send_file, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from consumer.backends import SERVER_TIME, Backend, Conflict, Missing, Snapshot
from consumer.catalogue import Catalogue
from consumer.jobs.document import Status
from consumer.jobs.errors import ErrorCode, JobError
from consumer.jobs.paths import InvalidPath, check_path, uploads_prefix
from consumer.jobs.results import CONTENT_TYPES
from consumer.settings import Settings

CLIENT_DIR = Path(__file__).with_name("client")
COOKIE = "dothis_guest"
SHOWN = ("status", "attempt", "progress", "notBefore", "error", "result", "createdAt", "startedAt", "finishedAt")
POLICY = "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'"


def create_blueprint(backend: Backend, settings: Settings, catalogue: Catalogue | None = None) -> Blueprint:
    """Pages and API under /app/, and a redirect from / to there. Without a catalogue the package's exercises are listed."""
    web = Blueprint("web", __name__)
    described = (catalogue or Catalogue()).describe()

    @web.get("/")
    def home() -> AnyResponse:
        return redirect("/app/")

    @web.get("/app/exercises.json")
    def exercises() -> Response:
        return jsonify(described)

    @web.get("/app/")
    @web.get("/app/<name>")
    def page(name: str = "index.html") -> Response:
        response = send_from_directory(CLIENT_DIR, name, max_age=0)
        response.headers["Content-Security-Policy"] = POLICY
        if COOKIE not in request.cookies:
            response.set_cookie(
                COOKIE, secrets.token_urlsafe(32), max_age=365 * 86_400, path="/app", httponly=True, samesite="Strict"
            )
        return response

    @web.post("/app/api/jobs")
    def submit() -> tuple[Response, int]:
        wanted = request.get_json()
        if not isinstance(wanted, dict):
            raise JobError(ErrorCode.INVALID_REQUEST, "the body must be a JSON object")
        job_id = secrets.token_hex(10)
        fields = {name: wanted[name] for name in ("video", "exercise", "reference", "language") if name in wanted}
        new = {"owner": _owner(), "status": str(Status.UPLOADED), "createdAt": SERVER_TIME}
        backend.documents.create(job_id, {**fields, **new})
        return jsonify({"id": job_id}), 201

    @web.get("/app/api/jobs/<job_id>")
    def show(job_id: str) -> Response:
        fields = _own(backend, job_id).fields
        return jsonify({name: _for_json(fields[name]) for name in SHOWN if name in fields})

    @web.post("/app/api/jobs/<job_id>/cancel")
    def cancel(job_id: str) -> tuple[str, int]:
        while True:
            try:
                backend.documents.update(_own(backend, job_id), {"cancelRequested": True})
            except Conflict:
                continue  # a heartbeat was written in between
            return "", 204

    @web.errorhandler(Missing)
    def missing(_: Missing) -> tuple[Response, int]:
        return jsonify({"error": "not_found", "message": "There is nothing here."}), 404

    _add_objects(web, backend, settings)
    return web


def _add_objects(web: Blueprint, backend: Backend, settings: Settings) -> None:
    @web.post("/app/api/videos")
    def upload() -> tuple[Response, int]:
        owner = _owner()
        # The body is streamed to a file; all other bodies are read into memory and have a small limit.
        request.max_content_length = settings.max_video_bytes
        size = request.content_length
        if size is None:
            raise JobError(ErrorCode.INVALID_REQUEST, "Content-Length is missing")
        if size > settings.max_video_bytes:
            raise JobError(ErrorCode.VIDEO_TOO_LARGE)
        if shutil.disk_usage(settings.data_dir).free < 2 * size + settings.min_free_bytes:
            raise JobError(ErrorCode.UNAVAILABLE, "the volume is full")
        ending = re.search(r"\.[a-z0-9]{1,5}$", request.args.get("name", "").lower())
        path = f"{uploads_prefix(owner)}{secrets.token_hex(16)}{ending.group() if ending else '.mp4'}"
        with tempfile.NamedTemporaryFile(prefix="dothis-upload-") as file:
            shutil.copyfileobj(request.stream, file)
            file.flush()
            backend.objects.upload(Path(file.name), path, content_type="application/octet-stream")
        return jsonify({"video": path}), 201

    @web.get("/app/api/files/<path:path>")
    def result_file(path: str) -> Response:
        try:
            check_path(path)
        except InvalidPath as error:
            raise Missing("no such file") from error
        content_type = CONTENT_TYPES.get(PurePosixPath(path).suffix)
        if not path.startswith(f"users/{_owner()}/results/") or content_type is None:
            raise Missing("no such file")
        with tempfile.TemporaryDirectory(prefix="dothis-result-") as directory:
            copy = Path(directory) / "file"
            backend.objects.download(path, copy, max_bytes=settings.max_video_bytes)
            # The answer keeps the file open, so the directory can be removed now.
            response = send_file(copy, mimetype=content_type, max_age=3600, etag=False)
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response


def _owner() -> str:
    secret = request.cookies.get(COOKIE, "")
    if len(secret) < 32:
        raise JobError(ErrorCode.NOT_ALLOWED, "the cookie of /app/ is missing")
    return f"guest-{hashlib.sha256(secret.encode()).hexdigest()[:24]}"


def _own(backend: Backend, job_id: str) -> Snapshot:
    snapshot = backend.documents.get(job_id)
    if snapshot is None or snapshot.fields.get("owner") != _owner():
        raise Missing("no such job")
    return snapshot


def _for_json(value: Any) -> Any:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
