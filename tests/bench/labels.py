"""Labelled sets of videos: a directory with `labels.tsv` (counted by eye) or with `index.tsv` and `NAME.json.gz` (rendered)."""

import csv
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.exercises import CATALOGUE
from pose.movements.view import VIEWS, name_view


@dataclass(frozen=True)
class Clip:
    """One video and what is true of it.

    Attributes:
        path: the video.
        exercise: "none" for what is no exercise or none whose sets are counted.
        besides: another name that is right, too: what somebody does whose repetitions were not counted.
        counts: the right numbers of repetitions, more than one where a half one may count; empty where nothing was counted.
        hold_s: seconds held; of a rendered plank, without the spans of its faults.
        views: the views that are right; more than one where the camera stands between two or moves.
        truth: of a rendered clip, the content of its `NAME.json.gz`.
    """

    path: Path
    exercise: str
    besides: str | None
    counts: frozenset[int]
    hold_s: float | None
    views: frozenset[str]
    truth: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The file's name without its end."""
        return self.path.stem

    @property
    def reps(self) -> int | None:
        """The number of repetitions; None where nothing was counted."""
        return min(self.counts, default=None)


def read_set(folder: Path) -> list[Clip]:
    """The clips of a labelled directory.

    Raises:
        ValueError: the directory holds neither kind of labels.
    """
    rendered = not (folder / "labels.tsv").is_file()
    return [(_rendered if rendered else _counted)(folder, row) for row in read_rows(folder)]


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The lines of a directory's labels by the names of their columns.

    Raises:
        ValueError: the directory holds neither kind of labels.
    """
    for name in ("labels.tsv", "index.tsv"):
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file, delimiter="\t"))
    raise ValueError(f"{folder} has neither labels.tsv nor index.tsv. Name directories of labelled videos.")


def _counted(folder: Path, row: dict[str, str]) -> Clip:
    held = row["reps"].endswith("s")
    exercise, _, besides = row["exercise"].partition(":")
    if exercise == "none":
        besides = Path(row["clip"]).stem.removeprefix("none_")
    elif exercise == "other":
        exercise = "none"
    return Clip(
        path=folder / row["clip"],
        exercise=exercise,
        besides=besides or None,
        counts=frozenset() if held or besides else frozenset(int(count) for count in row["reps"].split("|") if count),
        hold_s=float(row["reps"][:-1]) if held else None,
        views=_views_of_words(row["view"]),
    )


def _views_of_words(words: str) -> frozenset[str]:
    """ "side-oblique" allows the side and oblique, "front->oblique" both, "side" either side."""
    return frozenset(view for view in VIEWS if view.split("_")[0] in words)


def _rendered(folder: Path, row: dict[str, str]) -> Clip:
    name = row["clip"]
    truth: dict[str, Any] = json.loads(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))
    exercise = CATALOGUE.get(truth["exercise"])
    held = exercise is not None and exercise.movement.held
    azimuth = truth["camera"]["azimuth"] * (-1 if "mirror" in truth["nuisances"] else 1)
    return Clip(
        path=folder / f"{name}.mp4",
        exercise=truth["exercise"],
        besides=None,
        counts=frozenset() if held else frozenset([len(truth["reps"])]),
        hold_s=truth["hold_s"] if held else None,
        views=frozenset([name_view((azimuth + 180) % 360 - 180)]),
        truth=truth,
    )
