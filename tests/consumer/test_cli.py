import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend
from consumer.catalogue import Catalogue
from consumer.commands import summary
from consumer.jobs.document import REPORT_FILES
from feedback.exercises import CATALOGUE
from tests.consumer_kit import eventually, fields, put_job, put_video
from tests.missing import missing
from tests.work import ROOT, video

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "consumer" / "sample.mp4"


class Answer:
    """What a command said."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def dothis(tmp_path: Path) -> Any:
    """Runs a command, in the test's directory, on the test's backend."""

    def run(*arguments: str, **environment: str) -> Answer:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("DOTHIS_") or name == "DOTHIS_CACHE_DIR"
        }
        clean |= {"PYTHONPATH": str(ROOT), "DOTHIS_DATA_DIR": str(tmp_path), "COLUMNS": "200", **environment}
        command = [sys.executable, "-m", "consumer.cli", *arguments]
        return Answer(
            subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=120, check=False)
        )

    return run


@pytest.fixture
def clip(tmp_path: Path) -> str:
    file = tmp_path / "clip.mp4"
    file.write_bytes(video())
    return str(file)


@pytest.mark.parametrize(
    "command",
    [
        *[(), ("analyze",), ("run",), ("shim",), ("up",), ("submit",), ("demo",), ("doctor",), ("exercises",), ("forget",)],
        *[("jobs",), ("jobs", "list"), ("jobs", "show"), ("jobs", "retry"), ("jobs", "cancel")],
    ],
)
def test_every_command_explains_itself(dothis: Any, command: tuple[str, ...]) -> None:
    answer = dothis(*command, "--help")
    assert answer.code == 0
    assert "Usage" in answer.out
    assert answer.err == ""


def test_an_out_that_cannot_be_made_is_noticed_before_the_analysis(dothis: Any, clip: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = dothis("analyze", clip, "--out", str(tmp_path / "file" / "results"))
    assert answer.code == 1
    assert answer.err == "The results cannot be written: Not a directory. Choose another --out.\n"


def test_sigterm_during_an_analysis_leaves_nothing_unfinished(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "consumer.cli", "analyze", str(SAMPLE), "--out", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        assert eventually(lambda: any(tmp_path.glob(".unfinished-*/*")), 60)
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_directory_is_told_what_to_set() -> None:
    script = (
        "import os\nfrom pathlib import Path\nfrom pose.reading import model\nfrom pose.errors import ModelMissing\n"
        "os.environ.pop('DOTHIS_CACHE_DIR', None)\nos.environ.pop('XDG_CACHE_HOME', None)\nos.environ.pop('HOME', None)\n"
        "os.setuid(54321)\ntry:\n    model.find()\nexcept ModelMissing as error:\n    print(error)"
    )
    if os.getuid():
        missing("Only root can take a user id without a passwd entry: run the tests as root.")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "User id 54321 has no home directory: set DOTHIS_CACHE_DIR to the directory of the pose model.\n"


def test_a_data_directory_that_cannot_be_used_is_no_matter_of_credentials(dothis: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = dothis("doctor", "--json", DOTHIS_DATA_DIR=str(tmp_path / "file"))
    findings = {finding["name"]: finding for finding in answer.json}
    assert "credentials" not in findings
    assert findings["data directory"]["says"] == str(tmp_path / "file")
    for name in ("embedded stores", "volume"):
        assert f"{tmp_path / 'file'} (DOTHIS_DATA_DIR)" in findings[name]["says"]


def test_the_nearest_setting_is_asked_for_in_one_question(dothis: Any) -> None:
    answer = dothis("doctor", DOTHIS_WORKRES="2", COLUMNS="200")
    assert answer.code == 2
    assert "did you mean DOTHIS_WORKERS? See .env.example" in answer.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_korean_costs_no_traceback(dothis: Any, encoding: str) -> None:
    for options in ((), ("--json",)):
        answer = dothis("exercises", *options, PYTHONIOENCODING=encoding)
        assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize(
    ("redirection", "sentence"),
    [
        (">&-", "dothis: stdout is closed. Direct it to a file, or to /dev/null.\n"),
        (">/dev/full", "dothis: the output cannot be written: No space left on device.\n"),
    ],
)
def test_a_stdout_that_takes_nothing_is_told_in_a_sentence(redirection: str, sentence: str) -> None:
    command = f"{sys.executable} -m consumer.cli exercises --json {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, sentence)


def test_a_full_stdout_costs_no_results(tmp_path: Path) -> None:
    command = f"{sys.executable} -m consumer.cli analyze {SAMPLE} --no-video --out {tmp_path / 'out'} >/dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("dothis: the output cannot be written: No space left on device.\n")
    assert (tmp_path / "out" / "report.json").exists()


def test_a_backup_is_a_data_directory_that_works(dothis: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    target = tmp_path / "backups" / "monday"
    assert dothis("backup", str(target), "--json").json == {"directory": str(target), "objects": 1}
    (listed,) = dothis("jobs", "list", "--json", DOTHIS_DATA_DIR=str(target)).json
    assert (listed["id"], listed["status"]) == ("job", "uploaded")
    assert (target / "objects" / listed["video"]).read_bytes() == (tmp_path / "objects" / listed["video"]).read_bytes()
    again = dothis("backup", str(target))
    assert (again.code, "File exists" in again.err) == (1, True)
    assert [path.name for path in target.parent.iterdir()] == ["monday"]


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, consumer.cli; print([m for m in ('numpy', 'pydantic', 'av', 'structlog', 'babel') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze",),
        ("analyze", "x.mp4", "--exercise", "zumba"),
        ("analyze", "x.mp4", "--no-such-option"),
        ("analyze", "x.mp4", "--exercise", "reference"),
        ("submit", "x.mp4", "--exercise", "zumba"),
        ("submit", "x.mp4", "--exercise", "reference"),
        ("jobs", "list", "--status", "asleep"),
        ("dance",),
    ],
)
def test_wrong_usage_is_2(dothis: Any, arguments: tuple[str, ...]) -> None:
    assert dothis(*arguments).code == 2


def test_a_wrong_setting_is_named(dothis: Any) -> None:
    answer = dothis("jobs", "list", DOTHIS_LEASE_S="soon")
    assert answer.code == 2
    assert "DOTHIS_LEASE_S" in answer.err


@pytest.mark.parametrize("command", ["analyze", "submit"])
@pytest.mark.parametrize("name", ["nowhere.mp4", "."])
def test_a_missing_file_is_an_error(dothis: Any, command: str, name: str) -> None:
    answer = dothis(command, name, "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] in {"video_missing", "video_unreadable"}
    assert answer.json["error"]["message"] in answer.err
    assert len(answer.err.strip().splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"just text\n" * 100])
def test_a_file_that_is_no_video_is_an_error(dothis: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.mp4").write_bytes(content)
    answer = dothis("analyze", "odd.mp4", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "video_unreadable"
    assert not (tmp_path / "odd_feedback").exists()


def test_what_was_not_judged_is_not_called_good(capsys: pytest.CaptureFixture[str]) -> None:
    result = {
        "exercise": "any",
        "reps": 3,
        "goodReps": 0,
        "hold": None,
        "score": None,
        "summary": "",
        "faults": [],
        "warnings": [],
    }
    summary.show_document(result, "en", Catalogue())
    assert capsys.readouterr().out.startswith("Repeated movement: 3 repetitions\n")


class TestSubmit:
    def test_uploads_waits_and_fetches(self, dothis: Any, start: Any, backend: Backend, tmp_path: Path, clip: str) -> None:
        start()
        answer = dothis("submit", clip, "--json", "--out", str(tmp_path / "out"), "--language", "ko", "--exercise", "push_up")
        assert answer.code == 0, answer.err
        assert answer.json["result"]["exercise"] == "push_up"
        written = fields(backend, answer.json["id"])
        assert (written["owner"], written["language"]) == ("cli", "ko")
        names = {file.name for file in (tmp_path / "out").iterdir()}
        assert names == set(REPORT_FILES.values()) - {"comparison.png"}

    def test_shows_the_result_to_people(self, dothis: Any, start: Any, tmp_path: Path, clip: str) -> None:
        start()
        answer = dothis("submit", clip)
        assert answer.code == 0, answer.err
        assert "Squat: 5 repetitions, 3 good" in answer.out
        directory = answer.out.strip().splitlines()[-1].removeprefix("Results: ")
        assert (tmp_path / directory / "report.json").is_file()

    def test_a_failure_has_its_code_and_sentence(self, dothis: Any, start: Any, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").write_bytes(video(fail="no_person"))
        start()
        answer = dothis("submit", str(tmp_path / "empty.mp4"), "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "no_person")
        assert "Nobody was seen" in answer.err

    def test_without_a_daemon_it_says_so_and_where_the_job_lies(self, dothis: Any, clip: str, tmp_path: Path) -> None:
        answer = dothis("submit", clip, "--timeout", "9")
        assert answer.code == 1
        unseen, end = answer.err.splitlines()[-2:]
        assert unseen.startswith(
            f"No daemon has looked at the job yet. It lies in the data directory {tmp_path}: does `dothis run`"
        )
        assert str(tmp_path) in end

    def test_submit_without_waiting(self, dothis: Any, backend: Backend, clip: str) -> None:
        answer = dothis("submit", clip, "--no-wait")
        assert fields(backend, answer.out.strip())["status"] == "uploaded"

    def test_an_owner_that_makes_no_path_is_refused(self, dothis: Any, backend: Backend, clip: str) -> None:
        answer = dothis("submit", clip, "--owner", "../bob", "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "invalid_request")
        assert list(backend.objects.list("")) == []


class TestJobs:
    def test_list_and_show(self, dothis: Any, backend: Backend) -> None:
        for number in range(3):
            put_job(backend, f"job-{number}", status="failed" if number else "done", error={"code": "no_person"})
        put_job(backend, "odd", status=None, owner=5, progress="half", result=[1], error="bad")
        listed = dothis("jobs", "list", "--json").json
        assert [job["id"] for job in listed] == ["odd", "job-2", "job-1", "job-0"]
        assert [job["id"] for job in dothis("jobs", "list", "--status", "failed", "--json").json] == ["job-2", "job-1"]
        assert "no_person" in dothis("jobs", "list").out
        shown = dothis("jobs", "show", "job-1", "--json").json
        assert shown["owner"] == "ann"
        assert shown["createdAt"].endswith("Z")
        assert dothis("jobs", "show", "job-1").out.startswith("{")

    @pytest.mark.parametrize(
        ("result", "outcome"),
        [
            ({"reps": 4, "goodReps": 3, "score": 90, "hold": None}, "3 of 4 good"),
            ({"reps": 4, "goodReps": 0, "score": None, "hold": None}, "form not judged"),
            ({"reps": 0, "goodReps": 0, "score": 50, "hold": {"durationS": 8.0, "goodS": 4.0}}, "4.0 of 8.0 s good"),
        ],
    )
    def test_list_calls_good_only_what_was_judged(self, dothis: Any, backend: Backend, result: Any, outcome: str) -> None:
        put_job(backend, status="done", result={"exercise": "squat", **result})
        told = " ".join(dothis("jobs", "list").out.split())
        assert all(word in told for word in outcome.split())
        assert ("good" in told) == ("good" in outcome)

    def test_retry_and_cancel(self, dothis: Any, backend: Backend) -> None:
        put_job(backend, status="failed", attempt=3, cancelRequested=True)
        assert dothis("jobs", "cancel", "job").code == 1
        assert dothis("jobs", "retry", "job").code == 0
        assert (fields(backend)["status"], fields(backend)["attempt"]) == ("uploaded", 0)
        assert "cancelRequested" not in fields(backend)
        assert dothis("jobs", "retry", "job", "--json").json["error"]["code"] == "invalid_request"
        assert dothis("jobs", "cancel", "job").code == 0
        assert fields(backend)["cancelRequested"] is True

    @pytest.mark.parametrize("command", ["show", "retry", "cancel"])
    def test_an_unknown_job_is_an_error(self, dothis: Any, command: str) -> None:
        answer = dothis("jobs", command, "nothing")
        assert answer.code == 1
        assert "dothis jobs list" in answer.err


def test_forget_asks_first(dothis: Any, backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    put_video(backend, tmp_path)
    assert dothis("forget", "ann").code == 1
    assert dothis("forget", "ann", "--json").code == 2
    assert backend.documents.get("job") is not None
    answer = dothis("forget", "ann", "--yes", "--json")
    assert answer.json == {"documents": 1, "objects": 1, "spool_entries": 0}
    assert backend.documents.get("job") is None


def test_an_exercise_file_is_checked(dothis: Any, tmp_path: Path) -> None:
    right = (ROOT / "feedback" / "exercises" / "plank.yaml").read_text(encoding="utf-8")
    file = tmp_path / "plank.yaml"
    file.write_text(right, encoding="utf-8")
    answer = dothis("exercises", "--check", "plank.yaml")
    assert (answer.code, answer.out) == (0, "plank.yaml is right.\n")
    assert dothis("exercises", "--check", "plank.yaml", "--json").json["id"] == "plank"
    file.write_text(right.replace("held: true", "hold: true"), encoding="utf-8")
    answer = dothis("exercises", "--check", "plank.yaml", "--json")
    assert answer.code == 1
    assert answer.json["error"]["code"] == "invalid_request"
    assert answer.err.startswith("plank.yaml, line ")
    assert dothis("exercises", "--check", "missing.yaml").code == 1


def test_exercises_lists_the_catalogue(dothis: Any) -> None:
    listed = {exercise["id"]: exercise for exercise in dothis("exercises", "--json").json}
    assert len(listed) == len(CATALOGUE)
    depth = next(check for check in listed["squat"]["checks"] if check["id"] == "shallow_depth")
    assert depth["source"]
    assert "side_left" in depth["views"]
    assert "shallow_depth" in dothis("exercises").out


class TestOwnExercises:
    """`DOTHIS_EXERCISES`, a directory with one right or wrong file."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        directory = tmp_path / "exercises"
        directory.mkdir()
        squat = (ROOT / "feedback" / "exercises" / "squat.yaml").read_text(encoding="utf-8")
        (directory / "box_squat.yaml").write_text(squat.replace("\nid: squat\n", "\nid: box_squat\n"), encoding="utf-8")
        return directory

    def test_are_listed_with_ours(self, dothis: Any, directory: Path) -> None:
        listed = {each["id"]: each["own"] for each in dothis("exercises", "--json", DOTHIS_EXERCISES=str(directory)).json}
        assert listed["box_squat"]
        assert not listed["squat"]
        assert "box_squat Squat (yours)" in dothis("exercises", DOTHIS_EXERCISES=str(directory)).out

    def test_may_be_asked_for(self, dothis: Any, clip: str, directory: Path) -> None:
        assert dothis("analyze", clip, "--exercise", "box_squat").code == 2
        answer = dothis("analyze", clip, "--exercise", "box_squat", "--json", DOTHIS_EXERCISES=str(directory))
        assert answer.json["error"]["code"] == "video_unreadable"  # the clip is none; the exercise was accepted

    @pytest.mark.parametrize("command", [("run",), ("shim",), ("exercises",), ("demo",)])
    def test_stop_the_start_when_a_file_is_wrong(self, dothis: Any, directory: Path, command: tuple[str, ...]) -> None:
        (directory / "box_squat.yaml").write_text("id: squat", encoding="utf-8")
        answer = dothis(*command, DOTHIS_EXERCISES=str(directory))
        assert answer.code in {1, 2}
        assert "box_squat.yaml, line 1: id must be the file's name" in answer.err
        assert "Traceback" not in answer.err

    def test_are_looked_at_by_the_doctor(self, dothis: Any, directory: Path) -> None:
        def finding() -> dict[str, Any]:
            answer = dothis("doctor", "--json", DOTHIS_EXERCISES=str(directory))
            return next(each for each in answer.json if each["name"] == "exercises")

        assert finding()["says"] == f"{len(CATALOGUE) + 1}, 1 of them your own"
        (directory / "box_squat.yaml").write_text("id: squat", encoding="utf-8")
        assert not finding()["ok"]


class TestDoctor:
    def test_says_what_is_in_order(self, dothis: Any) -> None:
        answer = dothis("doctor", "--json")
        found = {finding["name"]: finding for finding in answer.json}
        assert found["document store"]["ok"]
        assert found["volume"]["ok"]
        assert "sandbox" in found

    def test_says_what_to_mend(self, dothis: Any, tmp_path: Path) -> None:
        answer = dothis("doctor", DOTHIS_MODEL=str(tmp_path / "none.task"), DOTHIS_MIN_FREE_BYTES="900000 TB")
        assert answer.code == 1
        assert "DOTHIS_MODEL" in answer.out
        assert "DOTHIS_MIN_FREE_BYTES" in answer.out


def test_the_daemon_refuses_to_start_without_a_model(dothis: Any, tmp_path: Path) -> None:
    answer = dothis("run", DOTHIS_MODEL=str(tmp_path / "none.task"), DOTHIS_HEALTH_PORT="0")
    assert answer.code == 1
    assert "DOTHIS_MODEL" in answer.err


def test_the_daemon_says_which_port_is_taken(dothis: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = dothis("run", DOTHIS_HEALTH_PORT=port)
    assert answer.code == 1
    assert f"DOTHIS_HEALTH_PORT: cannot listen on 127.0.0.1:{port}" in answer.err
