"""The score, 0 to 100.

A repetition starts at 100. Each major fault takes 25, and up to 15 more with its distance from the threshold (all 15 at twice
the step from `clear` to `threshold`). Each minor fault takes 5, and up to 5 more.

The score of a set is the mean of its repetitions. The score of a hold is the share of its time without a major fault, in per
cent, minus the deduction of each minor fault.

If no check for a major fault could be made, there is no score, because pace alone does not show the form. If not all main
checks could be made, the score is at most `PARTLY_SEEN`, because there may be a fault that was not seen.
"""

from collections.abc import Iterable, Sequence

from feedback.checks.judgement import Finding

DEDUCTIONS = {"major": (25.0, 15.0), "minor": (5.0, 5.0)}
"""By severity: the deduction of a fault at its threshold, and the largest additional deduction."""


PARTLY_SEEN = 95
"""The highest score of a set of which the main checks could not be made."""


def deduction(fault: Finding) -> float:
    """The deduction of one fault from a repetition's score."""
    least, more = DEDUCTIONS[fault.check.severity]
    return least + more * min(fault.excess / 2, 1)


def rep_score(findings: Iterable[Finding]) -> int | None:
    """The score of one repetition from all its findings; None if its form was not judged."""
    judged = list(findings)
    if not form_judged(judged):
        return None
    return round(max(0.0, 100 - sum(deduction(finding) for finding in judged if finding.fault)))


def set_score(rep_scores: Sequence[int | None], *, main_checks_made: bool) -> int | None:
    """The score of a set from the scores of its repetitions; None if no form was judged."""
    known = [score for score in rep_scores if score is not None]
    return min(round(sum(known) / len(known)), _best(main_checks_made)) if known else None


def _best(main_checks_made: bool) -> int:
    return 100 if main_checks_made else PARTLY_SEEN


def hold_score(duration_s: float, good_s: float, findings: Sequence[Finding], *, main_checks_made: bool) -> int | None:
    """The score of a hold; None if its form was not judged."""
    if not form_judged(findings) or duration_s <= 0:
        return None
    minor = sum(deduction(finding) for finding in findings if finding.fault and finding.check.severity == "minor")
    return min(round(max(0.0, 100 * good_s / duration_s - minor)), _best(main_checks_made))


def form_judged(findings: Iterable[Finding]) -> bool:
    """Whether a check for a major fault was made."""
    return any(finding.check.severity == "major" for finding in findings)
