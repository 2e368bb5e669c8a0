"""The wheel, with the locked dependencies, in an environment that has nothing else."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from feedback.exercises import CATALOGUE
from tests.missing import missing

ROOT = Path(__file__).parents[2]
SOURCES = ("consumer", "feedback", "pose", "examples", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
LOCK = ROOT / "requirements.lock"
NO_REGISTRY = re.compile(r"No solution found|error sending request|Failed to (fetch|download)|dns error", re.IGNORECASE)
"""What uv says where the package registry cannot be reached or lacks a package."""

pytestmark = pytest.mark.timeout(900)  # the dependencies have 250 MB


def run(*command: object, cwd: Path, **environment: str) -> str:
    """The output of a command that sees nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False)
    if done.returncode and NO_REGISTRY.search(done.stderr):
        missing("The package registry that pip is set to cannot be reached or is incomplete.")
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs uv with the registry that pip is set to: it installs from a cache, within seconds."""
    program = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        missing("uv is missing: make setup")
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = dict(re.findall(r"^(?:global|:env:)\.(index-url|cert)='(.*)'$", listing, flags=re.MULTILINE))
    variables = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    settings = {variable: found[name] for name, variable in variables.items() if name in found}
    return partial(run, program, cwd=tmp_path_factory.mktemp("empty"), **settings)


@pytest.fixture(scope="module")
def wheel(uv: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since setuptools writes beside the sources."""
    copy, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    uv("build", "--wheel", "--out-dir", target, copy)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(uv: Callable[..., str], wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an environment's programs."""
    directory = tmp_path_factory.mktemp("environment")
    uv("venv", "--clear", "--python", sys.executable, directory)
    install = ("pip", "install", "--python", directory / "bin" / "python")
    uv(*install, "--require-hashes", "--requirement", LOCK)
    uv(*install, "--no-deps", wheel)
    uv("pip", "check", "--python", directory / "bin" / "python")
    return directory / "bin"


def test_the_wheel_runs_with_the_locked_dependencies(installed: Path, tmp_path: Path) -> None:
    assert "analyze" in run(installed / "dothis", "--help", cwd=tmp_path)
    listing = run(installed / "dothis", "exercises", cwd=tmp_path)
    assert all(exercise in listing for exercise in CATALOGUE)


def test_the_wheel_tells_that_it_is_typed(installed: Path, tmp_path: Path) -> None:
    program = (
        "import consumer, feedback, pathlib, pose; print(*[pathlib.Path(package.__file__).with_name('py.typed').is_file() "
    )
    found = run(installed / "python", "-c", f"{program}for package in (consumer, feedback, pose)])", cwd=tmp_path)
    assert found.split() == ["True"] * 3


def test_the_lock_names_no_registry_and_every_version_of_the_constraints() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    assert "://" not in lock
    tested = {_pin(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line}
    locked = {_pin(line) for line in lock.splitlines() if "==" in line}
    names = {name for name, _ in tested}
    assert {pin for pin in locked if pin[0] in names} <= tested


def _pin(line: str) -> tuple[str, str]:
    name, _, version = line.split(maxsplit=1)[0].partition("==")
    return re.sub(r"[-_.]+", "-", name).lower(), version
