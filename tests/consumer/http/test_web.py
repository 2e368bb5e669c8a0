"""The web client's small API on the embedded backend."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from consumer.backends import Backend
from consumer.backends.local import open_local
from consumer.catalogue import Catalogue
from consumer.http import shim, web
from consumer.settings import Settings
from feedback.exercises import extend_catalogue
from tests.work import ROOT

pytestmark = pytest.mark.slow

API = "/app/api"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    opened = open_local(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def guest(backend: Backend, tmp_path: Path) -> FlaskClient:
    return visitor(backend, tmp_path)


class BufferedClient(FlaskClient):
    """Reads and closes every answer, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


def visitor(backend: Backend, data_dir: Path, max_video_bytes: int = 1000) -> FlaskClient:
    settings = Settings(_env_file=None, data_dir=data_dir, max_video_bytes=max_video_bytes)
    app = shim.create_app(backend, settings)
    app.register_blueprint(web.create_blueprint(backend, settings))
    app.test_client_class = BufferedClient
    client = app.test_client()
    assert client.get("/", follow_redirects=True).status_code == 200
    return client


def submitted(client: FlaskClient) -> str:
    video = client.post(f"{API}/videos?name=Squat.MOV", data=b"film").get_json()["video"]
    answer = client.post(f"{API}/jobs", json={"video": video, "exercise": "squat", "language": "ko", "status": "done"})
    assert answer.status_code == 201
    return str(answer.get_json()["id"])


def test_the_page_lists_the_operators_exercises_too(backend: Backend, tmp_path: Path) -> None:
    content = (ROOT / "feedback" / "exercises" / "squat.yaml").read_bytes().replace(b"\nid: squat\n", b"\nid: box_squat\n")
    files = {"box_squat.yaml": content}
    settings = Settings(_env_file=None, data_dir=tmp_path)
    app = shim.create_app(backend, settings)
    app.register_blueprint(web.create_blueprint(backend, settings, Catalogue(extend_catalogue(files), files)))
    listed = {each["id"]: each["own"] for each in app.test_client().get("/app/exercises.json").get_json()}
    assert listed["box_squat"]
    assert not listed["squat"]


def test_the_page_is_all_there(guest: FlaskClient) -> None:
    page = guest.get("/app/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    for name in sorted(path.name for path in web.CLIENT_DIR.iterdir()):
        assert guest.get(f"/app/{name}").status_code == 200
    assert guest.get("/app/../settings.py").status_code == 404
    assert guest.get("/app/%2e%2e/settings.py").status_code == 404


def test_the_cookie_is_a_secret_and_stays(guest: FlaskClient, backend: Backend, tmp_path: Path) -> None:
    cookie = guest.get_cookie(web.COOKIE, path="/app")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")
    assert "Set-Cookie" not in guest.get("/app/").headers
    job = backend.documents.get(submitted(guest))
    assert job is not None
    assert cookie.value not in str(job.fields)


def test_a_video_becomes_an_object_and_a_document(guest: FlaskClient, backend: Backend, tmp_path: Path) -> None:
    job = backend.documents.get(submitted(guest))
    assert job is not None
    assert job.fields["status"] == "uploaded"
    assert job.fields["createdAt"].tzinfo is not None
    assert (job.fields["exercise"], job.fields["language"]) == ("squat", "ko")
    assert job.fields["video"].startswith(f"users/{job.fields['owner']}/uploads/")
    assert job.fields["video"].endswith(".mov")
    backend.objects.download(job.fields["video"], tmp_path / "copy", max_bytes=100)
    assert (tmp_path / "copy").read_bytes() == b"film"


def test_a_document_is_shown_without_what_is_nobodys_business(guest: FlaskClient, backend: Backend) -> None:
    job_id = submitted(guest)
    snapshot = backend.documents.get(job_id)
    assert snapshot is not None
    backend.documents.update(snapshot, {"status": "processing", "lease": {"token": "secret"}, "progress": {"percent": 5}})
    shown = guest.get(f"{API}/jobs/{job_id}").get_json()
    assert shown["status"] == "processing"
    assert shown["progress"] == {"percent": 5}
    assert shown["createdAt"].endswith("Z")
    assert "lease" not in shown


def test_a_job_can_be_cancelled(guest: FlaskClient, backend: Backend) -> None:
    job_id = submitted(guest)
    assert guest.post(f"{API}/jobs/{job_id}/cancel").status_code == 204
    snapshot = backend.documents.get(job_id)
    assert snapshot is not None
    assert snapshot.fields["cancelRequested"] is True


def test_a_result_is_served_whole_and_in_ranges(guest: FlaskClient, backend: Backend, tmp_path: Path) -> None:
    job = backend.documents.get(submitted(guest))
    assert job is not None
    path = f"users/{job.fields['owner']}/results/{job.id}/1/annotated.mp4"
    (tmp_path / "film").write_bytes(b"0123456789")
    backend.objects.upload(tmp_path / "film", path, content_type="video/mp4")
    whole = guest.get(f"{API}/files/{path}")
    assert (whole.status_code, whole.content_type, whole.data) == (200, "video/mp4", b"0123456789")
    part = guest.get(f"{API}/files/{path}", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.data) == (206, b"234")


def test_another_guest_sees_nothing_of_it(guest: FlaskClient, backend: Backend, tmp_path: Path) -> None:
    job_id = submitted(guest)
    job = backend.documents.get(job_id)
    assert job is not None
    path = f"users/{job.fields['owner']}/results/{job.id}/1/report.json"
    (tmp_path / "report").write_bytes(b"{}")
    backend.objects.upload(tmp_path / "report", path, content_type="application/json")
    other = visitor(backend, tmp_path)
    assert other.get(f"{API}/jobs/{job_id}").status_code == 404
    assert other.post(f"{API}/jobs/{job_id}/cancel").status_code == 404
    assert other.get(f"{API}/files/{path}").status_code == 404
    snapshot = backend.documents.get(job_id)
    assert snapshot is not None
    assert "cancelRequested" not in snapshot.fields


@pytest.mark.parametrize("path", ["users/{owner}/uploads/a.mp4", "documents.sqlite", "users/{owner}/results/../uploads/a.mp4"])
def test_only_results_are_served(guest: FlaskClient, backend: Backend, path: str) -> None:
    job = backend.documents.get(submitted(guest))
    assert job is not None
    assert guest.get(f"{API}/files/{path.format(owner=job.fields['owner'])}").status_code == 404


def test_what_is_read_into_memory_is_small(guest: FlaskClient, backend: Backend) -> None:
    answer = guest.post(f"{API}/jobs", json={"video": "x" * 100_000})
    assert answer.status_code == 413
    assert not backend.documents.find({})


def test_a_video_may_be_larger_than_other_bodies(backend: Backend, tmp_path: Path) -> None:
    client = visitor(backend, tmp_path, max_video_bytes=1_000_000)
    assert client.post(f"{API}/videos?name=a.mp4", data=bytes(200_000)).status_code == 201


def test_a_video_too_large_is_refused(guest: FlaskClient, backend: Backend) -> None:
    answer = guest.post(f"{API}/videos?name=a.mp4", data=b"x" * 1001)
    assert (answer.status_code, answer.get_json()["error"]) == (413, "video_too_large")
    assert list(backend.objects.list("")) == []


def test_a_full_volume_takes_no_video(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = visitor(backend, tmp_path)
    monkeypatch.setattr(web.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert client.post(f"{API}/videos", data=b"x").status_code == 503


def test_without_the_pages_cookie_nothing_is_taken(guest: FlaskClient) -> None:
    guest.delete_cookie(web.COOKIE, path="/app")
    for answer in (guest.post(f"{API}/videos", data=b"x"), guest.post(f"{API}/jobs", json={}), guest.get(f"{API}/files/a.png")):
        assert answer.status_code == 403


@pytest.mark.parametrize("body", ["[]", "1", "{", ""])
def test_a_body_that_is_no_object_is_refused(guest: FlaskClient, body: str) -> None:
    answer = guest.post(f"{API}/jobs", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(name=st.text(max_size=30))
def test_no_file_name_reaches_the_store(guest: FlaskClient, name: str) -> None:
    video = guest.post(f"{API}/videos", query_string={"name": name}, data=b"x").get_json()["video"]
    assert web.re.fullmatch(r"users/guest-[0-9a-f]{24}/uploads/[0-9a-f]{32}\.[a-z0-9]{1,5}", video)
