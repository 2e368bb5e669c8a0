from pathlib import Path

import pytest

from consumer.settings import Settings, SettingsError, describe


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, _, _ in describe():
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_the_contract() -> None:
    settings = Settings.load()
    assert (settings.backend, settings.data_dir, settings.collection) == ("local", Path("data"), "uploads")
    assert (settings.shim_port, settings.shim_timeout_s, settings.health_port) == (5000, 300, 8080)
    assert (settings.lease_s, settings.max_attempts) == (30, 3)
    assert (settings.max_video_bytes, settings.max_video_s, settings.max_pixels) == (500_000_000, 900, 4096 * 2160)
    assert settings.workers >= 1


def test_the_environment_counts_more_than_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DOTHIS_LEASE_S=10\nDOTHIS_MAX_VIDEO_BYTES=1.5 GB\nSOMETHING_ELSE=1\nDOTHIS_BUCKET=\n")
    monkeypatch.setenv("DOTHIS_LEASE_S", "20")
    settings = Settings.load()
    assert (settings.lease_s, settings.max_video_bytes, settings.bucket) == (20, 1_500_000_000, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOTHIS_BACKEND", "mongodb"),
        ("DOTHIS_WORKERS", "0"),
        ("DOTHIS_LEASE_S", "soon"),
        ("DOTHIS_SHIM_PORT", "70000"),
        ("DOTHIS_MAX_VIDEO_BYTES", "-1"),
        ("DOTHIS_LOG_LEVEL", "loud"),
    ],
)
def test_what_is_out_of_bounds_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


@pytest.mark.parametrize(
    ("quota", "workers"),
    [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("", 8), (None, 8)],
)
def test_a_container_that_may_use_some_of_the_cores_has_as_many_workers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str | None, workers: int
) -> None:
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(quota)
    monkeypatch.setattr("consumer.settings.CPU_QUOTA", file)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    assert Settings.load().workers == workers


def test_every_setting_is_described() -> None:
    for name, _, description in describe():
        assert description.endswith("."), name


@pytest.mark.parametrize(("name", "meant"), [("DOTHIS_WORKER", "DOTHIS_WORKERS"), ("DOTHIS_DATADIR", "DOTHIS_DATA_DIR")])
def test_a_mistyped_name_gets_the_nearest_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, meant: str) -> None:
    (tmp_path / ".env").write_text(f"{name}=1\n")
    with pytest.raises(SettingsError, match=meant):
        Settings.load()
    (tmp_path / ".env").unlink()
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=meant):
        Settings.load()


def test_a_former_name_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOTHIS_RESULTS_DAYS", "30")
    with pytest.raises(SettingsError, match="DOTHIS_RETENTION_DAYS"):
        Settings.load()


@pytest.mark.parametrize("name", ["DOTHIS_PORT", "DOTHIS_SERVICE_HOST", "DOTHIS_PORT_5000_TCP_ADDR", "DOTHIS_CACHE_DIR"])
def test_names_that_kubernetes_makes_are_no_mistakes(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:5000")
    Settings.load()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"# ours\n\nDOTHIS_BACKEND: firebase\n", "line 3"),
        (b"DOTHIS_BACKEND\n", "line 1"),
        ("DOTHIS_WORKER_NAME=Jürgen\n".encode("latin-1"), "UTF-8"),
        (b"DOTHIS_ZUMBA=1\n", "DOTHIS_ZUMBA is no setting"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=complaint):
        Settings.load()
