"""From motion to advice.

    review.py    judges a motion; the result is an examination (examination.py), from which report and pictures are made
    write.py     writes report, pictures and video
    exercises/   one data file for each exercise
    checks/      what is measured, and when a value is a fault
    report/      the report: its schema, score, statistics, sentences
    reference/   an exercise learned from a reference video; how a video differs from the reference
    pictures/    pictures of repetitions, the graph, the annotated video
    words/       every word that a user reads, in each language

The names below are loaded when they are first used, so `import feedback` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedback.examination import Examination
    from feedback.report.schema import Report
    from feedback.review import examine, review

__all__ = ["Examination", "Report", "examine", "review"]

_HOMES = {
    "Examination": "feedback.examination",
    "Report": "feedback.report.schema",
    "examine": "feedback.review",
    "review": "feedback.review",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'feedback' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the import has put the module `review` there
    return value
