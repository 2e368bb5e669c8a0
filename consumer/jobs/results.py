"""The results of a finished analysis: the document's `result`, and the files to upload with their object paths."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.jobs.document import REPORT_FILES, Job
from consumer.jobs.paths import LegacyVideo

CONTENT_TYPES = {".json": "application/json", ".png": "image/png", ".mp4": "video/mp4"}

_LEGACY_SUBSTITUTES = {"worst1": ("worst1", "best", "graph"), "worst2": ("worst2", "worst1", "best", "graph")}
"""Kind of file to the kinds that may stand in for it, best first. The older app needs four files; a set with one repetition, or
a plank, has fewer pictures, so one is uploaded twice."""


@dataclass(frozen=True)
class Publication:
    """A file and the object path to upload it to. `shared` if other attempts write to the same path."""

    file: Path
    path: str
    shared: bool = False

    @property
    def cache_control(self) -> str:
        """The Cache-Control header. An object that only one attempt writes never changes, so clients may keep it."""
        return "private, no-cache" if self.shared else "private, max-age=31536000, immutable"

    @property
    def content_type(self) -> str:
        """The Content-Type header."""
        return CONTENT_TYPES[self.file.suffix]


def publications(prefix: str, files: Iterable[Path]) -> list[Publication]:
    """Results and their paths below the prefix. The report comes last: it names files that must exist before it."""
    known = set(REPORT_FILES.values())
    ordered = sorted((file for file in files if file.name in known), key=lambda file: file.name == REPORT_FILES["report"])
    return [Publication(file, prefix + file.name) for file in ordered]


def legacy_publications(job: Job, files: Iterable[Path]) -> Iterator[Publication]:
    """For a job that the shim wrote: the results at the paths where the older app expects them. Nothing for other jobs."""
    if job.origin != "shim":
        return
    by_name = {file.name: file for file in files}
    for kind, path in LegacyVideo.of_video(job.video).results.items():
        for substitute in _LEGACY_SUBSTITUTES.get(kind, (kind,)):
            file = by_name.get(REPORT_FILES[substitute])
            if file is not None:
                yield Publication(file, path, shared=True)
                break


def result_of(report: Mapping[str, Any], published: Iterable[Publication]) -> dict[str, Any]:
    """The document's `result`. A field without a value is None."""
    paths = {publication.file.name: publication.path for publication in published}
    return {
        "exercise": report["exercise"]["id"],
        "reps": report["reps"]["total"],
        "goodReps": report["reps"]["good"],
        "hold": report["hold"],
        "score": report["score"],
        "range": _range_of(report),
        "summary": report["summary"],
        "faults": _faults_of(report),
        "sets": [_set_of(each) for each in report["sets"]],
        "files": {kind: paths.get(name) for kind, name in REPORT_FILES.items()},
        "warnings": [],
    }


def _set_of(one: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("index", "exercise", "startS", "endS", "reps", "goodReps", "hold", "score")
    return {**{key: one[key] for key in shown}, "range": _range_of(one), "faults": _faults_of(one)}


def _range_of(part: Mapping[str, Any]) -> float | None:
    """Median range of motion in degrees; None for a hold."""
    found = part["statistics"]["rangeOfMotion"]
    return None if found is None else found["value"]


def _faults_of(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{key: fault[key] for key in ("id", "title", "advice", "reps")} for fault in part["faults"]]


def read_report(files: Iterable[Path]) -> dict[str, Any]:
    """The report among the files."""
    report: dict[str, Any] = json.loads(next(file for file in files if file.name == REPORT_FILES["report"]).read_bytes())
    return report
