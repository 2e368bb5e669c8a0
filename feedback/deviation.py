"""Where a repetition falls short of the reference when the reference is the exercise: `deviates` faults."""

from collections.abc import Sequence
from dataclasses import replace

from feedback.catalogue import Check
from feedback.judgement import Finding
from feedback.learning import End, Learned, check_of
from feedback.words import N_, Words

DEVIATES = "deviates"

Deviations = dict[str, tuple[Check, End]]
"""The checks of a reference by their titles, with what each compares."""

TITLES = {
    ("knee", True): N_("Knees bent less than the reference's"),
    ("knee", False): N_("Knees straightened less than the reference's"),
    ("hip", True): N_("Hips bent less than the reference's"),
    ("hip", False): N_("Hips straightened less than the reference's"),
    ("elbow", True): N_("Elbows bent less than the reference's"),
    ("elbow", False): N_("Elbows straightened less than the reference's"),
    ("shoulder", True): N_("Arms brought back less than the reference's"),
    ("shoulder", False): N_("Arms raised less than the reference's"),
}
"""By joint, and whether it bends."""

AT_PEAK = {
    True: N_("Repetition {n} ended {degrees} short of the reference at the turning point: go all the way."),
    False: N_("Repetition {n} came back {degrees} less than the reference: return all the way."),
}


def deviation_checks(learned: Learned, words: Words) -> Deviations:
    """A check for each end of each joint that moves in the reference, by its title, which no other has.

    Args:
        learned: what the reference teaches.
        words: the job's language.
    """
    checks: Deviations = {}
    for end in learned.ends:
        title = words(TITLES[end.joint, end.bends])
        advice = words(AT_PEAK[end.at_peak], n="", degrees="")
        checks[title] = (check_of(end, id_=DEVIATES, views=learned.views, title=title, advice=advice), end)
    return checks


def with_amounts(checks: Deviations, findings: Sequence[Finding], words: Words) -> tuple[list[Check], list[Finding]]:
    """The checks and findings with advice that says in which repetition most was missing, and how much."""
    told: dict[str, Check] = {}
    for title, (check, end) in checks.items():
        worst = max(
            (finding for finding in findings if finding.check is check and finding.fault),
            key=lambda finding: finding.excess,
            default=None,
        )
        if worst is None or worst.repetition is None:
            told[title] = check
            continue
        degrees = words.quantity(round(abs(worst.value - end.angle)), "deg")
        advice = words(AT_PEAK[end.at_peak], n=words.number(worst.repetition), degrees=degrees)
        told[title] = check.model_copy(update={"advice": advice})
    return list(told.values()), [replace(finding, check=told[finding.check.title]) for finding in findings]
