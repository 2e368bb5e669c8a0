"""Exercise files: what is right is read, what is wrong is refused with its file and line, and nothing in it is executed."""

import itertools
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from feedback.checks.measures import MEASURES
from feedback.checks.references import resolve
from feedback.exercises import CATALOGUE
from feedback.exercises.files import DIRECTORY, ExerciseFileError, json_schema, read_exercise, read_exercises, shared_checks

SQUAT = (DIRECTORY / "squat.yaml").read_text(encoding="utf-8")
ROOT = DIRECTORY.parent.parent


def test_our_own_files_follow_the_published_schema() -> None:
    published = json.loads((ROOT / "docs" / "exercise.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(), "run: python -m feedback.exercises > docs/exercise.schema.json"
    validator = jsonschema.Draft202012Validator(published)
    for name in CATALOGUE:
        text = (DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")
        assert text.startswith("# yaml-language-server: $schema=../../docs/exercise.schema.json\n")
        validator.validate(yaml.load(text, yaml.CSafeLoader))


def test_thirty_files_are_read_in_a_moment(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"squat_{number}.yaml").write_text(SQUAT.replace("id: squat", f"id: squat_{number}", 1))
    seconds = []
    for _ in range(5):
        start = time.process_time()
        assert len(read_exercises(tmp_path)) == 30
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.12  # 40 ms on an idle core; a busy neighbour on the same core doubles it


def test_a_shared_check_is_taken_over_and_overridden() -> None:
    plank, push_up = (
        next(check for check in CATALOGUE[name].checks if check.id == "hips_sagging") for name in ("plank", "push_up")
    )
    assert (plank.threshold, plank.title) == (push_up.threshold, push_up.title)
    assert (plank.lasting_s, push_up.lasting_s) == (0.5, 0.1)
    assert "lasting_s" not in shared_checks()["hips_sagging"]


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_says_what_it_gives_and_in_which_unit(name: str) -> None:
    said = MEASURES[name].__doc__ or ""
    assert any(unit in said for unit in ("degree", "cm", "second", "per cent", "multiple")), said


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("thigh_hight", "did you mean 'thigh_height'"),
        ({"name": "joint"}, "'joint'"),
        ({"name": "joint", "joint": "toe"}, "there is no joint 'toe'"),
        ({"name": "joint", "joint": "knee", "in_pictures": True}, "did you mean 'in_picture'"),
        ({"name": "tilt", "part": "hip", "by_turns": "yes"}, "by_turns"),
        ({"joint": "knee"}, "name"),
        ({"name": ["joint"]}, "name"),
    ],
)
def test_a_wrong_measure_is_refused_with_the_nearest_right_name(reference: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        resolve(reference)  # type: ignore[arg-type]


CHECKS = SQUAT.splitlines().index("checks:") + 2
"""The line of the first check."""

WRONG: dict[str, tuple[str | bytes, Any]] = {
    "empty": ("", 1),
    "a list": ("- 1", 1),
    "a word": ("squat", 1),
    "not YAML": (SQUAT + "\n  - [", None),
    "a tab": (SQUAT.replace("  joint: knee", "\tjoint: knee"), 6),
    "a variant with an id": (SQUAT + "\nvariants:\n  - id: lunge\n    joint: knee\n", len(SQUAT.splitlines()) + 3),
    "not UTF-8": (b"id: \xff\xfe", 1),
    "a null byte": ("id: squat\0", 1),
    "two documents": (SQUAT + "\n---\n" + SQUAT, None),
    "huge": ("# " + "x" * 200_000, 1),
    "deep": ("id: " + "[" * 50 + "]" * 50, 1),
    "very deep": ("id: " + "[" * 20_000 + "]" * 20_000, 1),
    "another id": (SQUAT.replace("id: squat", "id: squad", 1), 3),
    "no id": (SQUAT.replace("id: squat\n", "", 1), 1),
    "an id of a list": (SQUAT.replace("id: squat", "id: [squat]", 1), 3),
    "no name": (SQUAT.replace("name: Squat\n", ""), 3),
    "an empty name": (SQUAT.replace("name: Squat", "name: ''"), 4),
    "a name of a number": (SQUAT.replace("name: Squat", "name: 7"), 4),
    "no movement": (SQUAT.replace("movement:", "motion:"), 3),
    "a movement of a word": ("id: squat\nname: Squat\nmovement: quick\nchecks: []", 3),
    "an id in the movement": (SQUAT.replace("  joint: knee", "  id: squat\n  joint: knee"), 6),
    "an unknown key": (SQUAT.replace("    severity", "    severty").replace("    threshold: 33", "    treshold: 33"), None),
    "an unknown key above": (SQUAT + "\nauthor: me\n", None),
    "an unknown key of the movement": (SQUAT.replace("  posture:", "  postures:"), None),
    "an unknown key of a band": (SQUAT.replace("{signal: trunk, high: 75}", "{signal: trunk, hihg: 75}"), 12),
    "a key twice": (SQUAT.replace("name: Squat", "name: Squat\nname: Squat"), 5),
    "a merge": (SQUAT.replace("name: Squat", "<<: {name: Squat}"), 4),
    "an alias": (SQUAT.replace("name: Squat", "name: &a Squat\nother: *a"), None),
    "an alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nid: *c", None),
    "an alias of itself": ("&a [*a]", None),
    "code": ('id: !!python/object/apply:os.system ["touch ran"]', None),
    "code in a name": (SQUAT.replace("name: Squat", 'name: !!python/name:os.system ""'), None),
    "an unknown joint": (SQUAT.replace("joint: knee", "joint: kne"), None),
    "an unknown signal": (SQUAT.replace("{signal: knee, rest: 170", "{signal: kneee, rest: 170"), None),
    "an unknown measure": (SQUAT.replace("measure: squat_depth", "measure: squat_depths"), ...),
    "a measure of a number": (SQUAT.replace("measure: squat_depth", "measure: 3"), ...),
    "an unknown landmark": (SQUAT.replace("marks: [knee, hip]", "marks: [knee, hips]"), None),
    "an unknown view": (SQUAT.replace("[side_left, side_right, oblique]", "[above]"), None),
    "an unknown unit": (SQUAT.replace("unit: deg", "unit: furlong", 1), None),
    "an unknown verdict": (SQUAT.replace("verdict: falls_short", "verdict: bad"), None),
    "an unknown shared check": (SQUAT.replace("use: too_fast", "use: too_slow"), None),
    "a shared check with an id": (SQUAT.replace("use: too_fast", "use: too_fast\n    id: too_fast"), None),
    "a threshold of a word": (SQUAT.replace("threshold: 33", "threshold: deep"), ...),
    "a threshold of true": (SQUAT.replace("threshold: 33", "threshold: true"), ...),
    "a threshold that is no number": (SQUAT.replace("threshold: 33", "threshold: .nan"), ...),
    "an endless threshold": (SQUAT.replace("threshold: 33", "threshold: .inf"), ...),
    "a vast threshold": (SQUAT.replace("threshold: 33", "threshold: 1e300"), ...),
    "an endless rest": (SQUAT.replace("rest: 170", "rest: -.inf", 1), None),
    "clear on the wrong side": (SQUAT.replace("clear: 20", "clear: 40"), CHECKS),
}


@pytest.mark.parametrize(
    ("content", "line"),
    [pytest.param(*case, id=name, marks=[pytest.mark.slow] if name == "very deep" else []) for name, case in WRONG.items()],
)
def test_a_wrong_file_is_refused_with_its_name_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes, line: Any
) -> None:
    if line is ...:
        changed = zip(SQUAT.splitlines(), str(content).splitlines(), strict=True)
        line = next(number for number, (ours, theirs) in enumerate(changed, 1) if ours != theirs)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "squat.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ExerciseFileError) as refused:
        read_exercise(path)
    said = str(refused.value)
    assert said.startswith("squat.yaml, line " + (f"{line}: " if line else ""))
    assert len(said) < 600
    assert not (tmp_path / "ran").exists()


def test_a_file_never_takes_much_memory(tmp_path: Path) -> None:
    names = "abcdefghijklmnop"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in itertools.pairwise(names)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    code = (
        "import resource, sys; from pathlib import Path; from feedback.exercises.files import *\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_exercise(Path(sys.argv[1]))\n"
        "except ExerciseFileError: pass\n"
        "else: sys.exit(2)\n"
        "sys.exit(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > 20_000)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "bomb.yaml"], cwd=ROOT, check=True, timeout=60)
