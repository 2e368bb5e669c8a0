"""`dothis learn`: writes an exercise file from a reference video."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from consumer.commands import console
from consumer.commands.analyze import read
from consumer.jobs.errors import ErrorCode
from consumer.work.analysis import named_errors
from feedback.checks.catalogue import Exercise
from feedback.errors import NoExercise
from feedback.exercises import CATALOGUE
from feedback.exercises.files import ExerciseFileError, parse_exercise
from feedback.reference.learning import learn, write_exercise
from feedback.review import review
from feedback.words import N_
from pose import Motion


def run(video: Path, *, id_: str, names: Mapping[str, str], out: Path, check_on: Sequence[Path], json: bool) -> None:
    """See `dothis learn --help`."""
    settings = console.load_settings()
    console.quiet_logs()
    target = out / f"{id_}.yaml"
    with console.reporting(as_json=json), console.progress_bar(shown=not json) as tell:
        if target.exists():
            raise console.Failed(
                str(ErrorCode.INVALID_REQUEST), f"{target} exists. Remove it, or choose another --id or --out."
            )
        videos = [video, *check_on]
        motions = []
        for number, each in enumerate(videos):
            with named_errors("en"):
                motions.append(read(settings, CATALOGUE, each))
            tell(N_("Analysing"), (number + 1) / len(videos))
        with named_errors("en"):
            learned = learn(motions[0], id_)
        try:
            text = write_exercise(learned, names=names, origin=video.name)
        except ExerciseFileError as error:
            raise console.Failed(str(ErrorCode.INVALID_REQUEST), str(error)) from error
        exercise = parse_exercise(target.name, text.encode())
        try:
            out.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise console.Failed(str(ErrorCode.UNAVAILABLE), f"{target} cannot be written: {error.strerror}.") from error
    counted = [{"video": each.name, **_count(motion, exercise)} for each, motion in zip(videos, motions, strict=True)]
    if json:
        console.print_json({"file": str(target), "learnedFrom": learned.count, "counts": counted})
        return
    console.out.print(f"{target}: learned from {learned.count} repetitions.", markup=False, soft_wrap=True)
    for one in counted:
        also = f"; with the other exercises it is {one['recognised']}" if one["recognised"] != id_ else ""
        console.out.print(f"  {one['video']}: {one['reps']} repetitions{also}", markup=False, soft_wrap=True)


def _count(motion: Motion, exercise: Exercise) -> dict[str, Any]:
    """What the file counts in the video when used alone, and what is recognised together with the package's exercises."""
    try:
        report = review(motion, catalogue={exercise.id: exercise})
        reps = sum(one.reps for one in report.sets if one.exercise == exercise.id)
    except NoExercise:
        reps = 0
    try:
        recognised = review(motion, catalogue={**CATALOGUE, exercise.id: exercise}).exercise.id
    except NoExercise:
        recognised = "none"
    return {"reps": reps, "recognised": recognised}
