import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from consumer.operations import logs


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_every_line_is_json_with_the_names_of_cloud_logging(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("consumer.x").warning("%d jobs", 3)
    structlog.get_logger("shim").info("waiting", job="j")
    logging.getLogger("consumer.x").debug("unseen")
    first, second = lines(capsys)
    assert (first["severity"], first["message"], first["logger"]) == ("WARNING", "3 jobs", "consumer.x")
    assert (second["severity"], second["message"], second["job"]) == ("INFO", "waiting", "j")
    assert first["time"].endswith("Z")


def test_the_jobs_id_is_on_every_line_of_its_work(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    with logs.of_job("job-1", 2):
        logging.getLogger("consumer.work.worker").info("inside")
    logging.getLogger("consumer.work.worker").info("outside")
    inside, outside = lines(capsys)
    assert (inside["job"], inside["attempt"]) == ("job-1", 2)
    assert "job" not in outside


def test_a_traceback_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("consumer.x").error("It failed.", exc_info=RuntimeError("broken"))
    (line,) = lines(capsys)
    assert "RuntimeError: broken" in line["exception"]


def test_googles_libraries_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("google").propagate = False
    logs.configure("info", "json")
    logging.getLogger("google.cloud.firestore").error("complaint")
    assert lines(capsys)[0]["message"] == "complaint"


def test_googles_libraries_tell_no_path_of_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("google.cloud.storage._media").info("retrying /o/users%2Fann%2Fuploads%2Fa.mp4")
    assert lines(capsys) == []


def test_for_people_it_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "console")
    logging.getLogger("consumer.x").info("hello")
    assert "hello" in capsys.readouterr().err
    assert sys.stderr is not None
