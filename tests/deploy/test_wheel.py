"""The wheel, with the locked dependencies, in an environment that has nothing else."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from feedback.exercises import CATALOGUE
from tests.missing import missing

ROOT = Path(__file__).parents[2]
SOURCES = ("consumer", "feedback", "pose", "examples", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
LOCK = ROOT / "requirements.lock"
NO_INDEX = re.compile(r"No matching distribution|Could not find a version|Connection|Temporary failure|Max retries")
"""What pip says where the package registry cannot be reached or lacks a package."""


def run(*command: object, cwd: Path) -> str:
    """The output of a command that sees nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if "pip" in command and done.returncode and NO_INDEX.search(done.stderr):
        missing(f"The package registry that pip is set to cannot be reached or is incomplete: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since setuptools writes beside the sources."""
    copy, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target, ".", cwd=copy)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an environment's programs."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=True)
    pip = (directory / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile")
    run(*pip, "--require-hashes", "--requirement", LOCK, cwd=directory)
    run(*pip, "--no-deps", wheel, cwd=directory)
    return directory / "bin"


def test_the_wheel_runs_with_the_locked_dependencies(installed: Path, tmp_path: Path) -> None:
    assert "analyze" in run(installed / "dothis", "--help", cwd=tmp_path)
    listing = run(installed / "dothis", "exercises", cwd=tmp_path)
    assert all(exercise in listing for exercise in CATALOGUE)
    run(installed / "python", "-m", "pip", "check", cwd=tmp_path)


def test_the_wheel_tells_that_it_is_typed(installed: Path, tmp_path: Path) -> None:
    program = "import pathlib, pose, feedback, consumer; print([(pathlib.Path(p.__file__).parent / 'py.typed').is_file()"
    assert run(installed / "python", "-c", f"{program} for p in (pose, feedback, consumer)])", cwd=tmp_path) == "[True, True, True]\n"


def test_the_lock_names_no_registry_and_every_version_of_the_constraints() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    assert "://" not in lock
    tested = {_pin(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line}
    locked = {_pin(line) for line in lock.splitlines() if "==" in line}
    names = {name for name, _ in tested}
    assert {pin for pin in locked if pin[0] in names} <= tested


def _pin(line: str) -> tuple[str, str]:
    name, _, version = line.split()[0].partition("==")
    return re.sub(r"[-_.]+", "-", name).lower(), version
