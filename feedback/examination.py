"""The results of examining one video. Report, pictures, graph and annotated video are made from them."""

from dataclasses import dataclass

from feedback.checks.catalogue import Exercise
from feedback.checks.judgement import Finding
from feedback.report.schema import Report, SetReport
from feedback.words import Words
from pose.motion import Motion
from pose.movements.comparison import Comparison
from pose.movements.repetitions import Hold, Repetition
from pose.movements.signals import Signals
from pose.movements.view import View


@dataclass(frozen=True)
class ExaminedSet:
    """One set.

    Attributes:
        motion: the cleaned motion around the set. The sample numbers of repetitions and findings refer to it.
        reference: the cleaned motion of the reference; None without a reference.
        comparison: the comparison of `motion` with `reference`; None without a reference or if nothing could be compared.
        exercise: the exercise that was judged.
        view: the camera's view of the person.
        signals: the named signals of `motion`, angles in degrees.
        repetitions: the repetitions in order; empty for a hold.
        hold: the hold; None for repetitions.
        judged: all findings, with and without fault, in the order of the exercise's checks, then of the repetitions. A finding
            without fault has a value, a time and landmarks too, so that a good repetition can be shown with its angle.
        words: the words of the job's language.
        report: the part of the report about the set.
        alone: whether the set is the only one of the video.
    """

    motion: Motion
    reference: Motion | None
    comparison: Comparison | None
    exercise: Exercise
    view: View
    signals: Signals
    repetitions: tuple[Repetition, ...]
    hold: Hold | None
    judged: tuple[Finding, ...]
    words: Words
    report: SetReport
    alone: bool

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings with a fault, in the order of the report: the fault to change first comes first."""
        order = {fault.id: number for number, fault in enumerate(self.report.faults)}
        return tuple(sorted((finding for finding in self.judged if finding.fault), key=lambda finding: order[finding.check.id]))

    def of_repetition(self, index: int) -> tuple[Finding, ...]:
        """All findings of one repetition; its index starts at 1."""
        return tuple(finding for finding in self.judged if finding.repetition == index)


@dataclass(frozen=True)
class Examination:
    """The result of `feedback.review.examine`.

    Attributes:
        motion: the cleaned motion of the whole video.
        as_read: the same samples before the cleaning, whose landmarks lie on the person in each frame.
        sets: at least one set, in order of time.
        main: the longest set.
        words: the words of the job's language.
        report: the report to publish.
    """

    motion: Motion
    as_read: Motion
    sets: tuple[ExaminedSet, ...]
    main: ExaminedSet
    words: Words
    report: Report
