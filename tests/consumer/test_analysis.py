from pathlib import Path

from consumer.analysis import fingerprint
from consumer.catalogue import Catalogue


def test_another_model_is_another_analysis(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"1")
    before = fingerprint(model, Catalogue())
    assert fingerprint(model, Catalogue()) == before
    model.write_bytes(b"2")
    assert fingerprint(model, Catalogue()) != before
