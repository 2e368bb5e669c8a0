"""Faults with the id `deviates`: a repetition falls short of the reference. They exist if the exercise is `reference`."""

from collections.abc import Sequence
from dataclasses import replace

from feedback.checks.catalogue import Check
from feedback.checks.judgement import Finding
from feedback.reference.learning import End, Learned, check_of
from feedback.words import N_, Words

DEVIATES = "deviates"

BODY = 10.0
"""Degrees by which all repetitions may fall short because the bodies, or the pose model's errors with them, differ."""

Deviations = dict[str, tuple[Check, End]]
"""The checks of a reference by title, each with the end of the joint's range that it compares."""


def deviation_checks(learned: Learned) -> Deviations:
    """A check for each end of the range of each joint that moves in the reference, by its title; titles are unique."""
    checks = [(check_of(end, id_=DEVIATES, views=learned.views), end) for end in learned.ends]
    return {check.title: (check, end) for check, end in checks}


def fit_to_person(checks: Deviations, findings: Sequence[Finding]) -> Deviations:
    """Move the limits of the checks by the amount that even the person's best repetition lacks.

    If all repetitions fall short by up to `BODY`, the body may be the reason. If one falls short of the others, that is a
    fault. For a joint that does not drive the movement, such as the elbow in a sit-up, the limit is moved by the whole amount.

    Args:
        checks: the result of `deviation_checks`.
        findings: the findings of these checks in all repetitions.
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
    """Add to each check's advice which repetition fell short most, and by how much."""
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
