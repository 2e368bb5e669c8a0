import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.jobs.errors import CancelRequested, ErrorCode, JobError
from consumer.sandbox import landlock, seccomp
from consumer.sandbox.confine import Confinement, support
from consumer.sandbox.forkserver import ForkServer
from consumer.sandbox.supervisor import Crashed, Defect, Sandbox, TimedOut
from tests.consumer_kit import eventually, in_background
from tests.missing import missing
from tests.work import ROOT, video

pytestmark = pytest.mark.slow


@pytest.fixture
def with_landlock() -> None:
    if not support().landlock:
        missing("This kernel has no Landlock: it needs Linux 5.13 or later with Landlock turned on")


@pytest.fixture
def with_seccomp() -> None:
    if not support().seccomp:
        missing("This kernel does not accept seccomp filters")


class Box:
    """A sandbox and a job's directory."""

    def __init__(self, sandbox: Sandbox, tmp_path: Path) -> None:
        self.sandbox = sandbox
        self.source, self.target = tmp_path / "source", tmp_path / "target"
        self.source.mkdir()
        self.target.mkdir()
        self.log = tmp_path / "child.log"

    def run(self, task: str, arguments: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        confinement = Confinement(
            writable=str(self.target),
            readable=[str(self.source), str(ROOT / "tests")],
            memory_bytes=options.pop("memory_bytes", 2_000_000_000),
            cpu_s=options.pop("cpu_s", 60),
            file_bytes=1_000_000,
        )
        return self.sandbox.run(
            f"tests.{task}", arguments or {}, confinement, timeout_s=options.pop("timeout_s", 30), log=self.log, **options
        )

    def attempt(self, what: str, **arguments: Any) -> str:
        return str(self.run("escapes:attempt", {"what": what, **arguments})["came"])

    def analyse(self, *, instructions: dict[str, Any], **options: Any) -> dict[str, Any]:
        (self.source / "video").write_bytes(video(**instructions))
        return self.run("work:analyse", {"source": str(self.source), "target": str(self.target)}, **options)


@pytest.fixture
def box(sandbox: Sandbox, tmp_path: Path) -> Box:
    return Box(sandbox, tmp_path)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_task_reports_its_progress(box: Box) -> None:
    told: list[float] = []
    assert box.analyse(instructions={"sleep": 0.5}, progress=told.append) == {}
    assert (box.target / "motion.npz").exists()
    assert told == sorted(told)
    assert len(told) >= 2


@pytest.mark.parametrize(
    ("instructions", "error", "says"),
    [
        ({"fail": "no_person"}, JobError, "no_person: as the video says"),
        ({"raise": True}, Defect, "RuntimeError: as the video says"),
        ({"die": True}, Crashed, "SIGKILL"),
        ({"segfault": True}, Crashed, "SIGSEGV"),
        ({"memory": True}, Crashed, "memory"),
    ],
)
def test_each_failure_raises_its_error(box: Box, instructions: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        box.analyse(instructions=instructions)
    assert box.analyse(instructions={}) == {}


def test_code_and_sentence_of_a_job_error_come_through(box: Box) -> None:
    with pytest.raises(JobError) as caught:
        box.analyse(instructions={"fail": "video_unreadable", "sentence": "영상 파일이 비어 있어요."})
    assert caught.value.code is ErrorCode.VIDEO_UNREADABLE
    assert caught.value.message("ko") == "영상 파일이 비어 있어요."


def test_wall_time_is_limited(box: Box) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut):
        box.analyse(instructions={"hang": True}, timeout_s=0.5)
    assert time.monotonic() - started < 5


def test_processor_time_is_limited(box: Box) -> None:
    with pytest.raises(TimedOut):
        box.run("escapes:burn", cpu_s=1)


def test_an_error_of_the_check_ends_the_child(box: Box) -> None:
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > 0.3:
            raise CancelRequested("enough")

    with pytest.raises(CancelRequested):
        box.run("escapes:spin", {"into": str(box.target)}, check=check)
    assert eventually(lambda: gone(int((box.target / "pid").read_text())), 5)


def test_a_child_does_not_speak_for_the_server(box: Box) -> None:
    forged = ['{"pid": 1}', '{"exit": 0}', '{"note": 1}']
    assert box.run("escapes:forge", {"messages": forged, "sleep": 0.5}) == {"ended": True}


@pytest.mark.parametrize("message", ["nonsense", "[1, 2]", '{"error": 5}', '{"error": {"code": "no_such"}}', '{"result": 5}'])
def test_an_invalid_message_of_a_child_is_a_defect(box: Box, message: str) -> None:
    with pytest.raises(Defect):
        box.run("escapes:forge", {"messages": [message], "sleep": 0})


def test_the_log_of_a_child_is_limited(box: Box) -> None:
    assert box.run("escapes:chatter") == {"printed": True}
    assert box.log.stat().st_size == 100_000


def test_a_child_inherits_no_state(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = box.run("escapes:facts")
    assert facts["cwd"] == str(box.target)
    assert facts["threads"] == 1
    assert facts["descriptors"] < 8
    assert (facts["memory"], facts["core"]) == (2_000_000_000, 0)


def test_no_credential_reaches_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/run/secrets/key.json")
    monkeypatch.setenv("DOTHIS_BUCKET", "bucket")
    sandbox = Sandbox(("tests.escapes",), scratch=tmp_path / "cache", python_path=[ROOT])
    try:
        environment = Box(sandbox, tmp_path).run("escapes:environment")
    finally:
        sandbox.close()
    assert not [name for name in environment if "GOOGLE" in name or "DOTHIS" in name]


@pytest.mark.usefixtures("with_landlock")
class TestFiles:
    @pytest.fixture
    def secret(self, tmp_path: Path) -> str:
        secret = tmp_path / "secret"
        secret.write_bytes(b"another user's")
        return str(secret)

    def test_a_child_reads_what_it_is_given(self, box: Box) -> None:
        (box.source / "video").write_bytes(b"")
        assert box.attempt("read", path=str(box.source / "video")) == "done"

    @pytest.mark.parametrize("what", ["read", "write", "link", "hard link"])
    def test_a_child_reaches_no_other_file(self, box: Box, secret: str, what: str) -> None:
        assert box.attempt(what, path=secret) in {"PermissionError", "OSError"}
        assert Path(secret).read_bytes() == b"another user's"

    def test_a_child_reads_no_passwords_and_no_other_process(self, box: Box) -> None:
        assert box.attempt("read", path="/etc/passwd") == "PermissionError"
        assert box.attempt("read", path=f"/proc/{os.getpid()}/environ") == "PermissionError"

    def test_a_child_writes_only_into_its_directory(self, box: Box) -> None:
        assert box.attempt("write", path=str(box.target / "result")) == "done"
        assert box.attempt("write", path=str(box.source / "video")) == "PermissionError"
        assert box.attempt("write", path="/tmp/escaped") == "PermissionError"  # noqa: S108 - what a video would try

    def test_a_child_makes_no_directories(self, box: Box) -> None:
        assert box.attempt("directory") == "PermissionError"

    def test_a_file_cannot_grow_without_end(self, box: Box) -> None:
        assert box.attempt("large file") == "OSError"


@pytest.mark.usefixtures("with_seccomp")
class TestCalls:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    @pytest.mark.parametrize("what", ["connect", "datagram", "listen"])
    def test_a_child_has_no_network(self, box: Box, port: int, what: str) -> None:
        assert box.attempt(what, port=port) == "PermissionError"

    @pytest.mark.parametrize("what", ["kill", "kill thread", "limit another"])
    def test_a_child_does_nothing_to_another_process(self, box: Box, what: str) -> None:
        assert box.attempt(what, pid=os.getpid()) == "PermissionError"

    @pytest.mark.parametrize("what", ["fork", "new process", "new session", "leave group"])
    def test_a_child_stays_one_process_of_its_group(self, box: Box, what: str) -> None:
        assert box.attempt(what) == "PermissionError"

    @pytest.mark.parametrize("what", ["chmod", "chown", "touch", "label"])
    def test_a_child_changes_nothing_about_a_file(self, box: Box, what: str) -> None:
        file = box.source / "video"
        file.write_bytes(b"")
        assert box.attempt(what, path=str(file)) == "PermissionError"

    def test_a_child_reaches_no_other_process_by_a_socket(self, box: Box) -> None:
        path = str(box.target / "s")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            assert box.attempt("unix socket", path=path) == "PermissionError"

    def test_a_child_has_threads(self, box: Box) -> None:
        assert box.attempt("threads") == "done"

    @pytest.mark.parametrize("what", ["run", "unshare"])
    def test_a_child_starts_no_program_and_no_namespace(self, box: Box, what: str) -> None:
        assert box.attempt(what) in {"PermissionError", "OSError"}

    @pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
    def test_the_filter_jumps_only_inside_itself(self, machine: str) -> None:
        program = seccomp.build_filter(machine, os.getpid())
        length = len(program) // 8
        for number in range(length):
            _, _, if_true, if_false = program[number * 8 : number * 8 + 4]
            assert number + 1 + max(if_true, if_false) <= length
        assert platform.machine() in {"x86_64", "aarch64"}


def test_memory_is_limited(box: Box) -> None:
    assert box.attempt("memory") == "MemoryError"


class TestServer:
    def test_is_started_again_when_it_has_died(self, tmp_path: Path) -> None:
        sandbox = Sandbox(("tests.work",), scratch=tmp_path / "cache", python_path=[ROOT])
        try:
            box = Box(sandbox, tmp_path)
            server = box.run("escapes:facts")["parent"]
            os.kill(server, 9)
            assert eventually(lambda: gone(server))
            assert box.run("escapes:facts")["parent"] != server
        finally:
            sandbox.close()

    def test_a_signal_to_the_process_group_does_not_end_it(self, box: Box) -> None:
        server = box.run("escapes:facts")["parent"]
        os.kill(server, signal.SIGTERM)
        time.sleep(0.2)
        assert box.run("escapes:facts")["parent"] == server

    def test_outlives_a_fork_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> int:
            raise BlockingIOError

        monkeypatch.setattr("os.fork", fail)
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        serving = in_background(ForkServer(theirs).run)
        for _ in range(2):
            line, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with line:
                with childs:
                    socket.send_fds(control, [b"{}"], [childs.fileno()])
                line.settimeout(5)
                assert json.loads(line.recv(100)) == {"exit": 1}
        control.close()
        serving.join(5)
        assert not serving.is_alive()
        theirs.close()

    def test_its_children_end_with_it(self, tmp_path: Path) -> None:
        sandbox = Sandbox(("tests.work",), scratch=tmp_path / "cache", python_path=[ROOT])
        box = Box(sandbox, tmp_path)
        server = box.run("escapes:facts")["parent"]

        def check() -> None:
            if (box.target / "pid").exists():
                os.kill(server, 9)

        with pytest.raises(Crashed):
            box.run("escapes:spin", {"into": str(box.target)}, check=check)
        sandbox.close()
        assert eventually(lambda: gone(int((box.target / "pid").read_text())), 5)

    def test_ends_when_the_daemon_is_killed(self, tmp_path: Path) -> None:
        script = (
            "import sys, time; from pathlib import Path; from consumer.sandbox.supervisor import Sandbox;"
            "s = Sandbox((), scratch=Path(sys.argv[1])); s.start(); print(s._server.pid, flush=True); time.sleep(60)"
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as daemon:
            assert daemon.stdout is not None
            server = int(daemon.stdout.readline())
            daemon.kill()
        assert eventually(lambda: gone(server), 10)


def test_support_reports_the_version_of_landlock() -> None:
    assert landlock.abi() == support().landlock
