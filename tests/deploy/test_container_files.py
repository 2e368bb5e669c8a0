"""Dockerfile, compose files and .env.example against what the product says; no engine is needed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.settings import Settings, describe

ROOT = Path(__file__).parents[2]
OF_THE_MACHINE = {"(of the machine)": "", "True": "true", "False": "false"}


def tool(name: str) -> str:
    """A program of the development extras, from beside this interpreter or from PATH."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} is missing: pip install -e '.[dev]' brings it"
    return found


def compose(*files: str, profile: str = "") -> dict[str, Any]:
    """The compose files as Compose understands them."""
    command = [tool("docker-compose"), *(part for file in files for part in ("-f", file)), "--profile", profile]
    done = subprocess.run([*command, "config"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = yaml.safe_load(done.stdout)
    return parsed


def test_the_example_environment_names_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    settings_part = text.partition("## Only for docker compose")[0]
    written = dict(re.findall(r"^#(DOTHIS_[A-Z_0-9]+)=(.*)$", settings_part, re.MULTILINE))
    assert written == {name: OF_THE_MACHINE.get(default, default) for name, default, _ in describe()}


def test_the_example_environment_changes_nothing(tmp_path: Path) -> None:
    example = tmp_path / ".env"
    shutil.copy(ROOT / ".env.example", example)
    assert Settings(_env_file=example) == Settings(_env_file=None)


def test_the_example_environment_is_good_when_uncommented(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8").partition("## Firebase")[0]
    example = tmp_path / ".env"
    example.write_text(re.sub(r"^#(?=[A-Z_0-9]+=)", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert Settings(_env_file=example) == Settings(_env_file=None)


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    done = subprocess.run([tool("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("beyond", ["# syntax=", "RUN --mount", "<<EOF", "COPY --link"])
def test_the_classic_builder_can_build_the_dockerfile(beyond: str) -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if beyond in line]


def test_nothing_private_goes_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    allowed = {line.removeprefix("!") for line in patterns if line.startswith("!")}
    assert {"setup.cfg", "constraints.txt", "pose", "feedback", "consumer"} <= allowed
    assert allowed.isdisjoint({".env", ".git", "data", "tests", "deploy"})


@pytest.mark.parametrize("service", ["consumer", "shim"])
@pytest.mark.parametrize("files", [("docker-compose.yml",), ("docker-compose.yml", "deploy/compose.firebase.yml")])
def test_a_service_of_ours_has_no_more_rights_than_it_needs(files: tuple[str, ...], service: str) -> None:
    made = compose(*files)["services"][service]
    assert made["read_only"] is True
    assert made["cap_drop"] == ["ALL"]
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert made["restart"] == "unless-stopped"
    assert [(volume["target"], volume.get("read_only", False)) for volume in made["volumes"]] == [
        ("/data", False),
        ("/exercises", True),
    ]
    assert {"cpus", "memory", "pids"} <= set(made["deploy"]["resources"]["limits"])


def test_the_key_file_is_a_secret_not_a_setting() -> None:
    made = compose("docker-compose.yml", "deploy/compose.firebase.yml")["services"]["consumer"]
    assert made["environment"]["GOOGLE_APPLICATION_CREDENTIALS"] == "/run/secrets/google-key"
    assert [secret["source"] for secret in made["secrets"]] == ["google-key"]


def test_the_emulators_come_only_when_asked_for() -> None:
    assert set(compose("docker-compose.yml")["services"]) == {"consumer", "shim"}
    assert set(compose("docker-compose.yml", profile="emulators")["services"]) == {"consumer", "shim", "firestore", "storage"}


def test_the_older_interface_is_offered_to_this_machine_only() -> None:
    (port,) = compose("docker-compose.yml")["services"]["shim"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "5000", 5000)
    assert "ports" not in compose("docker-compose.yml")["services"]["consumer"]


def test_clients_of_the_older_interface_cannot_make_it_unhealthy() -> None:
    (check,) = [part for part in compose("docker-compose.yml")["services"]["shim"]["healthcheck"]["test"] if "http" in part]
    assert f":{Settings.model_fields['shim_health_port'].default}/healthz" in check


def test_the_grace_time_of_the_daemon_fits_into_that_of_the_container() -> None:
    grace = compose("docker-compose.yml")["services"]["consumer"]["stop_grace_period"]
    assert Settings(_env_file=None).grace_s < float(grace.removesuffix("s"))
