"""Where a repetition falls short of the reference when the reference is the exercise: `deviates` faults."""

from collections.abc import Sequence
from dataclasses import replace

from feedback.checks.catalogue import Check
from feedback.checks.judgement import Finding
from feedback.reference.learning import End, Learned, check_of
from feedback.words import N_, Words

DEVIATES = "deviates"

BODY = 10.0
"""Degrees that another body, or the pose model's error with it, takes from all repetitions alike."""

Deviations = dict[str, tuple[Check, End]]
"""The checks of a reference by their titles, with what each compares."""


def deviation_checks(learned: Learned) -> Deviations:
    """A check for each end of each joint that moves in the reference, by its title, which no other has."""
    checks = [(check_of(end, id_=DEVIATES, views=learned.views), end) for end in learned.ends]
    return {check.title: (check, end) for check, end in checks}


def fit_to_person(checks: Deviations, findings: Sequence[Finding]) -> Deviations:
    """The same checks with limits that forgive what the person's best repetition lacks, too.

    What all repetitions lack, up to `BODY`, may be the body; what one of them lacks beside the others is a fault. A joint that
    only swings along, such as an elbow in a sit-up, is held as the person likes.

    Args:
        checks: as `deviation_checks` gives them.
        findings: what these found in all repetitions.
    """
    fitted: Deviations = {}
    for title, (check, end) in checks.items():
        values = [finding.value for finding in findings if finding.check is check]
        best = (min if check.above else max)(values, default=end.angle)
        towards = 1 if check.above else -1
        lacking = max(0.0, (best - end.angle) * towards)
        shift = towards * (min(BODY, lacking) if end.drives else lacking)
        limits = {"threshold": check.threshold + shift, "clear": check.clear + shift}
        fitted[title] = (check.model_copy(update=limits), end)
    return fitted


def with_amounts(checks: Deviations, findings: Sequence[Finding], words: Words) -> tuple[list[Check], list[Finding]]:
    """The checks and findings with advice that says in which repetition most was missing, and how much."""
    told: dict[str, Check] = {}
    for title, (check, end) in checks.items():
        worst = max(
            (finding for finding in findings if finding.check is check and finding.fault),
            key=lambda finding: finding.excess,
            default=None,
        )
        told[title] = check
        if worst is not None and worst.repetition is not None:
            degrees = words.quantity(round(abs(worst.value - end.angle)), "deg")
            amount = words(
                N_("Repetition {n} was {degrees} short of the reference."), n=words.number(worst.repetition), degrees=degrees
            )
            told[title] = check.model_copy(update={"advice": f"{words(check.advice)} {amount}"})
    return list(told.values()), [replace(finding, check=told[finding.check.title]) for finding in findings]
