"""The deployment files, checked offline: against the schemas of Kubernetes, KEDA and Cloud Run, and against the program."""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda

from consumer.operations.metrics import Metrics
from consumer.settings import Settings
from tests.google_apis import discovery
from tests.missing import missing

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES_VERSION = kubernetes_validate.latest_version()
ALLOWED = {
    ("datastore", "entities"),
    ("datastore", "databases"),
    ("storage", "objects"),
    ("cloudmessaging", "messages"),
}
"""What a role may concern."""
KINDS_OF_KEDA = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication}


def manifests() -> list[tuple[str, dict[str, Any]]]:
    """Every manifest for Kubernetes, with its place."""
    found = []
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        if path.name == "kustomization.yaml":
            continue
        place = str(path.relative_to(DEPLOY))
        found += [(place, manifest) for manifest in yaml.safe_load_all(path.read_text())]
    return found


def kustomizations() -> list[Path]:
    return sorted((DEPLOY / "kubernetes").rglob("kustomization.yaml"))


def pod() -> dict[str, Any]:
    (deployment,) = [manifest for _, manifest in manifests() if manifest["kind"] == "Deployment"]
    return deployment["spec"]["template"]["spec"]


def worker_pool() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "google-cloud/worker-pool.yaml").read_text())


def settings_set() -> Iterator[tuple[str, str, str]]:
    """Each setting that a file sets: the place, its name, its value."""
    for place, manifest in manifests():
        if manifest["kind"] == "ConfigMap":
            yield from ((place, name, value) for name, value in manifest["data"].items())
    for entry in worker_pool()["spec"]["template"]["spec"]["containers"][0]["env"]:
        if entry["name"].startswith("DOTHIS_"):
            yield "worker-pool.yaml", entry["name"], entry["value"]


@pytest.mark.parametrize(("place", "manifest"), manifests())
def test_kubernetes_accepts_it(place: str, manifest: dict[str, Any]) -> None:
    if manifest["apiVersion"].startswith("keda.sh/"):
        model = KINDS_OF_KEDA[manifest["kind"]].model_validate(manifest)
        again = json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))
        assert again == manifest, "a field that KEDA does not know would be dropped in silence"
    else:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    (deployment,) = [manifest for _, manifest in manifests() if manifest["kind"] == "Deployment"]
    wrong = json.loads(json.dumps(deployment).replace("failureThreshold", "failureTreshold"))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("path", kustomizations(), ids=lambda path: path.parent.name)
def test_kustomizations_name_files_that_are_there(path: Path) -> None:
    kustomization = yaml.safe_load(path.read_text())
    named = [*kustomization["resources"], *(patch["path"] for patch in kustomization.get("patches", []))]
    assert all((path.parent / name).exists() for name in named)
    unnamed = {file.name for file in path.parent.glob("*.yaml")} - {*named, "kustomization.yaml"}
    assert not unnamed, "a file that nothing applies"


@pytest.mark.parametrize("intake", ["watch", "pubsub"])
def test_kustomize_builds_it(intake: str) -> None:
    if shutil.which("kubectl") is None:
        missing("kubectl is missing: the Google Cloud CLI brings it, as does the package kubernetes-client")
    build = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / intake)], capture_output=True, text=True, check=True
    )
    built = list(yaml.safe_load_all(build.stdout))
    (settings,) = [manifest["data"] for manifest in built if manifest["kind"] == "ConfigMap"]
    assert settings.get("DOTHIS_INTAKE", "watch") == intake
    assert settings["DOTHIS_BACKEND"] == "firebase", "the patch must not replace the base"


def test_the_pod_has_no_more_rights_than_it_needs() -> None:
    spec = pod()
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = re.search(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user is not None
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == int(user[1])


def test_what_the_pod_writes_to_is_a_volume() -> None:
    spec = pod()
    (container,) = spec["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert "ephemeral" in volumes[mounted["/data"]], "the spool outlives a crash of the container"
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["TMPDIR"] in mounted


PROBES = [("startupProbe", "/healthz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")]


@pytest.mark.parametrize(("probe", "path"), PROBES)
def test_probes_of_the_pod_keep_liveness_apart_from_readiness(probe: str, path: str) -> None:
    (container,) = pod()["containers"]
    asked = container[probe]["httpGet"]
    (port,) = [port["containerPort"] for port in container["ports"] if port["name"] == asked["port"]]
    assert (asked["path"], port) == (path, Settings.model_fields["health_port"].default)


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
def test_probes_of_the_worker_pool_ask_for_liveness(probe: str) -> None:
    pool = yaml.safe_load((DEPLOY / "google-cloud" / "worker-pool.yaml").read_text())
    (container,) = pool["spec"]["template"]["spec"]["containers"]
    asked = container[probe]["httpGet"]
    assert asked == {"path": "/healthz", "port": Settings.model_fields["health_port"].default}


def test_the_image_is_unhealthy_only_when_a_restart_helps() -> None:
    (check,) = re.findall(r"^HEALTHCHECK(?:.*\\\n)*.*$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert "/healthz" in check
    assert "/readyz" not in check


def test_shutdown_fits_into_the_grace_period() -> None:
    grace = {place: float(value) for place, name, value in settings_set() if name == "DOTHIS_GRACE_S"}
    assert grace["kubernetes/base/settings.yaml"] + 5 <= pod()["terminationGracePeriodSeconds"]
    assert grace["worker-pool.yaml"] + 5 <= 10, "Cloud Run kills 10 s after SIGTERM"


@pytest.mark.parametrize(("place", "name", "value"), list(settings_set()))
def test_settings_exist_and_take_their_value(place: str, name: str, value: str) -> None:
    field = name.removeprefix("DOTHIS_").lower()
    assert field in Settings.model_fields, place
    complete = {"bucket": "b", "subscription": "s", field: value}
    assert Settings.model_validate(complete).model_dump()[field] is not None


@pytest.mark.parametrize("intake", ["watch", "pubsub"])
def test_scaling_follows_the_backlog_and_the_oldest_job(intake: str) -> None:
    scaled = yaml.safe_load((DEPLOY / "kubernetes" / intake / "scaling.yaml").read_text())
    (deployment,) = [manifest for _, manifest in manifests() if manifest["kind"] == "Deployment"]
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert [trigger["name"] for trigger in scaled["spec"]["triggers"]] == ["backlog", "oldest-job"]
    for trigger in scaled["spec"]["triggers"]:
        assert trigger["type"] == "prometheus"
        assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold"}
        assert float(trigger["metadata"]["threshold"]) > 0
    workers = [value for place, name, value in settings_set() if "kubernetes" in place and name == "DOTHIS_WORKERS"]
    assert [scaled["spec"]["triggers"][0]["metadata"]["threshold"]] == workers, "one consumer takes so many jobs at once"


def test_scaling_asks_for_metrics_that_there_are() -> None:
    scaled = yaml.safe_load((DEPLOY / "kubernetes/watch/scaling.yaml").read_text())
    known = {family.name for family in Metrics().registry.collect()}
    asked = {name for trigger in scaled["spec"]["triggers"] for name in re.findall(r"dothis_\w+", trigger["metadata"]["query"])}
    assert asked
    assert asked <= known


def test_cloud_run_accepts_the_worker_pool() -> None:
    schemas = discovery("run.v1")
    pool = worker_pool()
    jsonschema.validate(pool, {"$ref": "#/$defs/WorkerPool", "$defs": schemas})
    wrong = json.loads(json.dumps(pool).replace("sizeLimit", "sizeLimits"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, {"$ref": "#/$defs/WorkerPool", "$defs": schemas})


def test_the_spool_fits_into_the_pools_memory() -> None:
    spec = worker_pool()["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    values = {entry["name"]: entry["value"] for entry in container["env"]}
    (volume,) = spec["volumes"]
    gib = 2**30
    volume_bytes = int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * gib
    memory_bytes = int(container["resources"]["limits"]["memory"].removesuffix("Gi")) * gib
    assert int(values["DOTHIS_SPOOL_MAX_BYTES"]) + int(values["DOTHIS_MIN_FREE_BYTES"]) <= volume_bytes
    # Measured: an analysis takes less than 1 GB.
    assert memory_bytes - volume_bytes >= int(values["DOTHIS_WORKERS"]) * 2 * gib


@pytest.mark.parametrize("path", sorted((DEPLOY / "google-cloud").glob("*-role.yaml")), ids=lambda path: path.stem)
def test_roles_are_roles_and_hold_no_administration(path: Path) -> None:
    role = yaml.safe_load(path.read_text())
    jsonschema.validate(role, {"$ref": "#/$defs/Role", "$defs": discovery("iam.v1")})
    for permission in role["includedPermissions"]:
        service, resource, verb = permission.split(".")
        assert (service, resource) in ALLOWED
        assert verb in {"get", "list", "create", "update", "delete"}
        assert resource != "databases" or verb == "get"


def test_the_role_that_is_bound_suffices_for_every_call_of_the_document_store() -> None:
    role = yaml.safe_load((DEPLOY / "google-cloud/consumer-role.yaml").read_text())
    verbs = {"get", "list", "create", "update", "delete"}
    assert {f"datastore.entities.{verb}" for verb in verbs} <= set(role["includedPermissions"])


# --- set-up.sh: run with a `gcloud` that only notes what it is asked for ----------------------------------------------------

NOTING_GCLOUD = """#!/usr/bin/env bash
printf '%q ' "$@" >>"$CALLS"; echo >>"$CALLS"
case "$*" in
    *projectNumber*) echo 123456789 ;;
    *" describe "*) exit "$FOUND" ;;
esac
"""


def run_set_up(tmp_path: Path, *, found: bool) -> list[list[str]]:
    """The calls of gcloud that set-up.sh makes where nothing, or everything, is there already."""
    (tmp_path / "gcloud").write_text(NOTING_GCLOUD)
    (tmp_path / "gcloud").chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "FOUND": "0" if found else "1",
        "PROJECT": "demo-project",
        "BUCKET": "demo-bucket",
        "REGION": "us-central1",
    }
    subprocess.run([str(DEPLOY / "google-cloud/set-up.sh")], env=environment, check=True, capture_output=True, timeout=60)
    return [shlex.split(line) for line in calls.read_text().splitlines()]


def calls_of(calls: list[list[str]], command: str) -> list[list[str]]:
    return [call for call in calls if " ".join(call).startswith(command)]


def flags_of(call: list[str]) -> dict[str, str]:
    return dict(argument.partition("=")[::2] for argument in call if argument.startswith("--"))


def test_set_up_makes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    first = run_set_up(tmp_path, found=False)
    (tmp_path / "calls").unlink()
    again = run_set_up(tmp_path, found=True)
    made = [call for call in first if "create" in call]
    assert len(made) == 9
    assert not [call for call in again if "create" in call]


def test_the_subscription_has_dead_letters_and_never_expires(tmp_path: Path) -> None:
    (call,) = calls_of(run_set_up(tmp_path, found=False), "pubsub subscriptions create dothis-consumers")
    flags = flags_of(call)
    assert flags["--topic"] == "dothis-jobs"
    assert flags["--dead-letter-topic"] == "dothis-dead-letters"
    assert 5 <= int(flags["--max-delivery-attempts"]) <= 100
    assert flags["--expiration-period"] == "never"
    assert flags["--ack-deadline"] == f"{Settings.model_fields['lease_s'].default:.0f}"


def test_the_trigger_is_that_of_the_jobs_creation(tmp_path: Path) -> None:
    (call,) = calls_of(run_set_up(tmp_path, found=False), "eventarc triggers create")
    assert "--event-filters=type=google.cloud.firestore.document.v1.created" in call
    assert flags_of(call)["--event-filters-path-pattern"] == f"document={Settings.model_fields['collection'].default}/{{job}}"


def test_nobody_gets_a_basic_role(tmp_path: Path) -> None:
    granted = [flags for flags in map(flags_of, run_set_up(tmp_path, found=False)) if "--role" in flags]
    assert len(granted) == 10
    basic = {
        "roles/owner",
        "roles/editor",
        "roles/viewer",
        "roles/datastore.owner",
        "roles/storage.admin",
        "roles/pubsub.admin",
    }
    assert not basic & {flags["--role"] for flags in granted}
    on_the_project = {flags["--role"] for flags in granted if "--condition" in flags}
    assert on_the_project == {
        "projects/demo-project/roles/dothisConsumer",
        "roles/eventarc.eventReceiver",
        "roles/workflows.invoker",
        "roles/logging.logWriter",
    }


def cloud_sdk_tree() -> dict[str, Any]:
    """The commands and flags that the installed Google Cloud CLI knows, as it ships them for completion."""
    gcloud = shutil.which("gcloud")
    path = Path(gcloud).resolve().parents[1] / "data/cli/gcloud_completions.py" if gcloud else None
    if path is None or not path.is_file():
        missing("The Google Cloud CLI is missing (Debian: google-cloud-cli)")
    tree: dict[str, Any] = runpy.run_path(str(path))["STATIC_COMPLETION_CLI_TREE"]
    return tree


def test_gcloud_knows_every_command_and_flag(tmp_path: Path) -> None:
    tree = cloud_sdk_tree()
    for call in run_set_up(tmp_path, found=False):
        node, known = tree, set(tree["flags"])
        words = iter(call)
        for word in words:
            if word not in node.get("commands", {}):
                break
            node = node["commands"][word]
            known |= set(node.get("flags", {}))
        assert not node.get("commands"), f"not a command: {call}"
        unknown = {flag.partition("=")[0] for flag in call if flag.startswith("--")} - known
        assert not unknown, f"{unknown} in {call}"
