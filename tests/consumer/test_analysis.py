from pathlib import Path

from consumer.analysis import fingerprint


def test_another_model_is_another_analysis(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"1")
    before = fingerprint(model)
    assert fingerprint(model) == before
    model.write_bytes(b"2")
    assert fingerprint(model) != before
