"""From motion to advice.

    review.py    judges a motion; examination.py is what it hands to the pictures
    write.py     writes report, pictures and video
    exercises/   one data file for each exercise
    checks/      measures, checks, verdicts
    report/      the report: its schema, score, statistics, sentences
    reference/   what a reference video teaches and how a video differs from it
    pictures/    pictures of repetitions, the graph, the annotated video
    words/       every word that a user reads, in each language

The names below are loaded at their first use: `import feedback` costs nothing.
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
