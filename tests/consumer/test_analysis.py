from dataclasses import asdict
from pathlib import Path

import pytest

from consumer.analysis import VIDEO, analyse, fingerprint
from consumer.catalogue import Catalogue
from consumer.errors import ErrorCode, JobError
from pose.video import Limits


def test_another_model_is_another_analysis(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"1")
    before = fingerprint(model, Catalogue())
    assert fingerprint(model, Catalogue()) == before
    model.write_bytes(b"2")
    assert fingerprint(model, Catalogue()) != before


@pytest.mark.parametrize(
    ("content", "language", "says"),
    [
        (b"", "en", "The video file is empty"),
        (b"", "ko", "영상 파일이 비어 있어요"),
        (b"GIF89a" + bytes(100), "en", "The file is of the format GIF"),
        (b"GIF89a" + bytes(100), "ko", "GIF 형식은 지원하지 않아요"),
        (b"squats " * 100, "ko", "영상 파일이 아니거나"),
    ],
)
def test_a_document_says_what_is_wrong_with_the_file(tmp_path: Path, content: bytes, language: str, says: str) -> None:
    (tmp_path / VIDEO).write_bytes(content)
    Catalogue().save(tmp_path / "exercises.json")
    arguments = {
        "source": str(tmp_path),
        "target": str(tmp_path),
        "model": "full",
        "exercises": str(tmp_path / "exercises.json"),
        "language": language,
        "reference": False,
        "workers": 1,
        "limits": asdict(Limits()),
    }
    with pytest.raises(JobError) as caught:
        analyse(arguments, lambda _: None)
    assert caught.value.code is ErrorCode.VIDEO_UNREADABLE
    assert caught.value.message(language).startswith(says)
