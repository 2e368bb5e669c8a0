import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from consumer.catalogue import Catalogue
from consumer.jobs.errors import ErrorCode, JobError
from consumer.work.analysis import VIDEO, analyse, fingerprint
from pose.reading.video import Limits

BYSTANDER = Path(__file__).parents[2] / "data" / "bystander.mp4"
"""7 s, 210 frames of 640 x 360 pixels, 47 kB."""


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
    error = error_of_analysis(tmp_path, language)
    assert error.code is ErrorCode.VIDEO_UNREADABLE
    assert error.message(language).startswith(says)


@pytest.mark.parametrize(
    ("limits", "language", "code", "says"),
    [
        (Limits(max_duration_s=3), "en", ErrorCode.VIDEO_TOO_LONG, "The video lasts at least 7 s; at most 3 s are accepted."),
        (Limits(max_duration_s=3), "ko", ErrorCode.VIDEO_TOO_LONG, "영상 길이가 7초 이상이에요. 최대 3초까지 받아요."),
        (Limits(max_frames=99), "ko", ErrorCode.VIDEO_TOO_LONG, "영상의 프레임이 210개 이상이에요. 최대 99개까지 받아요."),
        (Limits(max_fps=24), "ko", ErrorCode.VIDEO_TOO_LONG, "영상이 초당 30프레임이에요. 최대 24프레임까지 받아요."),
        (Limits(max_bytes=20_000), "ko", ErrorCode.VIDEO_TOO_LARGE, "영상이 0.1MB예요. 최대 0.02MB까지 받아요."),
        (Limits(max_pixels=90_000), "ko", ErrorCode.VIDEO_TOO_LARGE, "화면이 640 x 360 픽셀(0.3백만)이에요. 최대 0.09백만"),
        (Limits(max_pixels=90_000), "en", ErrorCode.VIDEO_TOO_LARGE, "The picture is 640 x 360 pixels, 0.3 million"),
    ],
)
def test_a_document_says_the_limit_and_what_the_video_has(
    tmp_path: Path, limits: Limits, language: str, code: ErrorCode, says: str
) -> None:
    shutil.copy(BYSTANDER, tmp_path / VIDEO)
    error = error_of_analysis(tmp_path, language, limits)
    assert error.code is code
    assert error.message(language).startswith(says)


def error_of_analysis(directory: Path, language: str, limits: Limits | None = None) -> JobError:
    """What the analysis of the directory's video raises."""
    Catalogue().save(directory / "exercises.json")
    arguments = {
        "source": str(directory),
        "target": str(directory),
        "model": "full",
        "exercises": str(directory / "exercises.json"),
        "language": language,
        "reference": False,
        "workers": 1,
        "limits": asdict(limits or Limits()),
    }
    with pytest.raises(JobError) as caught:
        analyse(arguments, lambda _: None)
    return caught.value
