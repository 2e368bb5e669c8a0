"""From motion to advice.

The names below are loaded at their first use: `import feedback` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedback.examination import Examination
    from feedback.report import Report
    from feedback.review import examine, review

__all__ = ["Examination", "Report", "examine", "review"]

_HOMES = {
    "Examination": "feedback.examination",
    "Report": "feedback.report",
    "examine": "feedback.review",
    "review": "feedback.review",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'feedback' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the import has put the module `review` there
    return value
