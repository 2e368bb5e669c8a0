"""The score, 0 to 100.

A repetition starts at 100. Every major fault takes 25 and up to 15 more the further it is beyond its threshold (all 15 at
twice the step from `clear` to `threshold`), every minor fault 5 and up to 5 more. The set's score is the mean of its
repetitions. A hold's score is the share of its time without a major fault, in per cent, less each minor fault's deduction.
Where no check for a major fault could be made, there is no score: pace alone says nothing of form.
"""

from collections.abc import Iterable, Sequence

from feedback.judgement import Finding

DEDUCTIONS = {"major": (25.0, 15.0), "minor": (5.0, 5.0)}
"""Severity: what a fault takes off at its threshold, and how much more at most."""


def deduction(fault: Finding) -> float:
    """What one fault takes off a repetition."""
    least, more = DEDUCTIONS[fault.check.severity]
    return least + more * min(fault.excess / 2, 1)


def rep_score(findings: Iterable[Finding]) -> int | None:
    """The score of one repetition from all its findings; None when its form was not judged."""
    judged = list(findings)
    if not _form_judged(judged):
        return None
    return round(max(0.0, 100 - sum(deduction(finding) for finding in judged if finding.fault)))


def set_score(rep_scores: Sequence[int | None]) -> int | None:
    """The score of a set from those of its repetitions."""
    known = [score for score in rep_scores if score is not None]
    return round(sum(known) / len(known)) if known else None


def hold_score(duration_s: float, good_s: float, findings: Sequence[Finding]) -> int | None:
    """The score of a hold."""
    if not _form_judged(findings) or duration_s <= 0:
        return None
    minor = sum(deduction(finding) for finding in findings if finding.fault and finding.check.severity == "minor")
    return round(max(0.0, 100 * good_s / duration_s - minor))


def _form_judged(findings: Iterable[Finding]) -> bool:
    return any(finding.check.severity == "major" for finding in findings)
