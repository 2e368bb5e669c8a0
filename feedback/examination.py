"""Everything that was found out about one video: what report, pictures, graph and video are made from."""

from dataclasses import dataclass

from feedback.catalogue import Exercise
from feedback.judgement import Finding
from feedback.report import Report, SetReport
from feedback.words import Words
from pose.comparison import Comparison
from pose.motion import Motion
from pose.repetitions import Hold, Repetition
from pose.signals import Signals
from pose.view import View


@dataclass(frozen=True)
class ExaminedSet:
    """One set.

    Attributes:
        motion: the cleaned motion around the set; sample numbers of repetitions and findings count in it.
        reference: the cleaned motion of the reference, if the set was compared with one.
        comparison: of `motion` with it; None without one or where there was nothing to compare.
        exercise: what was judged.
        view: from where the camera looks.
        signals: the named signals of `motion`, angles in degrees.
        repetitions: in order; empty for a hold.
        hold: the held stretch, else None.
        judged: every verdict, faulty or not, in the order of the exercise's checks, then of the repetitions. One without fault
            has a value, a moment and landmarks too, so that a good repetition can be shown with its angle.
        words: the job's language.
        report: what is published about it.
        alone: whether it is the only set of the video.
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
        """The faults, the first to change first: as in the report."""
        order = {fault.id: number for number, fault in enumerate(self.report.faults)}
        return tuple(sorted((finding for finding in self.judged if finding.fault), key=lambda finding: order[finding.check.id]))

    def of_repetition(self, index: int) -> tuple[Finding, ...]:
        """All verdicts on one repetition, by its index from 1."""
        return tuple(finding for finding in self.judged if finding.repetition == index)


@dataclass(frozen=True)
class Examination:
    """The result of `feedback.review.examine`.

    Attributes:
        motion: the cleaned motion of the whole video.
        sets: in order of time; at least one.
        main: the one of them that lasted longest.
        words: the job's language.
        report: what is published.
    """

    motion: Motion
    sets: tuple[ExaminedSet, ...]
    main: ExaminedSet
    words: Words
    report: Report
