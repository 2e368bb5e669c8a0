"""Exercises of an operator's: the complete example of the documentation, on a stick figure, in each language."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.checks.measures import MEASURES
from feedback.checks.references import parameters_of
from feedback.exercises import CATALOGUE, extend_catalogue
from feedback.exercises.files import DIRECTORY, ExerciseFileError, parse_exercise, read_files
from feedback.review import review
from feedback.words import words_of
from pose.motion import Motion
from tests.figures import EXERCISES, STAND, film, script

PAGE = Path(__file__).parents[3] / "docs" / "exercises.md"
EXAMPLE = re.search(r"```yaml\n(# Leg extension.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1].encode()  # type: ignore[index]
FILES = {"leg_extension.yaml": EXAMPLE}


@pytest.fixture
def extending(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], Motion]:
    """Films a seated figure that lifts its feet; the share of the way for each repetition."""
    seated = replace(STAND, hip=95, knee=90, anchor="hips", rise=0.5)
    monkeypatch.setitem(EXERCISES, "leg_extension", (seated, {"knee": 172}))

    def shoot(depth: list[float]) -> Motion:
        return film(script("leg_extension", len(depth), depth=depth), azimuth=90)

    return shoot


def test_the_documented_example_is_recognised_counted_and_judged(extending: Callable[[list[float]], Motion]) -> None:
    report = review(extending([1, 1, 0.45, 1, 1]), catalogue=extend_catalogue(FILES))
    assert (report.exercise.id, report.exercise.source, report.reps.total, report.reps.good) == (
        "leg_extension",
        "recognised",
        5,
        4,
    )
    assert [(fault.id, fault.reps) for fault in report.faults] == [("incomplete_extension", [3])]
    assert "leg_extension" not in CATALOGUE, "the example must not be one of ours"


def test_its_words_come_in_the_language_that_was_asked_for(extending: Callable[[list[float]], Motion]) -> None:
    shallow = extending([1, 0.45, 1])
    korean = review(shallow, catalogue=extend_catalogue(FILES), language="ko")
    assert korean.exercise.name == "레그 익스텐션"
    assert korean.faults[0].title == "무릎을 끝까지 펴지 않음"
    assert "레그 익스텐션" in korean.summary
    assert review(shallow, catalogue=extend_catalogue(FILES), language="en").exercise.name == "Leg extension"


def test_a_language_without_a_text_gets_the_english_one() -> None:
    english_only = EXAMPLE.replace("{en: Leg extension, ko: 레그 익스텐션}".encode(), b"{en: Leg extension}")
    (exercise,) = (parse_exercise("leg_extension.yaml", english_only),)
    assert words_of("ko")(exercise.name) == "Leg extension"


def test_an_operators_file_replaces_ours_of_the_same_id() -> None:
    ours = (DIRECTORY / "squat.yaml").read_bytes()
    catalogue = extend_catalogue({"squat.yaml": ours.replace(b"\nname: Squat\n", b"\nname: Deep squat\n")})
    assert len(catalogue) == len(CATALOGUE)
    assert catalogue["squat"].name == "Deep squat"


def test_a_text_is_never_read_as_a_template() -> None:
    content = EXAMPLE.replace(b"en: Leg extension,", b'en: "{0.__class__} {x}",')
    assert words_of("en")(parse_exercise("leg_extension.yaml", content).name) == "{0.__class__} {x}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{ko: 스쿼트}", "the text in en is missing"),
        ("{en: Bridge, fr: Pont}", "there are no words in the language 'fr'"),
        ("{en: 3}", "this must be a text"),
        ("[Bridge]", "this must be a text"),
        ("''", "this must be a text"),
    ],
)
def test_a_wrong_text_is_refused_with_its_line(wrong: str, said: str) -> None:
    content = EXAMPLE.decode().replace("{en: Leg extension, ko: 레그 익스텐션}", wrong)
    with pytest.raises(ExerciseFileError, match=re.escape(f"leg_extension.yaml, line 3: name: {said}")):
        parse_exercise("leg_extension.yaml", content.encode())


@pytest.mark.parametrize("reserved", ["any", "reference"])
def test_an_id_with_a_meaning_of_its_own_is_refused(reserved: str) -> None:
    content = EXAMPLE.replace(b"id: leg_extension", f"id: {reserved}".encode())
    with pytest.raises(ExerciseFileError, match=f"an exercise cannot be called '{reserved}'"):
        parse_exercise(f"{reserved}.yaml", content)


def test_files_of_other_kinds_are_left_out_and_a_wrong_ending_is_named(tmp_path: Path) -> None:
    for name in ("leg_extension.yaml", ".hidden.yaml", "README.md"):
        (tmp_path / name).write_bytes(EXAMPLE)
    assert list(read_files(tmp_path)) == ["leg_extension.yaml"]
    (tmp_path / "row.yml").write_bytes(EXAMPLE)
    with pytest.raises(ExerciseFileError, match=re.escape("call it row.yaml")):
        read_files(tmp_path)


def test_every_measure_is_in_the_documentation_with_its_parameters() -> None:
    table = re.search(r"## Measures\n(.*?)\n## ", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert table
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines() if line.startswith("| `")]
    written = {name.strip("`"): (parameters, said) for name, parameters, said in rows}
    assert written == {
        name: (
            ", ".join(f"`{parameter}`" for parameter in parameters_of(name).model_fields),
            " ".join((measure.__doc__ or "").split("\n\n")[0].split()),
        )
        for name, measure in MEASURES.items()
    }
